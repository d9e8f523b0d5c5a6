"""Entries that the centre's rows do not show yet, laid over the cache.

A row that is changed keeps what the centre said in `base`; a row that exists only here has no base. So the
overlay can be lifted at any time and laid again over newer rows, in the order of entry. Tasks move by the same
functions as in the centre. What was held or came too late leaves the task as the centre has it, but the contact
or the examination stays visible, marked: nothing that somebody entered just disappears.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hcrm_core.errors import Rejected
from hcrm_core.intents import RecordExam, RecordFollowUp, RecordOutcome, SnoozeTask
from hcrm_core.tasks import CLOSED, TaskChange, after_outcome, after_snooze
from hcrm_core.terms import ExamStatus, Outcome, Source, TaskState
from hcrm_core.wire import Json, OperationKind, Person
from hcrm_desktop.cache.outbox import Entry, OpState
from hcrm_desktop.cache.rows import Delivery
from hcrm_desktop.cache.streams import put
from hcrm_desktop.cache.tables import CUSTOMER, KIND_TABLES, TASK
from hcrm_desktop.cache.values import from_wire, to_wire
from hcrm_store.clock import business_date

_OVERLAID = ("task", "follow_up", "exam", "eye_measurement")
_STANDING = frozenset({OpState.LOCAL, OpState.SENDING, OpState.ACCEPTED})  # expected to count


def relay(session: Session, entries: Iterable[Entry], *, person: Person) -> None:
    """Take the overlay off and lay the entries again, in order."""
    lift(session)
    lay_all(session, entries, person=person)


def lay_all(session: Session, entries: Iterable[Entry], *, person: Person) -> None:
    """Lay entries, in order, over what the centre said."""
    for entry in entries:
        lay(session, entry, person=person)


def lift(session: Session) -> None:
    """Show what the centre said, and nothing else."""
    for kind in _OVERLAID:
        table = KIND_TABLES[kind]
        laid = session.execute(select(table).where(table.c.delivery.is_not(None))).mappings().all()
        if not laid:
            continue
        session.execute(delete(table).where(table.c.delivery.is_not(None), table.c.base.is_(None)))
        former = [row for row in laid if row["base"] is not None]
        if former:
            put(session, kind, [_restored(kind, dict(row)) for row in former])


def lay(session: Session, entry: Entry, *, person: Person) -> None:
    """Show one entry's effect, unless the centre's rows show it already or the reader lost the customer."""
    _LAYERS[entry.kind](session, entry, person)


def _outcome(session: Session, entry: Entry, person: Person) -> None:
    intent = RecordOutcome.model_validate(entry.body)
    if _task(session, entry.row_id) is None or _at_centre(session, "follow_up", intent.follow_up_id):
        return
    contact = RecordFollowUp.model_validate(entry.body)
    _insert_follow_up(session, entry, contact, person=person, row_id=intent.follow_up_id, task_id=entry.row_id)
    today, outcome = business_date(entry.captured_at), Outcome(intent.outcome)
    _move_task(
        session,
        entry,
        lambda state, attempts: after_outcome(state, outcome, next_on=intent.next_on, today=today, attempts=attempts),
        outcome=outcome,
    )


def _snooze(session: Session, entry: Entry, _person: Person) -> None:
    until, today = SnoozeTask.model_validate(entry.body).until, business_date(entry.captured_at)
    _move_task(session, entry, lambda state, attempts: after_snooze(state, until=until, today=today, attempts=attempts))


def _follow_up(session: Session, entry: Entry, person: Person) -> None:
    contact = RecordFollowUp.model_validate(entry.body)
    if _has_customer(session, contact.customer_id) and not _at_centre(session, "follow_up", entry.row_id):
        _insert_follow_up(session, entry, contact, person=person, row_id=entry.row_id, task_id=None)


def _exam(session: Session, entry: Entry, person: Person) -> None:
    intent = RecordExam.model_validate(entry.body)
    if not _has_customer(session, intent.customer_id) or _at_centre(session, "exam", entry.row_id):
        return
    body = intent.model_dump(mode="json", exclude={"eyes"})
    body |= {"id": str(entry.row_id), "source": Source.WORKSTATION.value, "status": ExamStatus.FINAL.value}
    body["examiner_id"] = person.staff_id and str(person.staff_id)
    _insert(session, "exam", body, entry=entry)
    for eye in intent.eyes:
        measured = eye.model_dump(mode="json") | {"exam_id": str(entry.row_id), "customer_id": body["customer_id"]}
        _insert(session, "eye_measurement", measured, entry=entry)
    if intent.supersedes_id is not None and entry.state in _STANDING:
        _patch(session, "exam", intent.supersedes_id, {"status": ExamStatus.AMENDED}, entry=entry)


_LAYERS: dict[OperationKind, Callable[[Session, Entry, Person], None]] = {
    OperationKind.RECORD_OUTCOME: _outcome,
    OperationKind.SNOOZE_TASK: _snooze,
    OperationKind.RECORD_FOLLOW_UP: _follow_up,
    OperationKind.RECORD_EXAM: _exam,
}


def _move_task(
    session: Session,
    entry: Entry,
    change: Callable[[TaskState, int], TaskChange],
    *,
    outcome: Outcome | None = None,
) -> None:
    task = _task(session, entry.row_id)
    if task is None or (entry.result_ver is not None and task["ver"] >= entry.result_ver):
        return
    values: Json = {}
    if entry.state in _STANDING:
        try:
            moved = change(task["state"] or TaskState.OPEN, task["attempts"] or 0)
        except Rejected:
            return  # the task was closed meanwhile: the centre's answer will say so
        values = {"state": moved.state, "next_on": moved.next_on, "attempts": moved.attempts}
        values |= {"close_reason": moved.close_reason} | ({"last_outcome": outcome} if outcome else {})
        values |= {"closed_at": entry.captured_at} if moved.state in CLOSED else {}
    _patch(session, "task", entry.row_id, values, entry=entry)


def _insert_follow_up(
    session: Session, entry: Entry, contact: RecordFollowUp, *, person: Person, row_id: UUID, task_id: UUID | None
) -> None:
    body = contact.model_dump(mode="json") | {"id": str(row_id), "source": Source.WORKSTATION.value}
    body |= {"task_id": task_id and str(task_id), "staff_id": person.staff_id and str(person.staff_id)}
    _insert(session, "follow_up", body | {"contacted_at": entry.captured_at.isoformat()}, entry=entry)


def _insert(session: Session, kind: str, body: Json, *, entry: Entry) -> None:
    values = from_wire(kind, body)
    put(session, kind, [{**values, "ver": 0, "stream": None, "base": None, "delivery": _delivery(entry).value}])


def _patch(session: Session, kind: str, row_id: UUID, values: Json, *, entry: Entry) -> None:
    table = KIND_TABLES[kind]
    row = session.execute(select(table).where(table.c.id == row_id)).mappings().first()
    if row is None:
        return
    alone = row["delivery"] is not None and row["base"] is None  # a row of ours, not known to the centre
    base = None if alone else row["base"] or to_wire(kind, dict(row))
    marked = values | {"base": base, "delivery": _delivery(entry).value}
    session.execute(update(table).where(table.c.id == row_id).values(marked))


def _restored(kind: str, row: Json) -> Json:
    return {**from_wire(kind, row["base"]), "stream": row["stream"], "base": None, "delivery": None}


def _delivery(entry: Entry) -> Delivery:
    return Delivery(entry.state.value)


def _task(session: Session, task_id: UUID) -> Json | None:
    row = session.execute(select(TASK).where(TASK.c.id == task_id)).mappings().first()
    return None if row is None else dict(row)


def _has_customer(session: Session, customer_id: UUID) -> bool:
    return session.execute(select(CUSTOMER.c.id).where(CUSTOMER.c.id == customer_id)).first() is not None


def _at_centre(session: Session, kind: str, row_id: UUID) -> bool:
    table = KIND_TABLES[kind]
    return (
        session.execute(select(table.c.id).where(table.c.id == row_id, table.c.delivery.is_(None))).first() is not None
    )
