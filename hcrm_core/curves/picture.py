"""What a chart shows, as plain values: points, bands, lines, ribbons and scales. No Qt, so a reader can make it."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise
from uuid import UUID

from hcrm_core.eye.age import exact_age
from hcrm_core.record import MedicationRow, OrderRecord
from hcrm_core.terms import Eye, LensState, ProductKind, RefractionMethod


class Quantity(StrEnum):
    """What is drawn, and in which unit."""

    AXIAL_LENGTH = "axial_length"  # mm
    REFRACTION = "refraction"  # spherical equivalent, D
    GROWTH_RATE = "growth_rate"  # of axial length, mm a year


class Mark(StrEnum):
    """How a point is drawn: by what it may be compared with."""

    SOLID = "solid"  # comparable
    HOLLOW = "hollow"  # without cycloplegia, or the conditions were not recorded
    CROSSED = "crossed"  # under the influence of an OK lens: a treatment outcome


class Sign(StrEnum):
    """What a glyph at the foot of a chart says of a day."""

    CYCLOPLEGIA = "cycloplegia"
    DEVICE = "device"  # another device than the time before
    TOO_EARLY = "too_early"  # the interval says nothing of a rate


class Scenario(StrEnum):
    """Under which assumption a fan spreads."""

    UNTREATED = "untreated"
    PHYSIOLOGICAL = "physiological"
    TREATED = "treated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of one eye.

    Attributes:
        x: exact age in years, or the day's ordinal.
        series: points of one eye with the same number are joined; None is never joined.
        percentile: e.g. "P56", or "" if there is none.
        error: half the height of the error bar, in the unit of the value; None where none is published.
        since: for a rate, the first day of its interval.
        about: what the value may be compared with: the conditions of the examination, and why not, as codes.
    """

    eye: Eye
    exam_id: UUID
    on: date
    x: float
    value: Decimal
    mark: Mark
    series: int | None
    percentile: str = ""
    error: Decimal | None = None
    since: date | None = None
    about: "Conditions | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under which conditions a refraction was measured, as codes for words."""

    method: RefractionMethod
    cycloplegic: bool | None
    lens_state: LensState


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The room between two percentiles, or a single percentile where both are the same."""

    xs: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def at(self, x: float) -> tuple[float, float]:
        """Its low and high end at a place, or where it ends on that side."""
        right = min(max(bisect_right(self.xs, x), 1), len(self.xs) - 1)
        left = max(0, right - 1)
        wide = self.xs[right] - self.xs[left]
        part = min(max((x - self.xs[left]) / wide, 0.0), 1.0) if wide else 0.0
        low, high = (ys[left] + part * (ys[right] - ys[left]) for ys in (self.low, self.high))
        return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What eyes without refractive error do: the room to stay in. `source` is printed with it."""

    band: Band
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A published mean over age, drawn as a line. `source` is printed with it."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """Where one eye may go under an assumption: a room between two bounds, never one number."""

    eye: Eye
    scenario: Scenario
    band: Band
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Mean growth of one eye over a stretch before or under a treatment.

    Attributes:
        product: what was worn, or None before any treatment.
        start, end: (x, value) of its ends.
        per_year, error: mm a year, and half of the band that measurement error leaves.
        mean: mean of children of that age over the same stretch, mm a year; None where none is published.
    """

    eye: Eye
    product: ProductKind | None
    start: tuple[float, float]
    end: tuple[float, float]
    per_year: Decimal
    error: Decimal
    mean: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """A sign at the foot of the chart on a day of examination. `device` is told where it changed."""

    sign: Sign
    on: date
    x: float
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Washout:
    """After an OK lens: how long refraction of one eye does not count."""

    eye: Eye
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """An episode of wear of one product, with the days on which a lens was replaced."""

    eye: Eye
    product: ProductKind
    start: float
    end: float
    changes: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Drops of one strength, for both eyes.

    Attributes:
        percent: None: not this reader's to know.
        ended_on: None while it runs.
    """

    percent: Decimal | None
    start: float
    end: float
    started_on: date
    ended_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One chart.

    Attributes:
        by_age: x is an exact age; otherwise a day's ordinal, because the birth date is unknown.
        points: of both eyes, in the order of days.
        bands: percentile bands, outer to inner, then the median.
        reference: name and version of the percentiles' source.
        refused: why there are no percentiles: "", "sex_unknown", "age_outside" or "birth_unknown".
        levels: values of definition lines.
        x_range, y_range: what is shown.
        target, means, fans, slopes: see there; each is drawn where there is one.
        glyphs, washouts: at the foot, beside the ribbons.
        courses: of medicine, in a lane of their own below the ribbons.
    """

    quantity: Quantity
    by_age: bool
    points: tuple[Point, ...]
    ribbons: tuple[Ribbon, ...]
    levels: tuple[Decimal, ...]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    bands: tuple[Band, ...] = ()
    reference: str = ""
    refused: str = ""
    target: Target | None = None
    means: tuple[Mean, ...] = ()
    fans: tuple[Fan, ...] = ()
    slopes: tuple[Slope, ...] = ()
    glyphs: tuple[Glyph, ...] = ()
    washouts: tuple[Washout, ...] = ()
    courses: tuple[Course, ...] = ()

    def of(self, eye: Eye) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.eye is eye)

    def over(self, x_range: tuple[float, float]) -> "Picture":
        """The same over another stretch of time."""
        return replace(self, x_range=x_range)

    def projected(self, eye: Eye | None) -> "Picture":
        """With the fans of one eye, to where they end; or with none."""
        fans = tuple(fan for fan in self.fans if fan.eye is eye)
        if not fans:
            return replace(self, fans=())
        low, high = self.y_range
        end = max(fan.band.xs[-1] for fan in fans)
        return replace(
            self,
            fans=fans,
            x_range=(self.x_range[0], max(self.x_range[1], end + 0.1)),
            y_range=(
                min(low, *(min(fan.band.low) for fan in fans)),
                max(high, *(max(fan.band.high) + 0.1 for fan in fans)),
            ),
        )

    @property
    def x_ticks(self) -> tuple[float, ...]:
        """Whole or half years of age; or first days of a year or a quarter."""
        low, high = self.x_range
        if not self.by_age:
            return _date_ticks(low, high)
        step = next(step for step in (0.5, 1, 2, 5, 10, 20) if (high - low) / step <= 7 or step == 20)
        return tuple(step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1))

    @property
    def y_ticks(self) -> tuple[float, ...]:
        low, high = self.y_range
        step = next(step for step in (0.5, 1, 2, 5, 10) if (high - low) / step <= 6 or step == 10)
        return tuple(step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where a day stands on the x axis. Without a usable birth date days stand on the calendar."""

    birth: date | None

    @classmethod
    def of(cls, birth: date | None, *, days: Iterable[date]) -> "Scale":
        """A birth date after an examination is wrong: then ages would be wrong as well."""
        return cls(birth=birth if birth is not None and all(day >= birth for day in days) else None)

    def x(self, day: date) -> float:
        if self.birth is None:
            return float(day.toordinal())
        return float(exact_age(self.birth, on=max(day, self.birth)))

    @property
    def year(self) -> float:
        return 1.0 if self.birth is not None else 365.25

    def around(self, days: Iterable[date], *, today: date) -> tuple[float, float]:
        """From a little before the first day to a little after the last, two years at least. All charts of a
        child take the days of all valid examinations, and so share one axis."""
        xs = [self.x(day) for day in days] or [self.x(today)]
        low, high = min(xs) - 0.25 * self.year, max(xs) + 0.25 * self.year
        missing = 2 * self.year - (high - low)
        return (low - missing / 2, high + missing / 2) if missing > 0 else (low, high)


def ribbons(
    orders: Sequence[OrderRecord], *, scale: Scale, x_range: tuple[float, float], today: date
) -> tuple[Ribbon, ...]:
    """Episodes of wear per eye: consecutive dispensed lenses of one product, until the next product or the end."""
    found: list[Ribbon] = []
    for eye in Eye:
        worn = sorted((o for o in orders if o.eye is eye and o.dispensed_on), key=_dispensed)
        runs = [list(run) for _, run in groupby(worn, key=lambda order: order.product)]
        ends = [*(_dispensed(run[0]) for run in runs[1:]), today]
        found += [_ribbon(run, end=end, scale=scale) for run, end in zip(runs, ends, strict=False)]
    low, high = x_range
    clipped = (_clipped(ribbon, low=low, high=high) for ribbon in found)
    return tuple(ribbon for ribbon in clipped if ribbon.start < ribbon.end)


def courses(
    medications: Sequence[MedicationRow], *, scale: Scale, x_range: tuple[float, float], today: date
) -> tuple[Course, ...]:
    """Courses of medicine as far as they are in sight, from the first."""
    low, high = x_range
    found = [
        Course(
            percent=one.percent,
            start=max(low, scale.x(one.started_on)),
            end=min(high, scale.x(one.ended_on or today)),
            started_on=one.started_on,
            ended_on=one.ended_on,
        )
        for one in sorted(medications, key=lambda one: one.started_on)
    ]
    return tuple(one for one in found if one.start < one.end)


def joints(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Neighbours that may be joined: of one series. Anything else would draw growth that nobody measured."""
    numbers = sorted({point.series for point in points if point.series is not None})
    pairs: list[tuple[Point, Point]] = []
    for number in numbers:
        pairs += pairwise([point for point in points if point.series == number])
    return pairs


def _clipped(ribbon: Ribbon, *, low: float, high: float) -> Ribbon:
    changes = tuple(x for x in ribbon.changes if low <= x <= high)
    return replace(ribbon, start=max(ribbon.start, low), end=min(ribbon.end, high), changes=changes)


def _ribbon(run: Sequence[OrderRecord], *, end: date, scale: Scale) -> Ribbon:
    last = run[-1].ended_on
    return Ribbon(
        eye=run[0].eye,
        product=run[0].product,
        start=scale.x(_dispensed(run[0])),
        end=scale.x(min(end, last) if last else end),
        changes=tuple(scale.x(_dispensed(order)) for order in run[1:]),
    )


def _dispensed(order: OrderRecord) -> date:
    return order.dispensed_on or date.max


def _date_ticks(low: float, high: float) -> tuple[float, ...]:
    first, last = date.fromordinal(max(1, int(low))), date.fromordinal(int(high))
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next(step for step in (3, 6, 12, 24, 60, 120) if months / step <= 7 or step == 120)
    starts = (divmod(n, 12) for n in range(first.year * 12, last.year * 12 + 12, step))
    days = [float(date(year, month + 1, 1).toordinal()) for year, month in starts]
    return tuple(day for day in days if low <= day <= high)
