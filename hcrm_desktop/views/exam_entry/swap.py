"""Right and left exchanged: told from what the same eyes measured last time. No Qt, no words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hcrm_core.errors import Problem, Severity
from hcrm_core.eye.cornea import mean_power
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.facts.comparability import ok_influence
from hcrm_core.facts.growth import REPEATABILITY_MM
from hcrm_core.record import ExamRecord
from hcrm_core.terms import Eye, LensState

# Operational defaults: each eye must be nearer to its fellow's last value than to its own by so much, so that two eyes
# that are alike never ask. Of lengths twice what repeating a measurement yields (±0.06 mm, reference pack §4.4); of
# powers twice the coarsest step that devices print (0.25 D, plausibility_ranges.csv): no repeatability is at hand.
NEARER_MM = 2 * REPEATABILITY_MM
NEARER_D = 2 * Decimal("0.25")

Pair = Mapping[Eye, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Both eyes, and what was worn when they were measured."""

    eyes: Mapping[Eye, EyeValues]
    lens_state: LensState
    washout_days: int | None

    @classmethod
    def of(cls, exam: ExamRecord) -> "Sitting":
        eyes = {values.eye: values for values in exam.eyes}
        return cls(eyes=eyes, lens_state=exam.lens_state, washout_days=exam.washout_days)


def swap_problems(now: Sitting, *, previous: ExamRecord | None) -> Iterator[Problem]:
    """A WARNING for each value that in both eyes continues what the other eye measured last time, and not their own."""
    if previous is None:
        return
    before = Sitting.of(previous)
    for field, measure, margin in _MEASURES:
        if _is_exchanged(measure(now), before=measure(before), margin=margin):
            yield Problem(code="eyes_swapped", field=field, severity=Severity.WARNING)


def _lengths(sitting: Sitting) -> Pair:
    """Neither lens nor drops change them."""
    return {eye: values.axial_length_mm for eye, values in sitting.eyes.items()}


def _powers(sitting: Sitting) -> Pair:
    """Mean powers of the cornea; nothing where an OK lens shapes it, or may do."""
    if ok_influence(sitting.lens_state, washout_days=sitting.washout_days) is not False:
        return {}
    return {eye: mean_power(values.k1, k2=values.k2) for eye, values in sitting.eyes.items()}


_MEASURES: tuple[tuple[str, Callable[[Sitting], Pair], Decimal], ...] = (
    ("axial_length_mm", _lengths, NEARER_MM),
    ("k1", _powers, NEARER_D),
)


def _is_exchanged(now: Pair, *, before: Pair, margin: Decimal) -> bool:
    """Whether each eye is nearer to its fellow's former value than to its own, by the margin."""
    fellows = ((Eye.OD, Eye.OS), (Eye.OS, Eye.OD))
    return all(
        _is_nearer(now.get(eye), own=before.get(eye), fellow=before.get(fellow), margin=margin)
        for eye, fellow in fellows
    )


def _is_nearer(value: Decimal | None, *, own: Decimal | None, fellow: Decimal | None, margin: Decimal) -> bool:
    if value is None or own is None or fellow is None:
        return False
    return abs(value - own) - abs(value - fellow) >= margin
