"""A child's record as plain values: what a study of it needs, wherever it was read."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.terms import ExamStatus, Eye, LensState, Medicine, ProductKind, RefractionMethod, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamRecord:
    """One sitting with what was measured in each eye."""

    id: UUID
    examined_on: date
    method: RefractionMethod
    cycloplegic: bool | None
    lens_state: LensState
    washout_days: int | None
    device: str
    note: str
    examiner_name: str
    source: Source
    status: ExamStatus
    od: EyeValues | None
    os: EyeValues | None
    supersedes_id: UUID | None = None
    amend_reason: str = ""
    entered_at: datetime | None = None

    @property
    def eyes(self) -> tuple[EyeValues, ...]:
        """The eyes that were measured, right before left."""
        return tuple(eye for eye in (self.od, self.os) if eye is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One lens for one eye. `price` None: unknown, or not this reader's to know."""

    id: UUID
    eye: Eye
    product: ProductKind
    brand: str
    manufacturer: str
    model: str
    ordered_on: date | None
    dispensed_on: date | None
    ended_on: date | None
    sphere: Decimal | None
    cylinder: Decimal | None
    axis: int | None
    price: Decimal | None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationRow:
    """One course of a medicine at one strength, for both eyes.

    Attributes:
        percent: its strength; None: not this reader's to know.
        ended_on: None while it runs.
        by: who prescribed it; "" if nobody says.
    """

    id: UUID
    medicine: Medicine
    percent: Decimal | None
    started_on: date
    ended_on: date | None
    end_reason: str
    note: str
    by: str
    source: Source
