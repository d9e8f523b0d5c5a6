"""Who enters and who leaves which segment: one scan of a scope, evidence for those who changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Select, Table, Text, any_, case, func, literal, select, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array
from sqlalchemy.orm import Session

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.copying import insert_rows
from hcrm_central.jobs.rulebook import Rulebook, RuleInForce
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.membership import among
from hcrm_core.access import Access
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.rules import Lowered, explain, may_stay_open, names_in
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
    """Write entries and exits of a scope. Members of a segment that no rule marks any more leave it.

    Who is in which segment is taken from the facts' row, in the same scan that finds who should be: see `note`.
    """
    rules = {key: rule for key, rule in sorted(rulebook.rules.items()) if scope.marks(key)}
    turnover = _turnover(session, rules, scope=scope)
    for segment_key, customers in turnover.entering.items():
        _enter(session, rules[segment_key], customers, on=rulebook.on)
    _leave(session, turnover.leaving, on=rulebook.on)
    note(session, scope=Scope(only=list(turnover.moving)))
    return turnover.counts


def note(session: Session, *, scope: Scope) -> int:
    """Write the open memberships of a scope's customers beside their facts. Returns how many stood there otherwise."""
    facts = CUSTOMER_FACTS.c
    is_open = (Membership.customer_id == facts.customer_id) & Membership.left_on.is_(None)
    in_order = aggregate_order_by(Membership.segment_key, Membership.segment_key.collate("C"))
    found = (
        select(facts.customer_id, func.array_remove(func.array_agg(in_order), None).label("segments"))
        .join_from(CUSTOMER_FACTS, Membership, is_open, isouter=True)
        .where(scope.on(facts.customer_id))
        .group_by(facts.customer_id)
        .subquery("found")
    )
    statement = (
        update(CUSTOMER_FACTS)
        .where(facts.customer_id == found.c.customer_id, facts.segments.is_distinct_from(found.c.segments))
        .values(segments=found.c.segments)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def facts_of(session: Session, customers: Sequence[UUID], *, trees: Sequence[Lowered]) -> Iterator[FactsOf]:
    """The facts that trees ask for, of some customers, with `customer_id` and `site_id`; in batches."""
    facts = CUSTOMER_FACTS.c
    wanted = [facts[name] for name in sorted({name for tree in trees for name in names_in(tree)})]
    query = select(facts.customer_id, Customer.site_id, *wanted).join_from(CUSTOMER_FACTS, Customer)
    for start in range(0, len(customers), BATCH):
        batch = among(customers[start : start + BATCH])
        for row in session.execute(query.where(facts.customer_id == batch)).mappings():
            yield {str(name): value for name, value in row.items()}


@dataclass(slots=True)
class _Turnover:
    """What a scan of verdicts found: counts by segment, who enters, who leaves."""

    counts: dict[str, SegmentCount] = field(default_factory=dict)
    entering: dict[str, list[UUID]] = field(default_factory=dict)
    leaving: dict[str, list[UUID]] = field(default_factory=dict)

    def add(self, segment_key: str, *, was: bool, now: bool, customers: Sequence[UUID], many: int) -> None:
        """Count a group of customers in or out of a segment; `customers` names them where something differs."""
        before = self.counts.get(segment_key, _NOBODY)
        self.counts[segment_key] = SegmentCount(
            before=before.before + many * was,
            entered=before.entered + many * (now and not was),
            left=before.left + many * (was and not now),
            now=before.now + many * now,
            needs_measurement=before.needs_measurement,
        )
        if now != was:
            (self.entering if now else self.leaving).setdefault(segment_key, []).extend(customers)

    @property
    def moving(self) -> set[UUID]:
        return {one for moves in (self.entering, self.leaving) for customers in moves.values() for one in customers}


_NOBODY = SegmentCount(before=0, entered=0, left=0, now=0, needs_measurement=0)


def _turnover(session: Session, rules: Rules, *, scope: Scope) -> _Turnover:
    """One scan: customers grouped by what they are in and what they should be in, by name where these differ."""
    kept = _unreadable(session, rules, scope=scope)
    found = _Turnover(counts=dict.fromkeys(rules, _NOBODY))
    verdicts = _verdicts(rules, scope=scope).subquery("verdict").c
    doubts = [key for key in rules if may_stay_open(rules[key].where)]
    query = select(
        verdicts.was,
        verdicts.now,
        func.count(),
        func.array_agg(verdicts.customer_id).filter(verdicts.was.is_distinct_from(verdicts.now)),
        *(func.count().filter(verdicts[key]) for key in doubts),
    ).group_by(verdicts.was, verdicts.now)
    for was, now, many, customers, *open_ones in session.execute(query):
        for key in {*was, *now} - kept:
            found.add(key, was=key in was, now=key in now, customers=customers or (), many=many)
        for key, doubtful in zip(doubts, open_ones, strict=True):
            found.counts[key] = replace(
                found.counts[key], needs_measurement=found.counts[key].needs_measurement + doubtful
            )
    return found


def _verdicts(rules: Rules, *, scope: Scope) -> Select[Any]:
    """A row a customer: the segments he is in, those he should be in, and for each rule that may stay open whether
    it does, under the segment's key."""
    facts, tests = CUSTOMER_FACTS.c, {key: predicate(rule.where) for key, rule in rules.items()}
    was: ColumnElement[Any] = facts.segments
    if scope.segments is not None:
        was = _those([(literal(key) == any_(facts.segments), key) for key in sorted(scope.segments)])
    now = _those([(test, key) for key, test in tests.items()])
    doubts = [test.is_(None).label(key) for key, test in tests.items() if may_stay_open(rules[key].where)]
    return select(facts.customer_id, was.label("was"), now.label("now"), *doubts).where(scope.on(facts.customer_id))


def _those(found: Sequence[tuple[ColumnElement[bool], str]]) -> ColumnElement[Any]:
    """The keys whose condition holds, in the order given."""
    marks = [case((condition, key)) for condition, key in found]
    return func.array_remove(sql_cast(array(marks), ARRAY(Text)), None)


def _unreadable(session: Session, rules: Rules, *, scope: Scope) -> set[str]:
    """Segments whose rule is published and cannot be read: they keep their members."""
    published = select(RuleVersion.segment_key).where(RuleVersion.state == RuleState.PUBLISHED.value)
    return {key for key in session.scalars(published) if scope.marks(key)} - set(rules)


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


def _leave(session: Session, leaving: Mapping[str, Sequence[UUID]], *, on: date) -> None:
    pairs = [(customer, key) for key, customers in leaving.items() for customer in customers]
    statement = text(
        "UPDATE membership m SET left_on = greatest(m.entered_on, :on)"
        " FROM unnest(CAST(:customers AS uuid[]), CAST(:keys AS text[])) AS gone (customer_id, segment_key)"
        " WHERE m.customer_id = gone.customer_id AND m.segment_key = gone.segment_key AND m.left_on IS NULL"
    )
    if pairs:
        customers, keys = [list(column) for column in zip(*pairs, strict=True)]
        session.execute(statement, {"on": on, "customers": customers, "keys": keys})
