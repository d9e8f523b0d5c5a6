"""How a person wants the charts: which projection is shown and which charts are folded. No patient data."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hcrm_core.curves.picture import Quantity
from hcrm_core.terms import Eye

FILE = "charts.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartWishes:
    """Wishes.

    Attributes:
        projected: the eye whose projection is shown; None, as at first, for none.
        folded: charts of which only the title is shown; None until a person has folded or unfolded one.
    """

    projected: Eye | None = None
    folded: tuple[Quantity, ...] | None = None


def load_wishes(folder: Path) -> ChartWishes:
    """The kept wishes; what is missing or damaged takes its default: wishes must not stop the work."""
    try:
        kept: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        projected = Eye(kept["projected"]) if kept["projected"] else None
        folded = kept["folded"]
        return ChartWishes(
            projected=projected, folded=None if folded is None else tuple(Quantity(one) for one in folded)
        )
    except FileNotFoundError:
        return ChartWishes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("wishes for charts are unreadable (%s): defaults are used", type(error).__name__)
        return ChartWishes()


def save_wishes(folder: Path, *, wishes: ChartWishes) -> None:
    """Keep the wishes; a crash leaves the old file or the new one, never half of one."""
    half = (folder / FILE).with_suffix(".new")
    half.write_text(json.dumps(asdict(wishes)), encoding="utf-8")
    half.replace(folder / FILE)
