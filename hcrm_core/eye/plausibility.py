"""Whether measured values can be true: soft bounds ask, hard bounds refuse.

All checks run and all remarks come back together. Numbers: the reference pack's plausibility ranges (clinical §3), in
which the hard bounds are also the store's constraints.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal

from hcrm_core.errors import Problem, Severity
from hcrm_core.eye.acuity import LOW_VISION_CODES
from hcrm_core.eye.percentiles import AxialLengthReference, Refused
from hcrm_core.terms import Eye, Sex


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Outside `soft` is unusual, outside `hard` impossible. Both ends are allowed values."""

    soft: tuple[Decimal, Decimal]
    hard: tuple[Decimal, Decimal]
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeValues:
    """What was measured in one eye; None is unknown. Units as in hcrm_store.clinical."""

    eye: Eye
    ucva: Decimal | None = None
    bcva: Decimal | None = None
    sphere: Decimal | None = None
    cylinder: Decimal | None = None
    axis: int | None = None
    axial_length_mm: Decimal | None = None
    k1: Decimal | None = None
    k2: Decimal | None = None
    iop_mmhg: Decimal | None = None
    cct_um: int | None = None


def _bounds(soft: str, hard: str, unit: str) -> Bounds:
    low, high = soft.split()
    least, most = hard.split()
    return Bounds(soft=(Decimal(low), Decimal(high)), hard=(Decimal(least), Decimal(most)), unit=unit)


BOUNDS: dict[str, Bounds] = {
    "ucva": _bounds("4.0 5.2", "0 5.3", "5"),
    "bcva": _bounds("4.0 5.2", "0 5.3", "5"),
    "sphere": _bounds("-12 8", "-30 25", "D"),
    "cylinder": _bounds("-4 0", "-10 0", "D"),  # stored minus: a plus cylinder must be transposed first
    "axis": _bounds("1 180", "1 180", "°"),
    "axial_length_mm": _bounds("15 35", "15 35", "mm"),  # softly by age and sex: check_axial_length
    "k1": _bounds("39 48", "30 60", "D"),
    "k2": _bounds("39 48", "30 60", "D"),
    "iop_mmhg": _bounds("10 21", "3 60", "mmHg"),
    "cct_um": _bounds("480 620", "350 800", "µm"),
}
_DEGREES_IN_A_DIOPTER = 100


def check_eye(values: EyeValues) -> list[Problem]:
    """Everything implausible in one eye's values, each with the field `<eye>.<name>`."""
    return [*_ranges(values), *_acuity(values), *_astigmatism(values), *_cornea(values)]


def check_pair(right: EyeValues, *, left: EyeValues) -> list[Problem]:
    """Differences between the two eyes of one sitting that are rarely true.

    Axial lengths more than 0.5 mm apart warn and more than 3.0 mm are refused; IOP 5 mmHg apart or more, and corneal
    thickness more than 36 µm apart, are worth a look (plausibility_ranges.csv).
    """
    found = []
    length = _difference(right.axial_length_mm, left.axial_length_mm)
    if length > Decimal("0.5"):
        severity = Severity.ERROR if length > 3 else Severity.WARNING
        found.append(_remark("eyes_differ", "axial_length_mm", severity, seen=str(length), allowed="0.5", unit="mm"))
    if (pressure := _difference(right.iop_mmhg, left.iop_mmhg)) >= 5:
        found.append(_remark("eyes_differ", "iop_mmhg", Severity.HINT, seen=str(pressure), allowed="<5", unit="mmHg"))
    if (thickness := _difference(right.cct_um, left.cct_um)) > 36:
        found.append(_remark("eyes_differ", "cct_um", Severity.HINT, seen=str(thickness), allowed="36", unit="µm"))
    return found


def check_axial_length(
    length_mm: Decimal, *, reference: AxialLengthReference, sex: Sex | None, age_years: Decimal, field: str
) -> list[Problem]:
    """A WARNING for a length outside P3 − 0.3 mm … P95 + 1.0 mm of a reference (plausibility_ranges.csv).

    Nothing is said where the reference gives no percentile: unknown sex, or an age outside its table.
    """
    low = reference.length_at(3, sex=sex, age_years=age_years)
    high = reference.length_at(95, sex=sex, age_years=age_years)
    if isinstance(low, Refused) or isinstance(high, Refused):
        return []
    low, high = low - Decimal("0.3"), high + Decimal("1.0")
    if low <= length_mm <= high:
        return []
    return [
        _remark("unusual_for_age", field, Severity.WARNING, seen=str(length_mm), allowed=f"{low}–{high}", unit="mm")
    ]


def _ranges(values: EyeValues) -> Iterator[Problem]:
    for one in fields(values):
        value = getattr(values, one.name)
        if value is not None and one.name in BOUNDS:
            yield from _range(Decimal(value), BOUNDS[one.name], field=f"{values.eye}.{one.name}")


def _range(value: Decimal, bounds: Bounds, *, field: str) -> Iterator[Problem]:
    if not bounds.hard[0] <= value <= bounds.hard[1]:
        code = "degrees_not_diopters" if bounds.unit == "D" and _is_degrees(value) else "out_of_range"
        yield _bounded(code, field, Severity.ERROR, seen=value, allowed=bounds.hard, unit=bounds.unit)
    elif not bounds.soft[0] <= value <= bounds.soft[1]:
        yield _bounded("unusual", field, Severity.WARNING, seen=value, allowed=bounds.soft, unit=bounds.unit)


def _is_degrees(value: Decimal) -> bool:
    return abs(value) >= 25 and value % 25 == 0 and abs(value) / _DEGREES_IN_A_DIOPTER <= 30


def _acuity(values: EyeValues) -> Iterator[Problem]:
    for name in ("ucva", "bcva"):
        mark = getattr(values, name)
        if mark is not None and mark < 3 and mark not in LOW_VISION_CODES:
            yield _remark("acuity_is_decimal", f"{values.eye}.{name}", Severity.ERROR, seen=str(mark))
    if values.ucva is not None and values.bcva is not None and values.bcva < values.ucva - Decimal("0.1"):
        # More than a line worse with the correction than without it.
        field = f"{values.eye}.bcva"
        yield _remark("corrected_below_unaided", field, Severity.WARNING, seen=str(values.bcva), ucva=str(values.ucva))


def _astigmatism(values: EyeValues) -> Iterator[Problem]:
    if values.cylinder and values.axis is None:
        yield _remark("axis_missing", f"{values.eye}.axis", Severity.WARNING, seen=str(values.cylinder))
    if values.axis is not None and not values.cylinder:
        yield _remark("axis_without_cylinder", f"{values.eye}.axis", Severity.WARNING, seen=str(values.axis))
    if values.cylinder is not None and values.sphere is None:
        yield _remark("cylinder_without_sphere", f"{values.eye}.sphere", Severity.WARNING, seen=str(values.cylinder))


def _cornea(values: EyeValues) -> Iterator[Problem]:
    if values.k1 is None or values.k2 is None:
        return
    if values.k1 > values.k2:
        yield _remark("k_order", f"{values.eye}.k1", Severity.WARNING, seen=str(values.k1), k2=str(values.k2))
    if abs(values.k2 - values.k1) > 3 or (values.k1 + values.k2) / 2 > 48:
        seen = f"{values.k1}/{values.k2}"
        yield _remark("topography_advised", f"{values.eye}.k2", Severity.WARNING, seen=seen)


def _difference(one: Decimal | int | None, other: Decimal | int | None) -> Decimal:
    return Decimal(0) if one is None or other is None else abs(Decimal(one) - Decimal(other))


def _bounded(
    code: str, field: str, severity: Severity, *, seen: Decimal, allowed: tuple[Decimal, Decimal], unit: str
) -> Problem:
    low, high = allowed
    return _remark(code, field, severity, seen=str(seen), low=str(low), high=str(high), unit=unit)


def _remark(code: str, field: str, severity: Severity, **parameters: str) -> Problem:
    return Problem(code=code, field=field, severity=severity, parameters=parameters)
