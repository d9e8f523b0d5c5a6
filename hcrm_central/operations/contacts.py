"""Contacts with a family: the outcome of a task, a snooze, a follow-up of its own.

A contact is a fact. If somebody else closed the task meanwhile, the follow-up (and an agreed visit) is kept all the
same and only the task stays as it is: the sender is told of the conflict. While the task is open the state machine
decides, whatever version the sender saw. A snooze is an opinion on what was seen: it yields to any newer version.
"""

from uuid import UUID

from sqlalchemy import insert, select

from hcrm_central.operations.changes import signed
from hcrm_central.operations.intent import Effect, Intent, word
from hcrm_central.operations.visits import book
from hcrm_core.errors import Rejected
from hcrm_core.intents import RecordFollowUp, RecordOutcome, SnoozeTask
from hcrm_core.tasks import CLOSED, TaskChange, after_outcome, after_snooze
from hcrm_core.terms import Channel, Outcome, Source, TaskState
from hcrm_core.wire import Theirs
from hcrm_store.care import FollowUp
from hcrm_store.journeys import Task
from hcrm_store.kinds import table_of
from hcrm_store.people import Customer


def record_outcome(intent: Intent) -> Effect:
    """A contact about a task ended: keep the follow-up, move the task on."""
    body = intent.body(RecordOutcome)
    outcome = word(Outcome, body.outcome, field="outcome")
    customer = intent.customer(body.customer_id)
    task = _locked(intent, customer)
    theirs = (_theirs(intent, task, mine=outcome.value),) if task.state in CLOSED else ()
    _keep_contact(intent, customer, body, follow_up_id=body.follow_up_id, task_id=task.id)
    if not theirs:
        change = after_outcome(task.state, outcome, next_on=body.next_on, today=intent.today, attempts=task.attempts)
        task.last_outcome = outcome
        _move(intent, task, change)
    return _worked("task:outcome_recorded", customer, task=task, theirs=theirs)


def snooze_task(intent: Intent) -> Effect:
    """Put a task off until a day."""
    body = intent.body(SnoozeTask)
    customer = intent.customer(body.customer_id)
    task = _locked(intent, customer)
    moved_on = task.ver != intent.operation.base_ver or task.state in CLOSED
    theirs = (_theirs(intent, task, mine=TaskState.SNOOZED.value),) if moved_on else ()
    if not moved_on:
        _move(intent, task, after_snooze(task.state, until=body.until, today=intent.today, attempts=task.attempts))
    return _worked("task:snoozed", customer, task=task, theirs=theirs)


def record_follow_up(intent: Intent) -> Effect:
    """A contact that no task asked for."""
    body = intent.body(RecordFollowUp)
    customer = intent.customer(body.customer_id)
    _keep_contact(intent, customer, body, follow_up_id=intent.operation.row_id, task_id=None)
    return Effect(action="follow_up:recorded", kind="follow_up", customer_id=customer.id, ver=1)


def _worked(action: str, customer: Customer, *, task: Task, theirs: tuple[Theirs, ...]) -> Effect:
    return Effect(
        action=action, kind="task", customer_id=customer.id, ver=task.ver, conflict=bool(theirs), theirs=theirs
    )


def _theirs(intent: Intent, task: Task, *, mine: str) -> Theirs:
    """How the task stands, and by whose contact: nobody's if a snooze or the scan was the last to move it."""
    theirs = Theirs(field="state", mine=mine, theirs=task.close_reason or task.state.value)
    contact = select(FollowUp.staff_id).where(
        FollowUp.customer_id == task.customer_id,
        FollowUp.task_id == task.id,
        FollowUp.created_at == task.updated_at,  # the same transaction
    )
    by_id = intent.session.scalar(contact.order_by(FollowUp.id.desc()).limit(1))
    return signed(intent.session, theirs, by_id=by_id, at=task.closed_at or task.updated_at)


def _locked(intent: Intent, customer: Customer) -> Task:
    """The task, locked, if the sender may work on it."""
    wanted = select(Task).where(Task.customer_id == customer.id, Task.id == intent.operation.row_id)
    found = intent.session.scalar(wanted.with_for_update())
    if found is None:
        raise Rejected("not_visible", "the task is not, or no longer, this account's to work on")
    return found


def _move(intent: Intent, task: Task, change: TaskChange) -> None:
    task.state, task.next_on = change.state, change.next_on
    task.attempts, task.close_reason = change.attempts, change.close_reason
    task.closed_at = intent.now if change.state in CLOSED else None
    intent.session.flush()
    intent.session.refresh(task, ["ver", "updated_at"])  # kept by the database


def _keep_contact(
    intent: Intent,
    customer: Customer,
    body: RecordOutcome | RecordFollowUp,
    *,
    follow_up_id: UUID,
    task_id: UUID | None,
) -> None:
    outcome = word(Outcome, body.outcome, field="outcome")
    if outcome is Outcome.BOOKED and body.next_on is None:
        raise Rejected("visit_date_needed", "a booking needs the agreed day")
    intent.session.execute(
        insert(table_of("follow_up")).values(
            id=follow_up_id,
            customer_id=customer.id,
            site_id=customer.site_id,
            task_id=task_id,
            staff_id=intent.principal.staff_id,
            channel=Channel(body.channel),
            outcome=outcome,
            note=body.note,
            next_on=body.next_on,
            contacted_at=intent.happened_at,
            source=Source.WORKSTATION,
        )
    )
    if outcome is Outcome.BOOKED and body.next_on is not None:
        book(intent.session, customer, on=body.next_on, today=intent.today)
