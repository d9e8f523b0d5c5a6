"""Customers, their guardians and families.

Keys lead with `customer_id`, so that everything of one customer can live on one shard (docs/scale.md).
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped

from hcrm_core.terms import Sex
from hcrm_store.base import Base, Versioned, clinical, general, identity, marketing, new_id, secret


class Family(Versioned, Base):
    """Customers who share a guardian; one contact a day goes to a family."""

    __tablename__ = "family"

    id: Mapped[UUID] = general(primary_key=True, default=new_id)


class Customer(Versioned, Base):
    """客户: the child, a person with an eye record."""

    __tablename__ = "customer"
    __table_args__ = (
        Index("ix_customer_assistant_id_site_id", "assistant_id", "site_id"),
        Index("ix_customer_name_birth_date", "name", "birth_date"),
    )

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    family_id: Mapped[UUID | None] = general(ForeignKey("family.id"), index=True)
    name: Mapped[str] = identity()
    name_pinyin: Mapped[str] = identity(default="", server_default="")  # "wang xin yi": the sort key
    name_initials: Mapped[str] = identity(default="", server_default="")  # "wxy": for search
    sex: Mapped[Sex | None] = identity()
    birth_date: Mapped[date | None] = identity()
    filed_on: Mapped[date | None] = general()  # 建档日期
    assistant_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    optometrist_id: Mapped[UUID | None] = general(ForeignKey("staff.id"), index=True)
    do_not_contact: Mapped[bool] = general(default=False, server_default="false")
    school: Mapped[str] = marketing(default="", server_default="")
    note: Mapped[str] = marketing(default="", server_default="")


class Guardian(Versioned, Base):
    """家长. A phone belongs to a guardian, and one guardian may have several children."""

    __tablename__ = "guardian"
    __table_args__ = (Index("ix_guardian_phone", "phone"),)

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    family_id: Mapped[UUID] = general(ForeignKey("family.id"), index=True)
    name: Mapped[str] = identity(default="", server_default="")
    relation: Mapped[str] = identity(default="", server_default="")  # "母亲", as said
    phone: Mapped[str | None] = identity()  # digits only
    phone_tail: Mapped[str | None] = identity()  # last four digits: for search
    wecom_id: Mapped[str | None] = identity()


class FieldChange(Versioned, Base):
    """资料变更: one value that somebody changed, or tried to. Kept for ever, so that nothing resolves silently.

    Attributes:
        subject: the kind of the row: customer, guardian or exam.
        applied: False for a value that came later than another; the other stayed.
    """

    __tablename__ = "field_change"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index("ix_field_change_subject_id_at", "subject_id", "at"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    subject: Mapped[str] = general()
    subject_id: Mapped[UUID] = general()
    field: Mapped[str] = general()
    old: Mapped[str | None] = identity()
    new: Mapped[str | None] = identity()
    reason: Mapped[str] = clinical(default="", server_default="")
    applied: Mapped[bool] = general(default=True, server_default="true")
    by_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    at: Mapped[datetime] = general()
    op_id: Mapped[UUID | None] = general()


class CustomerIdentifier(Base):
    """A number by which another system or the state knows a customer. Stays in the centre."""

    __tablename__ = "customer_identifier"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"], ondelete="CASCADE"),
        UniqueConstraint("customer_id", "kind", "value"),
        Index("ix_customer_identifier_kind_value", "kind", "value"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    kind: Mapped[str] = general()  # "national_id", "his_no", "sales_no", "screening_no"
    value: Mapped[str] = secret()
    since: Mapped[datetime] = general(server_default=func.now())
