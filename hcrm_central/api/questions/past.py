"""Facts as they were on each day of a time that is past, computed by the one facts function.

Facts change only on days on which something happened to a customer. For each of these days, and for the day before the
first one asked, he stands in the frames as a person of his own, with the rows that were known by then.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from hcrm_central.jobs.facts import facts_from
from hcrm_central.jobs.reading import Tables
from hcrm_core.terms import LeadState


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How the rows of a frame are taken back to an earlier day.

    Attributes:
        known_on: the days of which the first is the one on which a row came to be; none of them: it was always there.
        later: days that were not yet known before they came.
        while_open: a column, and what it held before the last of `later` came.
    """

    known_on: tuple[str, ...]
    later: tuple[str, ...] = ()
    while_open: tuple[str, str] | None = None

    @property
    def days(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.known_on, *self.later)))


CUTS: Mapping[str, Cut] = {
    "customers": Cut(known_on=("filed_on",)),
    "eyes": Cut(known_on=("examined_on",)),
    "lens_orders": Cut(known_on=("ordered_on", "dispensed_on"), later=("ordered_on", "dispensed_on", "ended_on")),
    "medications": Cut(known_on=("started_on",), later=("ended_on",)),
    "visits": Cut(known_on=("visit_on",)),
    "recheck_plans": Cut(known_on=("planned_on",)),
    "follow_ups": Cut(known_on=("contacted_on",)),
    "leads": Cut(known_on=("started_on",), later=("closed_on",), while_open=("state", LeadState.STARTED.value)),
}


def past_facts(tables: Tables, *, first: date, last: date, names: Collection[str]) -> pl.DataFrame:
    """Facts of customers on all days from the first to the last.

    Args:
        tables: their rows of today.
        first: a day.
        last: a day.
        names: which facts.

    Returns:
        customer_id, the facts, and `since` and `until`: the first and the last day on which they were so.
    """
    moments = _moments(tables, first=first, last=last)
    then = {name: _as_of(table, moments, CUTS[name]) for name, table in tables.items()}
    facts = facts_from(then, names=names).rename({"customer_id": "moment_id"})
    return facts.join(moments, on="moment_id", how="inner").drop("moment_id")


def _moments(tables: Tables, *, first: date, last: date) -> pl.DataFrame:
    """moment_id, customer_id, since, until."""
    happened = pl.concat(
        tables[name].select("customer_id", since=pl.col(day)) for name, cut in CUTS.items() for day in cut.days
    )
    everybody = tables["customers"].select("customer_id", since=pl.lit(first))
    moments = pl.concat([everybody, happened.filter(pl.col("since").is_between(first, last))]).unique()
    following = pl.col("since").shift(-1).over("customer_id")
    return moments.sort("customer_id", "since").with_columns(
        until=following.dt.offset_by("-1d").fill_null(last),
        moment_id=pl.concat_str("customer_id", pl.col("since").dt.to_string()),
    )


def _as_of(table: pl.DataFrame, moments: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """The rows that were known at each moment, each as the row of a person of its own."""
    rows = table.join(moments, on="customer_id", how="inner").filter(
        pl.min_horizontal(cut.known_on).fill_null(date.min) <= pl.col("since")
    )
    if cut.while_open is not None:
        column, before = cut.while_open
        still = pl.when(pl.col(cut.later[-1]) > pl.col("since")).then(pl.lit(before))
        rows = rows.with_columns(still.otherwise(pl.col(column)).alias(column))
    hidden = [pl.when(pl.col(day) <= pl.col("since")).then(pl.col(day)).alias(day) for day in cut.later]
    return rows.with_columns(*hidden, customer_id=pl.col("moment_id")).select(table.columns)
