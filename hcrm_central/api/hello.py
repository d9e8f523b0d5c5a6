"""Hello: who the reader is to the centre, which streams he may pull, and how fresh they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.runs import WHOLE
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.tables import Account, Device, DeviceIncident, HeldOperation, Incarnation, ScanRun, Watermark
from hcrm_core.access import profile_hash
from hcrm_core.terms import Role
from hcrm_core.wire import (
    PROTOCOL,
    Decided,
    Decision,
    Freshness,
    HelloRequest,
    HelloResponse,
    Incident,
    RefusalCode,
    StreamGrant,
)
from hcrm_store.clock import business_date
from hcrm_store.kinds import KINDS, Area, columns_for, stream_key

# Executives read numbers and administrators accounts: neither gets a customer's rows.
READS_CUSTOMERS = {Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER}
DECISIONS_TOLD_FOR = timedelta(days=30)
_MOST_SECONDS, _MOST_SEQ = 2**31 - 1, 2**63 - 1  # what the columns hold; a workstation may claim anything


def hello(here: Centre, who: SignedIn, request: HelloRequest) -> HelloResponse:
    """Greet a workstation and note what it reports.

    Raises:
        Refused: the workstation speaks another protocol.
    """
    if request.protocol != PROTOCOL:
        raise Refused(RefusalCode.UPGRADE_REQUIRED)
    with transaction(here.store.service) as session:
        now = here.clock.now()
        session.execute(
            update(Device)
            .where(Device.id == who.device_id)
            .values(
                seen_at=now,
                unsent=request.unsent,
                oldest_unsent_at=request.oldest_unsent_at,
                app_version=request.app_version,
                account_id=who.principal.account_id,
                cursors=_reached(who.principal, request.cursors),
                clock_offset_s=_clock_offset(request, now),
            )
        )
        for incident in request.incidents:
            _keep_incident(session, incident, device_id=who.device_id, now=now)
    return _answer(here, who)


def _reached(principal: Principal, cursors: dict[str, int]) -> dict[str, int]:
    """How far the reader has come in each stream he is granted; nothing for a workstation too old to tell."""
    if not cursors:
        return {}
    return {grant.key: min(max(cursors.get(grant.key, 0), 0), _MOST_SEQ) for grant in grants(principal)}


def _clock_offset(request: HelloRequest, now: datetime) -> int:
    ahead = round((request.now - now).total_seconds())
    return max(-_MOST_SECONDS, min(ahead, _MOST_SECONDS))


def _keep_incident(session: Session, incident: Incident, *, device_id: UUID, now: datetime) -> None:
    """Once: a workstation tells it again until a hello is answered."""
    told = f"{incident.code}:{incident.stream}:{incident.at.isoformat()}"
    found = {"id": uuid5(device_id, told), "device_id": device_id, "received_at": now}
    session.execute(
        insert(DeviceIncident)
        .values(**found, **incident.model_dump(mode="json", exclude={"at"}), at=incident.at)
        .on_conflict_do_nothing()
    )


def _answer(here: Centre, who: SignedIn) -> HelloResponse:
    now = here.clock.now()
    with snapshot(here.store.service) as session:
        return HelloResponse(
            protocol=PROTOCOL,
            epoch=epoch_of(session),
            server_now=now,
            business_date=business_date(now),
            person=who.person,
            streams=grants(who.principal),
            expected_n=session.get_one(Device, who.device_id).last_n + 1,
            lease_until=now + here.settings.lease,
            freshness=freshness(session),
            decided=_decided(session, who, since=now - DECISIONS_TOLD_FOR),
        )


def _decided(session: Session, who: SignedIn, *, since: datetime) -> list[Decided]:
    """What supervisors decided of the reader's own operations: their notes are for him, not for his colleagues here."""
    of_reader = HeldOperation.device_id == who.device_id, HeldOperation.account_id == who.principal.account_id
    found = session.execute(
        select(HeldOperation, Account.name)
        .outerjoin(Account, Account.id == HeldOperation.decided_by_id)
        .where(*of_reader, HeldOperation.decided_at > since, HeldOperation.decision.is_not(None))
        .order_by(HeldOperation.decided_at)
    )
    return [_told(held, by=name or "") for held, name in found]


def _told(held: HeldOperation, *, by: str) -> Decided:
    assert held.decision is not None
    assert held.decided_at is not None
    return Decided(
        op_id=held.op_id, decision=Decision(held.decision), by=by, at=held.decided_at, note=held.note, ver=held.ver
    )


def grants(principal: Principal) -> list[StreamGrant]:
    """The streams a principal may pull, in the order to pull: all tasks before all people before all exams."""
    areas = list(Area) if principal.role in READS_CUSTOMERS else [Area.REF]
    return [
        StreamGrant(key=stream_key(area, site_id), profile=profile_of(area, principal))
        for area in areas
        for site_id in _sites(area, principal.site_ids)
    ]


def _sites(area: Area, site_ids: Sequence[UUID]) -> Sequence[UUID | None]:
    return [None] if area is Area.REF else site_ids


def profile_of(area: Area, principal: Principal) -> str:
    """The hash of what a reader is sent of an area: columns by his role, rows by whom he looks after."""
    kinds, role = [kind for kind, (where, _) in KINDS.items() if where is area], principal.role
    columns = {kind: columns_for(kind, role) for kind in kinds}
    return profile_hash(role, columns, rows=_rows_decided_by(area, principal))


def _rows_decided_by(area: Area, principal: Principal) -> str:
    """What changes the rows of a stream for its reader without any row changing: an account that acts as another member
    of staff; for families, which are read by one of several streams, the sites (hcrm_central.store.membership)."""
    staff = "" if area is Area.REF or principal.role is Role.MANAGER else str(principal.staff_id)
    return ",".join([staff, *(str(site) for site in principal.site_ids if area is Area.PEOPLE)])


def epoch_of(session: Session) -> UUID:
    return session.scalars(select(Incarnation.epoch)).one()


def freshness(session: Session) -> Freshness:
    """As-of times of the last finished scan of everybody and of each feed."""
    finished = select(ScanRun).where(ScanRun.finished_at.is_not(None), ScanRun.kind.in_(WHOLE))
    scan = session.scalar(finished.order_by(ScanRun.started_at.desc()).limit(1))
    return Freshness(
        scanned_at=scan.finished_at if scan else None,
        scanned_for=scan.scanned_for if scan else None,
        feeds={mark.feed: mark.at for mark in session.scalars(select(Watermark))},
    )
