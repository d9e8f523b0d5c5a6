"""What each customer wears, from when, and when the family comes to the clinic."""

from dataclasses import dataclass

import numpy as np

from hcrm_sim.growth import DAYS_PER_MONTH, Floats, Ints, Wear
from hcrm_sim.people import DAYS_PER_YEAR, People, Persona

NEVER = 10**7  # a day that does not come
MOST_SITTINGS = 30
OK_FROM_AGE = 8.0  # the youngest that is fitted with OK lenses (clinical pack, definitions)

_FIRST: dict[Persona, Wear] = {
    Persona.POTENTIAL: Wear.NOTHING,
    Persona.SINGLE_VISION: Wear.SINGLE_VISION,
    Persona.FUNCTIONAL: Wear.FUNCTIONAL,
    Persona.OK_LENS: Wear.OK_LENS,
    Persona.ADULT: Wear.SINGLE_VISION,
}
# Days to the next recheck by what is worn (follow-up SOP table): OK lenses after the first month, functional
# spectacles 3 to 6 months, single vision 6 months; a child on file without lenses 6 months.
_RECHECK_DAYS = {Wear.NOTHING: 180, Wear.SINGLE_VISION: 180, Wear.FUNCTIONAL: 120, Wear.OK_LENS: 90}


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """Episodes of wear, one entry for each customer. Days as in `People`; `NEVER` where there is none."""

    first: Ints  # Wear
    first_on: Ints
    second: Ints  # Wear, after a change
    second_on: Ints
    fitted_on: Ints  # first night in OK lenses
    leaves_on: Ints  # not seen again from here

    def worn_on(self, *, child: Ints, day: Ints) -> Ints:
        """`Wear` of these children on these days."""
        begun = np.where(day >= self.first_on[child], self.first[child], Wear.NOTHING)
        return np.where(day >= self.second_on[child], self.second[child], begun)

    def monthly(self, *, start: Ints, months: int) -> Ints:
        """`Wear` by child and month from a start."""
        days = start[:, None] + np.arange(months) * DAYS_PER_MONTH
        child = np.broadcast_to(np.arange(len(start))[:, None], days.shape)
        return self.worn_on(child=child, day=days.astype(np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sittings:
    """Planned visits that came due by now, in order of child and day."""

    child: Ints
    number: Ints  # 0 for a child's first
    day: Ints
    kept: np.ndarray[tuple[int], np.dtype[np.bool_]]
    next_due: Ints  # when the family was told to come again
    next_day: Ints  # when it will, or would have


def plan_journeys(rng: np.random.Generator, people: People, *, today: int) -> Journeys:
    """Episodes of wear for everybody.

    Args:
        rng: the part's generator.
        people: who.
        today: day number; nothing begins later.
    """
    count = len(people)
    final = np.array([_FIRST[persona] for persona in Persona])[people.persona]
    changes = rng.random(count) < np.array([0, 0, 0.25, 0.55, 0])[people.persona]
    before = np.where(rng.random(count) < 0.6, Wear.SINGLE_VISION, Wear.FUNCTIONAL)
    before = np.where(people.persona == Persona.FUNCTIONAL, Wear.SINGLE_VISION, before)
    dispensed = people.filed + rng.integers(3, 15, count)
    grown = (people.born + OK_FROM_AGE * DAYS_PER_YEAR).astype(np.int64)
    dispensed = np.where((final == Wear.OK_LENS) & ~changes, np.maximum(dispensed, grown + 15), dispensed)
    history = np.maximum(today - dispensed, 0)
    later = dispensed + np.maximum((history * rng.uniform(0.2, 0.8, count)).astype(np.int64), 30)
    later = np.where(final == Wear.OK_LENS, np.maximum(later, grown + 15), later)
    changed_on = np.where(changes & (later < today), later, NEVER)
    first = np.where(changes, before, final)
    first_on = np.where((first == Wear.NOTHING) | (dispensed >= today), NEVER, dispensed)
    fitted = np.where(first == Wear.OK_LENS, first_on, np.where(final == Wear.OK_LENS, changed_on, NEVER))
    leaves = people.filed + ((today - people.filed) * rng.uniform(0.2, 1.0, count)).astype(np.int64)
    return Journeys(
        first=first,
        first_on=first_on,
        second=final,
        second_on=changed_on,
        fitted_on=fitted,
        leaves_on=np.where(rng.random(count) < 0.2, leaves, NEVER),
    )


def plan_sittings(rng: np.random.Generator, people: People, *, journeys: Journeys, today: int) -> Sittings:
    """Every visit that was due before today, whether kept or missed, and when the next is due."""
    count = len(people)
    tardiness = rng.lognormal(0.0, 0.6, count) * 8
    day = people.filed.copy()
    days, dues = [day], [day]
    for _ in range(MOST_SITTINGS):
        due = day + _interval(rng, journeys, day=day)
        late = (rng.exponential(1.0, count) * tardiness).astype(np.int64) - 3
        coming = np.maximum(due + np.where(due - day > 30, late, 0), day + 1)
        day = _by_fitting(journeys, day=day, coming=coming)
        days.append(day)
        dues.append(np.minimum(due, day) if len(days) == 2 else due)
    return _due_by(rng, journeys, days=np.stack(days, axis=1), dues=np.stack(dues, axis=1), today=today)


def _interval(rng: np.random.Generator, journeys: Journeys, *, day: Ints) -> Ints:
    """Days to the next recheck: OK lenses after 1 day, 1 week, 1 month, then every 3 months (ROMIO 2012)."""
    worn = journeys.worn_on(child=np.arange(len(day)), day=day)
    usual = np.array([_RECHECK_DAYS[wear] for wear in Wear])[worn]
    usual = np.where((worn == Wear.FUNCTIONAL) & (rng.random(len(day)) < 0.4), 180, usual)
    since = day - journeys.fitted_on
    return np.select([since < 0, since < 1, since < 7, since < 30], [usual, 1, 6, 23], usual)


def _by_fitting(journeys: Journeys, *, day: Ints, coming: Ints) -> Ints:
    """OK lenses begin with a baseline ten days before and a look after the first night."""
    baseline, first_morning = journeys.fitted_on - 10, journeys.fitted_on + 1
    coming = np.where((day < first_morning) & (coming > first_morning), first_morning, coming)
    return np.where((day < baseline) & (coming > baseline), baseline, coming)


def _due_by(rng: np.random.Generator, journeys: Journeys, *, days: Ints, dues: Ints, today: int) -> Sittings:
    """Flatten the plan; who has left is expected once more and does not come."""
    planned = days[:, :-1]
    left = planned >= journeys.leaves_on[:, None]
    given_up = np.cumsum(left, axis=1) > 1
    child, number = np.nonzero((planned < today) & ~given_up)
    gone = left[child, number]
    kept = (rng.random(len(child)) > 0.08) | (number == 0)
    due = np.minimum(dues[:, 1:], days[:, 1:])
    return Sittings(
        child=child,
        number=number,
        day=planned[child, number],
        kept=kept & ~gone,
        next_due=due[child, number],
        next_day=days[child, number + 1],
    )


def length_of_history(people: People, *, today: int) -> int:
    """Months from the earliest filing to today, for monthly paths."""
    return int(np.ceil((today - people.filed.min()) / DAYS_PER_MONTH)) + 2


def ages_at_filing(people: People) -> Floats:
    """Years."""
    return np.asarray((people.filed - people.born) / DAYS_PER_YEAR)
