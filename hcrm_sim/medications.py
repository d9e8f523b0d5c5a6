"""Low-dose atropine: some children take it, some of them in another strength later, some stop."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from hcrm_core.terms import Medicine, Source
from hcrm_sim.growth import Floats, Ints
from hcrm_sim.journeys import NEVER, Journeys
from hcrm_sim.people import DAYS_PER_YEAR, People, Persona, dates

# Years at which drops are begun (clinical pack, definitions: 6 to 12, from a slide script).
_FROM_AGE, _TO_AGE = 6, 13
# Shares are assumptions: nobody counts how many children of a clinic take drops.
_SHARES = {Persona.SINGLE_VISION: 0.12, Persona.FUNCTIONAL: 0.12, Persona.OK_LENS: 0.08}
_STRENGTHS, _OF_FIRST, _STRONGER = (0.01, 0.025, 0.05), (0.6, 0.25, 0.15), 0.05  # those of LAMP, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Courses:
    """One entry for each child: the first course, and maybe another strength from a day on, until it is stopped."""

    child: Ints
    percent: Floats
    started_on: Ints
    changed_on: Ints  # NEVER: the same strength throughout
    stopped_on: Ints  # NEVER: still taken


def medication_rows(rng: np.random.Generator, people: People, *, journeys: Journeys, today: int) -> pl.DataFrame:
    """The feed `medications`: one row for each course."""
    courses = _courses(rng, people, journeys=journeys, today=today)
    changed = courses.changed_on < courses.stopped_on
    first_end = np.where(changed, courses.changed_on, courses.stopped_on)
    first = _rows(people, courses.child, number=0, percent=courses.percent, on=courses.started_on, until=first_end)
    of, stronger = courses.child[changed], np.full(int(changed.sum()), _STRONGER)
    on, until = courses.changed_on[changed], courses.stopped_on[changed]
    return pl.concat([first, _rows(people, of, number=1, percent=stronger, on=on, until=until)])


def _courses(rng: np.random.Generator, people: People, *, journeys: Journeys, today: int) -> _Courses:
    count = len(people)
    share = np.array([_SHARES.get(persona, 0.0) for persona in Persona])[people.persona]
    earliest = np.maximum(people.filed + 14, people.born + _FROM_AGE * DAYS_PER_YEAR)
    latest = np.minimum(np.minimum(today, journeys.leaves_on), people.born + _TO_AGE * DAYS_PER_YEAR)
    start = (earliest + (latest - earliest) * rng.random(count)).astype(np.int64)
    percent = rng.choice(_STRENGTHS, size=count, p=_OF_FIRST)
    changed = start + rng.integers(120, 400, count)
    stopped = start + rng.integers(60, 900, count)
    changes = (rng.random(count) < 0.3) & (percent < _STRONGER) & (changed < today)
    stops = (rng.random(count) < 0.35) & (stopped < today)
    child = np.flatnonzero((rng.random(count) < share) & (earliest < latest))
    return _Courses(
        child=child,
        percent=percent[child],
        started_on=start[child],
        changed_on=np.where(changes, changed, NEVER)[child],
        stopped_on=np.where(stops, stopped, NEVER)[child],
    )


def _rows(people: People, child: Ints, *, number: int, percent: Floats, on: Ints, until: Ints) -> pl.DataFrame:
    customer = people.keys().gather(child)
    count = len(child)
    return pl.DataFrame(
        {
            "key": customer + f"-M{number}",
            "customer_key": customer,
            "medicine": pl.repeat(Medicine.ATROPINE.value, count, dtype=pl.String, eager=True),
            "percent": percent,
            "started_on": dates(on),
            "ended_on": dates(np.where(until < NEVER, until, 0)).set(pl.Series(until >= NEVER), None),
            "end_reason": pl.Series([None] * count, dtype=pl.String),
            "note": pl.Series([None] * count, dtype=pl.String),
            "prescriber_code": pl.Series(people.optometrist).gather(child),
            "source": pl.repeat(Source.HIS.value, count, dtype=pl.String, eager=True),
        }
    )
