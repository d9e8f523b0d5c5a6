"""Who a customer is, corrected field by field.

A field changes if it still holds what its editor saw. Otherwise the value that stands stays, the other is kept in the
history of changes, and its editor is shown both. Fields do not get in each other's way. The scan computes the facts
that follow from sex and birth date the next time it runs.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from hcrm_central.operations.changes import note, theirs_of_change
from hcrm_central.operations.intent import Effect, Intent
from hcrm_core.corrections import Value, accepted_value, as_text, editable, same, with_derived
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.intents import EditCustomer, FieldEdit
from hcrm_core.wire import Theirs
from hcrm_store.people import Customer, Guardian


def edit_customer(intent: Intent) -> Effect:
    """Correct some fields of a customer and of the guardians of the same family."""
    edits = _accepted(intent, intent.body(EditCustomer).edits)
    customer = intent.customer(intent.operation.row_id)
    rows = {edit.row_id: _locked(intent, customer, edit) for edit in edits}
    late = [_apply(intent, customer, edit, row=rows[edit.row_id]) for edit in edits]
    theirs = tuple(one for one in late if one is not None)
    intent.session.refresh(customer, ["ver"])
    return Effect(
        action="customer:edited",
        kind="customer",
        customer_id=customer.id,
        ver=customer.ver,
        conflict=bool(theirs),
        theirs=theirs,
    )


def _accepted(intent: Intent, edits: Sequence[FieldEdit]) -> list[FieldEdit]:
    """All of them, in the form in which they are stored, or none."""
    if len({(edit.row_id, edit.field) for edit in edits}) < len(edits):
        raise Rejected("invalid_body:edits", "a field is given twice")
    found = [
        edit.model_copy(update={"value": accepted_value(edit.row, edit.field, edit.value, today=intent.today)})
        for edit in edits
    ]
    allowed = editable(intent.principal.role)
    if any((edit.row, edit.field) not in allowed for edit in edits):
        raise NotPermitted("this role does not correct this field", remedy="ask the customer's assistant")
    return found


def _locked(intent: Intent, customer: Customer, edit: FieldEdit) -> Customer | Guardian:
    """The row to correct, while nobody else does."""
    found: Customer | Guardian | None = None
    if edit.row == "guardian":
        found = intent.session.scalar(_fresh(Guardian, edit.row_id).where(Guardian.family_id == customer.family_id))
    elif edit.row_id == customer.id:
        found = intent.session.scalar(_fresh(Customer, edit.row_id))
    if found is None:
        raise Rejected("not_visible", "this row is not the customer's, or not this account's to correct")
    return found


def _fresh(kind: type[Customer] | type[Guardian], row_id: UUID) -> Any:  # why Any: of one of the two
    return select(kind).where(kind.id == row_id).with_for_update().execution_options(populate_existing=True)


def _apply(intent: Intent, customer: Customer, edit: FieldEdit, *, row: Customer | Guardian) -> Theirs | None:
    """Set one field, or say what stands in the way."""
    present = _present(getattr(row, edit.field))
    if same(present, edit.value):
        return None
    applies = same(present, edit.base)
    new = as_text(edit.value)
    note(
        intent,
        customer,
        subject=edit.row,
        subject_id=edit.row_id,
        field=edit.field,
        old=as_text(present),
        new=new,
        applied=applies,
    )
    if applies:
        _write(intent, edit, row=row)
        return None
    return theirs_of_change(
        intent.session,
        subject_id=edit.row_id,
        field=edit.field,
        mine=new,
        theirs=as_text(present),
        shown_as=f"{edit.row}.{edit.field}",
    )


def _present(value: object) -> Value:
    """A column's value as a row's body holds it."""
    if value is None or isinstance(value, bool):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _write(intent: Intent, edit: FieldEdit, *, row: Customer | Guardian) -> None:
    values: dict[str, Any] = with_derived(edit.row, edit.field, edit.value)
    if edit.field == "birth_date" and isinstance(edit.value, str):
        values = {"birth_date": date.fromisoformat(edit.value)}
    kind = type(row)
    intent.session.execute(update(kind).where(kind.id == row.id).values(values))
