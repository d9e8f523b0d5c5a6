"""What happens around an eye: lens orders, visits, recheck plans and follow-ups."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from hcrm_core.terms import Channel, Eye, Medicine, Outcome, ProductKind, Source, VisitState
from hcrm_store.base import Base, Exact, Versioned, clinical, financial, general, marketing, new_id, summary


class LensOrder(Versioned, Base):
    """配镜单: one lens for one eye. Wear begins at the dispense date 定片 / 取镜.

    The dispensed power is not a refraction and never enters a progression series.
    """

    __tablename__ = "lens_order"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index("ix_lens_order_customer_id_dispensed_on", "customer_id", "dispensed_on"),
        CheckConstraint("price >= 0", name="price"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    eye: Mapped[Eye] = general()
    product: Mapped[ProductKind] = general()
    brand: Mapped[str] = general(default="", server_default="")
    manufacturer: Mapped[str] = general(default="", server_default="")
    model: Mapped[str] = general(default="", server_default="")
    ordered_on: Mapped[date | None] = general()
    dispensed_on: Mapped[date | None] = general()
    ended_on: Mapped[date | None] = general()  # stopped, lost, broken or returned
    end_reason: Mapped[str] = general(default="", server_default="")
    sphere: Mapped[Decimal | None] = summary(Exact(5, 2))
    cylinder: Mapped[Decimal | None] = summary(Exact(5, 2))
    axis: Mapped[int | None] = summary()
    price: Mapped[Decimal | None] = financial(Exact(10, 2))  # yuan, for this lens
    sold_by_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    department_id: Mapped[UUID | None] = general(ForeignKey("department.id"))
    source: Mapped[Source] = general()


class Medication(Versioned, Base):
    """用药: one course of a medicine at one strength, for both eyes. A running course has no end."""

    __tablename__ = "medication"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index("ix_medication_customer_id_started_on", "customer_id", "started_on"),
        CheckConstraint("percent > 0 AND percent <= 1", name="percent"),
        CheckConstraint("ended_on >= started_on", name="days"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    medicine: Mapped[Medicine] = summary()
    percent: Mapped[Decimal] = summary(Exact(4, 3))
    started_on: Mapped[date] = general()
    ended_on: Mapped[date | None] = general()  # stopped, or another strength from this day on
    end_reason: Mapped[str] = clinical(default="", server_default="")
    note: Mapped[str] = clinical(default="", server_default="")
    prescriber_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    source: Mapped[Source] = general()


class Visit(Versioned, Base):
    """到院: booked, arrived or missed."""

    __tablename__ = "visit"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index("ix_visit_customer_id_visit_on", "customer_id", "visit_on"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    visit_on: Mapped[date] = general()
    state: Mapped[VisitState] = general()
    department_id: Mapped[UUID | None] = general(ForeignKey("department.id"))
    purpose: Mapped[str] = general(default="", server_default="")
    source: Mapped[Source] = general()


class RecheckPlan(Versioned, Base):
    """When a customer should come again, as a clinician said. The latest plan counts."""

    __tablename__ = "recheck_plan"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index("ix_recheck_plan_customer_id_due_on", "customer_id", "due_on"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    planned_on: Mapped[date] = general()
    due_on: Mapped[date] = general()
    planned_by_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    source: Mapped[Source] = general()


class FollowUp(Versioned, Base):
    """跟进: one contact with the family and how it ended."""

    __tablename__ = "follow_up"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index("ix_follow_up_customer_id_contacted_at", "customer_id", "contacted_at"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    task_id: Mapped[UUID | None] = general()
    staff_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    channel: Mapped[Channel] = general()
    outcome: Mapped[Outcome] = general()
    note: Mapped[str] = marketing(default="", server_default="")
    next_on: Mapped[date | None] = general()
    contacted_at: Mapped[datetime] = general()
    source: Mapped[Source] = general()
