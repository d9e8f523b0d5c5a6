"""时间轴: everything that happened to one customer, and what is due, on one axis. One statement a page."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Label,
    Row,
    Select,
    Text,
    case,
    func,
    literal,
    null,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from hcrm_core.tasks import CLOSED
from hcrm_core.terms import Eye, LeadState, Source
from hcrm_desktop.cache.rows import TimelineEntry, TimelineKind, TimelinePage
from hcrm_desktop.cache.tables import (
    EXAM,
    FIELD_CHANGE,
    FOLLOW_UP,
    LEAD,
    MEASUREMENT,
    MEDICATION,
    MEMBERSHIP,
    ORDER,
    PLAN,
    SEGMENT,
    SOP,
    STAFF,
    TASK,
    VISIT,
)

PAGE = 100
_LENS_DATES = ("oldest_ok_lens_on", "lens_dispensed_on_od", "lens_dispensed_on_os")  # facts
_SHANGHAI = "+8 hours"  # of an instant in UTC, as SQLite adds it; there is no summer time


def timeline(
    session: Session,
    customer_id: UUID,
    *,
    kinds: frozenset[TimelineKind] = frozenset(TimelineKind),
    limit: int = PAGE,
    offset: int = 0,
) -> TimelinePage:
    """A page, newest first. What is due comes before what was."""
    parts = [part for kind, made in _PARTS.items() if kind in kinds for part in made(customer_id)]
    if not parts:
        return TimelinePage(entries=(), more=False)
    every = union_all(*parts).subquery()
    statement = (
        select(every)
        .where(every.c.day.is_not(None))
        .order_by(every.c.day.desc(), every.c.kind, every.c.id.desc(), every.c.term, every.c.second)
        .limit(limit + 1)
        .offset(offset)
    )
    found = [_entry(row) for row in session.execute(statement)]
    return TimelinePage(entries=tuple(found[:limit]), more=len(found) > limit)


def _part(  # every part of a union has the same columns
    kind: TimelineKind,
    row_id: ColumnElement[UUID],
    on: ColumnElement[Any],
    *,
    term: ColumnElement[Any] | None = None,
    text: ColumnElement[Any] | None = None,
    first: ColumnElement[Any] | None = None,
    second: ColumnElement[Any] | None = None,
    source: ColumnElement[Any] | None = None,
    by: ColumnElement[Any] | None = None,
) -> Select[Any]:
    said = {"term": term, "text": text, "first": first, "second": second, "source": source, "by": by}
    return select(
        literal(kind.value).label("kind"),
        row_id.label("id"),
        type_coerce(on, Date).label("day"),
        *(_text(name, column) for name, column in said.items()),
    )


def _text(name: str, column: ColumnElement[Any] | None) -> Label[Any]:
    return type_coerce(null() if column is None else column, Text).label(name)


def _day(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.date(type_coerce(instant, Text), _SHANGHAI)


def _exams(customer_id: UUID) -> list[Select[Any]]:
    right, left = (MEASUREMENT.alias(name) for name in ("right_eye", "left_eye"))
    part = _part(
        TimelineKind.EXAM,
        EXAM.c.id,
        EXAM.c.examined_on,
        term=EXAM.c.status,
        text=EXAM.c.device,
        first=right.c.axial_length_mm,
        second=left.c.axial_length_mm,
        source=EXAM.c.source,
        by=STAFF.c.name,
    )
    shown = EXAM.outerjoin(STAFF, STAFF.c.id == EXAM.c.examiner_id)
    for eye, side in ((Eye.OD, right), (Eye.OS, left)):
        shown = shown.outerjoin(side, (side.c.exam_id == EXAM.c.id) & (side.c.eye == eye))
    return [part.select_from(shown).where(EXAM.c.customer_id == customer_id)]


def _orders(customer_id: UUID) -> list[Select[Any]]:
    name = func.trim(func.coalesce(ORDER.c.brand, "") + " " + func.coalesce(ORDER.c.model, ""))
    begun = func.coalesce(ORDER.c.dispensed_on, ORDER.c.ordered_on)
    told = {"first": ORDER.c.eye, "text": name, "source": ORDER.c.source, "term": ORDER.c.product}
    parts = [
        _part(TimelineKind.ORDER, ORDER.c.id, begun, **told),
        _part(TimelineKind.ORDER, ORDER.c.id, ORDER.c.ended_on, second=literal("ended"), **told),
    ]
    return [part.where(ORDER.c.customer_id == customer_id) for part in parts]


def _visits(customer_id: UUID) -> list[Select[Any]]:
    told = {"term": VISIT.c.state, "text": VISIT.c.purpose, "source": VISIT.c.source}
    part = _part(TimelineKind.VISIT, VISIT.c.id, VISIT.c.visit_on, **told)
    return [part.where(VISIT.c.customer_id == customer_id)]


def _follow_ups(customer_id: UUID) -> list[Select[Any]]:
    part = _part(
        TimelineKind.FOLLOW_UP,
        FOLLOW_UP.c.id,
        _day(FOLLOW_UP.c.contacted_at),
        term=FOLLOW_UP.c.outcome,
        text=FOLLOW_UP.c.note,
        first=FOLLOW_UP.c.channel,
        source=func.coalesce(FOLLOW_UP.c.source, Source.WORKSTATION.value),
        by=STAFF.c.name,
    )
    shown = FOLLOW_UP.outerjoin(STAFF, STAFF.c.id == FOLLOW_UP.c.staff_id)
    return [part.select_from(shown).where(FOLLOW_UP.c.customer_id == customer_id)]


def _tasks(customer_id: UUID) -> list[Select[Any]]:
    label = func.coalesce(SOP.c.label, TASK.c.sop_key)
    part = _part(TimelineKind.TASK, TASK.c.id, TASK.c.due_on, term=TASK.c.state, text=label, by=STAFF.c.name)
    shown = TASK.outerjoin(SOP, SOP.c.key == TASK.c.sop_key).outerjoin(STAFF, STAFF.c.id == TASK.c.owner_id)
    return [part.select_from(shown).where(TASK.c.customer_id == customer_id)]


def _replacements(customer_id: UUID) -> list[Select[Any]]:
    """When a lens's time is up: what an unfinished task says it was held against, on either side of today."""
    one = func.json_each(TASK.c.evidence).table_valued("value", name="one")
    told = {name: func.json_extract(one.c.value, f"$.{name}") for name in ("fact", "eye", "value", "threshold")}
    up = func.date(told["value"], "+" + told["threshold"] + " days")
    part = _part(
        TimelineKind.REPLACEMENT, TASK.c.id, up, term=told["eye"], first=told["value"], second=told["threshold"]
    )
    return [
        part.select_from(TASK.join(one, true())).where(
            TASK.c.customer_id == customer_id,
            TASK.c.state.not_in(CLOSED),
            told["fact"].in_(_LENS_DATES),
            func.json_extract(one.c.value, "$.operator").in_(("days_ago_le", "days_ago_gt")),
            func.json_extract(one.c.value, "$.verdict") == "true",
        )
    ]


def _leads(customer_id: UUID) -> list[Select[Any]]:
    """When it began and, if it ended, when and how."""
    receiver = STAFF.alias("receiver")
    told = {"first": LEAD.c.kind, "second": receiver.c.name, "by": STAFF.c.name}
    begun = case((LEAD.c.closed_on.is_(None), LEAD.c.state), else_=literal(LeadState.STARTED.value))
    shown = LEAD.outerjoin(STAFF, STAFF.c.id == LEAD.c.initiator_id)
    shown = shown.outerjoin(receiver, receiver.c.id == LEAD.c.receiver_id)
    parts = [
        _part(TimelineKind.LEAD, LEAD.c.id, LEAD.c.started_on, term=begun, **told),
        _part(TimelineKind.LEAD, LEAD.c.id, LEAD.c.closed_on, term=LEAD.c.state, **told),
    ]
    return [part.select_from(shown).where(LEAD.c.customer_id == customer_id) for part in parts]


def _medications(customer_id: UUID) -> list[Select[Any]]:
    """When a course began and, if it was stopped, when and why."""
    told = {"first": MEDICATION.c.percent, "source": MEDICATION.c.source, "by": STAFF.c.name}
    shown = MEDICATION.outerjoin(STAFF, STAFF.c.id == MEDICATION.c.prescriber_id)
    whens = (
        ("began", MEDICATION.c.started_on, MEDICATION.c.note),
        ("ended", MEDICATION.c.ended_on, MEDICATION.c.end_reason),
    )
    return [
        _part(TimelineKind.MEDICATION, MEDICATION.c.id, on, term=literal(what), text=said, **told)
        .select_from(shown)
        .where(MEDICATION.c.customer_id == customer_id)
        for what, on, said in whens
    ]


def _segments(customer_id: UUID) -> list[Select[Any]]:
    label = func.coalesce(SEGMENT.c.label, MEMBERSHIP.c.segment_key)
    shown = MEMBERSHIP.outerjoin(SEGMENT, SEGMENT.c.key == MEMBERSHIP.c.segment_key)
    whens = (("entered", MEMBERSHIP.c.entered_on), ("left", MEMBERSHIP.c.left_on))
    return [
        _part(TimelineKind.SEGMENT, MEMBERSHIP.c.id, on, term=literal(what), text=label)
        .select_from(shown)
        .where(MEMBERSHIP.c.customer_id == customer_id)
        for what, on in whens
    ]


def _corrections(customer_id: UUID) -> list[Select[Any]]:
    """Values that were set anew, and examinations that took the place of another."""
    change = _part(
        TimelineKind.CORRECTION,
        FIELD_CHANGE.c.id,
        _day(FIELD_CHANGE.c.at),
        term=FIELD_CHANGE.c.subject + "." + FIELD_CHANGE.c.field,
        text=FIELD_CHANGE.c.reason,
        first=FIELD_CHANGE.c.old,
        second=FIELD_CHANGE.c.new,
        source=literal(Source.WORKSTATION.value),
        by=STAFF.c.name,
    )
    amended = _part(
        TimelineKind.CORRECTION,
        EXAM.c.id,
        func.coalesce(_day(EXAM.c.created_at), EXAM.c.examined_on),
        term=literal("exam"),
        text=EXAM.c.amend_reason,
        first=EXAM.c.examined_on,
        source=EXAM.c.source,
        by=STAFF.c.name,
    )
    changed = FIELD_CHANGE.outerjoin(STAFF, STAFF.c.id == FIELD_CHANGE.c.by_id)
    entered = EXAM.outerjoin(STAFF, STAFF.c.id == EXAM.c.examiner_id)
    return [
        change.select_from(changed).where(FIELD_CHANGE.c.customer_id == customer_id),
        amended.select_from(entered).where(EXAM.c.customer_id == customer_id, EXAM.c.supersedes_id.is_not(None)),
    ]


def _plans(customer_id: UUID) -> list[Select[Any]]:
    told = {"first": PLAN.c.planned_on, "source": PLAN.c.source}
    part = _part(TimelineKind.PLAN, PLAN.c.id, PLAN.c.due_on, **told)
    return [part.where(PLAN.c.customer_id == customer_id)]


_PARTS = {
    TimelineKind.EXAM: _exams,
    TimelineKind.ORDER: _orders,
    TimelineKind.VISIT: _visits,
    TimelineKind.PLAN: _plans,
    TimelineKind.FOLLOW_UP: _follow_ups,
    TimelineKind.TASK: _tasks,
    TimelineKind.REPLACEMENT: _replacements,
    TimelineKind.LEAD: _leads,
    TimelineKind.SEGMENT: _segments,
    TimelineKind.CORRECTION: _corrections,
    TimelineKind.MEDICATION: _medications,
}


def _entry(row: Row[Any]) -> TimelineEntry:
    day: date = row.day
    return TimelineEntry(
        kind=TimelineKind(row.kind),
        id=row.id,
        on=day,
        term=row.term or "",
        text=row.text or "",
        first=row.first,
        second=row.second,
        source=Source(row.source) if row.source else None,
        by=row.by or "",
    )
