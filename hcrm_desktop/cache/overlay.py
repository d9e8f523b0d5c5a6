"""Entries that the centre's rows do not show yet, laid over the cache.

A row that is changed keeps what the centre said in `base`; a row that exists only here has no base. So the
overlay can be lifted at any time and laid again over newer rows, in the order of entry. Tasks move by the same
functions as in the centre. What was held or came too late leaves the task as the centre has it, but the contact
or the examination stays visible, marked: nothing that somebody entered just disappears.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from hcrm_core.corrections import STANDING, ExamVersion, contested_beside, meet, same, superseded_ids, with_derived
from hcrm_core.errors import Rejected
from hcrm_core.intents import (
    EditCustomer,
    FieldEdit,
    MedicationEnd,
    MedicationEntry,
    PickExam,
    RecordExam,
    RecordFollowUp,
    RecordOutcome,
    SnoozeTask,
    VoidExam,
)
from hcrm_core.tasks import CLOSED, TaskChange, after_outcome, after_snooze
from hcrm_core.terms import ExamStatus, Outcome, Source, TaskState
from hcrm_core.wire import Json, OperationKind, Person
from hcrm_desktop.cache.outbox import Entry, OpState
from hcrm_desktop.cache.rows import Delivery
from hcrm_desktop.cache.streams import put
from hcrm_desktop.cache.tables import CUSTOMER, KIND_TABLES, MEDICATION
from hcrm_desktop.cache.values import from_wire, to_wire
from hcrm_desktop.cache.versions import exam_versions
from hcrm_store.clock import business_date

OVERLAID = ("task", "follow_up", "exam", "eye_measurement", "customer", "guardian", "medication")
_EXPECTED = frozenset({OpState.LOCAL, OpState.SENDING, OpState.ACCEPTED})  # expected to count


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
    for kind in OVERLAID:
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
    if _row(session, "task", entry.row_id) is None or _at_centre(session, "follow_up", intent.follow_up_id):
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
    body |= {"id": str(entry.row_id), "source": Source.WORKSTATION.value}
    body |= {"status": _supersede(session, entry, intent).value, "created_at": entry.captured_at.isoformat()}
    body["examiner_id"] = person.staff_id and str(person.staff_id)
    _insert(session, "exam", body, entry=entry)
    for eye in intent.eyes:
        measured = eye.model_dump(mode="json") | {"exam_id": str(entry.row_id), "customer_id": body["customer_id"]}
        _insert(session, "eye_measurement", measured, entry=entry)


def _supersede(session: Session, entry: Entry, intent: RecordExam) -> ExamStatus:
    """Foresee what a correction does to the examinations that are here. Returns its own status."""
    if entry.state is OpState.CONFLICT:
        return ExamStatus.CONTESTED
    found = {one.id: one for one in exam_versions(session, intent.customer_id)}
    if intent.supersedes_id not in found or entry.state not in _EXPECTED:
        return ExamStatus.FINAL
    meeting = meet(found.values(), superseded=intent.supersedes_id)
    if found[intent.supersedes_id].status in STANDING:
        _patch(session, "exam", intent.supersedes_id, {"status": ExamStatus.AMENDED}, entry=entry)
    for rival in meeting.rivals:
        if rival.status is ExamStatus.FINAL:
            _patch(session, "exam", rival.id, {"status": ExamStatus.CONTESTED}, entry=entry)
    return meeting.status


def _pick(session: Session, entry: Entry, _person: Person) -> None:
    intent = PickExam.model_validate(entry.body)
    if _is_shown(session, "exam", entry):
        return
    statuses = {entry.row_id: ExamStatus.FINAL}
    others = ExamStatus.FINAL if intent.keep_all else ExamStatus.AMENDED
    found = exam_versions(session, intent.customer_id)
    settled = superseded_ids(found) | {one.id for one in found if one.status is ExamStatus.VOID}
    statuses |= {one: others for one in intent.rejected_ids if one not in settled}
    _set_statuses(session, entry, found, statuses=statuses)


def _void(session: Session, entry: Entry, _person: Person) -> None:
    intent = VoidExam.model_validate(entry.body)
    if _is_shown(session, "exam", entry):
        return
    found = exam_versions(session, intent.customer_id)
    statuses = {entry.row_id: ExamStatus.VOID}
    left = contested_beside(found, of=entry.row_id)
    if len(left) == 1 and any(one.id == entry.row_id and one.status is ExamStatus.CONTESTED for one in found):
        statuses[left[0].id] = ExamStatus.FINAL
    _set_statuses(session, entry, found, statuses=statuses)


def _set_statuses(
    session: Session, entry: Entry, found: Iterable[ExamVersion], *, statuses: dict[UUID, ExamStatus]
) -> None:
    """Statuses that are expected; of an entry that does not count only its mark, on the row that it is about."""
    if entry.state not in _EXPECTED:
        _patch(session, "exam", entry.row_id, {}, entry=entry)
        return
    for one in found:
        if one.id in statuses and one.status is not statuses[one.id]:
            _patch(session, "exam", one.id, {"status": statuses[one.id]}, entry=entry)


def _edit(session: Session, entry: Entry, _person: Person) -> None:
    by_row: dict[tuple[str, UUID], list[FieldEdit]] = defaultdict(list)
    for edit in EditCustomer.model_validate(entry.body).edits:
        by_row[edit.row, edit.row_id].append(edit)
    for (kind, row_id), edits in by_row.items():
        if kind == "customer" and _is_shown(session, kind, entry):
            continue
        _edit_row(session, entry, edits, kind=kind, row_id=row_id)


def _edit_row(session: Session, entry: Entry, edits: Iterable[FieldEdit], *, kind: str, row_id: UUID) -> None:
    """Fields change that still hold what their editor saw, as in the centre."""
    row = _row(session, kind, row_id)
    if row is None:
        return
    present = to_wire(kind, row)
    values: Json = {}
    for edit in edits if entry.state in _EXPECTED else ():
        if same(present.get(edit.field), edit.base):
            derived = with_derived(edit.row, edit.field, edit.value)
            values |= {name: from_wire(kind, derived)[name] for name in derived}
    if values or entry.state not in _EXPECTED:
        _patch(session, kind, row_id, values, entry=entry)


def _medication(session: Session, entry: Entry, person: Person) -> None:
    intent = MedicationEntry.model_validate(entry.body)
    if not _has_customer(session, intent.customer_id) or _at_centre(session, "medication", entry.row_id):
        return
    body = intent.model_dump(mode="json") | {"id": str(entry.row_id), "source": Source.WORKSTATION.value}
    if entry.state in _EXPECTED:
        _end_former(session, entry, intent)
        following = _following(session, intent)
        body["ended_on"] = following and following.isoformat()
    _insert(session, "medication", body | {"prescriber_id": person.staff_id and str(person.staff_id)}, entry=entry)


def _end_former(session: Session, entry: Entry, intent: MedicationEntry) -> None:
    """What runs ends on the day of the new one, as in the centre."""
    runs = (MEDICATION.c.ended_on.is_(None), MEDICATION.c.started_on <= intent.started_on)
    for row_id in session.scalars(select(MEDICATION.c.id).where(*_of_same(intent), *runs)).all():
        _patch(session, "medication", row_id, {"ended_on": intent.started_on}, entry=entry)


def _following(session: Session, intent: MedicationEntry) -> date | None:
    """The day on which a later course begins: one that is entered belatedly ends then, as in the centre."""
    later = MEDICATION.c.started_on > intent.started_on
    found: date | None = session.scalar(select(func.min(MEDICATION.c.started_on)).where(*_of_same(intent), later))
    return found


def _of_same(intent: MedicationEntry) -> tuple[ColumnElement[bool], ...]:
    return MEDICATION.c.customer_id == intent.customer_id, MEDICATION.c.medicine == intent.medicine


def _medication_end(session: Session, entry: Entry, _person: Person) -> None:
    intent = MedicationEnd.model_validate(entry.body)
    if _is_shown(session, "medication", entry):
        return
    ended = {"ended_on": intent.ended_on, "end_reason": intent.reason}
    _patch(session, "medication", entry.row_id, ended if entry.state in _EXPECTED else {}, entry=entry)


_LAYERS: dict[OperationKind, Callable[[Session, Entry, Person], None]] = {
    OperationKind.RECORD_OUTCOME: _outcome,
    OperationKind.SNOOZE_TASK: _snooze,
    OperationKind.RECORD_FOLLOW_UP: _follow_up,
    OperationKind.RECORD_EXAM: _exam,
    OperationKind.PICK_EXAM: _pick,
    OperationKind.VOID_EXAM: _void,
    OperationKind.EDIT_CUSTOMER: _edit,
    OperationKind.RECORD_MEDICATION: _medication,
    OperationKind.END_MEDICATION: _medication_end,
}


def _move_task(
    session: Session,
    entry: Entry,
    change: Callable[[TaskState, int], TaskChange],
    *,
    outcome: Outcome | None = None,
) -> None:
    task = _row(session, "task", entry.row_id)
    if task is None or _is_shown(session, "task", entry):
        return
    values: Json = {}
    if entry.state in _EXPECTED:
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
    row, table = _row(session, kind, row_id), KIND_TABLES[kind]
    if row is None:
        return
    alone = row["delivery"] is not None and row["base"] is None  # a row of ours, not known to the centre
    base = None if alone else row["base"] or to_wire(kind, row)
    marked = values | {"base": base, "delivery": _delivery(entry).value}
    session.execute(update(table).where(table.c.id == row_id).values(marked))


def _restored(kind: str, row: Json) -> Json:
    return {**from_wire(kind, row["base"]), "stream": row["stream"], "base": None, "delivery": None}


def _delivery(entry: Entry) -> Delivery:
    return Delivery(entry.state.value)


def _row(session: Session, kind: str, row_id: UUID) -> Json | None:
    table = KIND_TABLES[kind]
    row = session.execute(select(table).where(table.c.id == row_id)).mappings().first()
    return None if row is None else dict(row)


def _is_shown(session: Session, kind: str, entry: Entry) -> bool:
    """Whether the centre's row, as it is here, knows of the entry already."""
    row = _row(session, kind, entry.row_id)
    return row is not None and entry.result_ver is not None and row["ver"] >= entry.result_ver


def _has_customer(session: Session, customer_id: UUID) -> bool:
    return session.execute(select(CUSTOMER.c.id).where(CUSTOMER.c.id == customer_id)).first() is not None


def _at_centre(session: Session, kind: str, row_id: UUID) -> bool:
    table = KIND_TABLES[kind]
    return (
        session.execute(select(table.c.id).where(table.c.id == row_id, table.c.delivery.is_(None))).first() is not None
    )
