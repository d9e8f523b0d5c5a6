"""The task ledger, once a day: hold, close, wake, propose.

A proposal meets the ledger's unique key (customer, SOP, subject, anchor), so a cycle is never called twice. What
staff have begun is theirs: the scan closes it only when the child came or bought, or wishes no contact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Table, and_, case, false, func, null, or_, select, text, update
from sqlalchemy.orm import Session

from hcrm_central.jobs.calling import Called, Fate, Proposal, called, in_segment, proposals
from hcrm_central.jobs.capacity import Room
from hcrm_central.jobs.copying import insert_rows
from hcrm_central.jobs.cycles import cycle_on, own_arrival_from
from hcrm_central.jobs.dealing import Dealer
from hcrm_central.jobs.families import homes_reached, joining
from hcrm_central.jobs.membership import evidence_of, facts_of
from hcrm_central.jobs.replanning import replan
from hcrm_central.jobs.rulebook import Rulebook, SopInForce
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.membership import among
from hcrm_core.rules import Lowered
from hcrm_core.sop import Sop, due_on
from hcrm_core.tasks import CLOSED, CloseReason
from hcrm_core.terms import TaskState
from hcrm_store.base import new_id
from hcrm_store.journeys import Task

# An arrival or a purchase may reach us a few days after it happened: feeds are T+1, and holidays come between.
FEED_LAG = timedelta(days=7)
_REOPENABLE = [CloseReason.REASON_GONE.value, CloseReason.DO_NOT_CONTACT.value]
_FACTS = CUSTOMER_FACTS.c
_UNFINISHED = Task.state.not_in(CLOSED)
_OF_TASK = _FACTS.customer_id == Task.customer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCount:
    """What one scan did to the ledger.

    Attributes:
        fates: by SOP, how many customers met which fate; together they are those for whom the trigger holds.
        closed: tasks closed by reason; `superseded` are among them.
        held: tasks put to sleep until a booked visit.
        woken: tasks whose day has come.
        escalated: tasks that nobody took up in time.
        spread: new tasks that were put off because their owner's day was full.
    """

    fates: dict[str, Counter[Fate]]
    closed: Counter[str]
    held: int
    woken: int
    escalated: int
    spread: int


def keep_ledger(session: Session, rulebook: Rulebook, *, dealer: Dealer, scope: Scope, at: datetime) -> LedgerCount:
    """One day's work on the ledger, for the customers and SOPs of a scope."""
    closed: Counter[str] = Counter()
    held = _hold(session, on=rulebook.on, scope=scope)
    sops = [one for one in rulebook.sops if scope.serves(one.sop.key)]
    closed.update(_close(session, sops, on=rulebook.on, scope=scope, at=at))
    woken = _wake(session, on=rulebook.on, scope=scope)
    if scope.sops is not None:  # a rule or a parameter changed: perhaps an interval
        for one in sops:
            replan(session, one, scope=scope, on=rulebook.on)
    fates: dict[str, Counter[Fate]] = {}
    dealt = _Dealt(
        dealer=dealer,
        room=Room(session, capacity=rulebook.capacity, on=rulebook.on),
        reached=homes_reached(session, on=rulebook.on, scope=scope),
    )
    # What follows another's silence asks the ledger first, and finds few: asked with the others it would slow them.
    calls = called(session, [one for one in sops if one.sop.follows is None], on=rulebook.on, scope=scope)
    for one in sops:
        call = calls.get(one.sop.key, Called(undecided=scope.only))
        near = replace(scope, only=call.undecided)
        found, superseded = _propose(session, one, rulebook, dealt=dealt, scope=near, at=at)
        fates[one.sop.key] = call.settled + found
        closed[CloseReason.SUPERSEDED.value] += superseded
    escalated = _escalate(session, rulebook, scope=scope)
    return LedgerCount(
        fates=fates, closed=+closed, held=held, woken=woken, escalated=escalated, spread=dealt.room.spread
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dealt:
    """To whom and for which day.

    Attributes:
        reached: families that were spoken with today: they are not called again.
    """

    dealer: Dealer
    room: Room
    reached: Sequence[UUID]


# ── tasks there are ──────────────────────────────────────────────────────────────────────────────────────


def _hold(session: Session, *, on: date, scope: Scope) -> int:
    """A booked visit is the agreement: nobody is called before it."""
    ahead = _FACTS.next_appointment_on
    statement = (
        update(Task)
        .where(_OF_TASK, _UNFINISHED, ahead >= on, scope.on(Task.customer_id))
        .where(or_(Task.state != TaskState.SNOOZED, Task.next_on.is_(None), Task.next_on < ahead))
        .values(state=TaskState.SNOOZED, next_on=ahead)
    )
    return _changed(session, statement)


def _wake(session: Session, *, on: date, scope: Scope) -> int:
    ahead = func.coalesce(_FACTS.next_appointment_on >= on, false())
    statement = (
        update(Task)
        .where(_OF_TASK, Task.state == TaskState.SNOOZED, Task.next_on <= on, ~ahead, scope.on(Task.customer_id))
        .values(state=case((Task.attempts > 0, TaskState.IN_PROGRESS.value), else_=TaskState.OPEN.value), next_on=None)
    )
    return _changed(session, statement)


def _escalate(session: Session, rulebook: Rulebook, *, scope: Scope) -> int:
    """What was due so many days ago and nobody took up goes to the supervisors, once."""
    if rulebook.escalation_days is None:
        return 0
    statement = (
        update(Task)
        .where(Task.state == TaskState.OPEN, Task.attempts == 0, Task.escalated_on.is_(None))
        .where(Task.due_on <= rulebook.on - timedelta(days=rulebook.escalation_days), scope.on(Task.customer_id))
        .values(escalated_on=rulebook.on, priority=func.greatest(Task.priority - 1, 1))
    )
    return _changed(session, statement)


def _close(session: Session, sops: Sequence[SopInForce], *, on: date, scope: Scope, at: datetime) -> Counter[str]:
    """Close what the child's coming or buying has settled, and what nobody had begun and nothing calls for."""
    if not sops:
        return Counter()
    reasons = {one.sop.key: _close_reason(one, on=on) for one in sops}
    reason = case(*((Task.sop_key == key, found) for key, found in reasons.items()), else_=null())
    # Found first and closed then: PostgreSQL looks at everybody's tasks on all cores, but only if it is to read.
    query = (
        select(Task.customer_id, Task.id, Task.ver, reason)
        .where(_OF_TASK, Task.sop_key.in_(reasons), _UNFINISHED, reason.is_not(None), scope.on(Task.customer_id))
        .select_from(CUSTOMER_FACTS)
    )
    found = session.execute(query).all()
    if not found:
        return Counter()
    customers, ids, versions, why = (list(column) for column in zip(*found, strict=True))
    told = {"customers": customers, "ids": ids, "versions": versions, "reasons": why, "settled": _SETTLED, "at": at}
    return Counter(session.scalars(_CLOSE, told))


_SETTLED = [CloseReason.VISITED.value, CloseReason.PURCHASED.value]
# What somebody has touched meanwhile is looked at again the next time.
_CLOSE = text(
    "UPDATE task t SET state = CASE WHEN c.reason = ANY (:settled) THEN 'done' ELSE 'cancelled' END,"
    " close_reason = c.reason, next_on = NULL, closed_at = :at"
    " FROM unnest(CAST(:customers AS uuid[]), CAST(:ids AS uuid[]), CAST(:versions AS bigint[]),"
    " CAST(:reasons AS text[])) AS c (customer_id, id, ver, reason)"
    " WHERE t.customer_id = c.customer_id AND t.id = c.id AND t.ver = c.ver RETURNING t.close_reason"
)


def _close_reason(one: SopInForce, *, on: date) -> ColumnElement[Any]:
    sop = one.sop
    since = func.date(func.timezone("Asia/Shanghai", Task.created_at)) - FEED_LAG.days
    gone = cycle_on(one, on=on).is_distinct_from(Task.anchor_on)
    if sop.segment is not None:
        gone = or_(gone, ~in_segment(sop.segment))
    came: ColumnElement[bool] = false()
    bought: ColumnElement[bool] = false()
    if "arrival" in sop.settled_by:
        came = and_(gone, _FACTS.last_arrival_on >= since)
        own = own_arrival_from(one)
        if own is not None:
            came = or_(came, _FACTS.last_arrival_on >= Task.anchor_on + own)
    if "purchase" in sop.settled_by:
        bought = and_(gone, _FACTS.last_bought_on >= since)
    return case(
        (_FACTS.do_not_contact, CloseReason.DO_NOT_CONTACT.value),
        (bought, CloseReason.PURCHASED.value),
        (came, CloseReason.VISITED.value),
        (and_(gone, Task.state == TaskState.OPEN), CloseReason.REASON_GONE.value),
        else_=null(),
    )


# ── tasks there should be ────────────────────────────────────────────────────────────────────────────────


def _propose(
    session: Session,
    one: SopInForce,
    rulebook: Rulebook,
    *,
    dealt: _Dealt,
    scope: Scope,
    at: datetime,
) -> tuple[Counter[Fate], int]:
    """Propose an SOP's tasks. Returns the fates of all for whom it triggers, and how many tasks it superseded."""
    found = proposals(session, one, rulebook, reached=dealt.reached, scope=scope)
    fates, given = found.fates, found.given
    superseded = _supersede(session, one.sop, [proposal.recipient.customer_id for proposal in given], at=at)
    _reopen(session, [proposal for proposal in given if proposal.task_id is not None], on=rulebook.on)
    created = [proposal for proposal in given if proposal.task_id is None]
    merged = joining(session, [proposal.recipient for proposal in created], on=rulebook.on)
    kept_out = len(created) - _create(session, one, created, rulebook, dealt=dealt, at=at)
    fates[Fate.CREATED] -= kept_out + merged
    fates[Fate.MERGED] += merged
    fates[Fate.ALREADY_THERE] += kept_out
    return +fates, superseded


def _supersede(session: Session, sop: Sop, customers: Sequence[UUID], *, at: datetime) -> int:
    if not customers or not sop.replaces:
        return 0
    statement = (
        update(Task)
        .where(Task.customer_id == among(customers), Task.sop_key.in_(sop.replaces))
        .where(Task.state == TaskState.OPEN, Task.attempts == 0)
        .values(state=TaskState.CANCELLED, close_reason=CloseReason.SUPERSEDED.value, next_on=None, closed_at=at)
    )
    return _changed(session, statement)


def _reopen(session: Session, proposals: Sequence[Proposal], *, on: date) -> None:
    state = case((Task.attempts > 0, TaskState.IN_PROGRESS.value), else_=TaskState.OPEN.value)
    if proposals:
        task_ids = [proposal.task_id for proposal in proposals if proposal.task_id is not None]
        statement = (
            update(Task)
            .where(Task.customer_id == among([proposal.recipient.customer_id for proposal in proposals]))
            .where(Task.id == among(task_ids))
            .values(state=state, close_reason="", closed_at=None, due_on=func.greatest(Task.due_on, on))
        )
        _changed(session, statement)


def _create(
    session: Session,
    one: SopInForce,
    proposals: Sequence[Proposal],
    rulebook: Rulebook,
    *,
    dealt: _Dealt,
    at: datetime,
) -> int:
    """Insert the tasks; returns how many the ledger did not have."""
    if not proposals:
        return 0
    by_customer = {proposal.recipient.customer_id: proposal for proposal in proposals}
    trees = _trees(one, rulebook)
    rows = [
        _row(one, by_customer[facts["customer_id"]], rulebook, dealt=dealt, at=at)
        | {"evidence": evidence_of(trees, facts, on=rulebook.on)}
        for facts in facts_of(session, list(by_customer), trees=trees)
    ]
    return insert_rows(session, cast("Table", Task.__table__), rows)


def _trees(one: SopInForce, rulebook: Rulebook) -> list[Lowered]:
    """What speaks for an SOP's tasks: its own condition and its segment's rule."""
    own = [one.when] if one.when is not None else []
    return own + ([rulebook.rules[one.sop.segment].where] if one.sop.segment is not None else [])


def _row(one: SopInForce, proposal: Proposal, rulebook: Rulebook, *, dealt: _Dealt, at: datetime) -> dict[str, Any]:
    sop, rule = one.sop, rulebook.rules.get(one.sop.segment or "")
    owner_id = dealt.dealer.holder(proposal.recipient, role=sop.owner)
    due = due_on(one.timing, anchor_on=proposal.anchor_on, today=rulebook.on)
    return {
        "id": new_id(),
        "customer_id": proposal.recipient.customer_id,
        "site_id": proposal.recipient.site_id,
        "sop_key": sop.key,
        "step_key": sop.step_key,
        "subject": "",
        "anchor_on": proposal.anchor_on,
        "due_on": dealt.room.day(owner_id, due, priority=sop.priority),
        "priority": sop.priority,
        "state": TaskState.OPEN,
        "owner_id": owner_id,
        "segment_key": sop.segment,
        "rule_version_id": rule.version_id if rule else None,
        "created_at": at,
    }


def _changed(session: Session, statement: Any) -> int:  # why Any: update() is generic over what it returns
    done = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount
