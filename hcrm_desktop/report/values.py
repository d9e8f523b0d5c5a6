"""Measured values as a parent reads them: the number, its unit, and plain words."""

from datetime import date
from decimal import Decimal

from hcrm_core.eye.acuity import LOW_VISION_CODES, format_acuity
from hcrm_core.eye.age import years_and_months
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.record import ExamRecord
from hcrm_core.terms import RefractionMethod, Sex
from hcrm_desktop.report.texts import Texts

_DAYS_A_MONTH = 30.4375


def day(say: Texts, on: date | None) -> str:
    return say("head.unknown") if on is None else say("head.day", year=on.year, month=on.month, day=on.day)


def short_day(say: Texts, on: date | None) -> str:
    """A day as it stands in a table."""
    return say("head.unknown") if on is None else say("head.short_day", year=on.year, month=on.month, day=on.day)


def span(say: Texts, days: int) -> str:
    """A number of days as a person would say it."""
    if days < 60:
        return say("change.days", n=days)
    months = round(days / _DAYS_A_MONTH)
    if months < 24:
        return say("change.months", n=months)
    years, rest = divmod(months, 12)
    return say("change.years_months", years=years, months=rest) if rest else say("change.years", n=years)


def age(say: Texts, birth: date | None, *, on: date) -> str:
    """Completed years and months, or that the age is unknown."""
    if birth is None or birth > on:
        return say("head.unknown")
    years, months = years_and_months(birth, on=on)
    return say("head.years_months", years=years, months=months) if months else say("head.years", years=years)


def sex(say: Texts, sex: Sex | None) -> str:
    return say("head.unknown") if sex is None else say(f"head.{sex.value}")


def acuity(say: Texts, mark: Decimal | None) -> str:
    """In 5-mark notation; below the chart in words."""
    if mark is None:
        return say("values.missing")
    return say(f"acuity.{int(mark)}") if mark in LOW_VISION_CODES else format_acuity(mark)


def millimetres(say: Texts, value: Decimal | None) -> str:
    return say("values.missing") if value is None else say("values.millimetres", value=f"{value:.2f}")


def signed(value: Decimal) -> str:
    """Two decimals with a real minus."""
    return f"{value:+.2f}".replace("-", "−") if value else "0.00"


def degrees(value: Decimal) -> int:
    """1 D is 100 度; without sign."""
    return int(abs(value) * 100)


def conditions(say: Texts, exam: ExamRecord) -> str:
    """How the refraction was found: what decides whether it may be compared."""
    drops = {None: "unknown", True: "yes", False: "no"}[exam.cycloplegic]
    paths = (f"cycloplegia.{drops}", f"method.{exam.method.value}", f"lens_state.{exam.lens_state.value}")
    return say("values.conditions", parts=say("values.separator").join(say(path) for path in paths))


def refraction(say: Texts, eye: EyeValues | None, *, method: RefractionMethod, worn: bool) -> str:
    """Powers, and on the next line what they mean; under an ortho-k lens, or of a lens, that they mean nothing."""
    if eye is None or eye.sphere is None:
        return say("values.missing")
    if worn:
        meaning = say("values.shaped")
    elif method is RefractionMethod.LENS_POWER:
        meaning = say("values.lens_power")
    else:
        meaning = _plain(say, eye.sphere, cylinder=eye.cylinder)
    return f"{_powers(say, eye.sphere, cylinder=eye.cylinder, axis=eye.axis)}\n{meaning}"


def _powers(say: Texts, sphere: Decimal, *, cylinder: Decimal | None, axis: int | None) -> str:
    if cylinder is None:
        return say("values.sphere_only", sphere=signed(sphere))
    told = say("values.powers", sphere=signed(sphere), cylinder=signed(cylinder))
    return told if axis is None or not cylinder else told + say("values.axis", axis=axis)


def _plain(say: Texts, sphere: Decimal, *, cylinder: Decimal | None) -> str:
    name = "myopia" if sphere < 0 else "hyperopia" if sphere > 0 else "plano"
    astigmatism = "astigmatism_unknown" if cylinder is None else "astigmatism" if cylinder else "no_astigmatism"
    parts = (
        say(f"values.{name}", degrees=degrees(sphere)),
        say(f"values.{astigmatism}", degrees=degrees(cylinder or Decimal(0))),
    )
    return say("values.separator").join(parts)
