"""Segments, rule versions, SOPs, the task ledger and leads."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped

from hcrm_core.terms import LeadKind, LeadState, Outcome, TaskState
from hcrm_store.base import Base, Versioned, general, new_id, summary


class Segment(Base):
    """客群: a named group of customers that rules mark. Reference data."""

    __tablename__ = "segment"

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    key: Mapped[str] = general(unique=True)
    label: Mapped[str] = general()  # 中文, from resources/rules
    tone: Mapped[str] = general(default="neutral")  # "neutral", "info", "good", "warn", "act"
    rank: Mapped[int] = general(default=100)  # order of display
    ver: Mapped[int] = general(default=1, server_default="1")


class Sop(Base):
    """SOP: what to do for a segment or a due date, as data from resources/sops. Reference data."""

    __tablename__ = "sop"

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    key: Mapped[str] = general(unique=True)
    label: Mapped[str] = general()  # "换片提醒"
    summary: Mapped[str] = general()  # "今日需提醒换片 {n} 人"
    rank: Mapped[int] = general(default=100)
    definition: Mapped[dict[str, Any]] = general()  # hcrm_core.sop.Sop
    ver: Mapped[int] = general(default=1, server_default="1")


class Membership(Versioned, Base):
    """A customer's time in a segment: entered with evidence, left or not yet. History is never deleted."""

    __tablename__ = "membership"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index(
            "uq_membership_current",
            "customer_id",
            "segment_key",
            unique=True,
            postgresql_where=text("left_on IS NULL"),
            sqlite_where=text("left_on IS NULL"),
        ),
        Index("ix_membership_segment_key", "segment_key"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    segment_key: Mapped[str] = general(ForeignKey("segment.key"))
    rule_version_id: Mapped[UUID] = general(ForeignKey("rule_version.id"))
    entered_on: Mapped[date] = general()
    left_on: Mapped[date | None] = general()
    evidence: Mapped[list[Any]] = summary()  # hcrm_core.rules.Evidence, as JSON


class RuleVersion(Base):
    """A rule as it was at one time: draft → proposed → published → retired. Stays in the centre.

    Only a draft is edited; from its publication on a version never changes but for its end.
    """

    __tablename__ = "rule_version"
    __table_args__ = (
        UniqueConstraint("rule_key", "number"),
        Index(
            "uq_rule_version_published",
            "rule_key",
            unique=True,
            postgresql_where=text("state = 'published'"),
        ),
        Index(
            "uq_rule_version_open",
            "rule_key",
            unique=True,
            postgresql_where=text("state IN ('draft', 'proposed')"),
        ),
    )

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    rule_key: Mapped[str] = general()
    number: Mapped[int] = general()
    state: Mapped[str] = general()  # hcrm_core.rules.messages.RuleState
    segment_key: Mapped[str] = general()  # a draft's segment may not be there yet
    definition: Mapped[dict[str, Any]] = general()  # hcrm_core.rules.Rule
    published_at: Mapped[datetime | None] = general()
    author: Mapped[str] = general(default="system")
    author_id: Mapped[UUID | None] = general()  # account; None: came with a release
    ver: Mapped[int] = general(default=1, server_default="1")  # of a draft, for two editors at once
    created_at: Mapped[datetime] = general(server_default=func.now())
    based_on: Mapped[int | None] = general()  # number of the version it was made from
    note: Mapped[str] = general(default="", server_default="")  # why
    published_by: Mapped[str] = general(default="", server_default="")
    published_by_id: Mapped[UUID | None] = general()
    retired_at: Mapped[datetime | None] = general()
    retired_note: Mapped[str] = general(default="", server_default="")


class RuleParameter(Base):
    """参数: a named number that rules refer to, e.g. 550 days. The latest row of a name counts."""

    __tablename__ = "rule_parameter"
    __table_args__ = (UniqueConstraint("key", "number"),)

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    key: Mapped[str] = general()
    number: Mapped[int] = general()
    definition: Mapped[dict[str, Any]] = general()  # hcrm_core.rules.Parameter
    set_at: Mapped[datetime] = general(server_default=func.now())
    author: Mapped[str] = general(default="system")
    author_id: Mapped[UUID | None] = general()
    note: Mapped[str] = general(default="", server_default="")


class Task(Versioned, Base):
    """任务: one line of the task ledger. The unique key makes a rerun of the scan harmless."""

    __tablename__ = "task"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        UniqueConstraint("customer_id", "sop_key", "subject", "anchor_on"),
        Index("ix_task_owner_id_state_due_on", "owner_id", "state", "due_on"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    sop_key: Mapped[str] = general(ForeignKey("sop.key"))
    step_key: Mapped[str] = general()
    subject: Mapped[str] = general(default="", server_default="")  # "", "OD", "OS" or an order id
    anchor_on: Mapped[date] = general()  # the start of the cycle this task belongs to
    due_on: Mapped[date] = general()
    priority: Mapped[int] = general()  # 1 first
    state: Mapped[TaskState] = general(default=TaskState.OPEN)
    owner_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    segment_key: Mapped[str | None] = general()
    rule_version_id: Mapped[UUID | None] = general()
    evidence: Mapped[list[Any]] = summary()  # why this task, as JSON
    attempts: Mapped[int] = general(default=0, server_default="0")
    last_outcome: Mapped[Outcome | None] = general()
    next_on: Mapped[date | None] = general()  # snoozed until, or the agreed visit
    closed_at: Mapped[datetime | None] = general()
    close_reason: Mapped[str] = general(default="", server_default="")
    escalated_on: Mapped[date | None] = general()  # nobody took it up in time: the supervisors see it first


class Lead(Versioned, Base):
    """线索: the chain initiator → receiver → closer (R5.2)."""

    __tablename__ = "lead"
    __table_args__ = (ForeignKeyConstraint(["customer_id"], ["customer.id"]),)

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    kind: Mapped[LeadKind] = general()
    state: Mapped[LeadState] = general(default=LeadState.STARTED)
    initiator_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    initiator_department_id: Mapped[UUID | None] = general(ForeignKey("department.id"))
    receiver_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    receiver_department_id: Mapped[UUID | None] = general(ForeignKey("department.id"))
    closer_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    started_on: Mapped[date] = general()
    closed_on: Mapped[date | None] = general()
