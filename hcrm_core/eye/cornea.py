"""The cornea's curvature in D and mm, and the ratio of axial length to it.

A power in D is a radius seen through a device's keratometric index: 337.5 / r for most devices (1.3375), 332 / r or
336 / r for some. Values of two indices are not comparable before they are brought to one (reference pack §3, §4.12).
"""

from decimal import Decimal

from hcrm_core.eye.percentiles import Refused

STANDARD_INDEX = Decimal("1.3375")
INDICES = (STANDARD_INDEX, Decimal("1.336"), Decimal("1.332"))
_HUNDREDTH, _THOUSANDTH = Decimal("0.01"), Decimal("0.001")


def mean_power(k1: Decimal | None, *, k2: Decimal | None) -> Decimal | None:
    """Mean of two powers, D to 0.01; unknown without both. The radius of it is not the mean of the radii (§4.12)."""
    return None if k1 is None or k2 is None else ((k1 + k2) / 2).quantize(_HUNDREDTH)


def radius_mm(power: Decimal, *, index: Decimal = STANDARD_INDEX) -> Decimal:
    """Radius of curvature of a corneal power, mm to 0.001."""
    return (_dividend(index) / power).quantize(_THOUSANDTH)


def corneal_power(radius: Decimal, *, index: Decimal = STANDARD_INDEX) -> Decimal:
    """Corneal power of a radius in mm, D to 0.01."""
    return (_dividend(index) / radius).quantize(_HUNDREDTH)


def to_standard_index(power: Decimal, *, index: Decimal) -> Decimal:
    """The power that a device of index 1.3375 shows for the same cornea, D to 0.01."""
    return (power * _dividend(STANDARD_INDEX) / _dividend(index)).quantize(_HUNDREDTH)


def axial_to_corneal(
    axial_length_mm: Decimal | None, *, k1: Decimal | None, k2: Decimal | None, under_ok: bool
) -> Decimal | Refused:
    """AL/CR: axial length over the corneal radius of the mean power, both in mm, to 0.01 (Chen 2025, Mu 2022).

    Args:
        under_ok: an OK lens is worn or has not been left off for long: it flattens the cornea and makes the ratio
            meaningless (reference pack §4.2).

    Returns:
        Refused as ``length_unknown``, ``k_unknown`` or ``ok_wear``.
    """
    if under_ok:
        return Refused(code="ok_wear")
    if axial_length_mm is None:
        return Refused(code="length_unknown")
    if k1 is None or k2 is None:
        return Refused(code="k_unknown")
    return (axial_length_mm * (k1 + k2) / 2 / _dividend(STANDARD_INDEX)).quantize(_HUNDREDTH)


def _dividend(index: Decimal) -> Decimal:
    return (index - 1) * 1000
