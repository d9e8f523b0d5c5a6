"""Who enters and who leaves which segment: one statement over a scope, evidence for those who changed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, case, func, select, text, true, update
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.copying import insert_rows
from hcrm_central.jobs.rulebook import Rulebook, RuleInForce
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.membership import among
from hcrm_core.access import Access
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.rules import Lowered, explain, names_in
from hcrm_core.rules.messages import RuleState
from hcrm_store.base import new_id
from hcrm_store.journeys import Membership, RuleVersion
from hcrm_store.people import Customer

BATCH = 5_000  # customers explained at a time

FactsOf = Mapping[str, Any]  # why Any: a fact is of its own type, or None
Rules = Mapping[str, RuleInForce]  # by the segment they mark


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


def classify(session: Session, rulebook: Rulebook, *, scope: Scope) -> dict[str, SegmentCount]:
    """Write entries and exits of a scope. Members of a segment that no rule marks any more leave it."""
    counts = _abandon(session, on=rulebook.on, scope=scope)
    rules = {key: rule for key, rule in rulebook.rules.items() if scope.marks(key)}
    if not rules:
        return counts
    before = _sizes(session, rules, scope=scope)
    entering, leaving = _changes(session, rules, scope=scope)
    for segment_key, customers in entering.items():
        _enter(session, rules[segment_key], customers, on=rulebook.on)
    _leave(session, [one for rows in leaving.values() for one in rows], on=rulebook.on)
    verdicts = _verdicts(session, rules, scope=scope)
    return counts | {
        key: SegmentCount(
            before=before.get(key, 0),
            entered=len(entering.get(key, ())),
            left=len(leaving.get(key, ())),
            now=verdicts[key][0],
            needs_measurement=verdicts[key][1],
        )
        for key in rules
    }


def facts_of(session: Session, customers: Sequence[UUID], *, trees: Sequence[Lowered]) -> Iterator[FactsOf]:
    """The facts that trees ask for, of some customers, with `customer_id` and `site_id`; in batches."""
    facts = CUSTOMER_FACTS.c
    wanted = [facts[name] for name in sorted({name for tree in trees for name in names_in(tree)})]
    query = select(facts.customer_id, Customer.site_id, *wanted).join_from(CUSTOMER_FACTS, Customer)
    for start in range(0, len(customers), BATCH):
        batch = among(customers[start : start + BATCH])
        for row in session.execute(query.where(facts.customer_id == batch)).mappings():
            yield {str(name): value for name, value in row.items()}


def _abandon(session: Session, *, on: date, scope: Scope) -> dict[str, SegmentCount]:
    """End memberships of segments without a published rule. A rule that cannot be read is published, and keeps its."""
    marked = select(RuleVersion.segment_key).where(RuleVersion.state == RuleState.PUBLISHED.value)
    statement = (
        update(Membership)
        .where(Membership.left_on.is_(None), Membership.segment_key.not_in(marked), scope.on(Membership.customer_id))
        .where(true() if scope.segments is None else Membership.segment_key.in_(scope.segments))
        .values(left_on=func.greatest(Membership.entered_on, on))
        .returning(Membership.segment_key)
        .execution_options(synchronize_session=False)
    )
    gone = Counter(session.scalars(statement))
    return {key: SegmentCount(before=n, entered=0, left=n, now=0, needs_measurement=0) for key, n in gone.items()}


def _sizes(session: Session, rules: Rules, *, scope: Scope) -> dict[str, int]:
    query = (
        select(Membership.segment_key, func.count().label("many"))
        .where(Membership.left_on.is_(None), Membership.segment_key.in_(rules))
        .where(scope.on(Membership.customer_id))
        .group_by(Membership.segment_key)
    )
    return {row.segment_key: row.many for row in session.execute(query)}


def _changes(
    session: Session, rules: Rules, *, scope: Scope
) -> tuple[dict[str, list[UUID]], dict[str, list[tuple[UUID, UUID]]]]:
    """Customers entering by segment, and (customer, membership) leaving by segment."""
    marks = [case((predicate(rule.where), key)) for key, rule in rules.items()]
    facts = CUSTOMER_FACTS.c
    wanted = (
        select(facts.customer_id, func.unnest(func.array_remove(array(marks), None)).label("segment_key"))
        .where(scope.on(facts.customer_id))
        .cte("wanted")
    )
    current = (
        select(Membership.customer_id, Membership.id, Membership.segment_key)
        .where(Membership.left_on.is_(None), Membership.segment_key.in_(rules))
        .where(scope.on(Membership.customer_id))
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


def evidence_of(trees: Sequence[Lowered], facts: FactsOf, *, on: date) -> list[dict[str, Any]]:
    """Why trees match, for whoever sees the segment or the task: without what not all of them may be told."""
    found = [one for tree in trees for one in explain(tree, facts, on=on)]
    return [one.as_json() for one in found if CATALOGUE[one.fact].access is Access.SUMMARY]


def _enter(session: Session, rule: RuleInForce, customers: Sequence[UUID], *, on: date) -> None:
    rows = [
        {
            "id": new_id(),
            "customer_id": facts["customer_id"],
            "site_id": facts["site_id"],
            "segment_key": rule.segment_key,
            "rule_version_id": rule.version_id,
            "entered_on": on,
            "evidence": evidence_of([rule.where], facts, on=on),
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


def _verdicts(session: Session, rules: Rules, *, scope: Scope) -> dict[str, tuple[int, int]]:
    """By segment: how many match, and how many need a measurement. One scan for all rules."""
    tests = [predicate(rule.where) for rule in rules.values()]
    matching = [func.count().filter(test) for test in tests]
    open_ones = [func.count().filter(test.is_(None)) for test in tests]
    query = select(*matching, *open_ones).where(scope.on(CUSTOMER_FACTS.c.customer_id))
    counts = list(session.execute(query).one())
    return dict(zip(rules, zip(counts[: len(tests)], counts[len(tests) :], strict=True), strict=True))
