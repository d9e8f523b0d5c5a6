"""Who works here, how the connection stands, and what is not at the centre yet."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from hcrm_core.wire import Decided, Freshness, Json, Overview, Person, Theirs
from hcrm_desktop.cache import lease, meta
from hcrm_desktop.cache.outbox import DECIDED, OpState
from hcrm_desktop.cache.rows import Delivery, SignedIn, SyncStatus, UnsentItem
from hcrm_desktop.cache.tables import CUSTOMER, DRAFT, KEPT, OPERATION, SITE
from hcrm_desktop.cache.workspace import PERSON

_UNSENT = (OpState.LOCAL.value, OpState.SENDING.value)
_FOR_A_PERSON = (OpState.HELD.value, OpState.CONFLICT.value, OpState.REVIEW.value)


@lease.shows_no_customer
def signed_in(session: Session) -> SignedIn | None:
    """Who works here; None before the first sign-in and after signing out."""
    body = session.execute(select(KEPT.c.body).where(KEPT.c.key == PERSON)).scalar()
    if body is None:
        return None
    person = Person.model_validate(body)
    sites = session.execute(select(SITE.c.name).where(SITE.c.id.in_(person.site_ids)).order_by(SITE.c.code))
    return SignedIn(
        account_id=person.account_id,
        staff_id=person.staff_id,
        name=person.name,
        role=person.role,
        site_names=tuple(name for name in sites.scalars() if name),
    )


@lease.shows_no_customer
def sync_status(session: Session) -> SyncStatus:
    """The truth about the connection and about what is still only here."""
    connection: Json = meta.read(session, meta.CONNECTION) or {}
    fresh = Freshness.model_validate(
        meta.read(session, meta.FRESHNESS) or {"scanned_at": None, "scanned_for": None, "feeds": {}}
    )
    unsent, oldest = session.execute(
        select(func.count(), func.min(OPERATION.c.captured_at)).where(OPERATION.c.state.in_(_UNSENT))
    ).one()
    mine = OPERATION.c.account_id == _account_id(session)
    waiting = select(func.count()).where(mine, OPERATION.c.state.in_(_FOR_A_PERSON), ~OPERATION.c.settled)
    return SyncStatus(
        online=bool(connection.get("online")),
        catching_up=bool(connection.get("catching_up")),
        last_success_at=_instant(connection.get("last_success_at")),
        offline_since=_instant(connection.get("offline_since")),
        unsent=unsent,
        oldest_unsent_at=oldest,
        needs_person=session.execute(waiting).scalar_one(),
        scanned_at=fresh.scanned_at,
        scanned_for=fresh.scanned_for,
        feeds=fresh.feeds,
        problem=connection.get("problem") or "",
        lease_until=_instant(meta.read(session, meta.LEASE)),
        lease_over=lease.hides_customers(session),
        state=connection.get("state") or "",
        progress=connection.get("progress"),
    )


@lease.shows_no_customer
def unsent_items(session: Session) -> list[UnsentItem]:
    """What is not at the centre, or waits for a person, oldest first. What others entered here is not shown in full."""
    account_id = _account_id(session)
    wanted = OPERATION.c.state.in_((*_UNSENT, *_FOR_A_PERSON)) & ~OPERATION.c.settled
    statement = (
        select(OPERATION, CUSTOMER.c.name.label("customer_name"))
        .outerjoin(CUSTOMER, CUSTOMER.c.id == OPERATION.c.customer_id)
        .where(wanted)
        .order_by(OPERATION.c.position)
    )
    return [_unsent(row, mine=row.account_id == account_id) for row in session.execute(statement)]


def _account_id(session: Session) -> UUID | None:
    body = session.execute(select(KEPT.c.body).where(KEPT.c.key == PERSON)).scalar()
    return Person.model_validate(body).account_id if body else None


def _unsent(row: Row[Any], *, mine: bool) -> UnsentItem:
    result: Json = row.result or {}
    decided = Decided.model_validate(result[DECIDED]) if DECIDED in result else None
    return UnsentItem(
        n=row.position,
        op_id=row.op_id,
        kind=row.kind,
        customer_name=row.customer_name or "",
        captured_at=row.captured_at,
        delivery=Delivery(row.state),
        reason=result.get("reason") or "",
        customer_id=row.customer_id if mine else None,
        row_id=row.row_id if mine else None,
        body=row.body if mine else {},
        theirs=tuple(Theirs.model_validate(one) for one in result.get("theirs") or ()) if mine else (),
        decision=decided.decision if decided else "",
        decided_by=decided.by if decided else "",
        decision_note=decided.note if decided and mine else "",
    )


@lease.shows_no_customer
def overview(session: Session) -> Overview | None:
    """The group in numbers, as the centre last counted them; None for roles that are not given them."""
    body = meta.read(session, meta.OVERVIEW)
    return None if body is None else Overview.model_validate(body)


def draft(session: Session, key: str) -> Json | None:
    """A form left unfinished (see commands.save_draft)."""
    body: Json | None = session.execute(select(DRAFT.c.body).where(DRAFT.c.key == key)).scalar()
    return body


def _instant(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
