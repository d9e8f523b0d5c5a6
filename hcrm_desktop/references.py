"""The published tables that a record is held against, for views, which do not see the store.

A clinic may lay tables of its own into the profile's folder `references/`; which one is shown is a wish
(`Settings.reference`). They are read once, when the profile is opened.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from hcrm_core.errors import Problem
from hcrm_core.eye.references import References
from hcrm_store.references import laid_files, references_with
from hcrm_store.references import references as shipped

__all__ = ["FOLDER", "References", "listing", "references", "use_references"]

FOLDER = "references"  # in the profile
_log = logging.getLogger(__name__)
_shown: dict[str, References] = {}


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
