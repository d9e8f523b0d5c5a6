"""How a manager wants the rule page laid out. No patient data."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "rules.json"
PARTS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLayout:
    """Wishes.

    Attributes:
        widths: of the three parts, left to right, in pixels; empty for what the page finds right.
        panel: which one is open at the right, "" for none; None until a person has chosen.
        properties: whether the rule's properties are unfolded.
    """

    widths: tuple[int, ...] = ()
    panel: str | None = None
    properties: bool = False


def load_layout(folder: Path) -> PageLayout:
    """The kept wishes; what is missing or damaged takes its default."""
    try:
        kept: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        widths = tuple(int(width) for width in kept["widths"])
        return PageLayout(
            widths=widths if len(widths) == PARTS else (), panel=kept["panel"], properties=bool(kept["properties"])
        )
    except FileNotFoundError:
        return PageLayout()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("wishes for the rule page are unreadable (%s): defaults are used", type(error).__name__)
        return PageLayout()


def save_layout(folder: Path, *, layout: PageLayout) -> None:
    """Keep the wishes; a crash leaves the old file or the new one, never half of one."""
    half = (folder / FILE).with_suffix(".new")
    half.write_text(json.dumps(asdict(layout)), encoding="utf-8")
    half.replace(folder / FILE)
