"""Where the workstation keeps its files. Nothing is created here."""

import os
from pathlib import Path

import platformdirs

APP = "hcrm-desktop"


def default_profile() -> Path:
    """The profile folder: `HCRM_PROFILE`, or this user's data folder on this disk (a roaming one would be copied)."""
    given = os.environ.get("HCRM_PROFILE")
    return Path(given) if given else Path(platformdirs.user_data_dir(APP, appauthor=False)) / "default"


def settings_file(profile: Path) -> Path:
    return profile / "settings.json"


def log_file(profile: Path) -> Path:
    return profile / "logs" / "hcrm-desktop.log"
