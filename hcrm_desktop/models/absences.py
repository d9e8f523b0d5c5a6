"""What managers ask the centre about who is away. On line only, nothing is kept."""

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from hcrm_core.absences import AbsenceRequest, Absences, AbsenceSaved

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient


def ask_absences(client: "CentreClient", headers: dict[str, str]) -> Absences:
    """Who is or will be away, and who could be."""
    return client.absences(headers=headers)


def enter_absence(
    client: "CentreClient", headers: dict[str, str], *, staff_id: UUID, first_on: date, last_on: date
) -> AbsenceSaved:
    """Somebody will be away."""
    request = AbsenceRequest(staff_id=staff_id, first_on=first_on, last_on=last_on)
    return client.enter_absence(request, headers=headers)


def cancel_absence(client: "CentreClient", headers: dict[str, str], *, absence_id: UUID) -> None:
    """Somebody is there after all, or again."""
    client.cancel_absence(absence_id, headers=headers)
