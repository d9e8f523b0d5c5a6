"""Where a workstation shows its display, and after which pause it turns neutral. No patient data."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "display.json"
IDLE_MINUTES = (1, 3, 5, 10)  # operational
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayWishes:
    """Wishes.

    Attributes:
        screen: the name of the screen; "" for whichever is not the workstation's own.
        idle_minutes: without a touch or a key of anybody.
    """

    screen: str = ""
    idle_minutes: int = 3


def load_wishes(folder: Path | None) -> DisplayWishes:
    """The kept wishes; what is missing or damaged takes its default: wishes must not stop the work."""
    if folder is None:
        return DisplayWishes()
    try:
        kept: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        minutes = int(kept["idle_minutes"])
        return DisplayWishes(screen=str(kept["screen"]), idle_minutes=minutes if minutes in IDLE_MINUTES else 3)
    except FileNotFoundError:
        return DisplayWishes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("wishes for the display are unreadable (%s): defaults are used", type(error).__name__)
        return DisplayWishes()


def save_wishes(folder: Path | None, *, wishes: DisplayWishes) -> None:
    """Keep the wishes; a crash leaves the old file or the new one, never half of one."""
    if folder is not None:
        half = (folder / FILE).with_suffix(".new")
        half.write_text(json.dumps(asdict(wishes)), encoding="utf-8")
        half.replace(folder / FILE)


def chosen(names: list[str], *, own: str, wished: str) -> str:
    """The screen to use: the wished one if it is there, else another than the workstation's own, else that one."""
    if wished in names:
        return wished
    return next((name for name in names if name != own), own)
