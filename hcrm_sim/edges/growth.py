"""Edges of growth: 0.50 D over a frame episode, six calendar months, what may be compared, ages of a curve."""

from dataclasses import replace
from datetime import date, timedelta

from hcrm_core.eye.age import months_before, years_before
from hcrm_core.terms import LensState, ProductKind, RefractionMethod
from hcrm_sim.edges.case import (
    EdgeCase,
    EdgeExam,
    EdgeOrder,
    ago,
    arrived,
    series,
)

SINGLE, FUNCTIONAL = ProductKind.SINGLE_VISION, ProductKind.FUNCTIONAL
GROWTH_EDGES = (0.49, 0.50, 0.51)  # D; requirement R4.1d: 50 度
QUARTER_EDGES = (74, 75, 120, 121)  # days between two exams that count as three months
OK_RANGE_EDGES = (-0.74, -0.75, -6.00, -6.01)  # D that OK lenses are fitted for
K_EDGES = (38.99, 39.00, 48.00, 48.01)  # D of the flat meridian that they are fitted on
HALF_YEAR_EDGES = (149, 150, 240, 241)  # … and as six months
ONE_DAY = timedelta(days=1)


def growth_cases(today: date) -> list[EdgeCase]:
    """Wearers of frames whose myopia moves."""
    cases = [_framed(today, growth=growth, key=f"frame-growth-{growth:.2f}") for growth in GROWTH_EDGES]
    cases += [
        _framed(today, growth=growth, key=f"functional-growth-{growth:.2f}", product=FUNCTIONAL)
        for growth in GROWTH_EDGES[:2]
    ]
    cases += _six_months(today) + _gates(today) + _fittings(today) + _not_comparable(today)
    return cases + _windows(today) + _curve_cases(today)


def _framed(
    today: date, *, growth: float, key: str, product: ProductKind = SINGLE, dispensed: date | None = None
) -> EdgeCase:
    worn_since = dispensed or ago(today, 300)
    first, last = worn_since - 2 * ONE_DAY, ago(today, 7)
    return EdgeCase(
        key=key,
        why=f"{growth:.2f} D more myopic over an episode of {product.value} since {worn_since}",
        born=years_before(today, years=10),
        filed_on=first,
        exams=series([(first, -2.00), (last, round(-2.00 - growth, 2))]),
        orders=(EdgeOrder(product=product, on=worn_since),),
        visits=arrived(first, last),
    )


def _six_months(today: date) -> list[EdgeCase]:
    edge = months_before(today, months=6)
    days = {"six-months-less-a-day": edge + ONE_DAY, "six-months": edge, "six-months-and-a-day": edge - ONE_DAY}
    return [_framed(today, growth=0.50, key=f"frame-{name}", dispensed=day) for name, day in days.items()]


def _gates(today: date) -> list[EdgeCase]:
    """Old enough for OK lenses or not, and born on a day that most years do not have."""
    eighth = years_before(today, years=8)
    ages = {
        "eighth-birthday-tomorrow": eighth + ONE_DAY,
        "eighth-birthday": eighth,
        "eight-and-a-day": eighth - ONE_DAY,
    }
    cases = [_framed(today, growth=0.75, key=f"frame-{name}").but(born=born) for name, born in ages.items()]
    leap = today.year - 9 - (today.year - 9) % 4
    return [*cases, _framed(today, growth=0.75, key="frame-born-29-february").but(born=date(leap, 2, 29))]


def _fittings(today: date) -> list[EdgeCase]:
    """Eyes that OK lenses just fit, or just do not."""
    base = _framed(today, growth=0.50, key="frame-fitting")
    first, last = base.exams
    by_power = [
        base.but(
            key=f"frame-now-{now:.2f}",
            why=f"0.50 D of growth to {now:.2f} D",
            exams=series([(first.on, round(now + 0.50, 2)), (last.on, now)]),
        )
        for now in OK_RANGE_EDGES
    ]
    by_cornea = [
        base.but(
            key=f"frame-k-{k:.2f}", why=f"0.50 D of growth, flat K {k:.2f} D", exams=(first, replace(last, k_flat=k))
        )
        for k in K_EDGES
    ]
    return by_power + by_cornea


def _not_comparable(today: date) -> list[EdgeCase]:
    """Looks like growth, is not; and growth of one eye only."""
    base = _framed(today, growth=0.75, key="frame-growth-other-cycloplegia")
    first, last = base.exams

    def last_with(key: str, why: str, exam: EdgeExam) -> EdgeCase:
        return base.but(key=key, why=why, exams=(first, exam))

    drops = EdgeExam(on=last.on, se=last.se, axial=first.axial, cycloplegic=True)
    unknown = EdgeExam(on=last.on, se=last.se, axial=first.axial, cycloplegic=None)
    subjective = EdgeExam(on=last.on, se=last.se, axial=first.axial, method=RefractionMethod.SUBJECTIVE)
    lens = EdgeExam(on=last.on, se=last.se, method=RefractionMethod.LENS_POWER)
    left = EdgeExam(on=last.on, se=(first.se[0], last.se[1]), axial=last.axial)
    swapped = EdgeOrder(product=FUNCTIONAL, on=ago(today, 20))
    return [
        last_with(base.key, "0.75 D between an exam without and one with cycloplegia", drops),
        last_with("frame-growth-unknown-cycloplegia", "0.75 D, cycloplegia of the last exam not recorded", unknown),
        last_with("frame-growth-other-method", "0.75 D between autorefraction and subjective refraction", subjective),
        last_with("frame-growth-lens-power", "0.75 D, but the last value is the power of a lens", lens),
        last_with("frame-growth-left-only", "0.75 D in the left eye, none in the right", left),
        base.but(
            key="frame-growth-across-products",
            why="0.75 D, most of it before single vision gave way to functional lenses 20 days ago",
            exams=(first, last),
            orders=(*base.orders, swapped),
        ),
        base.but(key="frame-no-baseline", why="one exam only: growth is unknown", exams=(last,)),
    ]


def _windows(today: date) -> list[EdgeCase]:
    pairs = [(days, 0.25) for days in QUARTER_EDGES] + [(days, 0.50) for days in HALF_YEAR_EDGES]
    return [_two_exams(today, apart=days, growth=growth) for days, growth in pairs]


def _two_exams(today: date, *, apart: int, growth: float) -> EdgeCase:
    first, last = ago(today, apart + 14), ago(today, 14)
    case = _framed(today, growth=growth, key=f"growth-in-{apart}-days", dispensed=first + ONE_DAY)
    return case.but(
        why=f"{growth:.2f} D in {apart} days",
        exams=series([(first, -1.50), (last, -1.50 - growth)]),
        visits=arrived(first, last),
    )


def _curve_cases(today: date) -> list[EdgeCase]:
    """Children at the ends of a reference's ages, long and short series, values that a screen must bear."""
    sixth, fifteenth = years_before(today, years=6), years_before(today, years=15)
    seen = ago(today, 30)
    one = EdgeExam(on=seen, se=(0.75, 1.0), axial=(22.6, 22.5), cycloplegic=True, state=LensState.NONE)
    young = EdgeCase(key="curve-not-yet-6", why="measured the day before 6", born=None, exams=(one,))
    cases = [
        young.but(born=sixth - timedelta(days=29), filed_on=seen),
        young.but(key="curve-6", why="measured on the 6th birthday", born=sixth - timedelta(days=30), filed_on=seen),
        young.but(key="curve-15", why="on the 15th birthday", born=fifteenth - timedelta(days=30), filed_on=seen),
        young.but(key="curve-past-15", why="the day after 15", born=fifteenth - timedelta(days=31), filed_on=seen),
        young.but(
            key="curve-age-3", why="youngest", born=years_before(today, years=3) - timedelta(days=40), filed_on=seen
        ),
    ]
    return [*cases, _long_series(today), _high_myope(today), _shrinking(today), _one_eyed(today)]


def _long_series(today: date) -> EdgeCase:
    points = [(ago(today, 15 + 91 * n), -0.75 - 0.125 * (23 - n)) for n in range(24)][::-1]
    case = _framed(today, growth=0.50, key="curve-24-exams", product=FUNCTIONAL, dispensed=ago(today, 2000))
    days = [day for day, _ in points]
    return case.but(
        why="24 exams over six years", born=years_before(today, years=13), exams=series(points), visits=arrived(*days)
    )


def _high_myope(today: date) -> EdgeCase:
    points = [(ago(today, 720), -5.75), (ago(today, 360), -6.0), (ago(today, 20), -6.5)]
    case = _framed(today, growth=0.5, key="curve-high-myope", product=FUNCTIONAL, dispensed=ago(today, 715))
    return case.but(
        why="crosses −6.00 D and 26.00 mm", born=years_before(today, years=14), exams=series(points, axial=25.86)
    )


def _shrinking(today: date) -> EdgeCase:
    case = _framed(today, growth=0.0, key="curve-shrinking")
    first, last = case.exams
    shorter = EdgeExam(on=last.on, se=last.se, axial=(23.88, 24.01))
    return case.but(why="right eye 0.12 mm shorter than before: measure again", exams=(first, shorter))


def _one_eyed(today: date) -> EdgeCase:
    case = _framed(today, growth=0.25, key="curve-one-eye-measured")
    first, last = case.exams
    return case.but(
        why="left eye never measured",
        exams=tuple(EdgeExam(on=one.on, se=(one.se[0], None), axial=(one.axial[0], None)) for one in (first, last)),
    )
