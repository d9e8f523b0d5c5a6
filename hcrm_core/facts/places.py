"""Places in a reference for whole frames: the arithmetic of `eye.percentiles` and `eye.crossing` as expressions, so
that everybody's percentile is the one that a chart shows (a test holds them together).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import narwhals as nw

from hcrm_core.eye.crossing import MONTHS, POINTS
from hcrm_core.eye.percentiles import AxialLengthReference, LmsRow
from hcrm_core.facts.civil import AGES, months_apart, with_ages
from hcrm_core.facts.fact import Withheld
from hcrm_core.facts.growth import EYE, Frame, keep_greatest
from hcrm_core.terms import Sex


def placed(frame: Frame, reference: AxialLengthReference, *, value: str, on: str) -> Frame:
    """The frame with `percentile` and `z` in thousandths and `withheld`, the reason where there is none.

    Args:
        frame: with sex and birth_date.
        reference: a table of L, M and S.
        value, on: names of the columns of a length in µm and of its day.

    Raises:
        ValueError: if the reference is a table of percentiles.
    """
    scored = with_ages(frame, on=on).with_columns(*_lms(reference), withheld=_withheld(reference))
    told = nw.col("withheld").is_null()
    return (
        scored.with_columns(score=_score(reference, nw.col(value) / 1000))
        .with_columns(
            z=nw.when(told).then(_rounded(nw.col("score") * 100) * 10),
            percentile=nw.when(told).then(_rounded(normal(nw.col("score")) * 1000) * 100),
        )
        .drop("age", "l", "m", "s", "score")
    )


def _withheld(reference: AxialLengthReference) -> nw.Expr:
    first, last = (int(age * AGES) for age in reference.ages)
    return (
        nw.when(nw.col("age").is_null())
        .then(nw.lit(Withheld.BIRTH_UNKNOWN.value))
        .when(nw.col("sex").is_null())
        .then(nw.lit(Withheld.SEX_UNKNOWN.value))
        .when((nw.col("age") < first) | (nw.col("age") > last))
        .then(nw.lit(Withheld.AGE_OUTSIDE.value))
        .otherwise(nw.lit(None))
    )


def _lms(reference: AxialLengthReference) -> list[nw.Expr]:
    """L, M and S at an age and sex, as columns l, m and s."""
    curves = {sex: _curves(reference, sex=sex) for sex in Sex}
    boy = nw.col("sex") == Sex.MALE.value
    return [nw.when(boy).then(curves[Sex.MALE][n]).otherwise(curves[Sex.FEMALE][n]).alias(n) for n in ("l", "m", "s")]


_READ: dict[str, Callable[[LmsRow], float]] = {
    "l": lambda row: row.l,
    "m": lambda row: row.m_mm,
    "s": lambda row: row.s,
}


def _curves(reference: AxialLengthReference, *, sex: Sex) -> dict[str, nw.Expr]:
    rows = sorted(_lms_rows(reference), key=lambda row: row.age_years)
    of_sex = [row for row in rows if row.sex is sex]
    ages = [float(row.age_years) for row in of_sex]
    return {
        name: _along(ages, [value(row) for row in of_sex], at=nw.col("age") / AGES) for name, value in _READ.items()
    }


def _lms_rows(reference: AxialLengthReference) -> list[LmsRow]:
    found = [row for row in reference.rows if isinstance(row, LmsRow)]
    if len(found) < len(reference.rows):
        raise ValueError("percentiles of everybody need a table of L, M and S")
    return found


def _along(places: Sequence[float], values: Sequence[float], *, at: nw.Expr) -> nw.Expr:
    """A value along straight lines: the first value, and a bend at each place where the slope changes."""
    steps = zip(pairwise(places), pairwise(values), strict=True)
    slopes = [(high - low) / (after - before) for (before, after), (low, high) in steps]
    found = nw.lit(values[0])
    for place, (former, slope) in zip(places, pairwise([0.0, *slopes]), strict=False):
        if slope != former:
            found = found + (slope - former) * nw.max_horizontal(at - place, nw.lit(0.0))
    return found


def _score(reference: AxialLengthReference, length_mm: nw.Expr) -> nw.Expr:
    """z = ((X/M)^L − 1)/(L·S), which runs into ln(X/M)/S as L goes to 0."""
    ratio, skewness, spread = length_mm / nw.col("m"), nw.col("l"), nw.col("s")
    score = (ratio**skewness - 1) / (skewness * spread)
    if all(row.l for row in _lms_rows(reference)):
        return score
    return nw.when(skewness == 0).then(ratio.log() / spread).otherwise(score)


# Hart, Computer Approximations (1968), function 5666, as in West, Better approximations to cumulative normal functions
# (Wilmott, May 2005): as exact as a double where |z| < 7.07.
_ABOVE = (
    *(0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383),
    *(112.079291497871, 221.213596169931, 220.206867912376),
)
_BELOW = (
    *(0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461),
    *(296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752),
)
_FARTHEST = 7.0


def normal(z: nw.Expr) -> nw.Expr:
    """The share of a normal distribution below z."""
    far = nw.min_horizontal(z.abs(), nw.lit(_FARTHEST))
    tail = (far * far * -0.5).exp() * _polynomial(_ABOVE, far) / _polynomial(_BELOW, far)
    return nw.when(z > 0).then(1 - tail).otherwise(tail)


def _polynomial(coefficients: Sequence[float], at: nw.Expr) -> nw.Expr:
    found = nw.lit(coefficients[0])
    for one in coefficients[1:]:
        found = found * at + one
    return found


def _rounded(value: nw.Expr) -> nw.Expr:
    return (value + 0.5).floor().cast(nw.Int64)


# ── crossing ─────────────────────────────────────────────────────────────────────────────────────────────


def crossings(pairs: Frame, latest: Frame, reference: AxialLengthReference) -> Frame:
    """How far each eye climbed: from the nearest earlier length, six calendar months old at least, from which it
    climbed ten points; without such a climb from the nearest of them.

    Args:
        pairs: of axial lengths, as `growth.paired` gives.
        latest: eye_key, sex, birth_date and `percentile` of the latest length.

    Returns:
        eye_key, climbed (thousandths), from_on, of eyes with two places.
    """
    now = latest.filter(~nw.col("percentile").is_null()).select(EYE, "sex", "birth_date", now=_inside(reference))
    old = months_apart(nw.col("from_on"), later=nw.col("to_on"), months=MONTHS)
    places = placed(pairs.filter(old).join(now, on=EYE, how="inner"), reference, value="from_value", on="from_on")
    climbed = places.filter(nw.col("withheld").is_null()).with_columns(climbed=nw.col("now") - _inside(reference))
    ranked = climbed.with_columns(
        crossed=nw.when(nw.col("climbed") >= int(POINTS * 1000)).then(nw.lit(1)).otherwise(nw.lit(0))
    )
    return keep_greatest(ranked, by=EYE, columns=("crossed", "from_order")).select(EYE, "climbed", "from_on")


def _inside(reference: AxialLengthReference) -> nw.Expr:
    """A percentile beyond the table's outermost one counts as there."""
    low, high = reference.rows[0].ends
    return nw.max_horizontal(nw.min_horizontal(nw.col("percentile"), nw.lit(high * 1000)), nw.lit(low * 1000))


def crossing_withheld(*, readings: nw.Expr, first_on: nw.Expr, latest_on: nw.Expr) -> nw.Expr:
    """Why a crossing is not told, from `climbed`, `withheld` of the latest place and the eye's lengths."""
    birth = nw.col("birth_date")
    return (
        nw.when(readings.is_null())
        .then(nw.lit(None))
        .when(readings < 2)
        .then(nw.lit(Withheld.NO_PAIR.value))
        .when(birth.is_null() | (first_on < birth))
        .then(nw.lit(Withheld.BIRTH_UNKNOWN.value))
        .when(~months_apart(first_on, later=latest_on, months=MONTHS))
        .then(nw.lit(Withheld.INTERVAL_TOO_SHORT.value))
        .when(~nw.col("withheld").is_null())
        .then(nw.col("withheld"))
        .when(nw.col("climbed").is_null())
        .then(nw.lit(Withheld.AGE_OUTSIDE.value))
        .otherwise(nw.lit(None))
    )
