"""What people do at the workstation. Each writes the outbox first, then lays the effect over the cache.

Raises everywhere: SignInRequired when nobody is signed in; NotPermitted for the wrong role; Rejected with a code:
``task_unknown``, ``task_of_another``, ``task_already_closed``, ``visit_date_needed``, ``date_too_far``
(hcrm_core.tasks), ``customer_unknown``, ``nothing_measured``, ``nothing_to_undo``, ``already_sent``,
``already_decided``, ``lease_over``.
"""

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.intents import MeasuredEye, RecordExam, RecordFollowUp, RecordOutcome, SnoozeTask
from hcrm_core.tasks import after_outcome, after_snooze, may_work_on
from hcrm_core.terms import Channel, Eye, Outcome, Role, TaskState
from hcrm_core.wire import Json, Message, OperationKind, Person
from hcrm_desktop.cache import overlay
from hcrm_desktop.cache.outbox import Entry, Intent
from hcrm_desktop.cache.rows import Changes, ExamEntry, EyeRow
from hcrm_desktop.cache.tables import CUSTOMER, TASK
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.base import new_id
from hcrm_store.clock import business_date

# Two calls to one family end no sooner after each other.
DOUBLE_PRESS = timedelta(seconds=1)
_log = logging.getLogger(__name__)
_WORKED = ("task", "follow_up", "outbox")
_EXAMINED = ("exam", "eye_measurement", "outbox")
_TOUCHED = {
    OperationKind.RECORD_OUTCOME: _WORKED,
    OperationKind.SNOOZE_TASK: _WORKED,
    OperationKind.RECORD_FOLLOW_UP: ("follow_up", "outbox"),
    OperationKind.RECORD_EXAM: _EXAMINED,
    OperationKind.PICK_EXAM: _EXAMINED,
    OperationKind.VOID_EXAM: _EXAMINED,
    OperationKind.EDIT_CUSTOMER: ("customer", "guardian", "outbox"),
    OperationKind.RECORD_MEDICATION: ("medication", "outbox"),
    OperationKind.END_MEDICATION: ("medication", "outbox"),
}


def record_outcome(
    workspace: Workspace,
    *,
    task_id: UUID,
    channel: Channel,
    outcome: Outcome,
    note: str = "",
    next_on: date | None = None,
    also: Sequence[UUID] = (),
) -> Changes:
    """A contact about a task ended: a follow-up is made and the task moves on.

    Args:
        also: further tasks that the contact was about. All are recorded or none, and all are taken back as one.
    """
    today, together_id = business_date(workspace.clock.now()), new_id() if also else None

    def intent(task: Json) -> Intent:
        after_outcome(_state(task), outcome, next_on=next_on, today=today, attempts=task["attempts"] or 0)
        body = RecordOutcome(
            customer_id=task["customer_id"],
            follow_up_id=new_id(),
            channel=channel.value,
            outcome=outcome.value,
            note=note,
            next_on=next_on,
            together_id=together_id,
        )
        return _of_task(workspace, task, kind=OperationKind.RECORD_OUTCOME, body=body)

    return enter(workspace, *(intent(_task(workspace, one)) for one in (task_id, *also)))


def snooze_task(
    workspace: Workspace, *, task_id: UUID, until: date, note: str = "", also: Sequence[UUID] = ()
) -> Changes:
    """Put a task off without a contact.

    Args:
        also: further tasks that are put off with it, as one.
    """
    today, together_id = business_date(workspace.clock.now()), new_id() if also else None

    def intent(task: Json) -> Intent:
        after_snooze(_state(task), until=until, today=today, attempts=task["attempts"] or 0)
        body = SnoozeTask(customer_id=task["customer_id"], until=until, note=note, together_id=together_id)
        return _of_task(workspace, task, kind=OperationKind.SNOOZE_TASK, body=body)

    return enter(workspace, *(intent(_task(workspace, one)) for one in (task_id, *also)))


def record_follow_up(
    workspace: Workspace,
    *,
    customer_id: UUID,
    channel: Channel,
    outcome: Outcome,
    note: str = "",
    next_on: date | None = None,
) -> Changes:
    """A contact that no task asked for."""
    require_customer(workspace, customer_id)
    body = RecordFollowUp(
        customer_id=customer_id, channel=channel.value, outcome=outcome.value, note=note, next_on=next_on
    )
    intent = intent_of(
        workspace, kind=OperationKind.RECORD_FOLLOW_UP, body=body, row_id=new_id(), customer_id=customer_id
    )
    return enter(workspace, intent)


def record_exam(workspace: Workspace, *, entry: ExamEntry) -> Changes:
    """An examination was entered. Plausibility is checked by the slip and, finally, by the centre."""
    require_role(workspace.worker(), Role.OPTOMETRIST)
    require_customer(workspace, entry.customer_id)
    eyes = [_measured(eye) for eye in (entry.od, entry.os) if eye is not None]
    if not eyes:
        raise Rejected("nothing_measured", "an examination needs a value of at least one eye")
    body = RecordExam(
        customer_id=entry.customer_id,
        examined_on=entry.examined_on,
        method=entry.method.value,
        cycloplegic=entry.cycloplegic,
        lens_state=entry.lens_state.value,
        washout_days=entry.washout_days,
        device=entry.device,
        note=entry.note,
        supersedes_id=entry.supersedes_id,
        amend_reason=entry.amend_reason,
        eyes=eyes,
    )
    intent = intent_of(
        workspace, kind=OperationKind.RECORD_EXAM, body=body, row_id=new_id(), customer_id=entry.customer_id
    )
    return enter(workspace, intent)


def undo_last(workspace: Workspace) -> Changes:
    """Withdraw the latest entry while it is still on this computer only."""
    with workspace.exclusive():
        withdrawn = workspace.outbox.withdraw_last(workspace.worker().account_id)
        workspace.relay()
    return Changes.of(*_TOUCHED[withdrawn.kind])


def dismiss(workspace: Workspace, *, op_id: UUID) -> Changes:
    """Take a held or conflicting entry off the list of what needs a person; the centre keeps it."""
    with workspace.exclusive():
        workspace.outbox.dismiss(op_id)
        workspace.relay()
    return Changes.of(*overlay.OVERLAID, "outbox")


def release_recovered(workspace: Workspace, *, op_id: UUID) -> Changes:
    """An entry that was read from a damaged file counts, says who made it: it is sent as any other."""
    return _review(workspace, op_id=op_id, counts=True)


def drop_recovered(workspace: Workspace, *, op_id: UUID) -> Changes:
    """An entry that was read from a damaged file does not count, says who made it."""
    return _review(workspace, op_id=op_id, counts=False)


def save_draft(workspace: Workspace, *, key: str, body: Json) -> Changes:
    """Keep an unfinished form, encrypted, through a crash. The body is plain JSON."""
    workspace.outbox.save_draft(key, body)
    return Changes.of("draft")


def drop_draft(workspace: Workspace, *, key: str) -> Changes:
    """The form was finished or given up."""
    workspace.outbox.drop_draft(key)
    return Changes.of("draft")


def _review(workspace: Workspace, *, op_id: UUID, counts: bool) -> Changes:
    with workspace.exclusive():
        workspace.outbox.review(op_id, account_id=workspace.worker().account_id, counts=counts)
        workspace.relay()
    return Changes.of(*overlay.OVERLAID, "outbox")


def enter(workspace: Workspace, *intents: Intent) -> Changes:
    """Write entries into the outbox, all or none, and show them, unless a key was pressed twice."""
    person = workspace.worker()
    with workspace.exclusive():
        if _is_second_press(workspace, intents[-1]):
            return Changes.of()
        show(workspace, *workspace.outbox.add(intents), person=person)
    return Changes.of(*_TOUCHED[intents[-1].kind])


def _of_task(workspace: Workspace, task: Json, *, kind: OperationKind, body: RecordOutcome | SnoozeTask) -> Intent:
    return intent_of(
        workspace, kind=kind, body=body, row_id=task["id"], customer_id=body.customer_id, base_ver=task["ver"]
    )


def intent_of(
    workspace: Workspace,
    *,
    kind: OperationKind,
    body: Message,
    row_id: UUID,
    customer_id: UUID,
    base_ver: int | None = None,
) -> Intent:
    """What the person who works here wants."""
    return Intent(
        account_id=workspace.worker().account_id,
        kind=kind,
        row_id=row_id,
        customer_id=customer_id,
        base_ver=base_ver,
        body=body.model_dump(mode="json"),
    )


def _is_second_press(workspace: Workspace, intent: Intent) -> bool:
    """A key that bounced, or was pressed again before the list had moved on, is no second call to the family."""
    last = workspace.outbox.latest(intent.account_id)
    if last is None or not timedelta() <= workspace.clock.now() - last.captured_at < DOUBLE_PRESS:
        return False
    same = (last.kind, last.row_id) == (intent.kind, intent.row_id)
    return same and _told(last) == _told(intent)


def _told(entry: Entry | Intent) -> Json:
    """What a person said, without what this computer made up for it."""
    return {**entry.body, "follow_up_id": None, "together_id": None}


def show(workspace: Workspace, *entries: Entry, person: Person) -> None:
    """Lay entries over the cache. They count even if that fails: told that they did not, a person enters them again."""
    try:
        with workspace.write() as session:
            overlay.lay_all(session, entries, person=person)
    except DBAPIError as error:
        _log.error("an entry is saved but not shown before the next sync: %s", type(error.orig).__name__)


def _task(workspace: Workspace, task_id: UUID) -> Json:
    person = workspace.worker()
    with workspace.read() as session:
        row = session.execute(select(TASK).where(TASK.c.id == task_id)).mappings().first()
    if row is None:
        raise Rejected("task_unknown", "this task is not on this computer any more")
    if not may_work_on(person.role, staff_id=person.staff_id, owner_id=row["owner_id"]):
        raise Rejected("task_of_another", "this task is for its owner or an assistant to work on")
    return dict(row)


def _state(task: Json) -> TaskState:
    return TaskState(task["state"] or TaskState.OPEN)


def require_customer(workspace: Workspace, customer_id: UUID) -> None:
    """Refuse work on a customer who is not here any more."""
    workspace.worker()
    with workspace.read() as session:
        if not _exists(session, customer_id):
            raise Rejected("customer_unknown", "this customer is not on this computer any more")


def _exists(session: Session, customer_id: UUID) -> bool:
    return session.execute(select(CUSTOMER.c.id).where(CUSTOMER.c.id == customer_id)).first() is not None


def require_role(person: Person, *roles: Role) -> None:
    """Refuse work that is another role's."""
    if person.role not in roles:
        raise NotPermitted("this account may not enter examinations", remedy="ask an optometrist to enter it")


def _measured(eye: EyeRow) -> MeasuredEye:
    return MeasuredEye(
        id=new_id(),
        eye=Eye(eye.eye).value,
        ucva=_text(eye.ucva),
        bcva=_text(eye.bcva),
        sphere=_text(eye.sphere),
        cylinder=_text(eye.cylinder),
        axis=eye.axis,
        axial_length_mm=_text(eye.axial_length_mm),
        k1=_text(eye.k1),
        k2=_text(eye.k2),
        iop_mmhg=_text(eye.iop_mmhg),
        cct_um=eye.cct_um,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
