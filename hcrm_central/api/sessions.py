"""Sessions: opaque tokens bound to a device, short access and rotating refresh.

A token is 256 random bits; the database holds its SHA-256. All tokens that descend from one sign-in are a family. A
refresh is exchanged once. Should it come again, the answer to the first exchange may have been lost on the way, so it
is exchanged again as long as nothing it bought was ever used; after that it is a copy in other hands, and the family
ends.

A workstation that was blocked, or ordered to empty itself, is told so before anything else is looked at: it must hear
it though its session ended long ago.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm_central import accounts
from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.audit import audit
from hcrm_central.store.engine import Principal, transaction
from hcrm_central.store.tables import Account, Device, Token
from hcrm_core.wire import DeviceClaim, LoginRequest, Person, RefreshRequest, RefusalCode, TokenResponse
from hcrm_store.base import new_id
from hcrm_store.organisation import Staff

ACCESS, REFRESH = "access", "refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who asks, on which device."""

    principal: Principal
    person: Person
    device_id: UUID
    family_id: UUID


def sign_in(here: Centre, request: LoginRequest, *, address: str) -> TokenResponse:
    """Exchange a password for tokens, and register the device if it is new.

    Raises:
        Refused: too many attempts, wrong credentials, account not in use, device revoked or another's.
    """
    username = accounts.normal_username(request.username)
    here.attempts.begin(username=username, address=address)
    account = _account_named(here.store.service, username)
    matches = accounts.password_matches(account.password_hash if account else None, request.password)
    with transaction(here.store.service) as session:
        granted = _admit(session, here, account=account if matches else None, claim=request.device)
        refused = isinstance(granted, RefusalCode)
        audit(
            session,
            "account:sign_in_failed" if refused else "account:signed_in",
            clock=here.clock,
            account_id=account.id if account else None,
            device_id=request.device.id,
            detail={"reason": granted} if refused else None,
        )
    if isinstance(granted, RefusalCode):
        here.attempts.failed(address=address)
        raise Refused(granted)
    here.attempts.succeeded(username=username)
    return granted


def _account_named(engine: Engine, username: str) -> Account | None:
    with Session(engine, expire_on_commit=False) as session:
        return session.scalar(select(Account).where(Account.username == username))


def _admit(
    session: Session, here: Centre, *, account: Account | None, claim: DeviceClaim
) -> TokenResponse | RefusalCode:
    if barred := _barred(session.get(Device, claim.id), claim.secret):
        return barred
    if account is None:
        return RefusalCode.WRONG_CREDENTIALS
    if not accounts.may_work(session, account):
        return RefusalCode.ACCOUNT_INACTIVE
    device = _registered(session, here, claim)
    if not secret_matches(device, claim.secret):
        return RefusalCode.DEVICE_MISMATCH
    device.account_id = account.id
    return _grant(session, here, account=account, device_id=device.id, family_id=new_id())


def _registered(session: Session, here: Centre, claim: DeviceClaim) -> Device:
    """The device, new or known; its name and version follow the claim only if the secret is right."""
    hashed = _hash(claim.secret)
    told = {"name": claim.name, "app_version": claim.app_version}
    new = insert(Device).values(id=claim.id, secret_hash=hashed, created_at=here.clock.now(), **told)
    session.execute(new.on_conflict_do_nothing())
    session.execute(update(Device).where(Device.id == claim.id, Device.secret_hash == hashed).values(told))
    return session.get_one(Device, claim.id)


def secret_matches(device: Device | None, secret: str) -> bool:
    """Whether it is the device that was registered."""
    return device is not None and hmac.compare_digest(device.secret_hash, _hash(secret))


def _barred(device: Device | None, secret: str) -> RefusalCode | None:
    """Why a workstation may not come in at all. Said to itself alone."""
    if device is None or not secret_matches(device, secret):
        return None
    if device.wipe_ordered_at and device.surrendered_at is None:
        return RefusalCode.DEVICE_WIPED
    return RefusalCode.DEVICE_REVOKED if device.revoked_at or device.surrendered_at else None


def _grant(session: Session, here: Centre, *, account: Account, device_id: UUID, family_id: UUID) -> TokenResponse:
    now = here.clock.now()
    expiry = {ACCESS: now + here.settings.access_lifetime, REFRESH: now + here.settings.refresh_lifetime}
    plain = {purpose: secrets.token_urlsafe(32) for purpose in expiry}
    for purpose, token in plain.items():
        session.add(
            Token(
                hash=_hash(token),
                purpose=purpose,
                account_id=account.id,
                device_id=device_id,
                family_id=family_id,
                issued_at=now,
                expires_at=expiry[purpose],
            )
        )
    return TokenResponse(
        access_token=plain[ACCESS],
        access_expires_at=expiry[ACCESS],
        refresh_token=plain[REFRESH],
        refresh_expires_at=expiry[REFRESH],
        person=accounts.person_of(account, accounts.principal_of(session, account)),
    )


def refresh(here: Centre, request: RefreshRequest) -> TokenResponse:
    """Exchange a refresh token for a new pair.

    Raises:
        Refused: token unknown, expired, revoked or replayed; device revoked or another's; account not in use.
    """
    with transaction(here.store.service) as session:
        if barred := _barred(session.get(Device, request.device.id), request.device.secret):
            raise Refused(barred)
        token = session.get(Token, _hash(request.refresh_token), with_for_update=True)
        if token is None:
            raise Refused(RefusalCode.SESSION_ENDED)
        refusal = _why_no_exchange(session, token, claim=request.device, now=here.clock.now())
        granted = None if refusal else _exchange(session, here, token)
        if refusal and token.used_at:
            _end_replayed(session, here, token)
    if granted is None:
        raise Refused(refusal or RefusalCode.SESSION_ENDED)
    return granted


def _why_no_exchange(session: Session, token: Token, *, claim: DeviceClaim, now: datetime) -> RefusalCode | None:
    if token.purpose != REFRESH or token.revoked_at or token.expires_at <= now:
        return RefusalCode.SESSION_ENDED
    device = session.get(Device, claim.id) if claim.id == token.device_id else None
    if not secret_matches(device, claim.secret):
        return RefusalCode.DEVICE_MISMATCH
    if token.used_at and _successor_used(session, token):
        return RefusalCode.SESSION_ENDED
    usable = accounts.may_work(session, session.get_one(Account, token.account_id))
    return None if usable else RefusalCode.ACCOUNT_INACTIVE


def _successor_used(session: Session, token: Token) -> bool:
    later = (Token.family_id == token.family_id, Token.issued_at > token.issued_at)
    return session.scalar(select(Token.hash).where(*later, Token.used_at.is_not(None)).limit(1)) is not None


def _exchange(session: Session, here: Centre, token: Token) -> TokenResponse:
    now = here.clock.now()
    lost = (Token.family_id == token.family_id, Token.issued_at > token.issued_at, Token.revoked_at.is_(None))
    session.execute(update(Token).where(*lost).values(revoked_at=now))
    token.used_at = now
    account = session.get_one(Account, token.account_id)
    return _grant(session, here, account=account, device_id=token.device_id, family_id=token.family_id)


def _end_replayed(session: Session, here: Centre, token: Token) -> None:
    _end_family(session, token.family_id, at=here.clock.now())
    audit(session, "session:replayed", clock=here.clock, account_id=token.account_id, device_id=token.device_id)


def sign_out(here: Centre, who: SignedIn) -> None:
    """End the session on this device."""
    with transaction(here.store.service) as session:
        _end_family(session, who.family_id, at=here.clock.now())
        account_id = who.principal.account_id
        audit(session, "account:signed_out", clock=here.clock, account_id=account_id, device_id=who.device_id)


def _end_family(session: Session, family_id: UUID, *, at: datetime) -> None:
    session.execute(update(Token).where(Token.family_id == family_id, Token.revoked_at.is_(None)).values(revoked_at=at))


def authenticate(here: Centre, *, token: str, device_id: UUID, device_secret: str) -> SignedIn:
    """Who sends this access token.

    Raises:
        Refused: device blocked or to be wiped; token unknown, expired or revoked; device another's; account not in use.
    """
    with Session(here.store.service) as session:
        at_hand = _at_hand(session, token, device_id=device_id)
        device = at_hand.Device if at_hand else session.get(Device, device_id)
        if barred := _barred(device, device_secret):
            raise Refused(barred)
        found = session.get(Token, _hash(token))
        if found is None or found.purpose != ACCESS or found.revoked_at or found.expires_at <= here.clock.now():
            raise Refused(RefusalCode.SESSION_ENDED)
        if device_id != found.device_id or not secret_matches(device, device_secret):
            raise Refused(RefusalCode.DEVICE_MISMATCH)
        account = session.get_one(Account, found.account_id)
        if not accounts.may_work(session, account):
            raise Refused(RefusalCode.ACCOUNT_INACTIVE)
        who = _signed_in(session, account, device_id=device_id, family_id=found.family_id)
        first_use = found.used_at is None
    if first_use:
        _note_use(here, token)
    return who


def _at_hand(session: Session, token: str, *, device_id: UUID) -> Any:
    """What is looked at with every request, in one statement: while it is held, the session asks for none of it again.

    None if device or token is unknown. Why Any: each release of SQLAlchemy writes the type of a row in another way.
    """
    known = (
        select(Device, Token, Account, Staff)
        .select_from(Device)
        .join(Token, Token.hash == _hash(token))
        .join(Account, Account.id == Token.account_id)
        .outerjoin(Staff, Staff.id == Account.staff_id)
    )
    return session.execute(known.where(Device.id == device_id)).one_or_none()


def _signed_in(session: Session, account: Account, *, device_id: UUID, family_id: UUID) -> SignedIn:
    principal = accounts.principal_of(session, account)
    person = accounts.person_of(account, principal)
    return SignedIn(principal=principal, person=person, device_id=device_id, family_id=family_id)


def _note_use(here: Centre, token: str) -> None:
    """The first use proves that the answer which carried the token arrived."""
    with transaction(here.store.service) as session:
        session.execute(update(Token).where(Token.hash == _hash(token)).values(used_at=here.clock.now()))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
