"""Values keyed as digits alone, written out for `notation`, which alone reads them.

`2431` is 24.31 mm and `4350` 43.50 D; `325` is −3.25 D in an eye that is known to be myopic; `75` is a minus cylinder,
as 散光75度 is. Every rule needs digits alone and a width that means nothing else: whatever has a point, a unit or
another width is left as it is, for `notation` to read or to refuse. The widths are of this product.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hcrm_core.eye.notation import (
    parse_acuity,
    parse_axial_length,
    parse_axis,
    parse_corneal_thickness,
    parse_diopters,
    parse_intraocular_pressure,
    parse_keratometry,
    parse_refraction,
)
from hcrm_core.eye.plausibility import BOUNDS
from hcrm_core.eye.refraction import Refraction
from hcrm_core.parsed import Parsed, plain

# An eye whose last sphere was so far on the minus side stays there: without cycloplegia myopes read 0.41 ± 0.46 D too
# low (reference pack §4.1), and this is that mean and twice that deviation.
MYOPIC_D = Decimal("-1.33")
# Operational default: no digit is waited for that would put a power farther than this from what was measured last.
# A sphere may have gone unseen for years; a cylinder hardly changes.
FARTHEST_D = {"sphere": Decimal(6), "cylinder": Decimal(3)}

Parser = Callable[..., Parsed[Any]]  # why Any: a value is a Decimal or, for axis and thickness, an int
PARSERS: dict[str, Parser] = {
    "ucva": parse_acuity,
    "bcva": parse_acuity,
    "sphere": parse_diopters,
    "cylinder": parse_diopters,
    "axis": parse_axis,
    "axial_length_mm": parse_axial_length,
    "k1": parse_keratometry,
    "k2": parse_keratometry,
    "iop_mmhg": parse_intraocular_pressure,
    "cct_um": parse_corneal_thickness,
}
_LEAST_DEGREES_D = 25  # from here on `notation` takes a whole multiple of 25 for 度
_DEGREES = re.compile(r"([+-]?)(\d{2,4})")
_POINTED = re.compile(r"[+-]?\d{1,2}\.\d\d")
_LINE = re.compile(r"([+-]?[\d.]+)\s*(?:[/,]|\s|(?=[+-]))\s*([+-]?[\d.]+)\s*(?:ax\.?|[×x*@a]|\s)\s*(\d{1,3})\s*°?")
_LONGER_LINES = frozenset({"01", "02"})  # 0.12, 0.15 and 0.25 are lines of a chart


def read_keyed(text: str, *, name: str, last: Decimal | None = None, field: str = "") -> Parsed[Any]:
    """A value by its name in `EyeValues`, as typed or as digits alone.

    Args:
        last: what the same eye measured last time, if it did.
        field: how problems name it.
    """
    return PARSERS[name](written_out(text, name=name, last=last), field=field or name)


def written_out(text: str, *, name: str, last: Decimal | None = None) -> str:
    """The text with the point and the sign that its digits leave out; as it is where they do not tell."""
    rule = _WRITTEN.get(name)
    return (rule(plain(text), last) if rule else "") or text


def is_complete(text: str, *, name: str, last: Decimal | None = None) -> bool:
    """Whether a text reads, and no key that may follow makes another value of it."""
    read, typed = read_keyed(text, name=name, last=last), plain(text)
    if read.refused or read.value is None:
        return False
    if "." in typed:
        is_radius = any(problem.code == "radius_converted" for problem in read.problems)
        return _POINTED.fullmatch(typed) is not None and not is_radius  # radii have three places
    digits = typed.lstrip("+-")
    return digits.isdecimal() and not _GOES_ON[name](digits, last)


def read_keyed_refraction(text: str, *, last: Decimal | None = None, field: str = "refraction") -> Parsed[Refraction]:
    """A whole line, `-325-75x5` or `325/75*5`.

    Without any sign the eye has to be known to be myopic; in `25/-50x10` signs are written, and `notation` asks.
    """
    found = _LINE.fullmatch(plain(text).lower())
    if found is None or found[2].startswith(("+", "-")):
        return parse_refraction(text, field=field)
    sphere = written_out(found[1], name="sphere", last=last)
    if sphere.startswith(("+", "-")):
        text = f"{sphere}/{written_out(found[2], name='cylinder')}x{found[3]}"
    return parse_refraction(text, field=field)


# ── writing out ──────────────────────────────────────────────────────────────────────────────────────────────


def _acuity(digits: str, _: Decimal | None) -> str:
    """`45` is 4.5 and `08` is 0.8; `025` is 0.25. A half line of the 5-mark chart, 4.85, is written with its point."""
    if not re.fullmatch(r"\d\d|0[12]\d", digits):
        return ""
    return f"{digits[0]}.{digits[1:]}"


def _hundredths(digits: str, _: Decimal | None) -> str:
    return f"{digits[:2]}.{digits[2:]}" if re.fullmatch(r"\d{4}", digits) else ""


def _keratometry(digits: str, _: Decimal | None) -> str:
    """`4350` is 43.50 D, `787` is 7.87 mm: no power begins with 7, 8 or 9."""
    if re.fullmatch(r"[789]\d\d", digits):
        return f"{digits[0]}.{digits[1:]}"
    return _hundredths(digits, None) if digits[:1] in "3456" else ""


def _sphere(typed: str, last: Decimal | None) -> str:
    return _quarters(typed, minus=last is not None and last <= MYOPIC_D)


def _cylinder(typed: str, _: Decimal | None) -> str:
    return _quarters(typed, minus=True)


def _quarters(typed: str, *, minus: bool) -> str:
    """Whole quarter steps in 度; without a sign they are a minus power, or nothing. Of 25 D and more `notation` alone
    knows: it reads -25.00 as 度."""
    found = _DEGREES.fullmatch(typed)
    if found is None or not (found[1] or minus):
        return ""
    if not 0 < int(found[2]) < _LEAST_DEGREES_D * 100 or int(found[2]) % 25:
        return ""
    return f"{found[1] or '-'}{Decimal(found[2]) / 100:.2f}"


_WRITTEN: dict[str, Callable[[str, Decimal | None], str]] = {
    "ucva": _acuity,
    "bcva": _acuity,
    "sphere": _sphere,
    "cylinder": _cylinder,
    "axial_length_mm": _hundredths,
    "k1": _keratometry,
    "k2": _keratometry,
}


# ── what may follow ──────────────────────────────────────────────────────────────────────────────────────────


def _acuity_goes_on(digits: str, _: Decimal | None) -> bool:
    return len(digits) < 2 or digits in _LONGER_LINES


def _power_goes_on(name: str) -> Callable[[str, Decimal | None], bool]:
    most = abs(BOUNDS[name].hard[0])

    def goes_on(digits: str, last: Decimal | None) -> bool:
        """Whether a nought more gives a power that this eye may have; of one digit nobody knows."""
        power = Decimal(digits) / 10
        near = last is None or abs(power - abs(last)) <= FARTHEST_D[name]
        return len(digits) < 2 or (power <= most and near)

    return goes_on


def _width(width: int) -> Callable[[str, Decimal | None], bool]:
    return lambda digits, _: len(digits) < width


def _up_to(name: str) -> Callable[[str, Decimal | None], bool]:
    return lambda digits, _: int(digits) * 10 <= BOUNDS[name].hard[1] and len(digits) < 3


def _keratometry_goes_on(digits: str, _: Decimal | None) -> bool:
    return len(digits) < (3 if digits[0] in "789" else 4)


_GOES_ON: dict[str, Callable[[str, Decimal | None], bool]] = {
    "ucva": _acuity_goes_on,
    "bcva": _acuity_goes_on,
    "sphere": _power_goes_on("sphere"),
    "cylinder": _power_goes_on("cylinder"),
    "axis": _up_to("axis"),
    "axial_length_mm": _width(4),
    "k1": _keratometry_goes_on,
    "k2": _keratometry_goes_on,
    "iop_mmhg": _up_to("iop_mmhg"),
    "cct_um": _width(3),
}
