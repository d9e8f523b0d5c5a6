"""What the pages for managers ask the centre: workstations, and operations that wait for a decision. On line only."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from hcrm_core.fleet import (
    DecisionRequest,
    DecisionResponse,
    DeviceOrder,
    DeviceState,
    FleetDevice,
    HeldQueue,
    OrderRequest,
)
from hcrm_core.wire import Decision

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient

PAGE = 500  # lines handed to the view at a time
NEEDS_LOOK = frozenset({DeviceState.STUCK, DeviceState.SILENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetLine:
    """One workstation, and the text that a filter looks through."""

    device: FleetDevice
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRead:
    """All workstations as of an instant, stuck and silent ones first."""

    as_of: datetime
    current_version: str
    lines: list[FleetLine]

    def chosen(self, text: str) -> list[FleetLine]:
        """The lines in which all words of a text occur."""
        words = text.casefold().split()
        return [line for line in self.lines if all(word in line.text for word in words)]

    def to_look_at(self) -> int:
        """How many are stuck or silent."""
        return sum(line.device.state in NEEDS_LOOK for line in self.lines)


def ask_fleet(client: "CentreClient", headers: dict[str, str]) -> FleetRead:
    """All workstations. Runs beside the conversation."""
    fleet = client.fleet(headers=headers)
    lines = [FleetLine(device=one, text=_text(one)) for one in fleet.devices]
    return FleetRead(as_of=fleet.as_of, current_version=fleet.current_version, lines=lines)


def give_order(
    client: "CentreClient", headers: dict[str, str], *, device_id: UUID, order: DeviceOrder, reason: str
) -> DeviceOrder:
    """Block, unblock or wipe a workstation."""
    client.order(device_id, OrderRequest(order=order, reason=reason), headers=headers)
    return order


def ask_held(client: "CentreClient", headers: dict[str, str]) -> HeldQueue:
    """What waits for a decision."""
    return client.held(headers=headers)


def decide(
    client: "CentreClient", headers: dict[str, str], *, op_id: UUID, decision: Decision, note: str
) -> DecisionResponse:
    """Apply or dismiss one of them."""
    return client.decide(op_id, DecisionRequest(decision=decision, note=note), headers=headers)


def is_older(version: str, than: str) -> bool:
    """Whether a release is older than another, part by part: 1.9 is older than 1.10."""
    return _parts(version) < _parts(than)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+", maxsplit=1)[0].split(".") if part.isdigit())


def _text(one: FleetDevice) -> str:
    return " ".join((one.name, one.person, one.site, one.app_version)).casefold()
