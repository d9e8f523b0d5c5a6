"""Growth of axial length before a treatment and under it, each beside children of the same age.

Growth slows with age by itself. So either slope stands beside the mean of children with myopia over the very same
ages, and only how far it lies from that mean is compared: in absolute mm a year, with what measuring leaves open,
and never as a score. Sources: Naduvilath 2023 for the mean; repeatability of ±0.06 mm (Mattern 2023); the dip of the
first weeks in an OK lens (reference pack §4.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from hcrm_core.eye.age import exact_age, months_before
from hcrm_core.eye.mean_growth import MeanGrowth
from hcrm_core.eye.percentiles import Refused
from hcrm_core.facts.growth import DAYS_A_YEAR, REPEATABILITY_MM
from hcrm_core.record import OrderRecord
from hcrm_core.terms import Eye, ProductKind

CONTROLLING = frozenset({ProductKind.OK_LENS, ProductKind.FUNCTIONAL})
MONTHS = 6  # less than half a year on either side says nothing of a slope (reference pack §0)
FITTING_DAYS = 30  # the length before a lens is dispensed begins its time, as in the facts
SETTLING_DAYS = 30  # axial length dips by 0.026 mm in the first weeks of an OK lens: a month in, it begins (§4.3)
_HUNDREDTH = Decimal("0.01")

Length = tuple[date, Decimal]  # day and axial length, mm


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchGrowth:
    """The mean slope of some axial lengths, by least squares.

    Attributes:
        product: the controlling lens that was worn; None without.
        from_mm, to_mm: where the slope stands on its first and its last day.
        per_year, error: mm a year, and ± what measuring leaves (one SD), to 0.01.
        mean_per_year: of children with myopia over the same ages, or None where none is published.
        readings: how many lengths.
    """

    product: ProductKind | None
    from_on: date
    to_on: date
    from_mm: Decimal
    to_mm: Decimal
    per_year: Decimal
    error: Decimal
    mean_per_year: Decimal | None
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentGrowth:
    """One eye before its latest change of treatment and since.

    Attributes:
        started_on: first day of the lens.
        slower_by: how many mm a year the distance from the mean of the age fell; negative is a rise. None where
            either mean is not published.
        error: ± what measuring leaves of it.
        mean: name and version of the mean.
    """

    eye: Eye
    product: ProductKind
    started_on: date
    before: StretchGrowth
    after: StretchGrowth
    slower_by: Decimal | None
    error: Decimal
    mean: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    product: ProductKind | None
    start: date
    end: date


def treatment_growth(
    lengths: Sequence[Length], *, orders: Sequence[OrderRecord], eye: Eye, birth: date | None, mean: MeanGrowth
) -> TreatmentGrowth | Refused:
    """The two slopes of one eye.

    Args:
        lengths: its valid axial lengths in the order of their days.

    Returns:
        Refused as ``no_treatment``, ``before_too_short`` or ``after_too_short``: fewer than two lengths, or less than
        six months between them.
    """
    stretches = _stretches(orders, eye=eye)
    found = next((n for n in reversed(range(len(stretches))) if stretches[n].product), None)
    if found is None:
        return Refused(code="no_treatment")
    under = stretches[found]
    former = stretches[found - 1] if found else _Stretch(product=None, start=date.min, end=under.start)
    before = _slope(_within(lengths, former), product=former.product, birth=birth, mean=mean)
    if before is None:
        return Refused(code="before_too_short")
    after = _slope(_within(lengths, under), product=under.product, birth=birth, mean=mean)
    if after is None or under.product is None:
        return Refused(code="after_too_short")
    return TreatmentGrowth(
        eye=eye,
        product=under.product,
        started_on=under.start,
        before=before,
        after=after,
        slower_by=_slower_by(before, after),
        error=(before.error**2 + after.error**2).sqrt().quantize(_HUNDREDTH),
        mean=mean.label,
    )


def _stretches(orders: Sequence[OrderRecord], *, eye: Eye) -> list[_Stretch]:
    """Times of one controlling product, or of none, one after the other. Plain spectacles do not control."""
    worn = sorted(
        ((order.dispensed_on, order) for order in orders if order.eye is eye and order.dispensed_on is not None),
        key=lambda dated: dated[0],
    )
    runs = [
        (product, list(run))
        for product, run in groupby(worn, key=lambda dated: dated[1].product if _controls(dated[1]) else None)
    ]
    found: list[_Stretch] = []
    for number, (product, run) in enumerate(runs):
        ended = run[-1][1].ended_on
        following = runs[number + 1][1][0][0] if number + 1 < len(runs) else date.max
        start = run[0][0] if number else (date.min if product is None else run[0][0])
        found.append(_Stretch(product=product, start=start, end=min(ended or following, following)))
    return found


def _controls(order: OrderRecord) -> bool:
    return order.product in CONTROLLING


def _within(lengths: Sequence[Length], stretch: _Stretch) -> list[Length]:
    return [one for one in lengths if _begin(stretch) <= one[0] <= stretch.end]


def _begin(stretch: _Stretch) -> date:
    if stretch.start == date.min or stretch.product is None:
        return stretch.start
    if stretch.product is ProductKind.OK_LENS:
        return stretch.start + timedelta(days=SETTLING_DAYS)
    return stretch.start - timedelta(days=FITTING_DAYS)


def _slope(
    lengths: Sequence[Length], *, product: ProductKind | None, birth: date | None, mean: MeanGrowth
) -> StretchGrowth | None:
    if len(lengths) < 2 or lengths[0][0] > months_before(lengths[-1][0], months=MONTHS):
        return None
    (first, _), (last, _) = lengths[0], lengths[-1]
    years = [Decimal((on - first).days) / DAYS_A_YEAR for on, _ in lengths]
    middle, height = _mean(years), _mean([mm for _, mm in lengths])
    spread = sum(((year - middle) ** 2 for year in years), Decimal(0))
    steep = sum(((y - middle) * (mm - height) for y, (_, mm) in zip(years, lengths, strict=True)), Decimal(0)) / spread
    return StretchGrowth(
        product=product,
        from_on=first,
        to_on=last,
        from_mm=(height - steep * middle).quantize(_HUNDREDTH),
        to_mm=(height + steep * (years[-1] - middle)).quantize(_HUNDREDTH),
        per_year=steep.quantize(_HUNDREDTH),
        error=(REPEATABILITY_MM / spread.sqrt()).quantize(_HUNDREDTH),
        mean_per_year=_mean_of_age(first, last, birth=birth, mean=mean),
        readings=len(lengths),
    )


def _mean_of_age(first: date, last: date, *, birth: date | None, mean: MeanGrowth) -> Decimal | None:
    if birth is None or birth > first:
        return None
    return mean.per_year_between(exact_age(birth, on=first), age_to=exact_age(birth, on=last))


def _slower_by(before: StretchGrowth, after: StretchGrowth) -> Decimal | None:
    if before.mean_per_year is None or after.mean_per_year is None:
        return None
    return (before.per_year - before.mean_per_year) - (after.per_year - after.mean_per_year)


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)
