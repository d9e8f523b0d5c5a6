"""The wire of the first release (protocol 1), frozen: how workstations of that release read what a centre says.

Data of the tests, never changed: such workstations are out there.
"""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class Role(StrEnum):
    """The roles that release knows."""

    ASSISTANT = "assistant"
    OPTOMETRIST = "optometrist"
    MANAGER = "manager"
    EXECUTIVE = "executive"
    ADMIN = "admin"


PROTOCOL = 1
MAX_PUSH_OPERATIONS = 100
MAX_PULL_ROWS = 500

Json = dict[str, Any]  # why Any: a row body's columns depend on kind and profile


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL and half a character: no database text holds them


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # the first and last hours of the calendar, in another zone
        raise ValueError("the instant is out of reach") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Message(BaseModel):
    """Base of all wire messages: immutable, and tolerant of fields that a later release adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="after")
    def _texts_can_be_stored(self) -> Self:
        if any(isinstance(value, str) and _UNSTORABLE.search(value) for value in self.__dict__.values()):
            raise ValueError("a text holds what no database stores")
        return self


# ── sign-in ──────────────────────────────────────────────────────────────────────────────────────────────


class DeviceClaim(Message):
    """A workstation presents itself. The secret never leaves the key store except in the request."""

    id: UUID
    secret: str = Field(min_length=32, max_length=128)
    name: str = Field(max_length=120)
    app_version: str = Field(max_length=40)


class LoginRequest(Message):
    """Who signs in, from which workstation."""

    username: str = Field(min_length=1, max_length=80)
    password: str = Field(min_length=1, max_length=256)
    device: DeviceClaim


class RefreshRequest(Message):
    """Exchanges a refresh token for a new pair."""

    refresh_token: str = Field(max_length=128)
    device: DeviceClaim


class Person(Message):
    """The signed-in account, as the workstation shows it."""

    account_id: UUID
    staff_id: UUID | None
    name: str
    role: Role
    site_ids: list[UUID]


class TokenResponse(Message):
    """A pair of opaque tokens, bound to the device, and whose they are."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    person: Person


# ── hello ────────────────────────────────────────────────────────────────────────────────────────────────


class HelloRequest(Message):
    """The workstation reports itself: release, what is unsent and since when, and its clock (data, never an order)."""

    protocol: int = PROTOCOL
    app_version: str = Field(max_length=40)
    unsent: int = Field(default=0, ge=0, le=2**31 - 1)
    oldest_unsent_at: Instant | None = None
    now: Instant


class StreamGrant(Message):
    """A stream this reader may pull, and the hash of the columns he will be sent."""

    key: str
    profile: str


class Freshness(Message):
    """As-of times: of the last scan and of each feed behind the data."""

    scanned_at: datetime | None
    scanned_for: date | None
    feeds: dict[str, datetime]


class HelloResponse(Message):
    """What the workstation may pull, from which database, and where its numbers stand."""

    protocol: int
    epoch: UUID
    server_now: datetime
    business_date: date
    person: Person
    streams: list[StreamGrant]  # in the order to pull
    expected_n: int  # next operation number the centre expects of this device
    lease_until: datetime
    freshness: Freshness


# ── pull ─────────────────────────────────────────────────────────────────────────────────────────────────


class Cursor(Message):
    """How far a stream was read.

    Attributes:
        seq: everything up to here is held.
        fresh_to: while the first read of a stream runs, the head it started from: below it the reader holds
            nothing, so tombstones are not sent. None once the first read is complete.
        profile: the profile the held rows were read with.
    """

    seq: int = 0
    fresh_to: int | None = None
    profile: str = ""


class PullRequest(Message):
    """How far each stream was read; one page of each is wanted."""

    epoch: UUID
    cursors: dict[str, Cursor]
    limit: int = Field(default=MAX_PULL_ROWS, ge=1, le=2000)


class Row(Message):
    """A visible row, with the columns of the reader's profile."""

    kind: str
    id: UUID
    ver: int
    body: Json


class Tombstone(Message):
    """A row that is gone, or that this reader may not see (any more). The id is all that is said."""

    kind: str
    id: UUID


class ResetReason(StrEnum):
    """Why a stream must be read anew."""

    PROFILE_CHANGED = "profile_changed"
    CURSOR_TOO_OLD = "cursor_too_old"  # said by later centres only; workstations obey any reason
    CURSOR_AHEAD = "cursor_ahead"


class StreamPage(Message):
    """One page of one stream, read in one snapshot. The reader applies it and `next` in one transaction."""

    stream: str
    rows: list[Row]
    tombstones: list[Tombstone]
    next: Cursor
    head: int
    more: bool
    reset: ResetReason | None = None  # drop the stream's rows and begin again from `next`


class PullResponse(Message):
    """One page of each stream asked for, from one snapshot."""

    epoch: UUID
    pages: list[StreamPage]
    revoked: list[str]  # streams asked for that are not granted: purge them


# ── push ─────────────────────────────────────────────────────────────────────────────────────────────────


class OperationKind(StrEnum):
    """Intents a workstation may send; each has one handler in the centre."""

    RECORD_OUTCOME = "task.record_outcome"
    SNOOZE_TASK = "task.snooze"
    RECORD_EXAM = "exam.record"
    RECORD_FOLLOW_UP = "follow_up.record"


class Operation(Message):
    """An intent, numbered without gaps per device.

    Attributes:
        n: 1, 2, 3 … per device.
        op_id: unique for ever; survives a renumbering.
        row_id: the row it creates or changes.
        base_ver: version of the row that the user saw; None when it creates one.
        body: the intent's own message (`RecordOutcome`, …) as JSON.
        captured_at: the workstation's clock: data, never an order.
    """

    n: int = Field(ge=1)
    op_id: UUID
    kind: OperationKind
    row_id: UUID
    base_ver: int | None
    body: Json
    captured_at: Instant


class PushRequest(Message):
    """Operations in the order of their numbers."""

    epoch: UUID
    operations: list[Operation] = Field(max_length=MAX_PUSH_OPERATIONS)


class ResultStatus(StrEnum):
    """What became of an operation."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"  # already applied under this number: the stored receipt
    CONFLICT = "conflict"  # the row moved on; `row` says where to
    HELD = "held"  # cannot apply; kept at the centre for a person, with `reason`


class OperationResult(Message):
    """What became of one operation; a conflict carries the row as it is now."""

    n: int
    op_id: UUID
    status: ResultStatus
    ver: int | None = None
    reason: str | None = None
    row: Row | None = None


class PushResponse(Message):
    """A result for each operation, and the next number the centre expects."""

    epoch: UUID
    expected_n: int
    results: list[OperationResult]


# ── the intents ──────────────────────────────────────────────────────────────────────────────────────────


class RecordOutcome(Message):
    """A contact about a task ended: makes a follow-up and moves the task on."""

    customer_id: UUID
    follow_up_id: UUID
    channel: Literal["wecom", "sms", "phone", "ai_call", "in_person"]
    outcome: str  # terms.Outcome
    note: str = Field(default="", max_length=2000)
    next_on: date | None = None  # agreed visit, or the day to try again


class SnoozeTask(Message):
    """Puts a task off until a day, without a contact."""

    customer_id: UUID
    until: date
    note: str = Field(default="", max_length=2000)


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


# ── overview: numbers without patients ───────────────────────────────────────────────────────────────────


class SopProgress(Message):
    """Tasks of one SOP: to do now (due, not put off) and done today."""

    sop_key: str
    open: int
    done: int


class SegmentSize(Message):
    """How many customers a segment holds."""

    segment_key: str
    customers: int


class SiteOverview(Message):
    """One site in numbers."""

    site_id: UUID
    code: str
    name: str
    customers: int
    sops: list[SopProgress]
    segments: list[SegmentSize]


class Overview(Message):
    """The group in numbers, from one snapshot: for managers and executives."""

    as_of: datetime
    business_date: date
    sites: list[SiteOverview]
    freshness: Freshness


# ── health and refusals ──────────────────────────────────────────────────────────────────────────────────


class Health(Message):
    """Whether the centre can work. Open to everybody, so nothing secret."""

    status: Literal["ok", "unready"]
    database: bool
    schema_revision: str | None
    schema_expected: str
    scanned_at: datetime | None


class RefusalCode(StrEnum):
    """Why a request was refused: `ErrorBody.code`."""

    SESSION_ENDED = "session_ended"  # 401 token unknown, expired, revoked: refresh once, then sign in
    WRONG_CREDENTIALS = "wrong_credentials"  # 401
    ACCOUNT_INACTIVE = "account_inactive"  # 401
    DEVICE_REVOKED = "device_revoked"  # 401 the workstation was blocked
    DEVICE_MISMATCH = "device_mismatch"  # 401 the device's secret is not the one it was registered with
    NOT_PERMITTED = "not_permitted"  # 403
    WRONG_NUMBER = "wrong_number"  # 409 `expected_n` says which
    NEW_DEVICE = "new_device"  # 409
    OPERATION_ID_REUSED = "operation_id_reused"  # 409 one op_id, two contents
    TOO_LARGE = "too_large"  # 413
    INVALID_REQUEST = "invalid_request"  # 422
    UPGRADE_REQUIRED = "upgrade_required"  # 426 this protocol is not spoken any more
    TOO_MANY_ATTEMPTS = "too_many_attempts"  # 429 with Retry-After
    INTERNAL = "internal"  # 500 with an incident id that stands in the centre's log
    UNAVAILABLE = "unavailable"  # 503 with Retry-After: try the same again


class ErrorBody(Message):
    """Body of every answer that is not a success. Never patient data."""

    code: str
    message: str
    remedy: str
    expected_n: int | None = None
    incident: str | None = None
