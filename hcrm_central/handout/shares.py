"""Shares: who opened which child's page to a tablet, for how long, and what opens it.

A link holds 256 random bits, a code eight digits; the database keeps their SHA-256. A share lives an hour at most, and
no longer than the session it was made in; whoever made it may end it before. Row security decides with every reading
whether the sharer still sees the child.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central import accounts
from hcrm_central.api.centre import Centre
from hcrm_central.api.sessions import SignedIn
from hcrm_central.audit import audit
from hcrm_central.store import tables
from hcrm_central.store.engine import Principal, declare, transaction
from hcrm_central.store.tables import Account, ShareKey, Token
from hcrm_core.errors import NotPermitted
from hcrm_core.handout import Share, ShareRequest
from hcrm_store.people import Customer

LIFETIME = timedelta(hours=1)
CODE_DIGITS = 8
LINK, CODE = "link", "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A share that holds: whose page, and as whom it is read."""

    customer_id: UUID
    principal: Principal
    expires_at: datetime


def share(here: Centre, who: SignedIn, *, request: ShareRequest, page: str) -> Share:
    """Open a child's page for an hour.

    Args:
        page: the address of `/h`, as a tablet reaches it.

    Raises:
        NotPermitted: the sharer does not see the child.
    """
    now, token = here.clock.now(), secrets.token_urlsafe(32)
    with transaction(here.store.service, who.principal) as session:
        if not _sees(session, request.customer_id):
            raise NotPermitted("this customer is not yours to share", remedy="ask whoever looks after the customer")
        made = tables.Share(
            account_id=who.principal.account_id,
            device_id=who.device_id,
            family_id=who.family_id,
            customer_id=request.customer_id,
            made_at=now,
            expires_at=now + LIFETIME,
        )
        session.add(made)
        session.flush()
        code = _free_code(session)
        session.add_all(
            _key(made.id, secret=secret, purpose=purpose) for secret, purpose in ((token, LINK), (code, CODE))
        )
        _note(session, "share:made", here=here, share=made)
    return Share(id=made.id, url=f"{page}/{token}", code=code, page=page, expires_at=made.expires_at)


def end(here: Centre, who: SignedIn, *, share_id: UUID) -> None:
    """End a share before its time. A second time changes nothing.

    Raises:
        NotPermitted: somebody else shared it, or nobody.
    """
    with transaction(here.store.service, who.principal) as session:
        found = session.get(tables.Share, share_id, with_for_update=True)
        if found is None or found.account_id != who.principal.account_id:
            raise NotPermitted("this page was not shared by you", remedy="ask whoever shared it; it ends by itself")
        if found.ended_at is None:
            found.ended_at = here.clock.now()
            _note(session, "share:ended", here=here, share=found)


def opened(here: Centre, token: str) -> Opened | None:
    """The share behind a link, if it holds and the sharer still sees the child."""
    with Session(here.store.service) as session:
        key = session.get(ShareKey, _hash(token))
        if key is None or key.purpose != LINK:
            return None
        found = session.get_one(tables.Share, key.share_id)
        account = session.get_one(Account, found.account_id)
        if not _holds(session, found, now=here.clock.now()) or not accounts.may_work(session, account):
            return None
        principal = accounts.principal_of(session, account)
        declare(session, principal)
        if not _sees(session, found.customer_id):
            return None
        return Opened(customer_id=found.customer_id, principal=principal, expires_at=found.expires_at)


def exchange(here: Centre, code: str) -> str | None:
    """A link for a code; None if the code is wrong, was used, or its share ended."""
    now, token = here.clock.now(), secrets.token_urlsafe(32)
    with transaction(here.store.service) as session:
        key = session.get(ShareKey, _hash(code), with_for_update=True)
        if key is None or key.purpose != CODE or key.used_at is not None:
            return None
        if not _holds(session, session.get_one(tables.Share, key.share_id), now=now):
            return None
        key.used_at = now
        session.add(_key(key.share_id, secret=token, purpose=LINK))
    return token


def _holds(session: Session, found: tables.Share, *, now: datetime) -> bool:
    """Until its hour is over, it was ended, or the sharer's session is."""
    if found.ended_at is not None or found.expires_at <= now:
        return False
    of_session = (Token.family_id == found.family_id, Token.revoked_at.is_(None), Token.expires_at > now)
    return session.scalar(select(Token.hash).where(*of_session).limit(1)) is not None


def _sees(session: Session, customer_id: UUID) -> bool:
    """Whether row security shows the child to whoever was declared."""
    return session.scalar(select(Customer.id).where(Customer.id == customer_id)) is not None


def _free_code(session: Session) -> str:
    """One that nobody was ever given, as far as shares are remembered."""
    while True:
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        if session.get(ShareKey, _hash(code)) is None:
            return code


def _key(share_id: UUID, *, secret: str, purpose: str) -> ShareKey:
    return ShareKey(hash=_hash(secret), purpose=purpose, share_id=share_id)


def _note(session: Session, action: str, *, here: Centre, share: tables.Share) -> None:
    audit(
        session,
        action,
        clock=here.clock,
        account_id=share.account_id,
        device_id=share.device_id,
        subject_kind="share",
        subject_id=share.id,
        customer_id=share.customer_id,
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
