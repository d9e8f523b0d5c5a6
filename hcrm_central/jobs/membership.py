"""Who enters and who leaves which segment: one statement over everybody, evidence for those who changed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Uuid, case, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.copying import insert_rows
from hcrm_central.jobs.rulebook import Rulebook, RuleInForce
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.rules import Lowered, explain, names_in
from hcrm_store.base import new_id
from hcrm_store.journeys import Membership
from hcrm_store.people import Customer

BATCH = 5_000  # customers explained at a time

FactsOf = Mapping[str, Any]  # why Any: a fact is of its own type, or None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCount:
    """`before` + `entered` − `left` = `now`."""

    before: int
    entered: int
    left: int
    now: int
    needs_measurement: int

    @property
    def adds_up(self) -> bool:
        return self.before + self.entered - self.left == self.now


def classify(session: Session, rulebook: Rulebook, *, aside: Collection[UUID]) -> dict[str, SegmentCount]:
    """Write entries and exits; customers set aside stay where they are."""
    if not rulebook.rules:
        return {}
    before = _sizes(session, rulebook, aside=aside)
    entering, leaving = _changes(session, rulebook, aside=aside)
    for segment_key, customers in entering.items():
        _enter(session, rulebook.rules[segment_key], customers, on=rulebook.on)
    _leave(session, [one for rows in leaving.values() for one in rows], on=rulebook.on)
    verdicts = _verdicts(session, rulebook, aside=aside)
    return {
        key: SegmentCount(
            before=before.get(key, 0),
            entered=len(entering.get(key, ())),
            left=len(leaving.get(key, ())),
            now=verdicts[key][0],
            needs_measurement=verdicts[key][1],
        )
        for key in rulebook.rules
    }


def facts_of(session: Session, customers: Sequence[UUID], *, trees: Sequence[Lowered]) -> Iterator[FactsOf]:
    """The facts that trees ask for, of some customers, with `customer_id` and `site_id`; in batches."""
    facts = CUSTOMER_FACTS.c
    wanted = [facts[name] for name in sorted({name for tree in trees for name in names_in(tree)})]
    query = select(facts.customer_id, Customer.site_id, *wanted).join_from(CUSTOMER_FACTS, Customer)
    for start in range(0, len(customers), BATCH):
        batch = among(facts.customer_id, customers[start : start + BATCH])
        for row in session.execute(query.where(batch)).mappings():
            yield {str(name): value for name, value in row.items()}


def among(column: Any, ids: Sequence[UUID]) -> ColumnElement[bool]:  # why Any: a column, mapped or not
    """The column is one of any number of ids, which go as one value."""
    found: ColumnElement[bool] = literal(list(ids), ARRAY(Uuid())).any_() == column
    return found


def _sizes(session: Session, rulebook: Rulebook, *, aside: Collection[UUID]) -> dict[str, int]:
    query = (
        select(Membership.segment_key, func.count().label("many"))
        .where(Membership.left_on.is_(None), Membership.segment_key.in_(rulebook.rules))
        .where(Membership.customer_id.not_in(aside))
        .group_by(Membership.segment_key)
    )
    return {row.segment_key: row.many for row in session.execute(query)}


def _changes(
    session: Session, rulebook: Rulebook, *, aside: Collection[UUID]
) -> tuple[dict[str, list[UUID]], dict[str, list[tuple[UUID, UUID]]]]:
    """Customers entering by segment, and (customer, membership) leaving by segment."""
    marks = [case((predicate(rule.where), key)) for key, rule in rulebook.rules.items()]
    facts = CUSTOMER_FACTS.c
    wanted = (
        select(facts.customer_id, func.unnest(func.array_remove(array(marks), None)).label("segment_key"))
        .where(facts.customer_id.not_in(aside))
        .cte("wanted")
    )
    current = (
        select(Membership.customer_id, Membership.id, Membership.segment_key)
        .where(Membership.left_on.is_(None), Membership.segment_key.in_(rulebook.rules))
        .where(Membership.customer_id.not_in(aside))
        .cte("current")
    )
    same = (wanted.c.customer_id == current.c.customer_id) & (wanted.c.segment_key == current.c.segment_key)
    query = (
        select(wanted.c.customer_id, wanted.c.segment_key, current.c.customer_id, current.c.id, current.c.segment_key)
        .join_from(wanted, current, same, full=True)
        .where(wanted.c.customer_id.is_(None) | current.c.customer_id.is_(None))
        .order_by(wanted.c.customer_id, current.c.customer_id)
    )
    entering: dict[str, list[UUID]] = {}
    leaving: dict[str, list[tuple[UUID, UUID]]] = {}
    for customer, wanted_key, former, membership, former_key in session.execute(query):
        if customer is not None:
            entering.setdefault(wanted_key, []).append(customer)
        else:
            leaving.setdefault(former_key, []).append((former, membership))
    return entering, leaving


def _enter(session: Session, rule: RuleInForce, customers: Sequence[UUID], *, on: date) -> None:
    rows = [
        {
            "id": new_id(),
            "customer_id": facts["customer_id"],
            "site_id": facts["site_id"],
            "segment_key": rule.segment_key,
            "rule_version_id": rule.version_id,
            "entered_on": on,
            "evidence": [one.as_json() for one in explain(rule.where, facts, on=on)],
        }
        for facts in facts_of(session, customers, trees=[rule.where])
    ]
    insert_rows(session, cast("Table", Membership.__table__), rows)


def _leave(session: Session, memberships: Sequence[tuple[UUID, UUID]], *, on: date) -> None:
    statement = text(
        "UPDATE membership m SET left_on = greatest(m.entered_on, :on)"
        " FROM unnest(CAST(:customers AS uuid[]), CAST(:ids AS uuid[])) AS gone (customer_id, id)"
        " WHERE m.customer_id = gone.customer_id AND m.id = gone.id"
    )
    if memberships:
        customers, ids = [list(column) for column in zip(*memberships, strict=True)]
        session.execute(statement, {"on": on, "customers": customers, "ids": ids})


def _verdicts(session: Session, rulebook: Rulebook, *, aside: Collection[UUID]) -> dict[str, tuple[int, int]]:
    """By segment: how many match, and how many need a measurement. One scan for all rules."""
    tests = [predicate(rule.where) for rule in rulebook.rules.values()]
    matching = [func.count().filter(test) for test in tests]
    open_ones = [func.count().filter(test.is_(None)) for test in tests]
    query = select(*matching, *open_ones).where(CUSTOMER_FACTS.c.customer_id.not_in(aside))
    counts = list(session.execute(query).one())
    return dict(zip(rulebook.rules, zip(counts[: len(tests)], counts[len(tests) :], strict=True), strict=True))
