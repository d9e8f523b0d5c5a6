"""What a workstation may intend, each with its own message: the `body` of an Operation."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from hcrm_core.wire import Message


class RecordOutcome(Message):
    """A contact about a task ended: makes a follow-up and moves the task on."""

    customer_id: UUID
    follow_up_id: UUID
    channel: Literal["wecom", "sms", "phone", "ai_call", "in_person"]
    outcome: str  # terms.Outcome
    note: str = Field(default="", max_length=2000)
    next_on: date | None = None  # agreed visit, or the day to try again
    together_id: UUID | None = None  # shared by all that one contact was about


class SnoozeTask(Message):
    """Puts a task off until a day, without a contact."""

    customer_id: UUID
    until: date
    note: str = Field(default="", max_length=2000)
    together_id: UUID | None = None  # shared by all that was put off at once


class RecordFollowUp(Message):
    """A contact that no task asked for."""

    customer_id: UUID
    channel: Literal["wecom", "sms", "phone", "ai_call", "in_person"]
    outcome: str  # terms.Outcome
    note: str = Field(default="", max_length=2000)
    next_on: date | None = None


class MeasuredEye(Message):
    """One eye as measured. Diopters, millimetres, µm and mmHg as decimal strings; None is unknown, never 0.

    `ucva` and `bcva` are 5-mark acuities (5 + lg decimal).
    """

    id: UUID
    eye: Literal["OD", "OS"]
    ucva: str | None = None
    bcva: str | None = None
    sphere: str | None = None
    cylinder: str | None = None
    axis: int | None = None
    axial_length_mm: str | None = None
    k1: str | None = None
    k2: str | None = None
    iop_mmhg: str | None = None
    cct_um: int | None = None


class RecordExam(Message):
    """An examination entered at the workstation; the row id is the exam's."""

    customer_id: UUID
    examined_on: date
    method: str  # terms.RefractionMethod
    cycloplegic: bool | None
    lens_state: str  # terms.LensState
    washout_days: int | None = None
    device: str = Field(default="", max_length=80)
    note: str = Field(default="", max_length=2000)
    supersedes_id: UUID | None = None
    amend_reason: str = Field(default="", max_length=400)
    eyes: list[MeasuredEye] = Field(min_length=1, max_length=2)


class PickExam(Message):
    """Of several corrections of one exam a clinician picks; the row id is the exam that counts from now on.

    Attributes:
        rejected_ids: the others, which stay readable as amended.
        keep_all: they are separate examinations: all of them count.
    """

    customer_id: UUID
    rejected_ids: list[UUID] = Field(min_length=1, max_length=20)
    keep_all: bool = False
    reason: str = Field(default="", max_length=400)


# VoidExam.reason of an examination that follows another into the void, if nobody gave that one a reason: a code.
KEPT_THEIRS = "kept_theirs"


class VoidExam(Message):
    """An exam was entered in error; it stays readable. The row id is the exam's."""

    customer_id: UUID
    reason: str = Field(min_length=1, max_length=400)


class MedicationEntry(Message):
    """A course of a medicine begins; the row id is the course's.

    Attributes:
        percent: its strength as decimal text, "0.05" for 0.05 %.
    """

    customer_id: UUID
    medicine: str  # terms.Medicine
    percent: str = Field(max_length=8)
    started_on: date
    note: str = Field(default="", max_length=2000)


class MedicationEnd(Message):
    """A running course was stopped; the row id is the course's."""

    customer_id: UUID
    ended_on: date
    reason: str = Field(default="", max_length=400)


class FieldEdit(Message):
    """One field as its editor saw it (`base`) and as it shall be (`value`), as in a row's body; None is unknown."""

    row: Literal["customer", "guardian"]
    row_id: UUID
    field: str = Field(max_length=40)
    base: str | bool | None
    value: str | bool | None


class EditCustomer(Message):
    """Corrections of who a customer is, each field for itself; the row id is the customer's."""

    edits: list[FieldEdit] = Field(min_length=1, max_length=20)
