"""Lens orders: the first pair, replacements in time or too late, and single lenses that were lost."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from hcrm_core.terms import DepartmentKind, Eye, ProductKind, Source
from hcrm_sim.eyes import Eyes
from hcrm_sim.growth import Ints, Wear
from hcrm_sim.journeys import NEVER, Journeys
from hcrm_sim.people import People, dates, number_keys
from hcrm_sim.staff import Organisation
from hcrm_sim.words import brand, words

MOST_PAIRS = 6
# Days a pair lasts: OK lenses 12 to 18 months by the book, up to 20 in life; frames as the child outgrows them.
_LASTS = {Wear.SINGLE_VISION: (300, 760), Wear.FUNCTIONAL: (300, 640), Wear.OK_LENS: (360, 610)}
_PRODUCTS = {
    Wear.SINGLE_VISION: ProductKind.SINGLE_VISION,
    Wear.FUNCTIONAL: ProductKind.FUNCTIONAL,
    Wear.OK_LENS: ProductKind.OK_LENS,
}
_YUAN_A_LENS = {  # plausible prices of a city clinic
    Wear.SINGLE_VISION: (199, 299, 399, 640, 990),
    Wear.FUNCTIONAL: (890, 1290, 1490, 1990),
    Wear.OK_LENS: (3400, 3900, 4900, 6400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Lenses handed over, one entry for each pair (or single lens)."""

    child: Ints
    wear: Ints
    day: Ints
    eyes: Ints  # bits: 1 right, 2 left
    ended_on: Ints  # NEVER while nobody says otherwise


def order_rows(
    rng: np.random.Generator,
    people: People,
    *,
    journeys: Journeys,
    eyes: Eyes,
    today: int,
    group: Organisation,
) -> pl.DataFrame:
    """The feed `lens_orders`: one row for each lens."""
    pairs = _with_lost_lenses(rng, _pairs(rng, journeys, today=today), today=today)
    numbers = np.arange(len(pairs.child))
    frames = [
        _lens_rows(
            rng, people, eyes=eyes, pairs=pairs, of=np.flatnonzero(pairs.eyes & (1 << eye)), eye=eye, group=group
        )
        for eye in range(2)
    ]
    keys = [number_keys(f"L{people.first:07d}-", numbers[pairs.eyes & (1 << eye) > 0]) for eye in range(2)]
    keyed = [frame.with_columns(key=key + f"-{eye.value}") for frame, key, eye in zip(frames, keys, Eye, strict=True)]
    return pl.concat(keyed)


def _pairs(rng: np.random.Generator, journeys: Journeys, *, today: int) -> Pairs:
    """Pairs of both episodes, until the next episode, the family's leaving, or today."""
    last = np.minimum(journeys.leaves_on, today)
    first = _episode(rng, wear=journeys.first, start=journeys.first_on, end=np.minimum(journeys.second_on, last))
    second = _episode(rng, wear=journeys.second, start=journeys.second_on, end=last)
    child, wear, day = (np.concatenate(columns) for columns in zip(first, second, strict=True))
    count = len(child)
    stopped = (wear == Wear.OK_LENS) & (rng.random(count) < 0.02)
    ended = np.where(stopped, np.minimum(day + rng.integers(30, 400, count), today), NEVER)
    return Pairs(
        child=child,
        wear=wear,
        day=day,
        eyes=np.full(count, 3),
        ended_on=ended,
    )


def _episode(rng: np.random.Generator, *, wear: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints, Ints]:
    """Child, wear and day of every pair of one episode."""
    low, high = (np.array([_LASTS.get(kind, (1, 2))[side] for kind in Wear])[wear] for side in range(2))
    lasts = low[:, None] + (rng.random((len(wear), MOST_PAIRS - 1)) ** 1.3 * (high - low)[:, None]).astype(np.int64)
    days = np.concatenate([np.zeros((len(wear), 1), dtype=np.int64), np.cumsum(lasts, axis=1)], axis=1)
    days += start[:, None]
    begins = (days < end[:, None]) & (wear != Wear.NOTHING)[:, None]
    begins[:, 0] |= (start < NEVER) & (start < end)
    child, number = np.nonzero(begins)
    return child, wear[child], days[child, number]


def _with_lost_lenses(rng: np.random.Generator, pairs: Pairs, *, today: int) -> Pairs:
    """Some OK lenses are lost or broken: one eye gets a new one, the other keeps the old."""
    lost = np.flatnonzero((pairs.wear == Wear.OK_LENS) & (rng.random(len(pairs.child)) < 0.09))
    day = pairs.day[lost] + rng.integers(30, 330, len(lost))
    lost, day = lost[day < today], day[day < today]
    return Pairs(
        child=np.concatenate([pairs.child, pairs.child[lost]]),
        wear=np.concatenate([pairs.wear, pairs.wear[lost]]),
        day=np.concatenate([pairs.day, day]),
        eyes=np.concatenate([pairs.eyes, rng.integers(1, 3, len(lost))]),
        ended_on=np.concatenate([pairs.ended_on, np.full(len(lost), NEVER)]),
    )


def _lens_rows(
    rng: np.random.Generator,
    people: People,
    *,
    eyes: Eyes,
    pairs: Pairs,
    of: Ints,
    eye: int,
    group: Organisation,
) -> pl.DataFrame:
    """The lenses of one eye. The power corrects the true refraction of the day; it is not an exam."""
    child, wear, day = pairs.child[of], pairs.wear[of], pairs.day[of]
    count = len(of)
    ordered = np.maximum(day - np.where(wear == Wear.OK_LENS, 10, 4), people.filed[child])
    cylinder = eyes.cylinder[eye][child]
    se = eyes.refraction_at(eye, child=child, day=ordered)
    sphere = np.round((se - cylinder / 2) * 4) / 4 + 0.0
    axis = pl.Series(eyes.axis[eye][child]).set(pl.Series(cylinder == 0), None)
    model = rng.integers(0, 5, len(people))[child]  # families stay with a brand
    price = (child * 7 + wear) % 5
    ended = pairs.ended_on[of]
    reason = pl.Series(np.where(ended < NEVER, words().end_reasons["stopped"], "")).replace({"": None})
    return pl.DataFrame(
        {
            "key": pl.Series([None] * count, dtype=pl.String),
            "customer_key": people.keys().gather(child),
            "eye": pl.repeat(list(Eye)[eye].value, count, eager=True),
            "product": pl.Series([_PRODUCTS[Wear(kind)].value for kind in wear], dtype=pl.String),
            **_brands(wear, model),
            "ordered_on": dates(ordered),
            "dispensed_on": dates(day),
            "ended_on": dates(np.where(ended < NEVER, ended, 0)).set(pl.Series(ended >= NEVER), None),
            "end_reason": reason,
            "sphere": sphere,
            "cylinder": cylinder,
            "axis": axis,
            "price": _prices(wear, price),
            "sold_by_code": pl.Series(people.assistant).gather(child),
            "department_code": _departments(people, child, group=group),
            "source": pl.repeat(Source.SALES.value, count, eager=True),
        }
    )


def _brands(wear: Ints, number: Ints) -> dict[str, pl.Series]:
    """Brand, manufacturer and model columns."""
    table = {(kind, n): brand(product, n) for kind, product in _PRODUCTS.items() for n in range(5)}
    found = [table[Wear(kind), n] for kind, n in zip(wear.tolist(), number.tolist(), strict=True)]
    names = ("brand", "manufacturer", "model")
    return {name: pl.Series([one[index] for one in found], dtype=pl.String) for index, name in enumerate(names)}


def _prices(wear: Ints, number: Ints) -> pl.Series:
    pairs = zip(wear.tolist(), number.tolist(), strict=True)
    lists = {int(kind): prices for kind, prices in _YUAN_A_LENS.items()}
    return pl.Series([float(lists[kind][which % len(lists[kind])]) for kind, which in pairs], dtype=pl.Float64)


def _departments(people: People, child: Ints, *, group: Organisation) -> pl.Series:
    codes = [group.department(site, DepartmentKind.OPTOMETRY) for site in range(len(group.sites))]
    return pl.Series(codes).gather(people.site[child])
