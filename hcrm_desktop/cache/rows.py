"""Frozen rows that queries return and screens show. Plain data: no session, no lazy load, safe in any thread."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.record import ExamRecord, MedicationRow, OrderRecord
from hcrm_core.terms import (
    Channel,
    LensState,
    Outcome,
    ProductKind,
    RefractionMethod,
    Role,
    Sex,
    Source,
    TaskState,
    VisitState,
)

if TYPE_CHECKING:  # the first window does not wait for pydantic
    from hcrm_core.wire import Theirs


class Delivery(StrEnum):
    """How far something entered here has come."""

    ACCEPTED = "accepted"  # the centre has it
    LOCAL = "local"  # on this computer only
    SENDING = "sending"
    HELD = "held"  # at the centre, waiting for a person
    CONFLICT = "conflict"  # somebody else was quicker
    REVIEW = "review"  # read from a damaged file: a person must say whether it counts


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who works at this workstation."""

    account_id: UUID
    staff_id: UUID | None
    name: str
    role: Role
    site_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """The truth about the connection, always on screen."""

    online: bool
    catching_up: bool  # the first pull, or a long one, is still running
    last_success_at: datetime | None
    offline_since: datetime | None
    unsent: int
    oldest_unsent_at: datetime | None
    needs_person: int  # held, conflicting, or read from a damaged file; only what the reader entered
    scanned_at: datetime | None
    scanned_for: date | None
    feeds: dict[str, datetime] = field(default_factory=dict)
    # A code: "", "unreachable", "sign_in_required", "revoked", "upgrade_required", "server_error", "internal_error".
    problem: str = ""
    lease_until: datetime | None = None  # until when this copy may be shown without hearing from the centre
    lease_over: bool = False  # customers are hidden until the centre answers; the outbox stays
    state: str = ""  # hcrm_desktop.sync.loop.SyncState
    progress: float | None = None  # of a first read or a long one, 0 to 1; None while there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class SopCount:
    """One chip above the task list: "今日需提醒换片 10 人"."""

    sop_key: str
    label: str
    summary: str  # with {n}
    open: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """What the task list shows. Empty means everything."""

    sop_keys: tuple[str, ...] = ()
    text: str = ""  # name, pinyin initials or phone tail
    overdue_only: bool = False
    escalated_only: bool = False
    include_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One line of 今日任务. None in identity columns: not this reader's to know."""

    id: UUID
    ver: int
    customer_id: UUID
    family_id: UUID | None
    name: str
    sex: Sex | None
    birth_date: date | None
    sop_key: str
    sop_label: str
    step_key: str
    subject: str
    anchor_on: date
    due_on: date
    priority: int
    state: TaskState
    attempts: int
    last_outcome: Outcome | None
    next_on: date | None
    product: ProductKind | None  # what is worn now
    lens_since: date | None  # dispense date of the oldest lens worn now
    guardian_name: str
    phone: str | None
    owner_name: str
    delivery: Delivery = Delivery.ACCEPTED
    escalated_on: date | None = None  # nobody took it up in time


EyeRow = EyeValues  # one eye as measured: what is shown is what is checked
OrderRow = OrderRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamRow(ExamRecord):
    """One sitting with what was measured in each eye, and how far it has come."""

    delivery: Delivery = Delivery.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestedExams:
    """Corrections that met: none counts until an optometrist picks one, or keeps all.

    Attributes:
        of: the examination that they correct; None if it is not here.
        exams: at least one, oldest first. If it is one, `of` is void: somebody voided it, somebody corrected it.
    """

    of: ExamRow | None
    exams: tuple[ExamRow, ...]

    def rejected_by(self, picked: UUID) -> tuple[UUID, ...]:
        """What picking one of them rejects: `corrections.pick_exam` is told all that the picker saw."""
        others = tuple(one.id for one in self.exams if one.id != picked)
        return others or ((self.of.id,) if self.of else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChangeRow:
    """资料变更: one value that somebody set, or tried to.

    Attributes:
        subject: customer, guardian or exam.
        old: what stood there, as text; None is unknown.
        new: what was entered.
        applied: whether it counts; False if it came later than another.
    """

    id: UUID
    at: datetime
    by: str
    subject: str
    subject_id: UUID
    field: str
    old: str | None
    new: str | None
    reason: str
    applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRow:
    id: UUID
    contacted_at: datetime
    staff_name: str
    channel: Channel
    outcome: Outcome
    note: str
    next_on: date | None
    delivery: Delivery = Delivery.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    visit_on: date
    state: VisitState
    purpose: str


class TimelineKind(StrEnum):
    """What a line of 时间轴 tells of."""

    EXAM = "exam"
    ORDER = "order"
    VISIT = "visit"
    PLAN = "plan"  # a recheck that is due
    FOLLOW_UP = "follow_up"
    TASK = "task"
    REPLACEMENT = "replacement"  # a lens whose time is up, or will be
    LEAD = "lead"
    SEGMENT = "segment"
    CORRECTION = "correction"
    MEDICATION = "medication"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of 时间轴. What `term`, `first` and `second` mean depends on the kind.

    Attributes:
        term: status of an exam, product, state of a visit or task, outcome, "entered" or "left" a segment, a field, eye
            of a lens to be replaced.
        first, second: axial lengths right and left; eye of an order and "ended"; a channel; old and new value; the day
            of a lens to be replaced and the days it lasts; of a lead what it is for, and who has it.
        source: where the row came from; None if the rules made it, or if its kind does not say (a lead).
    """

    kind: TimelineKind
    id: UUID
    on: date
    term: str
    text: str
    first: str | None
    second: str | None
    source: Source | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePage:
    """Lines of 时间轴, newest first, and whether there are older ones."""

    entries: tuple[TimelineEntry, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """A segment the customer is in, and why."""

    key: str
    label: str
    tone: str
    entered_on: date
    evidence: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerHit:
    """One answer of the global search."""

    id: UUID
    name: str
    sex: Sex | None
    birth_date: date | None
    guardian_name: str
    phone_tail: str | None
    product: ProductKind | None
    site_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerHeader:
    """Who this is: the top of 客户档案."""

    id: UUID
    ver: int
    name: str
    sex: Sex | None
    birth_date: date | None
    site_name: str
    filed_on: date | None
    guardian_name: str
    guardian_relation: str
    phone: str | None
    assistant_name: str
    optometrist_name: str
    do_not_contact: bool
    school: str
    note: str
    siblings: tuple[tuple[UUID, str], ...]
    next_due_on: date | None  # the next booked visit, or else the day the planned recheck is due
    guardian_id: UUID | None = None
    delivery: Delivery = Delivery.ACCEPTED  # of corrections of who this is


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRecord:
    """Everything this reader may know of one customer. Exams oldest first, the rest newest first."""

    header: CustomerHeader
    exams: tuple[ExamRow, ...]
    orders: tuple[OrderRow, ...]
    follow_ups: tuple[FollowUpRow, ...]
    visits: tuple[VisitRow, ...]
    segments: tuple[SegmentRow, ...]
    tasks: tuple[TaskRow, ...]
    medications: tuple[MedicationRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DueItem:
    """One of the things that a contact with a family is about.

    Attributes:
        evidence: why it is due.
        outcomes: those that the SOP offers first.
        workable: whether the reader may record an outcome of it or put it off.
    """

    task: TaskRow
    evidence: list[Any]
    outcomes: tuple[Outcome, ...] = ()
    workable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCase:
    """What stands beside the list when a task is chosen: the case.

    Attributes:
        items: the chosen task, then all else that is due of the same family, urgent first.
        exams: of the chosen task's child: those that count, oldest first, at most the last six.
        follow_ups: of the same child, newest first, at most three.
        script: the talk about all items, ready to copy.
    """

    items: tuple[DueItem, ...]
    exams: tuple[ExamRow, ...]
    follow_ups: tuple[FollowUpRow, ...]
    script: str

    @property
    def task(self) -> TaskRow:
        """The chosen one."""
        return self.items[0].task


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Which kinds of data a command or a pull touched; screens refresh if concerned."""

    kinds: frozenset[str]

    @classmethod
    def of(cls, *kinds: str) -> "Changes":
        return cls(kinds=frozenset(kinds))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentItem:
    """One line of the outbox for the 同步 page."""

    n: int
    op_id: UUID
    kind: str
    customer_name: str
    captured_at: datetime
    delivery: Delivery
    reason: str
    customer_id: UUID | None = None
    row_id: UUID | None = None
    body: dict[str, Any] = field(default_factory=dict)  # the intent, as wire's message of its kind
    theirs: "tuple[Theirs, ...]" = ()  # what stood in the way, with author, time and site
    decision: str = ""  # wire.Decision of a supervisor, "" while there is none
    decided_by: str = ""
    decision_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCount:
    """One segment and how many customers it holds here."""

    key: str
    label: str
    tone: str
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamEntry:
    """An examination as the slip holds it, before it is recorded. At least one eye must be given."""

    customer_id: UUID
    examined_on: date
    method: RefractionMethod
    cycloplegic: bool | None
    lens_state: LensState
    washout_days: int | None = None
    device: str = ""
    note: str = ""
    od: EyeRow | None = None
    os: EyeRow | None = None
    supersedes_id: UUID | None = None
    amend_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNow:
    """One field of who a customer is, as it stands: the base of an edit.

    Attributes:
        row: "customer" or "guardian".
        value: as in a row's body; None is unknown.
    """

    row: str
    row_id: UUID
    field: str
    value: str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerForm:
    """What can be corrected of a customer: his own fields, then each guardian's."""

    customer_id: UUID
    name: str
    fields: tuple[FieldNow, ...]
