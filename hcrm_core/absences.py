"""Messages about who is away, between managers and the centre."""

from datetime import date
from uuid import UUID

from hcrm_core.wire import Message


class Absence(Message):
    """Somebody is away, both days included."""

    id: UUID
    staff_id: UUID
    name: str
    site: str
    first_on: date
    last_on: date


class StaffName(Message):
    """Somebody who can be away."""

    staff_id: UUID
    name: str
    site: str


class Absences(Message):
    """Who is or will be away, and who could be."""

    absences: list[Absence]
    staff: list[StaffName]


class AbsenceRequest(Message):
    """Somebody will be away."""

    staff_id: UUID
    first_on: date
    last_on: date


class AbsenceSaved(Message):
    """How many tasks due meanwhile were dealt to others at once."""

    id: UUID
    redealt: int
