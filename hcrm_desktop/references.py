"""The published tables that a record is held against, for views, which do not see the store.

A clinic may lay tables of its own into the profile's folder `references/`; which one is shown is a wish
(`Settings.reference`). They are read when the profile is opened and when another one is chosen.
"""

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hcrm_core.errors import Problem
from hcrm_core.eye.percentiles import AxialLengthReference
from hcrm_core.eye.references import References
from hcrm_desktop.paths import settings_file
from hcrm_desktop.settings import load_settings, save_settings
from hcrm_store.references import LaidFile, laid_files, references_with
from hcrm_store.references import references as shipped

__all__ = [
    "FOLDER",
    "LaidFile",
    "Offer",
    "References",
    "choose_reference",
    "listing",
    "offer",
    "references",
    "use_references",
]

FOLDER = "references"  # in the profile
_log = logging.getLogger(__name__)
_shown: dict[str, References] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What may be chosen.

    Attributes:
        tables: the shipped one first.
        shown: the label of the one that is shown.
        faulty: files of the folder that are not used, with what is wrong.
    """

    tables: tuple[AxialLengthReference, ...]
    shown: str
    faulty: tuple[LaidFile, ...]


def references() -> References:
    """What the profile shows; before it is opened, what ships."""
    return _shown.get(FOLDER) or shipped()


def use_references(folder: Path, *, chosen: str) -> References:
    """Read a profile's folder and show the chosen table from now on. Faulty files are logged and left out."""
    for one in laid_files(folder):
        for problem in one.problems:
            _log.warning("%s is not used: %s at %s", one.name, problem.code, problem.field)
    _shown[FOLDER] = references_with(folder, chosen=chosen)
    return _shown[FOLDER]


def offer(profile: Path) -> Offer:
    """What a profile's folder holds now."""
    found = references_with(profile / FOLDER, chosen=references().axial_length.label)
    faulty = tuple(one for one in laid_files(profile / FOLDER) if one.problems)
    return Offer(tables=found.available, shown=references().axial_length.label, faulty=faulty)


def choose_reference(profile: Path, *, label: str) -> References:
    """Show a table from now on, also after a restart. The shipped one is kept as no wish."""
    path = settings_file(profile)
    wish = "" if label == shipped().axial_length.label else label
    save_settings(path, dataclasses.replace(load_settings(path), reference=wish))
    return use_references(profile / FOLDER, chosen=wish)


def listing(folder: Path, *, chosen: str) -> Iterator[str]:
    """Every table that may be chosen with its source, then every faulty file with what is wrong, line by line."""
    found = references_with(folder, chosen=chosen)
    for table in found.available:
        mark = "*" if table == found.axial_length else " "
        yield f"{mark} {table.label}: {table.citation}"
    for one in laid_files(folder):
        yield from (f"! {one.name}: {_told(problem)}" for problem in one.problems)


def _told(problem: Problem) -> str:
    seen = ", ".join(f"{name} {value}" for name, value in problem.parameters.items())
    return f"{problem.field}: {problem.code}" + (f" ({seen})" if seen else "")
