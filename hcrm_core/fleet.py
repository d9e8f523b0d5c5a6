"""Messages about workstations and held operations, between the centre and whoever looks after them."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from hcrm_core.wire import Decision, Json, Message, OperationKind, ResultStatus

STUCK_AFTER = timedelta(hours=1)  # an entry that waits longer, though the workstation talks to us, is stuck
SILENT_AFTER = timedelta(hours=36)  # a closed evening is not silence; a missed working day is


class DeviceState(StrEnum):
    """How a workstation stands, the most urgent first."""

    STUCK = "stuck"
    SILENT = "silent"
    WIPE_ORDERED = "wipe_ordered"
    WELL = "well"
    BLOCKED = "blocked"
    WIPED = "wiped"


class FleetDevice(Message):
    """One workstation.

    Attributes:
        behind: changes in its streams that it has not read, as of its last hello.
        clock_offset_s: its clock minus the centre's, at the last hello; None before one.
        incidents: noticed by itself in the last 7 days.
        held: its operations that wait for a decision.
    """

    id: UUID
    name: str
    person: str
    role: str
    site: str
    app_version: str
    seen_at: datetime | None
    unsent: int
    oldest_unsent_at: datetime | None
    behind: int
    clock_offset_s: int | None
    incidents: int
    held: int
    state: DeviceState


class Fleet(Message):
    """All workstations, stuck and silent ones first."""

    as_of: datetime
    current_version: str
    devices: list[FleetDevice]


class DeviceOrder(StrEnum):
    """What can be ordered of a workstation."""

    BLOCK = "block"
    UNBLOCK = "unblock"
    WIPE = "wipe"  # final: it hands over what is unsent, then deletes its files and key


class OrderRequest(Message):
    """An order for one workstation."""

    order: DeviceOrder
    reason: str = Field(min_length=1, max_length=400)


class HeldItem(Message):
    """One operation that could not apply, as a supervisor sees it."""

    op_id: UUID
    kind: OperationKind
    reason: str
    at: datetime
    captured_at: datetime
    author: str
    site: str
    device: str
    customer_id: UUID | None
    customer_name: str
    body: Json


class HeldQueue(Message):
    """Held operations that wait for a decision, oldest first; at most 500, `more` says that there are others."""

    items: list[HeldItem]
    more: bool = False


class DecisionRequest(Message):
    """What to do with a held operation."""

    decision: Decision
    note: str = Field(default="", max_length=400)


class DecisionResponse(Message):
    """What became of it. HELD: it was tried again and still cannot apply, for `reason`; nothing was decided.

    A dismissal answers APPLIED: the decision stands.
    """

    status: ResultStatus
    reason: str | None = None
