"""Examinations and what was measured in each eye (R4.3b). Clinical rows are never overwritten."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from hcrm_core.terms import ExamStatus, Eye, LensState, RefractionMethod, Source
from hcrm_store.base import Base, Exact, Versioned, clinical, general, new_id, summary


class Exam(Versioned, Base):
    """检查: one sitting. The state of the eye decides what may be compared with what."""

    __tablename__ = "exam"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        Index("ix_exam_customer_id_examined_on", "customer_id", "examined_on"),
        CheckConstraint("washout_days IS NULL OR washout_days >= 0", name="washout_days"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    examined_on: Mapped[date] = general()
    method: Mapped[RefractionMethod] = summary(default=RefractionMethod.UNKNOWN)
    cycloplegic: Mapped[bool | None] = summary()  # None: not recorded
    lens_state: Mapped[LensState] = summary(default=LensState.UNKNOWN)
    washout_days: Mapped[int | None] = summary()
    device: Mapped[str] = clinical(default="", server_default="")
    note: Mapped[str] = clinical(default="", server_default="")
    examiner_id: Mapped[UUID | None] = general(ForeignKey("staff.id"))
    source: Mapped[Source] = general()
    status: Mapped[ExamStatus] = general(default=ExamStatus.FINAL)
    supersedes_id: Mapped[UUID | None] = general()
    amend_reason: Mapped[str] = clinical(default="", server_default="")


class EyeMeasurement(Versioned, Base):
    """What was measured in one eye. NULL is unknown, never zero.

    Units: sphere, cylinder, K in D; axis in degrees 1–180; axial length in mm; IOP in mmHg; CCT in µm;
    acuities in 5-mark notation (5 + lg decimal, GB 11533). Cylinder is stored minus.
    """

    __tablename__ = "eye_measurement"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id", "exam_id"], ["exam.customer_id", "exam.id"]),
        UniqueConstraint("customer_id", "exam_id", "eye"),
        CheckConstraint("sphere BETWEEN -30 AND 25", name="sphere"),
        CheckConstraint("cylinder BETWEEN -10 AND 0", name="cylinder"),
        CheckConstraint("axis BETWEEN 1 AND 180", name="axis"),
        CheckConstraint("axial_length_mm BETWEEN 15 AND 35", name="axial_length_mm"),
        CheckConstraint("k1 BETWEEN 30 AND 60 AND k2 BETWEEN 30 AND 60", name="k"),
        CheckConstraint("iop_mmhg BETWEEN 3 AND 60", name="iop_mmhg"),
        CheckConstraint("cct_um BETWEEN 350 AND 800", name="cct_um"),
    )

    customer_id: Mapped[UUID] = general(primary_key=True)
    id: Mapped[UUID] = general(primary_key=True, default=new_id, index=True)
    exam_id: Mapped[UUID] = general()
    eye: Mapped[Eye] = general()
    ucva: Mapped[Decimal | None] = summary(Exact(3, 2))
    bcva: Mapped[Decimal | None] = summary(Exact(3, 2))
    sphere: Mapped[Decimal | None] = summary(Exact(5, 2))
    cylinder: Mapped[Decimal | None] = summary(Exact(5, 2))
    axis: Mapped[int | None] = summary()
    axial_length_mm: Mapped[Decimal | None] = summary(Exact(5, 2))
    k1: Mapped[Decimal | None] = clinical(Exact(5, 2))
    k2: Mapped[Decimal | None] = clinical(Exact(5, 2))
    iop_mmhg: Mapped[Decimal | None] = clinical(Exact(4, 1))
    cct_um: Mapped[int | None] = clinical()
