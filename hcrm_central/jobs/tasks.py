"""The task ledger, once a day: hold, close, wake, propose.

A proposal meets the ledger's unique key (customer, SOP, subject, anchor), so a cycle is never called twice. What
staff have begun is theirs: the scan closes it only when the child came or bought, or wishes no contact.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Table, and_, case, exists, false, func, null, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from hcrm_central.jobs.capacity import Room
from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.copying import insert_rows
from hcrm_central.jobs.cycles import cycle_on, is_near, own_arrival_from, unanswered
from hcrm_central.jobs.dealing import Dealer, Recipient
from hcrm_central.jobs.families import home, homes_reached, joining
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
from hcrm_store.journeys import Membership, Task
from hcrm_store.people import Customer

# An arrival or a purchase may reach us a few days after it happened: feeds are T+1, and holidays come between.
FEED_LAG = timedelta(days=7)
_REOPENABLE = [CloseReason.REASON_GONE.value, CloseReason.DO_NOT_CONTACT.value]
_FACTS = CUSTOMER_FACTS.c
_UNFINISHED = Task.state.not_in(CLOSED)
_OF_TASK = _FACTS.customer_id == Task.customer_id


class Fate(StrEnum):
    """What becomes of one customer for whom an SOP's trigger holds."""

    CREATED = "created"
    MERGED = "merged"  # created, and said in one contact with another task of the family
    REOPENED = "reopened"  # closed by the scan for a reason that no longer stands
    ALREADY_THERE = "already_there"  # this cycle has its task, open or closed
    DO_NOT_CONTACT = "do_not_contact"
    FUTURE_APPOINTMENT = "future_appointment"
    ALREADY_CAME = "already_came"
    ALREADY_OPEN = "already_open"  # a task of a kindred SOP is being worked
    ANOTHERS = "anothers"  # in a segment whose SOP goes before this one
    FAMILY_REACHED = "family_reached"  # the family spoke with us today about a child: tomorrow
    NO_ANCHOR = "no_anchor"


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
    for one in sops:
        closed.update(_close(session, one, on=rulebook.on, scope=scope, at=at))
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
    for one in sops:
        fates[one.sop.key], superseded = _propose(session, one, rulebook, dealt=dealt, scope=scope, at=at)
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


def _close(session: Session, one: SopInForce, *, on: date, scope: Scope, at: datetime) -> Counter[str]:
    """Close what the child's coming or buying has settled, and what nobody had begun and nothing calls for."""
    sop, reason = one.sop, _close_reason(one, on=on)
    settled = reason.in_([CloseReason.VISITED.value, CloseReason.PURCHASED.value])
    statement = (
        update(Task)
        .where(_OF_TASK, Task.sop_key == sop.key, _UNFINISHED, reason.is_not(None), scope.on(Task.customer_id))
        .values(
            state=case((settled, TaskState.DONE.value), else_=TaskState.CANCELLED.value),
            close_reason=reason,
            next_on=None,
            closed_at=at,
        )
        .returning(Task.close_reason)
        .execution_options(synchronize_session=False)
    )
    return Counter(session.scalars(statement))


def _close_reason(one: SopInForce, *, on: date) -> ColumnElement[Any]:
    sop = one.sop
    since = func.date(func.timezone("Asia/Shanghai", Task.created_at)) - FEED_LAG.days
    gone = cycle_on(one, on=on).is_distinct_from(Task.anchor_on)
    if sop.segment is not None:
        gone = or_(gone, ~_in_segment(sop.segment, Task.customer_id))
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


def _in_segment(key: str, customer_id: Any) -> ColumnElement[bool]:  # why Any: a column, mapped or not
    return exists().where(
        Membership.customer_id == customer_id, Membership.segment_key == key, Membership.left_on.is_(None)
    )


# ── tasks there should be ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposal:
    recipient: Recipient
    anchor_on: date
    task_id: UUID | None
    fate: Fate


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
    fates: Counter[Fate] = Counter()
    fresh: dict[UUID, _Proposal] = {}
    for proposal in _proposals(session, one, rulebook, reached=dealt.reached, scope=scope):
        fates[proposal.fate] += 1
        if proposal.fate in (Fate.CREATED, Fate.REOPENED):
            fresh[proposal.recipient.customer_id] = proposal
    superseded = _supersede(session, one.sop, list(fresh), at=at)
    _reopen(session, [proposal for proposal in fresh.values() if proposal.task_id is not None], on=rulebook.on)
    created = [proposal for proposal in fresh.values() if proposal.task_id is None]
    merged = joining(session, [proposal.recipient for proposal in created], on=rulebook.on)
    kept_out = len(created) - _create(session, one, created, rulebook, dealt=dealt, at=at)
    fates[Fate.CREATED] -= kept_out + merged
    fates[Fate.MERGED] += merged
    fates[Fate.ALREADY_THERE] += kept_out
    return +fates, superseded


def _proposals(
    session: Session, one: SopInForce, rulebook: Rulebook, *, reached: Sequence[UUID], scope: Scope
) -> Iterator[_Proposal]:
    sop, anchor, here = one.sop, cycle_on(one, on=rulebook.on), aliased(Task)
    same_cycle = and_(
        here.customer_id == Customer.id, here.sop_key == sop.key, here.subject == "", here.anchor_on == anchor
    )
    query = (
        select(Customer.id, Customer.site_id, Customer.family_id, Customer.assistant_id, anchor, here.id)
        .add_columns(_fate(one, rulebook, reached, reopenable=here.close_reason.in_(_REOPENABLE), task_id=here.id))
        .join_from(CUSTOMER_FACTS, Customer, Customer.id == _FACTS.customer_id)
        .join(here, same_cycle, isouter=True)
        .where(_trigger(one, on=rulebook.on), scope.on(Customer.id))
        .order_by(Customer.id)
    )
    for customer_id, site_id, family_id, assistant_id, anchor_on, task_id, fate in session.execute(query):
        recipient = Recipient(customer_id=customer_id, site_id=site_id, family_id=family_id, assistant_id=assistant_id)
        yield _Proposal(recipient=recipient, anchor_on=anchor_on, task_id=task_id, fate=Fate(fate))


def recipients(session: Session, one: SopInForce, rulebook: Rulebook, *, scope: Scope) -> Iterator[Recipient]:
    """Who would get a task of an SOP, were it proposed now. Reads only, as whoever the session speaks for."""
    for proposal in _proposals(session, one, rulebook, reached=(), scope=scope):
        if proposal.fate in (Fate.CREATED, Fate.REOPENED):
            yield proposal.recipient


def _trigger(one: SopInForce, *, on: date) -> ColumnElement[bool]:
    parts = [] if one.timing.every is None else [is_near(one, on=on)]
    if one.sop.follows is not None:
        parts.append(unanswered(one, on=on))
    if one.sop.segment is not None:
        parts.append(_in_segment(one.sop.segment, _FACTS.customer_id))
    if one.when is not None:
        parts.append(predicate(one.when))
    return and_(*parts)


def _fate(
    one: SopInForce,
    rulebook: Rulebook,
    reached: Sequence[UUID],
    *,
    reopenable: ColumnElement[bool],
    task_id: InstrumentedAttribute[UUID],
) -> ColumnElement[str]:
    sop, own = one.sop, own_arrival_from(one)
    came: ColumnElement[bool] = false()
    if own is not None:
        came = _FACTS.last_arrival_on >= cycle_on(one, on=rulebook.on) + own
    return case(
        (_FACTS[sop.anchor].is_(None), Fate.NO_ANCHOR.value),
        (and_(task_id.is_not(None), ~reopenable), Fate.ALREADY_THERE.value),
        (_FACTS.do_not_contact, Fate.DO_NOT_CONTACT.value),
        (_FACTS.next_appointment_on >= rulebook.on, Fate.FUTURE_APPOINTMENT.value),
        (came, Fate.ALREADY_CAME.value),
        (_kindred_open(sop, rulebook), Fate.ALREADY_OPEN.value),
        (_in_stronger_segment(sop, rulebook), Fate.ANOTHERS.value),
        (home == among(reached), Fate.FAMILY_REACHED.value),
        (task_id.is_not(None), Fate.REOPENED.value),
        else_=Fate.CREATED.value,
    )


def _kindred_open(sop: Sop, rulebook: Rulebook) -> ColumnElement[bool]:
    """An open task of this SOP's other cycles or of a more urgent SOP, or one of a lesser SOP that was begun."""
    other = aliased(Task)
    stronger = [sop.key, *(one.sop.key for one in rulebook.sops if sop.key in one.sop.replaces)]
    begun = or_(other.state != TaskState.OPEN, other.attempts > 0)
    return exists().where(
        other.customer_id == _FACTS.customer_id,
        other.state.not_in(CLOSED),
        or_(other.sop_key.in_(stronger), and_(other.sop_key.in_(sop.replaces), begun)),
    )


def _in_stronger_segment(sop: Sop, rulebook: Rulebook) -> ColumnElement[bool]:
    """Between two calls of a recall nobody is reminded of a recheck."""
    stronger = {one.sop.segment for one in rulebook.sops if sop.key in one.sop.replaces} - {None, sop.segment}
    return or_(false(), *(_in_segment(key, _FACTS.customer_id) for key in sorted(str(one) for one in stronger)))


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


def _reopen(session: Session, proposals: Sequence[_Proposal], *, on: date) -> None:
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
    proposals: Sequence[_Proposal],
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


def _row(one: SopInForce, proposal: _Proposal, rulebook: Rulebook, *, dealt: _Dealt, at: datetime) -> dict[str, Any]:
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
