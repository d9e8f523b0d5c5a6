"""Where an eye may go until 18: a room between two bounds for each assumption, never one number.

* untreated: the mean growth of Chinese children with myopia (Naduvilath 2023), within its published ages only. How
  far children spread about it is not in our sources; as a default of our own the distance of that mean from the least
  that is published of children in single-vision spectacles (Sci Rep 2025) is taken to either side.
* physiological: the growth of eyes without refractive error, between the least and the most of our sources.
* treated: the untreated bounds less the absolute mm a year that trials found with children of that age. The upper
  bound takes the least effect and ends it with the trial; the lower one the greatest, without end, yet never below
  the physiological growth. Shares are never applied: they overstate the benefit (ARVO 2023, reference pack §2.4).

Every fan begins with the repeatability of the measurement, ±0.06 mm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from hcrm_core.curves.picture import Band, Fan, Scenario
from hcrm_core.eye.percentiles import Refused
from hcrm_core.eye.references import References, TreatmentEffect
from hcrm_core.facts.growth import REPEATABILITY_MM
from hcrm_core.facts.treatment import CONTROLLING
from hcrm_core.terms import Eye, ProductKind

UNTIL = Decimal(18)  # years: how far anything is projected
_HUNDREDTH, _HALF = Decimal("0.01"), Decimal("0.5")

Bounds = tuple[Decimal, Decimal]  # mm a year, or mm: low, high
Rate = Callable[[Decimal, Decimal], Bounds]  # by age, and years since the start


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """One assumption.

    Attributes:
        ages: exact years, ascending; the last is where publications, or 18 years, end.
        low, high: mm, one for each age.
        sources: names and versions, or trials.
    """

    scenario: Scenario
    ages: tuple[Decimal, ...]
    low: tuple[Decimal, ...]
    high: tuple[Decimal, ...]
    sources: tuple[str, ...]

    @property
    def ends_at(self) -> Decimal:
        """Years: to where it is told."""
        return self.ages[-1]


Projections = Mapping[Scenario, Projection | Refused]


def projections(
    length_mm: Decimal | None,
    *,
    age: Decimal | None,
    myopic: bool | None,
    worn: ProductKind | None,
    references: References,
) -> Projections:
    """The three assumptions for one eye, each told or refused.

    Args:
        length_mm: the latest valid axial length.
        age: exact age at that examination.
        myopic: whether the child has myopia, which decides whether growth of myopes applies; None is unknown.
        worn: the lens of the eye now.

    Returns:
        Refused as ``length_unknown``, ``birth_unknown`` or ``age_outside`` (before 6, from 15 on: there only the
        physiological growth is left, which is less than measuring repeats); the untreated and the treated one also as
        ``not_myopic`` or ``refraction_unknown``, the treated one as ``no_trial`` of that age.
    """
    if length_mm is None or age is None:
        return _all(Refused(code="length_unknown" if length_mm is None else "birth_unknown"))
    first, last = references.axial_growth.ages
    if not first <= age < last:
        return _all(Refused(code="age_outside"))
    physiological = _spread(
        Scenario.PHYSIOLOGICAL,
        length_mm,
        age=age,
        until=UNTIL,
        rate=_physiological(references),
        sources=[growth.label for growth in references.emmetropic_growth],
    )
    if not myopic:
        refused = Refused(code="not_myopic" if myopic is False else "refraction_unknown")
        return _all(refused) | {Scenario.PHYSIOLOGICAL: physiological}
    sources = [references.axial_growth.label, references.single_vision_growth.label]
    rate = _untreated(references)
    return {
        Scenario.UNTREATED: _spread(Scenario.UNTREATED, length_mm, age=age, until=last, rate=rate, sources=sources),
        Scenario.PHYSIOLOGICAL: physiological,
        Scenario.TREATED: _treated_projection(length_mm, age=age, worn=worn, references=references),
    }


def fans(projected: Mapping[Eye, Projections]) -> tuple[Fan, ...]:
    """What is told, as a chart over age draws it."""
    return tuple(
        Fan(eye=eye, scenario=one.scenario, band=_band(one), source=" · ".join(one.sources))
        for eye, scenarios in projected.items()
        for one in scenarios.values()
        if isinstance(one, Projection)
    )


def _all(refused: Refused) -> dict[Scenario, Projection | Refused]:
    return dict.fromkeys(Scenario, refused)


def _treated_projection(
    length_mm: Decimal, *, age: Decimal, worn: ProductKind | None, references: References
) -> Projection | Refused:
    """By the trials of the lens that is worn; of every controlling lens where none is."""
    wanted = {worn} if worn in CONTROLLING else CONTROLLING
    trials = [one for one in references.effects if one.treatment in wanted and one.covers(age)]
    if not trials:
        return Refused(code="no_trial")
    return _spread(
        Scenario.TREATED,
        length_mm,
        age=age,
        until=references.axial_growth.ages[1],
        rate=_treated(references, trials),
        sources=[references.axial_growth.label, references.single_vision_growth.label, *(t.trial for t in trials)],
        turning=[age + _years(one) for one in trials],
    )


def _untreated(references: References) -> Rate:
    physiological = _physiological(references)

    def rate(age: Decimal, since: Decimal) -> Bounds:
        mean = references.axial_growth.rate_at(age) or Decimal(0)
        published = min((*references.single_vision_growth.rates_at(age), mean))
        least = max(published, physiological(age, since)[0])
        return least, mean + (mean - least)

    return rate


def _physiological(references: References) -> Rate:
    def rate(age: Decimal, _since: Decimal) -> Bounds:
        rates = [one for growth in references.emmetropic_growth for one in growth.rates_at(age)]
        return min(rates), max(rates)

    return rate


def _treated(references: References, trials: Sequence[TreatmentEffect]) -> Rate:
    untreated, physiological = _untreated(references), _physiological(references)
    least, most = min(one.mm_per_year for one in trials), max(one.mm_per_year for one in trials)
    lasting = max(_years(one) for one in trials)

    def rate(age: Decimal, since: Decimal) -> Bounds:
        low, high = untreated(age, since)
        floor = physiological(age, since)[0]
        return max(low - most, floor), max(high - least, floor) if since < lasting else high

    return rate


def _years(trial: TreatmentEffect) -> Decimal:
    return Decimal(trial.months) / 12


def _spread(
    scenario: Scenario,
    length_mm: Decimal,
    *,
    age: Decimal,
    until: Decimal,
    rate: Rate,
    sources: Sequence[str],
    turning: Sequence[Decimal] = (),
) -> Projection:
    """Rates added up from age to age. They are straight between half years and the turning ages, so that the rate
    half-way is exact."""
    ages = _ages(age, until=until, turning=turning)
    low, high = [length_mm - REPEATABILITY_MM], [length_mm + REPEATABILITY_MM]
    for earlier, later in pairwise(ages):
        middle = (earlier + later) / 2
        slow, fast = rate(middle, middle - age)
        low.append(low[-1] + slow * (later - earlier))
        high.append(high[-1] + fast * (later - earlier))
    return Projection(
        scenario=scenario,
        ages=tuple(ages),
        low=tuple(mm.quantize(_HUNDREDTH) for mm in low),
        high=tuple(mm.quantize(_HUNDREDTH) for mm in high),
        sources=tuple(sources),
    )


def _ages(start: Decimal, *, until: Decimal, turning: Sequence[Decimal]) -> list[Decimal]:
    halves = (_HALF * number for number in range(int(start / _HALF) + 1, int(until / _HALF)))
    between = (one for one in (*halves, *turning) if start < one < until)
    return [start, *sorted(set(between)), until]


def _band(one: Projection) -> Band:
    return Band(
        xs=tuple(float(age) for age in one.ages),
        low=tuple(float(mm) for mm in one.low),
        high=tuple(float(mm) for mm in one.high),
    )
