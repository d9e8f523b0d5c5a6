"""Why the refractions of two examinations of an eye may not be compared, in words that a person can check.

The series of `growth.refraction_readings` decides who is compared; this says why (a test holds the two together).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hcrm_core.facts.growth import WASHOUT_DAYS, MeasurementInput
from hcrm_core.terms import ExamStatus, LensState, RefractionMethod


class Obstacle(StrEnum):
    """What stands against a comparison (reference pack §4.1, §4.2, §4.11, §4.15)."""

    NOT_VALID = "not_valid"  # void or superseded
    NOT_MEASURED = "not_measured"  # no sphere, or no cylinder: the equivalent is unknown
    LENS_POWER = "lens_power"  # a dispensed power is no refraction
    OK_WEAR = "ok_wear"  # an OK lens still shapes the cornea
    METHOD_UNKNOWN = "method_unknown"
    METHOD_DIFFERS = "method_differs"
    CYCLOPLEGIA_UNKNOWN = "cycloplegia_unknown"
    CYCLOPLEGIA_DIFFERS = "cycloplegia_differs"
    LENS_UNKNOWN = "lens_unknown"
    LENS_DIFFERS = "lens_differs"  # soft lens against none


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparability:
    """Whether two refractions of one eye may be compared: they may exactly when nothing stands against it."""

    obstacles: tuple[Obstacle, ...]

    @property
    def comparable(self) -> bool:
        return not self.obstacles


def comparability(one: MeasurementInput, other: MeasurementInput, *, washout_days: int = WASHOUT_DAYS) -> Comparability:
    """Everything that stands against comparing the refractions of one eye on two days."""
    found = [*_of_each(one, washout_days=washout_days), *_of_each(other, washout_days=washout_days)]
    found += _of_both(one, other)
    return Comparability(obstacles=tuple(dict.fromkeys(found)))


def ok_influence(lens_state: LensState, *, washout_days: int | None, least_days: int = WASHOUT_DAYS) -> bool | None:
    """Whether an OK lens shapes the cornea, worn or left off for less than `least_days`; None if nobody knows what is
    worn."""
    if lens_state is LensState.UNKNOWN:
        return None
    stopped = lens_state is LensState.OK_WASHOUT and (washout_days or 0) < least_days
    return lens_state is LensState.OK_LENS or stopped


def _of_each(one: MeasurementInput, *, washout_days: int) -> Iterator[Obstacle]:
    conditions = (
        (one.status is not ExamStatus.FINAL, Obstacle.NOT_VALID),
        (one.sphere is None or one.cylinder is None, Obstacle.NOT_MEASURED),
        (one.method is RefractionMethod.LENS_POWER, Obstacle.LENS_POWER),
        (_shaped(one, washout_days=washout_days), Obstacle.OK_WEAR),
        (one.method is RefractionMethod.UNKNOWN, Obstacle.METHOD_UNKNOWN),
        (one.cycloplegic is None, Obstacle.CYCLOPLEGIA_UNKNOWN),
        (one.lens_state is LensState.UNKNOWN, Obstacle.LENS_UNKNOWN),
    )
    return (obstacle for stands, obstacle in conditions if stands)


def _shaped(one: MeasurementInput, *, washout_days: int) -> bool:
    return bool(ok_influence(one.lens_state, washout_days=one.washout_days, least_days=washout_days))


def _of_both(one: MeasurementInput, other: MeasurementInput) -> Iterator[Obstacle]:
    known = RefractionMethod.UNKNOWN not in (one.method, other.method)
    if known and one.method is not other.method:
        yield Obstacle.METHOD_DIFFERS
    if None not in (one.cycloplegic, other.cycloplegic) and one.cycloplegic != other.cycloplegic:
        yield Obstacle.CYCLOPLEGIA_DIFFERS
    soft = {one.lens_state is LensState.SOFT_LENS, other.lens_state is LensState.SOFT_LENS}
    if len(soft) == 2 and LensState.UNKNOWN not in (one.lens_state, other.lens_state):
        yield Obstacle.LENS_DIFFERS
