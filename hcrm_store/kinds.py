"""Which tables travel, under which kind name, and in which area of a site's streams.

A row belongs to one stream: ``<site id>:<area>``, or ``ref`` for the group's reference data.
"""

from enum import StrEnum

from sqlalchemy import Table

from hcrm_core.access import Access, may_see
from hcrm_core.terms import Role
from hcrm_store.base import Base
from hcrm_store.care import FollowUp, LensOrder, Medication, RecheckPlan, Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.journeys import Lead, Membership, Segment, Sop, Task
from hcrm_store.organisation import Site, Staff
from hcrm_store.people import Customer, Family, FieldChange, Guardian

REF_STREAM = "ref"


class Area(StrEnum):
    """Parts of a site's data, in the order in which a workstation pulls them: usable early."""

    REF = "ref"
    TASKS = "tasks"
    PEOPLE = "people"
    CLINICAL = "clinical"


KINDS: dict[str, tuple[Area, type[Base]]] = {
    "site": (Area.REF, Site),
    "staff": (Area.REF, Staff),
    "segment": (Area.REF, Segment),
    "sop": (Area.REF, Sop),
    "task": (Area.TASKS, Task),
    "follow_up": (Area.TASKS, FollowUp),
    "membership": (Area.TASKS, Membership),
    "family": (Area.PEOPLE, Family),
    "guardian": (Area.PEOPLE, Guardian),
    "customer": (Area.PEOPLE, Customer),
    "field_change": (Area.PEOPLE, FieldChange),
    "exam": (Area.CLINICAL, Exam),
    "eye_measurement": (Area.CLINICAL, EyeMeasurement),
    "lens_order": (Area.CLINICAL, LensOrder),
    "medication": (Area.CLINICAL, Medication),
    "visit": (Area.CLINICAL, Visit),
    "recheck_plan": (Area.CLINICAL, RecheckPlan),
    "lead": (Area.CLINICAL, Lead),
}


def table_of(kind: str) -> Table:
    """The table behind a kind."""
    table = KINDS[kind][1].__table__
    assert isinstance(table, Table)
    return table


def columns_for(kind: str, role: Role) -> list[str]:
    """Names of the columns of a kind that a role's profile holds, in declared order."""
    return [c.name for c in table_of(kind).columns if may_see(role, c.info.get("access", Access.SECRET))]


def stream_key(area: Area, site_id: object) -> str:
    """The stream of an area of a site; reference data has one stream for the group."""
    return REF_STREAM if area is Area.REF else f"{site_id}:{area.value}"
