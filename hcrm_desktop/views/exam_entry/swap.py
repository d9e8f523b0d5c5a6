"""Right and left exchanged: told from what the same eyes measured last time. No Qt, no words."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from hcrm_core.errors import Problem, Severity
from hcrm_core.facts.growth import REPEATABILITY_MM
from hcrm_core.record import ExamRecord
from hcrm_core.terms import Eye
from hcrm_desktop.cache.rows import EyeRow

# Operational default: an eye must be nearer to its fellow's last length by twice what repeating a measurement yields
# (±0.06 mm, clinical reference pack §4.4), so that two eyes that are alike never ask.
NEARER_MM = 2 * REPEATABILITY_MM
FIELD = "axial_length_mm"  # the one value that neither lens nor drops change


def swap_problems(eyes: Mapping[Eye, EyeRow], *, previous: ExamRecord | None) -> Iterator[Problem]:
    """A WARNING if both eyes continue what the other eye measured last time, and not their own."""
    if previous is None or previous.od is None or previous.os is None:
        return
    before = {Eye.OD: previous.od.axial_length_mm, Eye.OS: previous.os.axial_length_mm}
    now = {eye: row.axial_length_mm for eye, row in eyes.items()}
    if all(_is_nearer(now.get(eye), own=before[eye], fellow=before[_fellow(eye)]) for eye in Eye):
        yield Problem(code="eyes_swapped", field=FIELD, severity=Severity.WARNING)


def _is_nearer(length: Decimal | None, *, own: Decimal | None, fellow: Decimal | None) -> bool:
    """Whether a length is clearly nearer to the fellow eye's than to its own."""
    if length is None or own is None or fellow is None:
        return False
    return abs(length - own) - abs(length - fellow) >= NEARER_MM


def _fellow(eye: Eye) -> Eye:
    return Eye.OS if eye is Eye.OD else Eye.OD
