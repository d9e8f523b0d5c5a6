"""Hello: who the reader is to the centre, which streams he may pull, and how fresh they are."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.tables import Device, Incarnation, ScanRun, Watermark
from hcrm_core.access import profile_hash
from hcrm_core.terms import Role
from hcrm_core.wire import PROTOCOL, Freshness, HelloRequest, HelloResponse, RefusalCode, StreamGrant
from hcrm_store.clock import business_date
from hcrm_store.kinds import KINDS, Area, columns_for, stream_key

# Executives read numbers and administrators accounts: neither gets a customer's rows.
READS_CUSTOMERS = {Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER}


def hello(here: Centre, who: SignedIn, request: HelloRequest) -> HelloResponse:
    """Greet a workstation and note what it reports.

    Raises:
        Refused: the workstation speaks another protocol.
    """
    if request.protocol != PROTOCOL:
        raise Refused(RefusalCode.UPGRADE_REQUIRED)
    with transaction(here.store.service) as session:
        session.execute(
            update(Device)
            .where(Device.id == who.device_id)
            .values(
                seen_at=here.clock.now(),
                unsent=request.unsent,
                oldest_unsent_at=request.oldest_unsent_at,
                app_version=request.app_version,
            )
        )
    return _answer(here, who)


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
        )


def grants(principal: Principal) -> list[StreamGrant]:
    """The streams a principal may pull, in the order to pull: all tasks before all people before all exams."""
    areas = list(Area) if principal.role in READS_CUSTOMERS else [Area.REF]
    return [
        StreamGrant(key=stream_key(area, site_id), profile=profile_of(area, principal.role))
        for area in areas
        for site_id in _sites(area, principal.site_ids)
    ]


def _sites(area: Area, site_ids: Sequence[UUID]) -> Sequence[UUID | None]:
    return [None] if area is Area.REF else site_ids


def profile_of(area: Area, role: Role) -> str:
    """The hash of the columns that a role is sent of an area's kinds."""
    kinds = [kind for kind, (where, _) in KINDS.items() if where is area]
    return profile_hash(role, {kind: columns_for(kind, role) for kind in kinds})


def epoch_of(session: Session) -> UUID:
    return session.scalars(select(Incarnation.epoch)).one()


def freshness(session: Session) -> Freshness:
    """As-of times of the last finished scan and of each feed."""
    finished = select(ScanRun).where(ScanRun.finished_at.is_not(None)).order_by(ScanRun.finished_at.desc()).limit(1)
    scan = session.scalar(finished)
    return Freshness(
        scanned_at=scan.finished_at if scan else None,
        scanned_for=scan.scanned_for if scan else None,
        feeds={mark.feed: mark.at for mark in session.scalars(select(Watermark))},
    )
