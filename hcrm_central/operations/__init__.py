"""What a workstation's intents do: one handler a kind, under row security as the person who sent them."""

from collections.abc import Callable

from hcrm_central.operations.contacts import record_follow_up, record_outcome, snooze_task
from hcrm_central.operations.corrections import pick_exam, void_exam
from hcrm_central.operations.customers import edit_customer
from hcrm_central.operations.exams import record_exam
from hcrm_central.operations.intent import Effect, Intent
from hcrm_central.operations.medications import end_medication, record_medication
from hcrm_core.errors import Rejected
from hcrm_core.wire import OperationKind


def refuse_unreadable(_intent: Intent) -> Effect:
    """A person reads it and enters what it means."""
    raise Rejected("unreadable", "what was handed over is not understood")


HANDLERS: dict[OperationKind, Callable[[Intent], Effect]] = {
    OperationKind.RECORD_OUTCOME: record_outcome,
    OperationKind.SNOOZE_TASK: snooze_task,
    OperationKind.RECORD_EXAM: record_exam,
    OperationKind.RECORD_FOLLOW_UP: record_follow_up,
    OperationKind.PICK_EXAM: pick_exam,
    OperationKind.VOID_EXAM: void_exam,
    OperationKind.EDIT_CUSTOMER: edit_customer,
    OperationKind.RECORD_MEDICATION: record_medication,
    OperationKind.END_MEDICATION: end_medication,
    OperationKind.UNREADABLE: refuse_unreadable,
}
