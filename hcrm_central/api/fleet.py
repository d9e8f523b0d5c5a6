"""The fleet: how every workstation stands, and what is ordered of one."""

from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from hcrm_central.accounts import end_sessions
from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.audit import audit
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.tables import Device
from hcrm_core.errors import Rejected
from hcrm_core.fleet import (
    SILENT_AFTER,
    STUCK_AFTER,
    DeviceOrder,
    DeviceState,
    Fleet,
    FleetDevice,
    OrderRequest,
)
from hcrm_core.wire import RefusalCode
from hcrm_store.clock import Clock

INCIDENTS_OF = timedelta(days=7)
_URGENCY = {state: rank for rank, state in enumerate(DeviceState)}
_ALL = text("""
    SELECT d.id, d.name, coalesce(a.name, '') AS person, coalesce(a.role, '') AS role, coalesce(s.name, '') AS site,
        d.app_version, d.created_at, d.seen_at, d.unsent, d.oldest_unsent_at, d.clock_offset_s,
        d.revoked_at, d.wipe_ordered_at, d.surrendered_at,
        coalesce(b.behind, 0) AS behind, coalesce(i.n, 0) AS incidents, coalesce(h.n, 0) AS held
    FROM device d
    LEFT JOIN account a ON a.id = d.account_id
    LEFT JOIN staff f ON f.id = a.staff_id
    LEFT JOIN site s ON s.id = f.site_id
    LEFT JOIN (
        SELECT x.id, sum(greatest(s.seq - c.value::bigint, 0))::bigint AS behind
        FROM device x CROSS JOIN jsonb_each_text(x.cursors) c JOIN stream s ON s.key = c.key GROUP BY x.id
    ) b ON b.id = d.id
    LEFT JOIN (
        SELECT device_id, count(*) AS n FROM device_incident WHERE received_at > :since GROUP BY device_id
    ) i ON i.device_id = d.id
    LEFT JOIN (
        SELECT device_id, count(*) AS n FROM held_operation WHERE decided_at IS NULL GROUP BY device_id
    ) h ON h.device_id = d.id
""")


def fleet(here: Centre, who: SignedIn) -> Fleet:
    """Every workstation, the most urgent first."""
    with snapshot(here.store.service, who.principal) as session:
        return all_devices(session, now=here.clock.now())


def all_devices(session: Session, *, now: datetime) -> Fleet:
    """The fleet as of an instant; by the last contact, the longest silent first, among those equally urgent."""
    found = session.execute(_ALL, {"since": now - INCIDENTS_OF}).mappings()
    ranked = sorted(((_device(row, now=now), _contact(row)) for row in found), key=_rank)
    return Fleet(as_of=now, current_version=version("hcrm-desktop"), devices=[device for device, _ in ranked])


def _rank(entry: tuple[FleetDevice, datetime]) -> tuple[int, datetime]:
    device, contact = entry
    return _URGENCY[device.state], contact


def _contact(row: RowMapping) -> datetime:
    contact: datetime = row["seen_at"] or row["created_at"]
    return contact


def _device(row: RowMapping, *, now: datetime) -> FleetDevice:
    told: dict[str, Any] = {name: row[name] for name in FleetDevice.model_fields if name != "state"}
    # Not validated again: it comes from our own columns, and there may be 16,000.
    return FleetDevice.model_construct(state=_state(row, now=now), **told)


def _state(row: RowMapping, *, now: datetime) -> DeviceState:
    if row["surrendered_at"]:
        return DeviceState.WIPED
    if row["wipe_ordered_at"]:
        return DeviceState.WIPE_ORDERED
    if row["revoked_at"]:
        return DeviceState.BLOCKED
    if now - _contact(row) >= SILENT_AFTER:
        return DeviceState.SILENT
    return DeviceState.STUCK if _waited(row) >= STUCK_AFTER else DeviceState.WELL


def _waited(row: RowMapping) -> timedelta:
    """How long the oldest entry had waited when the workstation last told, by its own clock on both ends."""
    if not row["unsent"] or row["oldest_unsent_at"] is None or row["seen_at"] is None:
        return timedelta(0)
    waited: timedelta = row["seen_at"] - row["oldest_unsent_at"]
    return waited + timedelta(seconds=row["clock_offset_s"] or 0)


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────


def order(here: Centre, who: SignedIn, *, device_id: UUID, request: OrderRequest) -> None:
    """Block, unblock or wipe a workstation.

    Raises:
        Refused: there is no such workstation, or it is to be wiped: that is final.
    """
    with transaction(here.store.service, who.principal) as session:
        obey(session, device_id, request, clock=here.clock, by=who.principal)


def obey(session: Session, device_id: UUID, request: OrderRequest, *, clock: Clock, by: Principal | None) -> None:
    """Note an order in the caller's transaction; the workstation hears of it with its next request.

    Args:
        session: of the service or the jobs.
        device_id: of the workstation.
        request: what is ordered, and why.
        clock: the centre's.
        by: who orders; None for whoever keeps the centre.

    Raises:
        Rejected: ``unknown_device``.
        Refused: it is to be wiped: that is final.
    """
    device = session.get(Device, device_id, with_for_update=True)
    if device is None:
        raise Rejected("unknown_device", "there is no workstation with this id")
    if device.wipe_ordered_at and request.order is not DeviceOrder.WIPE:
        raise Refused(RefusalCode.ALREADY_DECIDED)
    _note(device, request.order, at=clock.now())
    if request.order is not DeviceOrder.UNBLOCK:
        end_sessions(session, at=clock.now(), device_id=device.id)
    audit(
        session,
        f"device:{request.order}",
        clock=clock,
        account_id=by.account_id if by else None,
        device_id=None,
        subject_kind="device",
        subject_id=device.id,
        detail={"reason": request.reason},
    )


def _note(device: Device, order: DeviceOrder, *, at: datetime) -> None:
    match order:
        case DeviceOrder.BLOCK:
            device.revoked_at = device.revoked_at or at
        case DeviceOrder.UNBLOCK:
            device.revoked_at = None
        case DeviceOrder.WIPE:
            device.wipe_ordered_at = device.wipe_ordered_at or at
