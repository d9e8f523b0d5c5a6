"""Tables that only the centre has: accounts, devices, sync bookkeeping, imports, scans and the audit log."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

import hcrm_central.store.facts  # noqa: F401  (registers customer_facts)
from hcrm_core.terms import Role
from hcrm_store.base import Base, new_id

# ── who may come in ──────────────────────────────────────────────────────────────────────────────────────


class Account(Base):
    """An account signs in; its role and staff member decide what it sees."""

    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]  # Argon2id
    role: Mapped[Role]
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Device(Base):
    """A workstation. Operation numbers count per device; `secret_hash` binds its tokens to it."""

    __tablename__ = "device"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str]
    app_version: Mapped[str]
    last_n: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    revoked_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    unsent: Mapped[int] = mapped_column(default=0, server_default="0")
    oldest_unsent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))  # who worked there last
    cursors: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))  # at last hello
    clock_offset_s: Mapped[int | None]
    wipe_ordered_at: Mapped[datetime | None]
    surrendered_at: Mapped[datetime | None]  # it handed over what was unsent and was told to delete its files


class DeviceIncident(Base):
    """What a workstation noticed about itself (wire.IncidentCode)."""

    __tablename__ = "device_incident"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True)
    code: Mapped[str]
    stream: Mapped[str] = mapped_column(default="", server_default="")
    count: Mapped[int] = mapped_column(default=1, server_default="1")
    at: Mapped[datetime]  # by its own clock: data, never an order
    received_at: Mapped[datetime]


class Token(Base):
    """An opaque token of one account on one device; only its SHA-256 is kept."""

    __tablename__ = "token"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    purpose: Mapped[str]  # "access" or "refresh"
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    family_id: Mapped[UUID]  # all tokens descending from one sign-in; replay of a used refresh revokes the family
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Share(Base):
    """A child's page that somebody opened to a tablet, for an hour. It ends with the session it was shared in."""

    __tablename__ = "share"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    family_id: Mapped[UUID]  # of the sharer's tokens
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ShareKey(Base):
    """What opens a share: a link, or a code that is exchanged for one once. Only the SHA-256 is kept."""

    __tablename__ = "share_key"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    purpose: Mapped[str]  # "link" or "code"
    share_id: Mapped[UUID] = mapped_column(ForeignKey("share.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what, with ids and never names or values."""

    __tablename__ = "audit_entry"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    account_id: Mapped[UUID | None]
    device_id: Mapped[UUID | None]
    action: Mapped[str]  # "account:signed_in", "import:committed", "task:outcome_recorded" …
    subject_kind: Mapped[str] = mapped_column(default="", server_default="")
    subject_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))


# ── sync ─────────────────────────────────────────────────────────────────────────────────────────────────


class Incarnation(Base):
    """One row: the epoch of this database. Whoever restores a backup makes a new one (docs/central.md)."""

    __tablename__ = "incarnation"

    one: Mapped[bool] = mapped_column(primary_key=True, default=True, server_default="true")
    epoch: Mapped[UUID] = mapped_column(default=new_id)


class Stream(Base):
    """A stream's counter; its row lock, taken last and held to commit, makes seq order commit order."""

    __tablename__ = "stream"

    key: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # Entries of rows that are gone were forgotten up to here: who stands below must read the stream anew.
    tomb_floor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class StreamMark(Base):
    """Where a stream stood on a day: turns an age of tombstones into a number."""

    __tablename__ = "stream_mark"

    stream: Mapped[str] = mapped_column(primary_key=True)
    on: Mapped[date] = mapped_column("on_date", primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


class StreamEntry(Base):
    """Where a row stands in a stream. Ids only, so a reader may learn that a row is gone but not what it was.

    A trigger on every synced table writes the entry with `seq` NULL; `stamp()` numbers it just before commit.
    """

    __tablename__ = "stream_entry"
    __table_args__ = (
        Index("uq_stream_entry_seq", "stream", "seq", unique=True),
        Index("ix_stream_entry_unstamped", "stream", postgresql_where=text("seq IS NULL")),
        Index("ix_stream_entry_row_id", "row_id"),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int | None] = mapped_column(BigInteger)


class Receipt(Base):
    """What became of one operation of one device, written in the effect's own transaction."""

    __tablename__ = "receipt"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    op_id: Mapped[UUID] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of the operation as sent
    result: Mapped[dict[str, Any]]  # wire.OperationResult
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class HeldOperation(Base):
    """An operation that could not apply. A person decides; nothing is dropped."""

    __tablename__ = "held_operation"
    __table_args__ = (
        Index("ix_held_operation_device_id", "device_id"),
        Index("ix_held_operation_undecided", "at", postgresql_where=text("decided_at IS NULL")),
    )

    op_id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    operation: Mapped[dict[str, Any]]  # wire.Operation
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None]
    decision: Mapped[str | None]  # wire.Decision
    note: Mapped[str] = mapped_column(default="", server_default="")
    ver: Mapped[int | None]  # of the row, after it was applied by decision


class AccountHistory(Base):
    """What an account was, and when: decides whether an operation captured then was its author's to make."""

    __tablename__ = "account_history"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]
    role: Mapped[str]
    staff_id: Mapped[UUID | None]
    site_id: Mapped[UUID | None]
    active: Mapped[bool]


class CustomerHistory(Base):
    """Whose a customer was, and when."""

    __tablename__ = "customer_history"

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime | None]
    site_id: Mapped[UUID]
    assistant_id: Mapped[UUID | None]
    optometrist_id: Mapped[UUID | None]


# ── inbound feeds ────────────────────────────────────────────────────────────────────────────────────────


class ImportBatch(Base):
    """One import: a ledger file or an extract. `undone_at` is set when it was taken back."""

    __tablename__ = "import_batch"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str]  # terms.Source
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    profile: Mapped[str]  # the mapping profile and its version
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]


class SourceRecord(Base):
    """A source row as it landed, and the product row it became. The unique key makes a second import harmless."""

    __tablename__ = "source_record"
    __table_args__ = (UniqueConstraint("source", "kind", "source_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str]
    kind: Mapped[str]  # "customer", "exam", "lens_order" …
    source_key: Mapped[str]  # the source's own key, or a digest of the row's identity
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("import_batch.id"), index=True)
    customer_id: Mapped[UUID | None] = mapped_column(index=True)
    row_id: Mapped[UUID | None]
    digest: Mapped[str]  # of the payload: unchanged means nothing to do
    payload: Mapped[dict[str, Any]]


class ImportEffect(Base):
    """What one batch did to one row, so that it can be undone exactly."""

    __tablename__ = "import_effect"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("import_batch.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    table_name: Mapped[str]
    row_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    action: Mapped[str]  # "created" or "changed"
    before: Mapped[dict[str, Any] | None]  # the former version and columns, and what this batch made of them
    ver: Mapped[int]  # the row's version after this batch: a later version means somebody worked on it


class ImportProblem(Base):
    """One remark on one cell of one batch: sheet, row, column, what was seen, what to do."""

    __tablename__ = "import_problem"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("import_batch.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    sheet: Mapped[str]
    row: Mapped[int]
    column: Mapped[str]
    code: Mapped[str]
    severity: Mapped[str]
    seen: Mapped[str]
    remedy: Mapped[str]


class MatchReview(Base):
    """Two records that may be the same person. Left apart until a person decides."""

    __tablename__ = "match_review"
    __table_args__ = (UniqueConstraint("customer_id", "other_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    other_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("import_batch.id"))
    reasons: Mapped[list[Any]]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]


class Watermark(Base):
    """How far each feed has come: shown as the as-of time of everything behind it."""

    __tablename__ = "watermark"

    feed: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


# ── the daily scan ───────────────────────────────────────────────────────────────────────────────────────


class ScanRun(Base):
    """One scan, of everybody or of some. Its counts add up; `finished_at` NULL on an old row means it died."""

    __tablename__ = "scan_run"
    __table_args__ = (
        Index("ix_scan_run_started_at", "started_at"),
        Index("ix_scan_run_whole", "started_at", postgresql_where=text("kind IN ('nightly', 'asked')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scanned_for: Mapped[date]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    kind: Mapped[str] = mapped_column(default="asked", server_default="asked")  # rules.messages.ScanLine
    fence: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # of the lease it held


class ScanLease(Base):
    """One row: who scans locks it, so that two scans follow each other."""

    __tablename__ = "scan_lease"

    one: Mapped[bool] = mapped_column(primary_key=True, default=True, server_default="true")
    fence: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class WorkerPost(Base):
    """One row, once there was a worker: who does the work. Another takes over when it is silent."""

    __tablename__ = "worker_post"

    one: Mapped[bool] = mapped_column(primary_key=True, default=True, server_default="true")
    holder: Mapped[UUID]
    seen_at: Mapped[datetime]  # by the database's clock


class ScanRequest(Base):
    """A re-evaluation somebody asked for by publishing, or in words; the worker answers it."""

    __tablename__ = "scan_request"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]  # "rule", "parameter", "asked", "absence"
    key: Mapped[str] = mapped_column(default="", server_default="")
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))
    failed: Mapped[str] = mapped_column(default="", server_default="")


class ChangedCustomer(Base):
    """A customer whose rows changed, to be looked at again. Appended by triggers, taken away by the worker."""

    __tablename__ = "changed_customer"

    n: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Quarantine(Base):
    """A customer set aside because his rows cannot be computed; he stays in his segments until they can."""

    __tablename__ = "quarantine"

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    reason: Mapped[str]  # an error's type and place, never a value
    since: Mapped[datetime]


class Absence(Base):
    """A member of staff is away, both days included: gets no tasks, and those due meanwhile are dealt to others."""

    __tablename__ = "absence"
    __table_args__ = (CheckConstraint("last_on >= first_on", name="order"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[UUID | None]
    cancelled_at: Mapped[datetime | None]


class StandIn(Base):
    """A customer whom somebody else looks after while his assistant is away; he goes back afterwards."""

    __tablename__ = "stand_in"

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    home_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    since: Mapped[date]
