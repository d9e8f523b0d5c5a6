"""Had a rule run on each of the last days: who would have come in, and who of them came anyway."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Text, cast, exists, func, select

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.past import past_facts
from hcrm_central.api.questions.trials import Tried, asked_about
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.facts import tables_of
from hcrm_central.jobs.reading import Tables
from hcrm_central.store.tables import Quarantine
from hcrm_core.rules import Lowered, lower_rule
from hcrm_core.rules.evaluation import comparisons
from hcrm_core.rules.expressions import expression
from hcrm_core.rules.messages import BACKTEST_DAYS, Backtest, Trial
from hcrm_core.terms import ExamStatus, VisitState
from hcrm_store.people import Customer

# All operational.
SECONDS = 50.0  # a workstation waits for 60
MOST_CUSTOMERS = 20_000
CHUNK = 2_000  # customers at a time
WINDOW_DAYS = 14  # within which somebody "came anyway"

Flags = NDArray[np.bool_]  # by day and customer
Days = list[tuple[date, Lowered]]


def backtest(here: Centre, who: SignedIn, trial: Trial) -> Backtest:
    """The last days up to the business date of the trial, each with the rule as it would have been read on it."""
    with asked_about(here, who, trial, seconds=SECONDS) as tried:
        days = _days(tried)
        customers, sample = _sample(tried)
        past = [_read(tried, days, chunk) for chunk in _chunks(sample)]
        inside = _inside(tried, days, past, among=sample)
    entering = inside[1:] & ~inside[:-1]
    scale = customers / len(sample) if sample else 1.0
    return Backtest(
        days=[day for day, _ in days[1:]],
        entering=_counted(entering, scale),
        inside=_counted(inside[1:], scale),
        came=_counted(_came(entering, days, past, among=sample), scale),
        window_days=WINDOW_DAYS,
        sampled=len(sample),
        customers=customers,
    )


def _counted(flags: Flags, scale: float) -> list[int]:
    return [round(int(many) * scale) for many in flags.sum(axis=1)]


def _days(tried: Tried) -> Days:
    """The days, and the one before the first: who matched on it does not begin to match on the first."""
    days = (tried.within.on - timedelta(days=back) for back in reversed(range(BACKTEST_DAYS + 1)))
    return [(day, lower_rule(tried.rule, within=replace(tried.within, on=day))) for day in days]


def _sample(tried: Tried) -> tuple[int, Sequence[UUID]]:
    """How many customers there are, and all of them, or some: always the same ones, whoever they are."""
    aside = exists().where(Quarantine.customer_id == Customer.id)
    everybody = tried.session.scalar(select(func.count()).select_from(Customer).where(~aside)) or 0
    some = select(Customer.id).where(~aside).order_by(func.hashtextextended(cast(Customer.id, Text), 0))
    return everybody, sorted(tried.session.scalars(some.limit(MOST_CUSTOMERS)))


def _chunks(sample: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (sample[start : start + CHUNK] for start in range(0, len(sample), CHUNK))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What was known of some customers.

    Attributes:
        facts: as `past_facts` tells them.
        arrivals: customer_id and arrived, a day.
        contacts: customer_id and contacted, a day.
    """

    facts: pl.DataFrame
    arrivals: pl.DataFrame
    contacts: pl.DataFrame


def _read(tried: Tried, days: Days, customers: Sequence[UUID]) -> _Past:
    tried.question.require_wanted()
    tables = tables_of(tried.session, customers)
    tried.question.require_wanted()
    names = sorted({test.fact.name for _, lowered in days for test in comparisons(lowered)})
    return _Past(
        facts=past_facts(tables, first=days[0][0], last=days[-1][0], names=names),
        arrivals=_arrivals(tables),
        contacts=tables["follow_ups"].select("customer_id", contacted=pl.col("contacted_on")),
    )


def _inside(tried: Tried, days: Days, past: Sequence[_Past], *, among: Sequence[UUID]) -> Flags:
    """Who matches on which day."""
    found = np.zeros((len(days), len(among)), dtype=np.bool_)
    if not past:
        return found
    places = pl.DataFrame({"customer_id": [str(one) for one in among]}).with_row_index("place")
    facts = pl.concat(one.facts for one in past).join(places, on="customer_id", how="inner")
    for number, (day, lowered) in enumerate(days):
        tried.question.require_wanted()
        then = facts.filter(pl.col("since") <= day, pl.col("until") >= day)
        matching = nw.from_native(then).filter(expression(lowered)).to_native()
        found[number, matching["place"].to_numpy()] = True
    return found


# ── who came anyway ──────────────────────────────────────────────────────────────────────────────────────


def _came(entering: Flags, days: Days, past: Sequence[_Past], *, among: Sequence[UUID]) -> Flags:
    """Of those who enter, who came within the window after that day, and was not contacted from that day on before."""
    found = np.zeros_like(entering)
    day, place = np.nonzero(entering)
    if not len(day):
        return found
    customers, dates = pl.Series([str(one) for one in among]), pl.Series([on for on, _ in days[1:]])
    entries = pl.DataFrame(
        {"day": day, "place": place, "customer_id": customers.gather(place), "on": dates.gather(day)}
    ).with_columns(after=pl.col("on").dt.offset_by("1d"))
    met = _next(entries, pl.concat(one.arrivals for one in past), by="after")
    met = _next(met, pl.concat(one.contacts for one in past), by="on")
    soon = pl.col("arrived") <= pl.col("on").dt.offset_by(f"{WINDOW_DAYS}d")
    uncalled = pl.col("contacted").is_null() | (pl.col("contacted") > pl.col("arrived"))
    came = met.filter(soon & uncalled)
    found[came["day"].to_numpy(), came["place"].to_numpy()] = True
    return found


def _arrivals(tables: Tables) -> pl.DataFrame:
    exams = tables["eyes"].filter(pl.col("status") == ExamStatus.FINAL.value)
    visits = tables["visits"].filter(pl.col("state") == VisitState.ARRIVED.value)
    days = [exams.select("customer_id", arrived="examined_on"), visits.select("customer_id", arrived="visit_on")]
    return pl.concat(days).unique()


def _next(entries: pl.DataFrame, events: pl.DataFrame, *, by: str) -> pl.DataFrame:
    """Beside each entry the first event of the customer on or after a day."""
    (day,) = set(events.columns) - {"customer_id"}
    dated = events.drop_nulls(day).sort(day)
    return entries.sort(by).join_asof(
        dated,
        left_on=by,
        right_on=day,
        by="customer_id",
        strategy="forward",
        coalesce=False,
        check_sortedness=False,
    )
