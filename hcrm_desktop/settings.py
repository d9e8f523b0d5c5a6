"""What this workstation remembers of its user's wishes. No secret and no patient data: the file is plain JSON."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Wishes, each with its default.

    Attributes:
        server_url: address of the centre.
        last_username: offered at the next sign-in.
        theme: "light", "dark" or "system".
        touch: larger targets and text.
        clinic_url: the clinic's own address, as a code on parents' reports; "" prints the report's number instead.
        reference: name and version of the percentiles to show, e.g. "Wuhan 2022 v1"; "" shows what ships.
    """

    server_url: str = "http://127.0.0.1:8765"
    last_username: str = ""
    theme: str = "system"
    touch: bool = False
    reference: str = ""
    clinic_url: str = ""


def load_settings(path: Path) -> Settings:
    """The kept wishes. What is missing, unknown or damaged takes its default: wishes must not stop the work."""
    try:
        kept: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        _log.warning("settings are unreadable (%s): defaults are used", type(error).__name__)
        return Settings()
    defaults = asdict(Settings())
    known = kept.items() if isinstance(kept, dict) else ()
    usable: dict[str, Any] = {k: v for k, v in known if k in defaults and type(v) is type(defaults[k])}
    return Settings(**usable)


def save_settings(path: Path, settings: Settings) -> None:
    """Keep the wishes; a crash leaves the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".new")
    half.write_text(json.dumps(asdict(settings), indent=2), encoding="utf-8")
    half.replace(path)
