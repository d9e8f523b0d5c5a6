"""Sync messages, protocol 1: what a workstation and the centre say to each other.

Both sides import this module, so that neither can drift. Instants are UTC, calendar days are dates, exact
numbers travel as strings. Rows travel as `{kind, id, ver, body}`; the body holds only the columns of the
reader's profile. See docs/sync.md for the conversation.
"""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from hcrm_core.terms import Role

PROTOCOL = 1
MAX_PUSH_OPERATIONS = 100
MAX_PULL_ROWS = 500

Json = dict[str, Any]  # why Any: a row body's columns depend on kind and profile


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL and half a character: no database text holds them


def _storable(value: Json) -> Json:
    waiting: list[Any] = [value]  # why Any: JSON. A list, because it may be nested deeper than calls may
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and _UNSTORABLE.search(one):
            raise ValueError("a text holds what no database stores")
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
    return value


Storable = Annotated[Json, AfterValidator(_storable)]  # that is kept as it came, or told back


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


class IncidentCode(StrEnum):
    """What a workstation noticed about itself and mended; each one is worth a look by whoever keeps the centre."""

    STUCK = "stuck"  # the watchdog ended a conversation that did not move
    DIGEST_DIFFERS = "digest_differs"  # its copy of a stream was not the centre's; read anew
    CACHE_REBUILT = "cache_rebuilt"
    OUTBOX_RESTORED = "outbox_restored"


class Incident(Message):
    """One thing noticed. Ids and codes only."""

    code: IncidentCode
    at: Instant
    stream: str = Field(default="", max_length=80)
    count: int = Field(default=1, ge=1, le=2**31 - 1)


class HelloRequest(Message):
    """The workstation reports itself: release, what is unsent and since when, and its clock (data, never an order).

    Attributes:
        cursors: how far each stream was read, for the fleet page.
        incidents: noticed since the last hello that was answered.
    """

    protocol: int = PROTOCOL
    app_version: str = Field(max_length=40)
    unsent: int = Field(default=0, ge=0, le=2**31 - 1)
    oldest_unsent_at: Instant | None = None
    now: Instant
    cursors: dict[str, int] = Field(default_factory=dict, max_length=4000)
    incidents: list[Incident] = Field(default_factory=list, max_length=50)


class StreamGrant(Message):
    """A stream this reader may pull, and the hash of the columns he will be sent."""

    key: str
    profile: str


class Freshness(Message):
    """As-of times: of the last scan and of each feed behind the data."""

    scanned_at: datetime | None
    scanned_for: date | None
    feeds: dict[str, datetime]


class Decision(StrEnum):
    """What a supervisor decided about a held operation."""

    APPLY = "apply"  # it was tried again and applied
    DISMISS = "dismiss"  # it stays without effect


class Decided(Message):
    """News for the author of an operation that was held."""

    op_id: UUID
    decision: Decision
    by: str
    at: datetime
    note: str = ""
    ver: int | None = None


class HelloResponse(Message):
    """What the workstation may pull, from which database, and where its numbers stand.

    Attributes:
        decided: held operations of this device that a supervisor decided in the last 30 days.
    """

    protocol: int
    epoch: UUID
    server_now: datetime
    business_date: date
    person: Person
    streams: list[StreamGrant]  # in the order to pull
    expected_n: int  # next operation number the centre expects of this device
    lease_until: datetime
    freshness: Freshness
    decided: list[Decided] = Field(default_factory=list)


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


# ── first look, wake-up, digests, snapshots ─────────────────────────────────────────────────────────────


class FirstRequest(Message):
    """Asks for what an empty workstation needs now: today's tasks and everything about their customers.

    Answered by a PullResponse whose pages move no cursor: `next` is `Cursor(seq=0, fresh_to=head)`, so the ordinary
    first read that follows is sent what went away after this look.
    """

    epoch: UUID


class WaitRequest(Message):
    """Hold the answer until one of the streams has moved beyond its number, or for a while."""

    epoch: UUID
    heads: dict[str, int] = Field(max_length=4000)


class WaitResponse(Message):
    """Which streams moved; none means that nothing happened. Carries no data: a pull fetches it."""

    epoch: UUID
    moved: list[str]


class DigestRequest(Message):
    """Which streams to compare. A digest means something only at equal numbers."""

    epoch: UUID
    streams: list[str] = Field(max_length=4000)


class StreamDigest(Message):
    """What this reader may see of a stream at a number: how many rows, and the sum of their digests (digest.py)."""

    stream: str
    seq: int
    rows: int
    digest: int


class DigestResponse(Message):
    """Digests of several streams from one snapshot."""

    epoch: UUID
    streams: list[StreamDigest]


class SnapshotHead(Message):
    """First line of a snapshot file (`GET /sync/snapshots/{stream}`: gzip, one JSON value a line, ETag, Range).

    After it, for each kind a SnapshotKind line, then that kind's rows, each a JSON array in the order of `columns`,
    values as in a Row's body. A SnapshotEnd line closes the file: without it the file is not whole.
    """

    format: Literal[1] = 1
    epoch: UUID
    stream: str
    profile: str
    seq: int


class SnapshotKind(Message):
    """Begins the rows of a kind. `columns` begins with id and ver."""

    kind: str
    columns: list[str]


class SnapshotEnd(Message):
    """Closes the file: what the rows before it must add up to."""

    rows: int
    digest: int


# ── push ─────────────────────────────────────────────────────────────────────────────────────────────────


class OperationKind(StrEnum):
    """Intents a workstation may send; each has one handler in the centre."""

    RECORD_OUTCOME = "task.record_outcome"
    SNOOZE_TASK = "task.snooze"
    RECORD_EXAM = "exam.record"
    RECORD_FOLLOW_UP = "follow_up.record"
    PICK_EXAM = "exam.pick"
    VOID_EXAM = "exam.void"
    EDIT_CUSTOMER = "customer.edit"
    RECORD_MEDICATION = "medication.record"
    END_MEDICATION = "medication.end"
    UNREADABLE = "unreadable"  # handed over by a workstation in words unknown here: kept for a person, as it came


class Operation(Message):
    """An intent, numbered without gaps per device.

    Attributes:
        n: 1, 2, 3 … per device.
        op_id: unique for ever; survives a renumbering.
        row_id: the row it creates or changes.
        base_ver: version of the row that the user saw; None when it creates one.
        body: the intent's own message (hcrm_core.intents) as JSON.
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


class Theirs(Message):
    """What stood in the way of one part of an operation: both values, and whose the other is.

    Attributes:
        field: a field of the row; ``state`` of a task; ``exam`` where two corrections meet (values are exam ids).
    """

    field: str
    mine: str | None
    theirs: str | None
    by: str = ""
    at: Instant | None = None
    site: str = ""


class OperationResult(Message):
    """What became of one operation; a conflict carries the row as it is now, and what stood in the way."""

    n: int
    op_id: UUID
    status: ResultStatus
    ver: int | None = None
    reason: str | None = None
    row: Row | None = None
    theirs: list[Theirs] = Field(default_factory=list)


class PushResponse(Message):
    """A result for each operation, and the next number the centre expects."""

    epoch: UUID
    expected_n: int
    results: list[OperationResult]


# ── a workstation that must be emptied ───────────────────────────────────────────────────────────────────


class SurrenderRequest(Message):
    """A workstation ordered to wipe itself hands over what it had not sent; it is kept as held operations.

    Attributes:
        operations: Operation as JSON. Nothing is refused for what it says: what is not understood is kept as it came.
        last: nothing follows; the files are deleted after the answer.
    """

    device: DeviceClaim
    operations: list[Json] = Field(max_length=MAX_PUSH_OPERATIONS)
    account_ids: dict[UUID, UUID] = Field(default_factory=dict)  # who entered each operation, by op_id
    last: bool = False


class SurrenderResponse(Message):
    """How many operations are kept now."""

    kept: int


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
    """Whether the centre can work. Open to everybody, so nothing secret.

    Attributes:
        scan: whether a nightly scan is missed, which stops nobody's work; None where it cannot be told.
    """

    status: Literal["ok", "unready"]
    database: bool
    schema_revision: str | None
    schema_expected: str
    scanned_at: datetime | None
    scan: Literal["ok", "missed"] | None = None


class RefusalCode(StrEnum):
    """Why a request was refused: `ErrorBody.code`."""

    SESSION_ENDED = "session_ended"  # 401 token unknown, expired, revoked: refresh once, then sign in
    WRONG_CREDENTIALS = "wrong_credentials"  # 401
    ACCOUNT_INACTIVE = "account_inactive"  # 401
    DEVICE_REVOKED = "device_revoked"  # 401 the workstation was blocked
    DEVICE_WIPED = "device_wiped"  # 410 hand over what is unsent (`/sync/surrender`), then delete files and key
    DEVICE_MISMATCH = "device_mismatch"  # 401 the device's secret is not the one it was registered with
    NOT_PERMITTED = "not_permitted"  # 403
    WRONG_NUMBER = "wrong_number"  # 409 `expected_n` says which
    NEW_DEVICE = "new_device"  # 409
    OPERATION_ID_REUSED = "operation_id_reused"  # 409 one op_id, two contents
    ALREADY_DECIDED = "already_decided"  # 409 somebody else decided it, or it does not wait for a decision
    STALE = "stale"  # 409 somebody else saved or published first: look again, then decide
    RULE_UNSOUND = "rule_unsound"  # 409 a rule with errors is not published; the linter names them
    ASKED_TOO_MUCH = "asked_too_much"  # 408 the question took longer than it may
    CALLED_OFF = "called_off"  # 408 the question was called off
    TOO_LARGE = "too_large"  # 413
    INVALID_REQUEST = "invalid_request"  # 422
    UPGRADE_REQUIRED = "upgrade_required"  # 426 this protocol is not spoken any more
    TOO_MANY_ATTEMPTS = "too_many_attempts"  # 429 with Retry-After
    INTERNAL = "internal"  # 500 with an incident id that stands in the centre's log
    UNAVAILABLE = "unavailable"  # 503 with Retry-After: try the same again


class ErrorBody(Message):
    """Body of every answer that is not a success. Never patient data. `codes`: what it is about a rule, if known."""

    code: str
    message: str
    remedy: str
    expected_n: int | None = None
    incident: str | None = None
    codes: list[str] | None = None
