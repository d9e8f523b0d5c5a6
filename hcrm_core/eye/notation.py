"""Reads what clinics write for refraction, acuity and biometry, and writes it back. Never guesses silently.

Every `parse_*` takes text as typed (full-width digits, Chinese words, units, 度 instead of D) and returns a
`Parsed`: empty for "unknown", a value, or an ERROR that says what was seen. Signs are the dangerous part: 度 is the
spoken unit of short sight, so `300度` is −3.00 D, while a bare `300` may mean either and is refused.
"""

import re
from decimal import Decimal

from hcrm_core.errors import Problem, Severity
from hcrm_core.eye.acuity import format_acuity, parse_acuity
from hcrm_core.eye.refraction import Refraction
from hcrm_core.parsed import Parsed, plain, refusal, says_unknown

__all__ = [
    "format_acuity",
    "format_diopters",
    "parse_acuity",
    "parse_axial_length",
    "parse_axis",
    "parse_corneal_thickness",
    "parse_diopters",
    "parse_intraocular_pressure",
    "parse_keratometry",
    "parse_refraction",
]

_HUNDREDTH = Decimal("0.01")
_PLANO = {"平光", "平", "pl", "plano", "pl.", "平镜"}
_AMOUNT = r"(?:平光|平镜|平|plano|pl\.?|[+±-]?\s*(?:\d{1,4}(?:\.\d{0,4})?|\.\d{1,4}))"
_DIOPTERS = re.compile(rf"(近视|远视|散光)?\s*({_AMOUNT})\s*(度|ds|dc|d)?")
_REFRACTION = re.compile(
    rf"(?P<sphere>{_AMOUNT}\s*(?:度|ds|d(?!c))?)"
    rf"(?:(?:\s*[/,]\s*|\s+|(?=[+±-]))(?P<cylinder>{_AMOUNT}\s*(?:度|dc|d)?)"
    r"(?:\s*(?:ax\.?|[×x*@a]|轴位?|\s)\s*(?P<axis>\d{1,3})\s*°?)?)?"
)
# What autorefractors print before a power: "S -3.25 C -0.75 A 5".
_PRINTED = re.compile(r"\b(?:sph|cyl|s|c)\s*[:=]?\s*(?=[+.-]|\d)")
# r (mm) = 337.5 / K (D): the keratometric index 1.3375 that most devices use.
_KERATOMETRIC = Decimal("337.5")


def parse_diopters(text: str, *, field: str = "diopters") -> Parsed[Decimal]:
    """A power in diopters, to 0.01 D.

    * `-3.25`, `-3.25DS`, `±0.00`, `平光`, `PL` are diopters.
    * `300度`, `近视300度` are −3.00, `远视300度` and `+300度` are +3.00 (1 度 = 0.01 D).
    * `-400`: a whole multiple of 25 from 25 upwards is 度 too; no lens has 25 D steps (plausibility_ranges.csv).
    * `400` has lost its sign: refused. `0.25` is read as +0.25 with a WARNING: spreadsheets drop a typed plus.
    """
    if says_unknown(text):
        return Parsed()
    return _power(plain(text).lower(), field=field, seen=text, signed_neighbour=False)


def parse_refraction(text: str, *, field: str = "refraction") -> Parsed[Refraction]:
    """Sphere, cylinder and axis in one text, as a minus-cylinder `Refraction`.

    Reads `-3.25DS/-0.75DC×180`, `-175/-100x180`, `-3.75DS -1.00DC A180`, `-3.00-0.50*90`, `-2.50DS`, `平光`, and
    `S -3.25 C -0.75 A 180` as devices print it. In `25/-50x10` the cylinder shows that signs are written, so the sphere
    is +0.25, with a WARNING; `300/50` is refused.
    """
    if says_unknown(text):
        return Parsed()
    written = _PRINTED.sub("", plain(text).lower())
    found = _REFRACTION.fullmatch(written)
    if found is None:
        return refusal("refraction_unreadable", field=field, seen=text)
    cylinder_text, axis_text = found["cylinder"], found["axis"]
    signed = (cylinder_text or "").startswith(("-", "+"))
    sphere = _power(found["sphere"], field=f"{field}.sphere", seen=text, signed_neighbour=signed)
    cylinder: Parsed[Decimal] = Parsed()
    axis: Parsed[int] = Parsed()
    if cylinder_text:
        cylinder = _power(cylinder_text, field=f"{field}.cylinder", seen=text, signed_neighbour=False)
    if axis_text:
        axis = parse_axis(axis_text, field=f"{field}.axis")
    problems = (*sphere.problems, *cylinder.problems, *axis.problems)
    if sphere.value is None or cylinder.refused or axis.refused:
        return Parsed(problems=problems)
    refraction = Refraction(sphere=sphere.value, cylinder=cylinder.value, axis=axis.value)
    return Parsed(value=refraction.minus_cylinder(), problems=problems)


def parse_axis(text: str, *, field: str = "axis") -> Parsed[int]:
    """An axis, degrees 1–180; 0 is 180."""
    if says_unknown(text):
        return Parsed()
    found = re.fullmatch(r"(?:ax\.?|[×x*@a]|轴位?)?\s*(\d{1,3})(?:\.0+)?\s*°?", plain(text).lower())
    if found is None or int(found[1]) > 180:
        return refusal("axis_unreadable", field=field, seen=text)
    return Parsed(value=int(found[1]) or 180)


def parse_axial_length(text: str, *, field: str = "axial_length_mm") -> Parsed[Decimal]:
    """An axial length in mm, to 0.01; hard bounds 15–35 mm (plausibility_ranges.csv)."""
    return _measure(text, units="mm|毫米", low="15", high="35", field=field)


def parse_keratometry(text: str, *, field: str = "k1") -> Parsed[Decimal]:
    """A corneal power in D, to 0.01; hard bounds 30–60 D. A radius (5.6–11.3 mm) is converted by r = 337.5 / K."""
    radius = _measure(text, units="mm|毫米", low="5.6", high="11.3", field=field)
    if radius.value is None or plain(text).lower().endswith("d"):
        return _measure(text, units="d", low="30", high="60", field=field)
    converted = (_KERATOMETRIC / radius.value).quantize(_HUNDREDTH)
    return Parsed(value=converted, problems=(_remark("radius_converted", field=field, seen=text, read=str(converted)),))


def parse_intraocular_pressure(text: str, *, field: str = "iop_mmhg") -> Parsed[Decimal]:
    """An intraocular pressure in mmHg; hard bounds 3–60 mmHg (plausibility_ranges.csv)."""
    return _measure(text, units="mmhg", low="3", high="60", field=field)


def parse_corneal_thickness(text: str, *, field: str = "cct_um") -> Parsed[int]:
    """A central corneal thickness in whole µm; hard bounds 350–800 µm (plausibility_ranges.csv)."""
    read = _measure(text, units="um|μm|微米", low="350", high="800", field=field)
    return Parsed(value=None if read.value is None else round(read.value), problems=read.problems)


def format_diopters(value: Decimal) -> str:
    """`-3.25`, `+0.50`, `0.00`: two places and always a sign, as prescriptions are written."""
    rounded = value.quantize(_HUNDREDTH)
    return "0.00" if rounded == 0 else f"{rounded:+}"


def _measure(text: str, *, units: str, low: str, high: str, field: str) -> Parsed[Decimal]:
    if says_unknown(text):
        return Parsed()
    found = re.fullmatch(rf"(\d{{1,5}}(?:\.\d{{1,12}})?)\s*(?:{units})?", plain(text).lower())
    if found is None:
        return refusal("number_unreadable", field=field, seen=text)
    value = Decimal(found[1])
    if not Decimal(low) <= value <= Decimal(high):
        return refusal("out_of_range", field=field, seen=text, low=low, high=high)
    return Parsed(value=value.quantize(_HUNDREDTH))


def _power(written: str, *, field: str, seen: str, signed_neighbour: bool) -> Parsed[Decimal]:
    """One power in normalised text. `signed_neighbour`: the writer is known to write signs."""
    found = _DIOPTERS.fullmatch(written.strip())
    if found is None:
        return refusal("diopters_unreadable", field=field, seen=seen)
    word, amount, unit = found[1], re.sub(r"\s", "", found[2]), found[3]
    size = Decimal(0) if amount in _PLANO else Decimal(amount.lstrip("+±-"))
    if size == 0:
        return Parsed(value=Decimal("0.00"))
    degrees = unit == "度" or (unit is None and size >= 25 and (word is not None or size % 25 == 0))
    sign = _sign(amount, unit=unit, word=word)
    code = _fault(size, unit=unit, sign=sign, degrees=degrees, signed_neighbour=signed_neighbour)
    if code:
        return refusal(code, field=field, seen=seen)
    value = (size / 100 if degrees else size).quantize(_HUNDREDTH).copy_sign(-1 if sign == "-" else 1)
    if sign:
        return Parsed(value=value)
    return Parsed(value=value, problems=(_remark("sign_assumed_plus", field=field, seen=seen, read=f"{value:+}"),))


def _sign(amount: str, *, unit: str | None, word: str | None) -> str:
    """`+`, `-`, empty if none is written, or `±` if two contradict."""
    written = amount[0] if amount[0] in "+-±" else ""
    spoken = {"近视": "-", "散光": "-", "远视": "+"}.get(word or "", "")
    if written and spoken:
        return written if written == spoken else "±"
    return written or spoken or ("-" if unit == "度" else "")


def _fault(size: Decimal, *, unit: str | None, sign: str, degrees: bool, signed_neighbour: bool) -> str:
    """Why a power cannot be read, or nothing."""
    if sign == "±":
        return "sign_contradicts"
    if unit == "度" and (size < 5 or size != int(size)):
        return "unit_unclear"  # "3.5度": diopters with the wrong unit
    if size >= 25 and not degrees:
        return "unit_unclear"  # neither diopters nor whole quarter steps in 度
    return "sign_missing" if degrees and not sign and not signed_neighbour else ""


def _remark(code: str, *, field: str, seen: str, read: str) -> Problem:
    return Problem(code=code, field=field, severity=Severity.WARNING, parameters={"seen": seen, "read": read})
