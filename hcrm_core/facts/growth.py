"""Growth of an eye: the one definition that facts, rules, charts and reports share.

Growth compares the same eye, the same method and the same cycloplegia, without the influence of an
orthokeratology lens; whatever may not be compared is refused with a reason (docs/rules.md gives the sources).
Written in narwhals expressions, so that one child and a million run the same code.

Frames hold exact integers: refraction in 0.001 D, lengths in µm. Instants play no part, only days.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import narwhals as nw

from hcrm_core.facts.civil import day_number
from hcrm_core.terms import ExamStatus, Eye, LensState, RefractionMethod

Frame = nw.LazyFrame[Any]  # why Any: the engine's own frame, whichever it is

WASHOUT_DAYS = 28  # refraction recovers 14–28 days after the last night with an OK lens; the cautious end
RATE_DAYS = 150  # a shorter interval says nothing of a rate: repeatability is as large as the change
DAYS_A_YEAR = Decimal("365.25")
# Axial length repeats within ±0.06 mm: the largest within-subject SD of four devices, 0.04–0.06 mm (Mattern 2023,
# reference pack §4.4). Two readings are independent, so that their difference repeats within √2 times as much.
REPEATABILITY_MM = Decimal("0.06")
_ROOT_OF_TWO = Decimal(2).sqrt()
_REPEATABILITY_UM = int(REPEATABILITY_MM * 1000)


class Refusal(StrEnum):
    """Why there is no growth to tell."""

    NO_PAIR = "no_pair"  # fewer than two measurements at a suitable distance
    INTERVAL_TOO_SHORT = "interval_too_short"
    NOT_COMPARABLE = "not_comparable"  # other method or cycloplegia, or not recorded
    OK_WEAR = "ok_wear"  # the latest refraction is a treatment outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which interval counts, in days, both ends included; of several the one nearest to `nominal` is taken."""

    at_least: int
    at_most: int
    nominal: int


# Windows end at the latest comparable measurement, not at today, so they change only when data does.
QUARTER = Window(at_least=75, at_most=120, nominal=91)
HALF_YEAR = Window(at_least=150, at_most=240, nominal=182)
YEAR = Window(at_least=300, at_most=430, nominal=365)
TWO_YEARS = Window(at_least=600, at_most=860, nominal=730)  # as wide as a year's on either side
PERIODS = {"3m": QUARTER, "6m": HALF_YEAR, "12m": YEAR, "24m": TWO_YEARS}
RECENT = Window(at_least=RATE_DAYS, at_most=730, nominal=182)  # for a rate: about half a year, at most two
EPISODE = Window(at_least=RATE_DAYS, at_most=36_500, nominal=36_500)  # the whole of what is given

# Frames count customers and exams with integers, and an eye has one: grouping by a single integer is many times
# quicker than by names. Right eyes are even.
EYE = "eye_key"
EYES = {Eye.OD: 0, Eye.OS: 1}

_SERIES = 16  # more than there are series of an eye
EXAMS = 2**28  # more than there are exams in a frame


# ── the definition, on frames ────────────────────────────────────────────────────────────────────────────


def final(eyes: Frame) -> Frame:
    """Final examinations with `order`, which grows with the day and then with the exam's number."""
    order = day_number(nw.col("examined_on")) * EXAMS + nw.col("exam_id")
    return eyes.filter(nw.col("status") == ExamStatus.FINAL.value).with_columns(order=order)


def keyed(eyes: Frame) -> Frame:
    """Eyes measured in final examinations, with `eye_key` and `order`."""
    return numbered(final(eyes))


def numbered(exams: Frame) -> Frame:
    """Of examinations the eyes that were measured, with `eye_key`."""
    return exams.filter(~nw.col("eye").is_null()).with_columns(eye_number().alias(EYE))


def eye_number() -> nw.Expr:
    """The number of an eye among all eyes, from customer_id and eye."""
    side = nw.when(nw.col("eye") == Eye.OS.value).then(nw.lit(EYES[Eye.OS])).otherwise(nw.lit(EYES[Eye.OD]))
    return nw.col("customer_id") * 2 + side


def refraction_readings(eyes: Frame, *, washout_days: int = WASHOUT_DAYS) -> Frame:
    """Spherical equivalents that were measured, each with the series it may be compared within.

    SE = sphere + cylinder / 2; without a cylinder it is unknown, not the sphere. `series` is null where
    nothing may be compared: OK lens worn or stopped for less than `washout_days`, method, cycloplegia or lens
    state not recorded, or a dispensed power.

    Args:
        eyes: as `keyed` gives, with examined_on, method, cycloplegic, lens_state, washout_days, sphere_mdpt,
            cylinder_mdpt (0.001 D).
        washout_days: nights without OK lens before refraction counts again.

    Returns:
        eye_key, exam_id, examined_on, order, value (0.001 D), series, worn (a treatment outcome).
    """
    lens = (
        nw.when(_natural(washout_days))
        .then(nw.lit(0))
        .when(nw.col("lens_state") == LensState.SOFT_LENS.value)
        .then(nw.lit(1))
        .otherwise(nw.lit(None))
    )
    drops = nw.when(nw.col("cycloplegic")).then(nw.lit(1)).when(~nw.col("cycloplegic")).then(nw.lit(0))
    return (
        eyes.with_columns(
            value=nw.col("sphere_mdpt") + nw.col("cylinder_mdpt") // 2,
            worn=shaped(washout_days),
            series=_method() * 4 + drops.otherwise(nw.lit(None)) * 2 + lens,
        )
        .filter((nw.col("method") != RefractionMethod.LENS_POWER.value) & ~nw.col("value").is_null())
        .select(*_READING)
    )


def axial_readings(eyes: Frame) -> Frame:
    """Axial lengths that were measured (µm). They compare whatever lens was worn and whatever drops were given."""
    return (
        eyes.filter(~nw.col("axial_length_um").is_null())
        .with_columns(value=nw.col("axial_length_um"), series=nw.lit(0), worn=nw.lit(value=False))
        .select(*_READING)
    )


_READING = (EYE, "exam_id", "examined_on", "order", "value", "series", "worn")


def shaped(washout_days: int) -> nw.Expr:
    """Whether an OK lens still shapes the cornea: worn, or not stopped for so many days as far as is known."""
    state = nw.col("lens_state")
    recent = nw.col("washout_days").fill_null(0) < washout_days
    return (state == LensState.OK_LENS.value) | ((state == LensState.OK_WASHOUT.value) & recent)


def _natural(washout_days: int) -> nw.Expr:
    natural = [LensState.NONE.value, LensState.SPECTACLES.value, LensState.OK_WASHOUT.value]
    return nw.col("lens_state").is_in(natural) & ~shaped(washout_days)


def _method() -> nw.Expr:
    coded = nw.when(nw.col("method") == RefractionMethod.AUTOREFRACTION.value).then(nw.lit(1))
    for number, method in enumerate((RefractionMethod.RETINOSCOPY, RefractionMethod.SUBJECTIVE), start=2):
        coded = coded.when(nw.col("method") == method.value).then(nw.lit(number))
    return coded.otherwise(nw.lit(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Readings side by side, for any number of windows.

    Attributes:
        standing: per eye, how many readings there are, the longest interval of a pair (null without one), and worn:
            whether the latest reading is a treatment outcome.
        pairs: the latest reading of each series beside every earlier one of it.
    """

    standing: Frame
    pairs: Frame


def as_it_is(frame: Frame) -> Frame:
    """What is done to keep a frame that is read once, or that the engine recognises by itself."""
    return frame


def paired(readings: Frame, *, keep: Callable[[Frame], Frame] = as_it_is) -> Paired:
    """Everything that may be compared, from `refraction_readings` or `axial_readings`.

    Args:
        keep: what the engine does with a frame that is read more than once.
    """
    pairs = keep(_pairs(readings))
    longest = pairs.group_by(EYE).agg(longest=nw.col("days").max())
    return Paired(standing=keep(_standing(readings).join(longest, on=EYE, how="left")), pairs=pairs)


def change(readings: Frame, window: Window) -> Frame:
    """`changed` of readings that are asked for one window only."""
    return changed(paired(readings), window)


def changed(compared: Paired, window: Window) -> Frame:
    """The change of every eye over a window, new minus old, or the reason why there is none.

    Of each series the latest reading is compared with the earlier one in the window that is nearest to the
    nominal interval; of several series the one that ends last speaks. An eye whose latest reading is a
    treatment outcome is refused as a whole.

    Args:
        compared: as `paired` gives.
        window: which intervals count.

    Returns:
        One row per eye: eye_key, change, days, from_on, to_on, from_exam_id, to_exam_id, refusal.
    """
    found = compared.standing.join(_best(compared.pairs, window), on=EYE, how="left")
    refusal = (
        nw.when(nw.col("worn"))
        .then(nw.lit(Refusal.OK_WEAR.value))
        .when(~nw.col("change").is_null())
        .then(nw.lit(None))
        .when(nw.col("readings") < 2)
        .then(nw.lit(Refusal.NO_PAIR.value))
        .when(nw.col("longest").is_null())
        .then(nw.lit(Refusal.NOT_COMPARABLE.value))
        .when(nw.col("longest") < window.at_least)
        .then(nw.lit(Refusal.INTERVAL_TOO_SHORT.value))
        .otherwise(nw.lit(Refusal.NO_PAIR.value))
    )
    return _told(found, where=~nw.col("worn"), refusal=refusal)


_TOLD = ("change", "days", "from_on", "to_on", "from_exam_id", "to_exam_id")


def beyond_error(changes: Frame, window: Window, *, axial: nw.Expr) -> Frame:
    """Changes of axial length over too few days for a rate are told only where they are more than measuring leaves
    (reference pack §4.4); otherwise the interval was too short.

    Args:
        changes: as `changed` gives.
        axial: which of them are of axial length.
    """
    if window.at_least >= RATE_DAYS:
        return changes
    apart = nw.col("change") * nw.col("change") > 2 * _REPEATABILITY_UM**2
    within = (axial & ~apart).fill_null(value=False)
    refusal = nw.when(within).then(nw.lit(Refusal.INTERVAL_TOO_SHORT.value)).otherwise(nw.col("refusal"))
    return _told(changes, where=~within, refusal=refusal)


def _told(changes: Frame, *, where: nw.Expr, refusal: nw.Expr) -> Frame:
    told = [nw.when(where).then(nw.col(name)).alias(name) for name in _TOLD]
    return changes.with_columns(refusal=refusal).select(EYE, *told, "refusal")


def spread(compared: Paired, *, at_least: int) -> Frame:
    """How far comparable readings lie apart over a span of at least so many days, ending at the latest one.

    The span begins at the newest reading that is old enough. An eye whose latest reading is a treatment outcome,
    or whose readings do not reach back far enough, is left out.

    Returns:
        eye_key, spread (greatest minus smallest), from_on.
    """
    old_enough = compared.pairs.filter(nw.col("days") >= at_least)
    begun = old_enough.group_by("series_key").agg(begin=nw.col("from_order").max())
    inside = compared.pairs.join(begun, on="series_key", how="inner").filter(nw.col("from_order") >= nw.col("begin"))
    latest = keep_greatest(inside, by=EYE, columns=("to_order",))
    spreads = (
        latest.with_columns(
            highest=nw.max_horizontal("from_value", "to_value"), lowest=nw.min_horizontal("from_value", "to_value")
        )
        .group_by(EYE)
        .agg(highest=nw.col("highest").max(), lowest=nw.col("lowest").min(), from_on=nw.col("from_on").min())
        .with_columns(spread=nw.col("highest") - nw.col("lowest"))
    )
    natural = compared.standing.filter(~nw.col("worn")).select(EYE)
    return spreads.join(natural, on=EYE, how="inner").select(EYE, "spread", "from_on")


def keep_greatest(frame: Frame, *, by: str, columns: Sequence[str]) -> Frame:
    """The rows with the greatest value per group, ties decided by the following columns in turn."""
    for column in columns:
        frame = frame.filter(nw.col(column) == nw.col(column).max().over(by))
    return frame


def _pairs(readings: Frame) -> Frame:
    """The latest reading of each series beside every earlier one of it."""
    usable = readings.filter(~nw.col("series").is_null()).with_columns(
        series_key=nw.col(EYE) * _SERIES + nw.col("series")
    )
    latest = keep_greatest(usable, by="series_key", columns=("order",))
    later = latest.select("series_key", to_on="examined_on", to_order="order", to_exam_id="exam_id", to_value="value")
    earlier = usable.select(
        EYE, "series_key", from_on="examined_on", from_order="order", from_exam_id="exam_id", from_value="value"
    )
    return (
        earlier.join(later, on="series_key", how="inner")
        .filter(nw.col("from_on") < nw.col("to_on"))
        .with_columns(
            change=nw.col("to_value") - nw.col("from_value"),
            days=nw.col("to_order") // EXAMS - nw.col("from_order") // EXAMS,
        )
    )


def _best(pairs: Frame, window: Window) -> Frame:
    """Per eye the pair in the window that speaks."""
    inside = pairs.filter((nw.col("days") >= window.at_least) & (nw.col("days") <= window.at_most))
    ranked = inside.with_columns(nearness=-(nw.col("days") - window.nominal).abs())
    return keep_greatest(ranked, by=EYE, columns=("to_order", "nearness", "from_order")).select(EYE, *_TOLD)


def _standing(readings: Frame) -> Frame:
    """Per eye: how many readings there are, and whether the latest is a treatment outcome."""
    on = nw.col("examined_on")
    return (
        readings.with_columns(worn_on=nw.when(nw.col("worn")).then(on))
        .group_by(EYE)
        .agg(readings=nw.col("value").count(), latest_on=on.max(), worn_on=nw.col("worn_on").max())
        .select(EYE, "readings", worn=(nw.col("worn_on") == nw.col("latest_on")).fill_null(value=False))
    )


# ── one child ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementInput:
    """One eye of one exam, as growth needs it. Sphere and cylinder in D, axial length in mm; None is unknown."""

    exam_id: UUID
    eye: Eye
    examined_on: date
    method: RefractionMethod
    cycloplegic: bool | None
    lens_state: LensState
    washout_days: int | None = None
    sphere: Decimal | None = None
    cylinder: Decimal | None = None
    axial_length_mm: Decimal | None = None
    status: ExamStatus = ExamStatus.FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A change, or why there is none.

    Attributes:
        change: positive is growth: SE_old − SE_new in D (more myopic), or AL_new − AL_old in mm.
        per_year: the same per 365.25 days, to 0.01; None under 150 days.
        interval_days: days between the two exams.
        from_on, to_on, from_exam_id, to_exam_id: the two exams behind it.
        error_per_year: ± of `per_year` that measuring leaves, to 0.01; of axial length only.
        refusal: None exactly when there is a change.
    """

    change: Decimal | None = None
    per_year: Decimal | None = None
    error_per_year: Decimal | None = None
    interval_days: int | None = None
    from_on: date | None = None
    to_on: date | None = None
    from_exam_id: UUID | None = None
    to_exam_id: UUID | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeGrowth:
    """Growth of one eye: spherical equivalent in D and axial length in mm."""

    refraction: Growth
    axial: Growth


def eye_growth(
    measurements: Sequence[MeasurementInput], *, window: Window = RECENT, washout_days: int = WASHOUT_DAYS
) -> dict[Eye, EyeGrowth]:
    """Growth of both eyes of one child, by the same definition as the facts of everybody.

    Args:
        measurements: in any order, of one child; void and amended exams are passed over.
        window: which interval to tell, e.g. `HALF_YEAR`.
        washout_days: nights without OK lens before refraction counts again.

    Returns:
        An entry for each eye; an eye without measurements is refused as ``no_pair``.
    """
    child = child_growth(measurements, window=window, washout_days=washout_days)
    axial = {one.eye: one.growth for one in child.lengths}
    return {
        eye: EyeGrowth(refraction=child.refraction[eye], axial=axial.get(eye, Growth(refusal=Refusal.NO_PAIR)))
        for eye in Eye
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RefractionReading:
    """One spherical equivalent that was measured, and what it may be compared with.

    Attributes:
        value: spherical equivalent, D.
        series: readings of one eye with the same number are comparable; None compares with nothing.
        worn: a treatment outcome of an OK lens.
    """

    exam_id: UUID
    eye: Eye
    examined_on: date
    value: Decimal
    series: int | None
    worn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AxialReading:
    """One axial length, and the growth that could be told on that day: the last one of an eye is its growth."""

    exam_id: UUID
    eye: Eye
    examined_on: date
    value: Decimal
    growth: Growth


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildGrowth:
    """Everything that growth says of one child.

    Attributes:
        refraction: growth of the spherical equivalent of each eye.
        readings: refractions of both eyes in the order of their days.
        lengths: axial lengths of both eyes in the order of their days.
    """

    refraction: dict[Eye, Growth]
    readings: list[RefractionReading]
    lengths: list[AxialReading]


def child_growth(
    measurements: Sequence[MeasurementInput], *, window: Window = RECENT, washout_days: int = WASHOUT_DAYS
) -> ChildGrowth:
    """`eye_growth` with the readings behind it, and growth of axial length as it could be told on each day.

    Every axial length is put into an eye of its own together with what came before it, so that the one definition
    of `change` speaks for each day.
    """
    eyes = keyed(_frame_of(measurements))
    refraction = refraction_readings(eyes, washout_days=washout_days).with_columns(_whole("series")).collect("polars")
    axial = axial_readings(eyes).with_columns(_whole("series")).collect("polars")
    upto = axial.select(EYE, key=nw.col("exam_id") + len(EYES), last="order")
    course = axial.join(upto, on=EYE, how="inner").filter(nw.col("order") <= nw.col("last"))
    own = course.with_columns(nw.col("key").alias(EYE)).select(*_READING)
    changes = change(nw.concat([refraction, own]).lazy(), window)
    told = _by_eye(beyond_error(changes, window, axial=nw.col(EYE) >= len(EYES)))
    exams = [m.exam_id for m in measurements]
    sides = {key: eye for eye, key in EYES.items()}
    return ChildGrowth(
        refraction={eye: _growth(told.get(key), exams, sign=-1) for eye, key in EYES.items()},
        readings=[
            RefractionReading(
                exam_id=exams[row["exam_id"]],
                eye=sides[row[EYE]],
                examined_on=row["examined_on"],
                value=Decimal(row["value"]) / 1000,
                series=row["series"],
                worn=row["worn"],
            )
            for row in refraction.sort("order").iter_rows(named=True)
        ],
        lengths=[
            AxialReading(
                exam_id=exams[row["exam_id"]],
                eye=sides[row[EYE]],
                examined_on=row["examined_on"],
                value=Decimal(row["value"]) / 1000,
                growth=_growth(told.get(row["exam_id"] + len(EYES)), exams, sign=1),
            )
            for row in axial.sort("order").iter_rows(named=True)
        ],
    )


def _whole(column: str) -> nw.Expr:
    return nw.col(column).cast(nw.Int64)


def _frame_of(measurements: Sequence[MeasurementInput]) -> Frame:
    import polars as pl

    rows = [
        {
            "customer_id": 0,
            "eye": m.eye.value,
            "exam_id": number,
            "examined_on": m.examined_on,
            "status": m.status.value,
            "method": m.method.value,
            "cycloplegic": m.cycloplegic,
            "lens_state": m.lens_state.value,
            "washout_days": m.washout_days,
            "sphere_mdpt": thousandths(m.sphere),
            "cylinder_mdpt": thousandths(m.cylinder),
            "axial_length_um": thousandths(m.axial_length_mm),
        }
        for number, m in enumerate(measurements)
    ]
    words = dict.fromkeys(("eye", "status", "method", "lens_state"), pl.String)
    measures = ("washout_days", "sphere_mdpt", "cylinder_mdpt", "axial_length_um")
    numbers = dict.fromkeys(("customer_id", "exam_id", *measures), pl.Int64)
    schema = words | numbers | {"examined_on": pl.Date, "cycloplegic": pl.Boolean}
    return nw.from_native(pl.DataFrame(rows, schema=schema).lazy())


def thousandths(value: Decimal | None) -> int | None:
    """A value in 0.001 of its unit, as frames hold it: D to 0.001 D, mm to µm."""
    return None if value is None else int((value * 1000).to_integral_value(ROUND_HALF_UP))


def _by_eye(changes: Frame) -> dict[int, dict[str, Any]]:
    return {row[EYE]: row for row in changes.collect("polars", engine="in-memory").iter_rows(named=True)}


def _growth(row: dict[str, Any] | None, exams: Sequence[UUID], *, sign: int) -> Growth:
    if row is None or row["refusal"] is not None:
        return Growth(refusal=Refusal(row["refusal"]) if row else Refusal.NO_PAIR)
    amount, days = Decimal(sign * row["change"]) / 1000, int(row["days"])
    return Growth(
        change=amount,
        per_year=_yearly(amount, days),
        error_per_year=_yearly(REPEATABILITY_MM * _ROOT_OF_TWO, days) if sign > 0 else None,
        interval_days=days,
        from_on=row["from_on"],
        to_on=row["to_on"],
        from_exam_id=exams[row["from_exam_id"]],
        to_exam_id=exams[row["to_exam_id"]],
    )


def _yearly(amount: Decimal, days: int) -> Decimal | None:
    """An amount over some days as of a year, to 0.01; None where the days are too few to speak of a rate."""
    if days < RATE_DAYS:
        return None
    return (amount * DAYS_A_YEAR / days).quantize(Decimal("0.01"), ROUND_HALF_UP)
