"""Facts of eyes: one row an eye with the latest measures, what follows from them, and growth over every window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import narwhals as nw

from hcrm_core.eye.cornea import STANDARD_INDEX
from hcrm_core.eye.percentiles import AxialLengthReference
from hcrm_core.facts import growth
from hcrm_core.facts.civil import AGES, date_of, days_between, with_ages
from hcrm_core.facts.eye_catalogue import GROWTHS
from hcrm_core.facts.fact import Withheld
from hcrm_core.facts.growth import EYE, EYES, Frame, Paired, Window
from hcrm_core.facts.places import crossing_withheld, crossings, placed
from hcrm_core.terms import LensState, ProductKind

# A lens is made from the refraction taken before it is dispensed: that examination begins the episode's growth.
FITTING_DAYS = 30
STABLE_DAYS = 730  # two years
RESERVE_AGES = (3, 14)  # completed years for which WS/T 10039-2025 has lower limits of the hyperopia reserve
_FRAMES_OF_GLASS = [ProductKind.SINGLE_VISION.value, ProductKind.FUNCTIONAL.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What all facts of eyes are told from.

    Attributes:
        eyes: as `growth.keyed` gives.
        worn: per eye the lens worn now: eye_key, product, wear_start_on, lens_dispensed_on.
        people: customer_id, birth_date, sex.
        reference: percentiles of axial length.
        washout_days: nights without OK lens before refraction counts again.
        keep: what the engine does with a frame that is read more than once.
    """

    eyes: Frame
    worn: Frame
    people: Frame
    reference: AxialLengthReference
    washout_days: int
    keep: Callable[[Frame], Frame]


def of_both_eyes(measured: Measured) -> Frame:
    """One row a customer: every fact of an eye twice, and those of both eyes together."""
    return _side_by_side(measured.keep(_of_each(measured))).with_columns(*_together())


def _of_each(measured: Measured) -> Frame:
    keep = measured.keep
    refraction = keep(growth.refraction_readings(measured.eyes, washout_days=measured.washout_days))
    axial = keep(growth.axial_readings(measured.eyes))
    powers, lengths = growth.paired(refraction, keep=keep), growth.paired(axial, keep=keep)
    in_frames = growth.paired(_during_frames(refraction, measured.worn), keep=keep)
    spread = growth.spread(powers, at_least=STABLE_DAYS)
    parts = [
        measured.worn,
        _latest_measures(measured.eyes, washout_days=measured.washout_days),
        _latest_powers(refraction),
        spread.rename({"spread": "se_range_2y", "from_on": "se_range_2y_from_on"}),
        _grown(in_frames, growth.EPISODE, base="se_growth_frame", sign=-1),
        *(_grown(powers, window, base=f"se_growth_{key}", sign=-1) for key, window in growth.PERIODS.items()),
        *(_grown(lengths, window, base=f"al_growth_{key}", sign=1) for key, window in growth.PERIODS.items()),
    ]
    found = nw.concat([measured.eyes.select(EYE), measured.worn.select(EYE)]).unique()
    for part in parts:
        found = found.join(part, on=EYE, how="left")
    return _told_by_age(keep(found), lengths, axial, measured)


# ── the latest of each measure ───────────────────────────────────────────────────────────────────────────

# One maximum finds the latest value: the order of the examination above, the value below. Values are thousandths.
_VALUES, _LEAST = 2**17, 2**16
_OK_WEAR, _LENS_UNKNOWN, _OFF_CHART = -50_001, -50_002, -50_003  # no value, but the latest that is to be said


def latest(frame: Frame, *, by: str, values: Mapping[str, nw.Expr]) -> Frame:
    """Of each value the latest one that is not null, per group: its name, and its day as ``<name>_on``.

    Args:
        frame: with `order` and examined_on, as `growth.final` gives.
        by: the group's column.
        values: whole numbers between −65536 and 65535.
    """
    packed = [(nw.col("order") * _VALUES + (value + _LEAST)).alias(name) for name, value in values.items()]
    found = frame.select(by, *packed).group_by(by).agg(*(nw.col(name).max() for name in values))
    days = {f"{name}_on": date_of(nw.col(name) // (_VALUES * growth.EXAMS)) for name in values}
    return found.with_columns(**days, **{name: nw.col(name) % _VALUES - _LEAST for name in values})


def _latest_measures(eyes: Frame, *, washout_days: int) -> Frame:
    shaped = growth.shaped(washout_days)
    both_k = nw.col("k1_mdpt") + nw.col("k2_mdpt")
    flat = nw.when(~both_k.is_null()).then(nw.min_horizontal("k1_mdpt", "k2_mdpt"))
    found = latest(
        eyes,
        by=EYE,
        values={
            "axial_length": nw.col("axial_length_um"),
            "k_flat": nw.when(~shaped).then(flat),
            "k_mean": nw.when(~shaped).then(_nearest(both_k, 20) * 10),
            "cct_um": nw.col("cct_um"),
            "iop": nw.col("iop_milli"),
            "ucva": nw.when(~shaped).then(_logmar("ucva_milli")),
            "bcva": _logmar("bcva_milli"),
            "al_cr": _ratio(both_k, shaped=shaped),
        },
    )
    withheld = (
        nw.when(nw.col("al_cr") == _OK_WEAR)
        .then(nw.lit(Withheld.OK_WEAR.value))
        .when(nw.col("al_cr") == _LENS_UNKNOWN)
        .then(nw.lit(Withheld.LENS_UNKNOWN.value))
        .otherwise(nw.lit(None))
    )
    told = {name: nw.when(nw.col(name) > _OK_WEAR).then(nw.col(name)) for name in ("ucva", "bcva", "al_cr")}
    return found.with_columns(al_cr_refusal=withheld, **told).rename({"cct_um_on": "cct_on"}).drop("k_mean_on")


def _logmar(mark: str) -> nw.Expr:
    """5 − L; codes up to 3 stand for counting fingers and less."""
    below = nw.col(mark) <= 3000
    return nw.when(below).then(nw.lit(_OFF_CHART)).otherwise(5000 - nw.col(mark))


def _ratio(both_k: nw.Expr, *, shaped: nw.Expr) -> nw.Expr:
    """AL/CR as `eye.cornea.axial_to_corneal` and `facts.derived` tell it: to 0.01, half to even."""
    product = nw.col("axial_length_um") * both_k  # µm by thousandths of a diopter, twice the mean power
    dividend = int((STANDARD_INDEX - 1) * 1000 * 2 * 10_000)  # of mm by diopters, to hundredths
    ratio = _nearest(product, dividend) * 10
    return (
        nw.when(product.is_null())
        .then(nw.lit(None))
        .when(nw.col("lens_state") == LensState.UNKNOWN.value)
        .then(nw.lit(_LENS_UNKNOWN))
        .when(shaped)
        .then(nw.lit(_OK_WEAR))
        .otherwise(ratio)
    )


def _latest_powers(refraction: Frame) -> Frame:
    comparable = nw.when(~nw.col("series").is_null()).then(nw.col("value"))
    under_drops = nw.when(nw.col("series") // 2 % 2 == 1).then(nw.col("value"))
    return latest(refraction, by=EYE, values={"se": comparable, "se_cycloplegic": under_drops})


def _nearest(number: nw.Expr, by: int) -> nw.Expr:
    """A quotient to the nearest whole number, halves to the even one."""
    whole = number // by
    rest = 2 * (number - whole * by)
    up = (rest > by) | ((rest == by) & (whole % 2 == 1))
    return whole + nw.when(up).then(nw.lit(1)).otherwise(nw.lit(0))


# ── growth ───────────────────────────────────────────────────────────────────────────────────────────────


def _during_frames(refraction: Frame, worn: Frame) -> Frame:
    frames = worn.filter(nw.col("product").is_in(_FRAMES_OF_GLASS)).select(EYE, "wear_start_on")
    during = days_between(nw.col("wear_start_on"), later=nw.col("examined_on")) >= -FITTING_DAYS
    return refraction.join(frames, on=EYE, how="inner").filter(during).drop("wear_start_on")


def _grown(compared: Paired, window: Window, *, base: str, sign: int) -> Frame:
    changes = growth.changed(compared, window)
    if sign > 0:
        changes = growth.beyond_error(changes, window, axial=nw.lit(value=True))
    amount = nw.col("change") * sign
    rates = [_yearly(amount).alias(base.replace("growth", "growth_rate"))] if _is_rated(window, base) else []
    return changes.select(
        EYE,
        amount.alias(base),
        *rates,
        nw.col("from_on").alias(f"{base}_from_on"),
        nw.col("to_on").alias(f"{base}_to_on"),
        nw.col("from_exam_id").alias(f"{base}_from_id"),
        nw.col("to_exam_id").alias(f"{base}_to_id"),
        nw.col("refusal").alias(f"{base}_refusal"),
    )


def _is_rated(window: Window, base: str) -> bool:
    return window.at_least >= growth.RATE_DAYS and base != "se_growth_frame"


def _yearly(amount: nw.Expr) -> nw.Expr:
    """As of a year of 365.25 days, to 0.01, halves away from zero: `growth._yearly` in whole numbers."""
    top, bottom = amount.abs() * 1461, nw.col("days") * 40
    hundredths = (2 * top + bottom) // (2 * bottom)
    return nw.when(amount < 0).then(-hundredths * 10).otherwise(hundredths * 10)


# ── by age ───────────────────────────────────────────────────────────────────────────────────────────────


def _told_by_age(eyes: Frame, lengths: Paired, axial: Frame, measured: Measured) -> Frame:
    """Reserve, percentile and crossing."""
    standing = axial.group_by(EYE).agg(readings=nw.col("value").count(), first_on=nw.col("examined_on").min())
    known = (
        eyes.with_columns(customer_id=nw.col(EYE) // 2)
        .join(measured.people, on="customer_id", how="left")
        .join(standing, on=EYE, how="left")
    )
    places = measured.keep(placed(_with_reserve(known), measured.reference, value="axial_length", on="axial_length_on"))
    climbed = crossings(lengths.pairs, places, measured.reference).rename({"from_on": "climbed_from_on"})
    crossed = places.join(climbed, on=EYE, how="left").with_columns(
        al_crossing_refusal=crossing_withheld(
            readings=nw.col("readings"), first_on=nw.col("first_on"), latest_on=nw.col("axial_length_on")
        )
    )
    told, length_known = nw.col("al_crossing_refusal").is_null(), ~nw.col("axial_length").is_null()
    return crossed.with_columns(
        al_crossing=nw.when(told).then(nw.col("climbed")),
        al_crossing_from_on=nw.when(told).then(nw.col("climbed_from_on")),
        al_percentile=nw.when(length_known).then(nw.col("percentile")),
        al_z=nw.when(length_known).then(nw.col("z")),
        al_percentile_refusal=nw.when(length_known).then(nw.col("withheld")),
    ).drop(*_BESIDE)


_BESIDE = ("readings", "first_on", "climbed", "climbed_from_on", "percentile", "z", "withheld", "sex", "birth_date")


def _with_reserve(eyes: Frame) -> Frame:
    age, (youngest, oldest) = nw.col("age"), RESERVE_AGES
    withheld = (
        nw.when(nw.col("se_cycloplegic").is_null())
        .then(nw.lit(Withheld.NOT_CYCLOPLEGIC.value))
        .when(age.is_null())
        .then(nw.lit(Withheld.BIRTH_UNKNOWN.value))
        .when((age < youngest * AGES) | (age >= (oldest + 1) * AGES))
        .then(nw.lit(Withheld.AGE_OUTSIDE.value))
        .otherwise(nw.lit(None))
    )
    told = nw.when(nw.col("reserve_refusal").is_null()).then(nw.col("se_cycloplegic"))
    return (
        with_ages(eyes, on="se_cycloplegic_on")
        .with_columns(reserve_refusal=withheld)
        .with_columns(reserve=told)
        .drop("age")
    )


# ── both eyes ────────────────────────────────────────────────────────────────────────────────────────────


def _side_by_side(eyes: Frame) -> Frame:
    """One row a customer: every column twice, for the right and the left eye."""
    columns = [name for name in eyes.collect_schema().names() if name not in (EYE, "customer_id")]
    wide = eyes.select("customer_id").unique()
    for eye, side in EYES.items():
        suffixed = [nw.col(name).alias(f"{name}_{eye.value.lower()}") for name in columns]
        half = eyes.filter(nw.col(EYE) % 2 == side).select("customer_id", *suffixed)
        wide = wide.join(half, on="customer_id", how="left")
    return wide


def _together() -> list[nw.Expr]:
    """The worse eye, the better one and their difference; null unless both are known."""
    lengths = ("axial_length", *(name for one in GROWTHS if one.rate for name in (one.base, one.rate)))
    return [
        _if_both("se", nw.min_horizontal("se_od", "se_os")).alias("se_worse"),
        _if_both("se", nw.max_horizontal("se_od", "se_os")).alias("se_better"),
        *(_if_both(one, nw.max_horizontal(f"{one}_od", f"{one}_os")).alias(f"{one}_worse") for one in lengths),
        _difference("se"),
        _difference("axial_length"),
    ]


def _if_both(name: str, value: nw.Expr) -> nw.Expr:
    known = ~(nw.col(f"{name}_od") + nw.col(f"{name}_os")).is_null()
    return nw.when(known).then(value)


def _difference(name: str) -> nw.Expr:
    """Between values of one day."""
    right, left = nw.col(f"{name}_od"), nw.col(f"{name}_os")
    one_day = nw.col(f"{name}_on_od") == nw.col(f"{name}_on_os")
    return nw.when(one_day).then((right - left).abs()).alias(f"{name}_difference")
