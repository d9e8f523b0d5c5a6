"""For whom SOPs call: their triggers, and what becomes of each customer for whom one holds."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Subquery,
    Text,
    and_,
    any_,
    case,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.visitors import replacement_traverse

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.cycles import cycle_on, is_near, own_arrival_from, unanswered
from hcrm_central.jobs.dealing import Recipient
from hcrm_central.jobs.families import home
from hcrm_central.jobs.rulebook import Rulebook, SopInForce
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.membership import among
from hcrm_core.sop import Sop
from hcrm_core.tasks import CLOSED, CloseReason
from hcrm_core.terms import TaskState
from hcrm_store.journeys import Task
from hcrm_store.people import Customer

_REOPENABLE = [CloseReason.REASON_GONE.value, CloseReason.DO_NOT_CONTACT.value]
_FACTS = CUSTOMER_FACTS.c
_OF_FATE = ("customer_id", "do_not_contact", "next_appointment_on", "last_arrival_on")


Belongs = Callable[[str], ColumnElement[bool]]  # who is in a segment, by its key


def in_segment(key: str) -> ColumnElement[bool]:
    return literal(key) == any_(_FACTS.segments)


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


GIVEN = (Fate.CREATED, Fate.REOPENED)  # a task, in a proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    recipient: Recipient
    anchor_on: date
    task_id: UUID | None
    fate: Fate


@dataclass(slots=True)
class Proposals:
    """What becomes of those for whom an SOP calls.

    Attributes:
        given: who gets a task.
        fates: of all of them, counted.
    """

    given: list[Proposal] = field(default_factory=list)
    fates: Counter[Fate] = field(default_factory=Counter)


@dataclass(slots=True)
class Called:
    """For whom an SOP's trigger holds.

    Attributes:
        settled: fates that the facts and the cycle's own task decide, counted.
        undecided: customers whose fate hangs on the other tasks of the ledger; None: anybody's.
    """

    settled: Counter[Fate] = field(default_factory=Counter)
    undecided: Sequence[UUID] | None = ()


def called(session: Session, sops: Sequence[SopInForce], *, on: date, scope: Scope) -> dict[str, Called]:
    """By SOP for whom it calls: one look at everybody's facts for all of them."""
    found = {one.sop.key: Called() for one in sops}
    if not sops:
        return found
    triggers = [case((_trigger(one, on=on), one.sop.key)) for one in sops]
    keys = func.unnest(func.array_remove(sql_cast(array(triggers), ARRAY(Text)), None)).label("sop_key")
    read = dict.fromkeys([*_OF_FATE, *(one.sop.anchor for one in sops)])
    each = select(*(_FACTS[name] for name in read), keys).where(scope.on(_FACTS.customer_id)).subquery("each")
    anchor_on = _carried(case(*((each.c.sop_key == one.sop.key, cycle_on(one, on=on)) for one in sops)), each)
    came = case(*((each.c.sop_key == one.sop.key, _came(one, on=on)) for one in sops))
    here = aliased(Task)
    same_cycle = and_(
        *(here.customer_id == each.c.customer_id, here.sop_key == each.c.sop_key),
        *(here.subject == "", here.anchor_on == anchor_on),
    )
    fate = _carried(case(*_settled(anchor_on, here, came=came, on=on), else_=null()), each)
    query = (
        select(each.c.sop_key, fate, func.count(), func.array_agg(each.c.customer_id).filter(fate.is_(None)))
        .join_from(each, here, same_cycle, isouter=True)
        .group_by(each.c.sop_key, fate)
    )
    for sop_key, settled, many, undecided in session.execute(query):
        if settled is None:
            found[sop_key].undecided = undecided
        else:
            found[sop_key].settled[Fate(settled)] += many
    return found


def _carried(told: ColumnElement[Any], each: Subquery) -> ColumnElement[Any]:
    """The same of the facts that a subquery carries on."""

    def carried(element: Any, **_: Any) -> ColumnElement[Any] | None:  # why Any: whatever stands in an expression
        is_fact = isinstance(element, Column) and element.table is CUSTOMER_FACTS
        return each.c[element.name] if is_fact else None

    same: ColumnElement[Any] = replacement_traverse(told, {}, carried)
    return same


def proposals(
    session: Session,
    one: SopInForce,
    rulebook: Rulebook,
    *,
    reached: Sequence[UUID],
    scope: Scope,
    belongs: Belongs = in_segment,
) -> Proposals:
    """What becomes of every customer of a scope for whom an SOP's trigger holds.

    Args:
        reached: families that were spoken with today.
        belongs: who is in which segment, or would be.
    """
    sop, anchor, here = one.sop, cycle_on(one, on=rulebook.on), aliased(Task)
    same_cycle = and_(
        here.customer_id == Customer.id, here.sop_key == sop.key, here.subject == "", here.anchor_on == anchor
    )
    fate_of = _fate(one, rulebook, reached, here=here, belongs=belongs).label("fate")
    told = (Customer.id, Customer.site_id, Customer.family_id, Customer.assistant_id)
    each = (
        select(*told, anchor.label("anchor_on"), here.id.label("task_id"), fate_of)
        .join_from(CUSTOMER_FACTS, Customer, Customer.id == _FACTS.customer_id)
        .join(here, same_cycle, isouter=True)
        .where(_trigger(one, on=rulebook.on, belongs=belongs), scope.on(Customer.id))
        .offset(0)  # keeps PostgreSQL from asking for the fate again in each column below
        .subquery("each")
    )
    # Who is given a task is named; all others are many every day, and are only counted.
    is_given = each.c.fate.in_(GIVEN)
    named = [case((is_given, column)).label(column.name) for column in each.c if column is not each.c.fate]
    query = select(*named, each.c.fate, func.count().label("many")).group_by(*named, each.c.fate).order_by(named[0])
    found = Proposals()
    for row in session.execute(query):
        found.fates[Fate(row.fate)] += row.many
        if row.fate in GIVEN:
            found.given.append(_proposal(row))
    return found


def _proposal(row: Row[*tuple[Any, ...]]) -> Proposal:
    recipient = Recipient(
        customer_id=row.id, site_id=row.site_id, family_id=row.family_id, assistant_id=row.assistant_id
    )
    return Proposal(recipient=recipient, anchor_on=row.anchor_on, task_id=row.task_id, fate=Fate(row.fate))


def recipients(session: Session, one: SopInForce, rulebook: Rulebook, *, scope: Scope) -> Iterator[Recipient]:
    """Who would get a task of an SOP, were it proposed now. Reads only, as whoever the session speaks for."""
    for proposal in proposals(session, one, rulebook, reached=(), scope=scope).given:
        yield proposal.recipient


def _trigger(one: SopInForce, *, on: date, belongs: Belongs = in_segment) -> ColumnElement[bool]:
    """Cheap parts first: PostgreSQL stops at the first that fails."""
    parts = [] if one.timing.every is None else [is_near(one, on=on)]
    if one.sop.segment is not None:
        parts.append(belongs(one.sop.segment))
    if one.when is not None:
        parts.append(predicate(one.when))
    if one.sop.follows is not None:
        parts.append(unanswered(one, on=on))
    return and_(true(), *parts)


def _fate(
    one: SopInForce, rulebook: Rulebook, reached: Sequence[UUID], *, here: type[Task], belongs: Belongs
) -> ColumnElement[str]:
    sop, on = one.sop, rulebook.on
    return case(
        *_settled(cycle_on(one, on=on), here, came=_came(one, on=on), on=on),
        (_kindred_open(sop, rulebook), Fate.ALREADY_OPEN.value),
        (_in_stronger_segment(sop, rulebook, belongs=belongs), Fate.ANOTHERS.value),
        (home == among(reached), Fate.FAMILY_REACHED.value),
        (here.id.is_not(None), Fate.REOPENED.value),
        else_=Fate.CREATED.value,
    )


def _settled(
    anchor_on: ColumnElement[Any], here: type[Task], *, came: ColumnElement[bool], on: date
) -> list[tuple[ColumnElement[bool], str]]:
    """Fates that the customer's facts and the cycle's own task decide, in the order in which they go.

    Args:
        here: the task that the ledger has for this cycle, if any.
    """
    return [
        (anchor_on.is_(None), Fate.NO_ANCHOR.value),
        (and_(here.id.is_not(None), here.close_reason.not_in(_REOPENABLE)), Fate.ALREADY_THERE.value),
        (_FACTS.do_not_contact, Fate.DO_NOT_CONTACT.value),
        (_FACTS.next_appointment_on >= on, Fate.FUTURE_APPOINTMENT.value),
        (came, Fate.ALREADY_CAME.value),
    ]


def _came(one: SopInForce, *, on: date) -> ColumnElement[bool]:
    own = own_arrival_from(one)
    return false() if own is None else _FACTS.last_arrival_on >= cycle_on(one, on=on) + own


def _kindred_open(sop: Sop, rulebook: Rulebook) -> ColumnElement[bool]:
    """An open task of a more urgent SOP, or one of a lesser SOP or another cycle that was begun."""
    other = aliased(Task)
    stronger = [one.sop.key for one in rulebook.sops if sop.key in one.sop.replaces]
    begun = or_(other.state != TaskState.OPEN, other.attempts > 0)
    return exists().where(
        other.customer_id == _FACTS.customer_id,
        other.state.not_in(CLOSED),
        or_(other.sop_key.in_(stronger), and_(other.sop_key.in_([sop.key, *sop.replaces]), begun)),
    )


def _in_stronger_segment(sop: Sop, rulebook: Rulebook, *, belongs: Belongs) -> ColumnElement[bool]:
    """Between two calls of a recall nobody is reminded of a recheck."""
    stronger = {one.sop.segment for one in rulebook.sops if sop.key in one.sop.replaces} - {None, sop.segment}
    return or_(false(), *(belongs(key) for key in sorted(str(one) for one in stronger)))
