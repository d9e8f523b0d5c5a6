"""What follows from the values of one eye on one day, or why it does not."""

from dataclasses import dataclass
from decimal import Decimal

from hcrm_core.eye.cornea import STANDARD_INDEX, axial_to_corneal, mean_power, radius_mm
from hcrm_core.eye.percentiles import Refused
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.eye.refraction import PowerVector, Refraction, power_vector
from hcrm_core.facts.comparability import ok_influence
from hcrm_core.record import ExamRecord
from hcrm_core.terms import Eye


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Values that follow from others; None where one of those is unknown.

    Attributes:
        vector: the refraction as powers that may be added (reference pack §4.9).
        mean_power: of the cornea, D by `index`.
        mean_radius: the radius of that power, mm.
        index: the keratometric index that powers are taken to be of; which one a device has is not recorded.
        ratio: AL/CR; refused as ``ok_wear`` (§4.2), ``lens_unknown``, ``length_unknown`` or ``k_unknown``.
    """

    vector: PowerVector | None
    mean_power: Decimal | None
    mean_radius: Decimal | None
    index: Decimal
    ratio: Decimal | Refused


def derived(exam: ExamRecord, *, eye: Eye) -> Derived:
    """Everything that follows from one eye of an examination."""
    values = (exam.od if eye is Eye.OD else exam.os) or EyeValues(eye=eye)
    mean = mean_power(values.k1, k2=values.k2)
    return Derived(
        vector=_vector(values),
        mean_power=mean,
        mean_radius=None if mean is None else radius_mm(mean),
        index=STANDARD_INDEX,
        ratio=_ratio(values, under_ok=ok_influence(exam.lens_state, washout_days=exam.washout_days)),
    )


def _vector(values: EyeValues) -> PowerVector | None:
    if values.sphere is None:
        return None
    return power_vector(Refraction(sphere=values.sphere, cylinder=values.cylinder, axis=values.axis))


def _ratio(values: EyeValues, *, under_ok: bool | None) -> Decimal | Refused:
    """Not told either where an OK lens may be worn unsaid: a ratio of a flattened cornea would look healthy."""
    if under_ok is None:
        return Refused(code="lens_unknown")
    return axial_to_corneal(values.axial_length_mm, k1=values.k1, k2=values.k2, under_ok=under_ok)
