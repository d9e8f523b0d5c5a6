"""Around the eye: visits, recheck plans, follow-ups and leads."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from hcrm_core.terms import Channel, DepartmentKind, LeadKind, LeadState, Outcome, Role, Source, VisitState
from hcrm_sim.growth import Ints
from hcrm_sim.journeys import Journeys, Sittings
from hcrm_sim.people import People, Persona, dates, pick
from hcrm_sim.staff import Organisation
from hcrm_sim.words import words

MOST_FOLLOW_UPS = 5
_OUTCOME_SHARES: dict[Outcome, float] = {
    Outcome.BOOKED: 0.27,
    Outcome.NO_ANSWER: 0.22,
    Outcome.CONSIDERING: 0.14,
    Outcome.SATISFIED: 0.14,
    Outcome.ARRIVED: 0.08,
    Outcome.DECLINED: 0.06,
    Outcome.DISCOMFORT: 0.05,
    Outcome.WRONG_NUMBER: 0.02,
    Outcome.MOVED_AWAY: 0.02,
}
_CHANNEL_SHARES = {
    Channel.WECOM: 0.55,
    Channel.PHONE: 0.28,
    Channel.SMS: 0.08,
    Channel.AI_CALL: 0.04,
    Channel.IN_PERSON: 0.05,
}


def visit_rows(
    rng: np.random.Generator,
    people: People,
    *,
    journeys: Journeys,
    sittings: Sittings,
    today: int,
    group: Organisation,
) -> pl.DataFrame:
    """The feed `visits`: every one that came due, and some that are booked."""
    past = _visits(people, journeys, child=sittings.child, day=sittings.day, group=group)
    past = past.with_columns(
        key=past["customer_key"] + "-V" + pl.Series(sittings.number).cast(pl.String),
        state=pl.Series(np.where(sittings.kept, VisitState.ARRIVED.value, VisitState.MISSED.value)),
    )
    last = _last_of_each(sittings.child)
    last = last[sittings.kept[last] & (sittings.next_day[last] >= today) & (rng.random(len(last)) < 0.3)]
    day = np.minimum(sittings.next_day[last], today + 45)
    booked = _visits(people, journeys, child=sittings.child[last], day=day, group=group)
    booked = booked.with_columns(key=booked["customer_key"] + "-VB", state=pl.lit(VisitState.BOOKED.value))
    return pl.concat([past, booked])


def plan_rows(people: People, sittings: Sittings) -> pl.DataFrame:
    """The feed `recheck_plans`: what the family was told at each visit that it kept."""
    kept = np.flatnonzero(sittings.kept & (sittings.next_due - sittings.day > 7))
    child = sittings.child[kept]
    customer = people.keys().gather(child)
    return pl.DataFrame(
        {
            "key": customer + "-P" + pl.Series(sittings.number[kept]).cast(pl.String),
            "customer_key": customer,
            "planned_on": dates(sittings.day[kept]),
            "due_on": dates(sittings.next_due[kept]),
            "planned_by_code": pl.Series(people.optometrist).gather(child),
            "source": pl.repeat(Source.HIS.value, len(kept), eager=True),
        }
    )


def follow_up_rows(rng: np.random.Generator, people: People, *, journeys: Journeys, today: int) -> pl.DataFrame:
    """The feed `follow_ups`: calls and messages over the last two years, fewer for those who have left."""
    many = np.minimum(rng.poisson(np.where(people.persona == Persona.POTENTIAL, 0.6, 1.6)), MOST_FOLLOW_UPS)
    child = np.repeat(np.arange(len(people)), many)
    count = len(child)
    until = np.minimum(today, journeys.leaves_on[child] + 60)
    since = np.minimum(np.maximum(people.filed[child], today - 730), until - 1)
    day = since + (rng.random(count) * (until - since)).astype(np.int64)
    outcome = rng.choice([one.value for one in Outcome], size=count, p=[_OUTCOME_SHARES[one] for one in Outcome])
    channel = rng.choice([one.value for one in Channel], size=count, p=[_CHANNEL_SHARES[one] for one in Channel])
    customer = people.keys().gather(child)
    promised = np.isin(outcome, [Outcome.BOOKED.value, Outcome.CONSIDERING.value])
    next_on = dates(day + rng.integers(3, 30, count)).set(pl.Series(~promised), None)
    number = np.arange(count) - np.repeat(np.cumsum(many) - many, many)
    return pl.DataFrame(
        {
            "key": customer + "-F" + pl.Series(number).cast(pl.String),
            "customer_key": customer,
            "staff_code": pl.Series(people.assistant).gather(child),
            "channel": pl.Series(channel, dtype=pl.String),
            "outcome": pl.Series(outcome, dtype=pl.String),
            "note": _notes(rng, outcome=pl.Series(outcome, dtype=pl.String)),
            "next_on": next_on,
            "contacted_at": _instants(rng, day=day),
            "source": pl.repeat(Source.SIMULATION.value, count, eager=True),
        }
    )


def lead_rows(
    rng: np.random.Generator, people: People, *, journeys: Journeys, today: int, group: Organisation
) -> pl.DataFrame:
    """The feed `leads`: frames that may become OK lenses, adults for the refractive department."""
    in_frames = np.isin(people.persona, [Persona.SINGLE_VISION, Persona.FUNCTIONAL])
    share = np.select([in_frames, people.persona == Persona.ADULT], [0.05, 0.18], 0.0)
    child = np.flatnonzero((rng.random(len(people)) < share) & (journeys.first_on < today))
    count = len(child)
    referral = people.persona[child] == Persona.ADULT
    state = rng.choice([one.value for one in LeadState], size=count)
    started = today - rng.integers(5, 300, count)
    closed = started + np.minimum(rng.integers(3, 60, count), today - started)
    ended = np.isin(state, [LeadState.CLOSED.value, LeadState.RETURNED.value, LeadState.EXPIRED.value])
    site = people.site[child]
    optometry, refractive = (
        pl.Series([group.department(number, kind) for number in range(len(group.sites))]).gather(site)
        for kind in (DepartmentKind.OPTOMETRY, DepartmentKind.REFRACTIVE)
    )
    receivers = pl.Series([group.codes(number, Role.OPTOMETRIST)[-1] for number in range(len(group.sites))])
    to_refractive = pl.Series(referral)
    customer = people.keys().gather(child)
    taken = pl.Series(state != LeadState.STARTED.value)
    receiver = receivers.gather(site).zip_with(to_refractive, pl.Series(people.optometrist).gather(child))
    return pl.DataFrame(
        {
            "key": customer + "-N1",
            "customer_key": customer,
            "kind": pl.Series(np.where(referral, LeadKind.REFERRAL.value, LeadKind.UPSELL.value), dtype=pl.String),
            "state": pl.Series(state, dtype=pl.String),
            "initiator_code": pl.Series(people.assistant).gather(child),
            "initiator_department_code": optometry,
            "receiver_code": receiver.set(~taken, None),
            "receiver_department_code": refractive.zip_with(to_refractive, optometry),
            "closer_code": receiver.set(pl.Series(state != LeadState.CLOSED.value), None),
            "started_on": dates(started),
            "closed_on": dates(closed).set(pl.Series(~ended), None),
        }
    )


def _visits(people: People, journeys: Journeys, *, child: Ints, day: Ints, group: Organisation) -> pl.DataFrame:
    codes = [group.department(site, DepartmentKind.OPTOMETRY) for site in range(len(group.sites))]
    said = words().purposes
    purpose = np.select(
        [day == people.filed[child], day - journeys.fitted_on[child] == 1, day - journeys.fitted_on[child] == -10],
        [said["filing"], said["first_night"], said["fitting"]],
        said["recheck"],
    )
    count = len(child)
    return pl.DataFrame(
        {
            "key": pl.Series([None] * count, dtype=pl.String),
            "customer_key": people.keys().gather(child),
            "visit_on": dates(day),
            "state": pl.Series([None] * count, dtype=pl.String),
            "department_code": pl.Series(codes).gather(people.site[child]),
            "purpose": pl.Series(purpose, dtype=pl.String),
            "source": pl.repeat(Source.HIS.value, count, eager=True),
        }
    )


def _last_of_each(child: Ints) -> Ints:
    """Index of the last entry of each child in a sorted list."""
    return np.flatnonzero(np.append(child[1:] != child[:-1], len(child) > 0))


def _notes(rng: np.random.Generator, *, outcome: pl.Series) -> pl.Series:
    """A few words that fit the outcome; often nothing is written."""
    said = words().outcome_notes
    notes = pl.Series([None] * len(outcome), dtype=pl.String)
    for one in Outcome:
        notes = notes.zip_with(outcome != one.value, pick(rng, said[one.value], count=len(outcome)))
    silent = pl.Series(rng.random(len(outcome)) < 0.35) | (notes == "")
    return notes.set(silent.fill_null(value=True), None)


def _instants(rng: np.random.Generator, *, day: Ints) -> pl.Series:
    """Between 9 and 18 o'clock in Shanghai, as text with its zone."""
    minute = rng.integers(9 * 60, 18 * 60, len(day))
    midnight = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(hours=8)
    seconds = pl.Series(day * 86_400 + minute * 60 + int(midnight.timestamp()))
    return pl.from_epoch(seconds, time_unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
