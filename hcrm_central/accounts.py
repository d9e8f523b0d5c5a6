"""Accounts: passwords, and what an account's role and staff member amount to."""

import threading
import unicodedata
from datetime import datetime
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from hcrm_central.audit import audit
from hcrm_central.store.engine import Principal, transaction
from hcrm_central.store.tables import Account, Token
from hcrm_core.errors import Rejected
from hcrm_core.terms import Role
from hcrm_core.wire import Person
from hcrm_store.base import new_id
from hcrm_store.clock import Clock
from hcrm_store.organisation import Site, Staff

MIN_PASSWORD = 8  # characters: NIST SP 800-63B §5.1.1.2
NEEDS_STAFF = {Role.ASSISTANT, Role.OPTOMETRIST}  # they see what is assigned to them as staff
GROUP_WIDE = {Role.MANAGER, Role.EXECUTIVE}

_hasher = PasswordHasher()  # Argon2id, the parameters of RFC 9106's low-memory profile
# A hash takes 64 MiB: a burst of sign-ins must wait in line and not exhaust the machine.
_hashing = threading.BoundedSemaphore(4)


def normal_username(text: str) -> str:
    """A username as it is stored and compared: without case, width or surrounding blanks."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def password_matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed. An unknown account (None) costs the same work."""
    with _hashing:
        try:
            _hasher.verify(stored or _nobodys_hash(), password)
        except (VerifyMismatchError, InvalidHashError):
            return False
    return stored is not None


def hash_password(password: str) -> str:
    with _hashing:
        return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(str(new_id()))


def create_account(
    engine: Engine,
    *,
    username: str,
    password: str,
    role: Role,
    clock: Clock,
    staff_code: str | None = None,
    name: str | None = None,
) -> UUID:
    """Make an account that may sign in.

    Args:
        engine: the jobs' or the owner's.
        staff_code: the member of staff it acts as; needed by assistants and optometrists.
        name: shown at the workstation; the staff member's name if not given.

    Raises:
        Rejected: ``username_missing``, ``password_too_short``, ``username_taken``, ``staff_needed``,
            ``unknown_staff``.
    """
    wanted = normal_username(username)
    _check(wanted, password=password, role=role, staff_code=staff_code)
    account_id, hashed = new_id(), hash_password(password)
    with transaction(engine) as session:
        if session.scalar(select(Account.id).where(Account.username == wanted)):
            raise Rejected("username_taken", f"there is already an account {wanted!r}; choose another username")
        staff = _staff(session, staff_code)
        session.add(
            Account(
                id=account_id,
                username=wanted,
                password_hash=hashed,
                role=role,
                staff_id=staff.id if staff else None,
                name=name or (staff.name if staff else wanted),
                created_at=clock.now(),
            )
        )
        audit(
            session,
            "account:created",
            clock=clock,
            account_id=None,
            device_id=None,
            subject_kind="account",
            subject_id=account_id,
            detail={"role": role},
        )
    return account_id


def set_active(engine: Engine, *, username: str, active: bool, clock: Clock) -> None:
    """Take an account out of use, or into use again. Out of use it is refused with its next request.

    Raises:
        Rejected: ``unknown_account``.
    """
    with transaction(engine) as session:
        account = _known(session, username)
        account.active = active
        end_sessions(session, at=clock.now(), account_id=account.id)
        _audit_change(session, "account:unblocked" if active else "account:blocked", account, clock=clock)


def set_password(engine: Engine, *, username: str, password: str, clock: Clock) -> None:
    """Give an account another password. Whoever is signed in with the former one signs in again.

    Raises:
        Rejected: ``unknown_account``, ``password_too_short``.
    """
    _check_password(password)
    hashed = hash_password(password)
    with transaction(engine) as session:
        account = _known(session, username)
        account.password_hash = hashed
        end_sessions(session, at=clock.now(), account_id=account.id)
        _audit_change(session, "account:password_set", account, clock=clock)


def end_sessions(
    session: Session, *, at: datetime, account_id: UUID | None = None, device_id: UUID | None = None
) -> None:
    """End every session of an account or of a device: who may come in again signs in again."""
    of = Token.account_id == account_id if account_id else Token.device_id == device_id
    session.execute(update(Token).where(of, Token.revoked_at.is_(None)).values(revoked_at=at))


def _known(session: Session, username: str) -> Account:
    wanted = normal_username(username)
    found = session.scalar(select(Account).where(Account.username == wanted).with_for_update())
    if found is None:
        raise Rejected("unknown_account", f"there is no account {wanted!r}")
    return found


def _audit_change(session: Session, action: str, account: Account, *, clock: Clock) -> None:
    audit(
        session,
        action,
        clock=clock,
        account_id=None,
        device_id=None,
        subject_kind="account",
        subject_id=account.id,
    )


def _check_password(password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise Rejected("password_too_short", f"a password has at least {MIN_PASSWORD} characters")


def _check(username: str, *, password: str, role: Role, staff_code: str | None) -> None:
    if not username:
        raise Rejected("username_missing", "a username is needed")
    _check_password(password)
    if role in NEEDS_STAFF and not staff_code:
        raise Rejected("staff_needed", f"an account in role {role} acts as a member of staff: give --staff-code")


def _staff(session: Session, code: str | None) -> Staff | None:
    if not code:
        return None
    found = session.scalar(select(Staff).where(Staff.code == code))
    if found is None:
        raise Rejected("unknown_staff", f"there is no member of staff with code {code!r}")
    return found


def may_work(session: Session, account: Account) -> bool:
    """Whether an account is in use. Somebody who left the clinic is out even if the account was forgotten."""
    if not account.active:
        return False
    staff = session.get(Staff, account.staff_id) if account.staff_id else None
    return staff is None or staff.active


def principal_of(session: Session, account: Account) -> Principal:
    """What row security decides by: managers and executives are of all sites, staff of their own."""
    return Principal(
        account_id=account.id,
        staff_id=account.staff_id,
        role=account.role,
        site_ids=tuple(_site_ids(session, account)),
    )


def _site_ids(session: Session, account: Account) -> list[UUID]:
    if account.role in GROUP_WIDE:
        return list(session.scalars(select(Site.id).where(Site.active).order_by(Site.code)))
    staff = session.get(Staff, account.staff_id) if account.staff_id else None
    if staff is None or account.role not in NEEDS_STAFF:
        return []
    return [staff.site_id, *_sites_besides(session, staff)] if account.role is Role.ASSISTANT else [staff.site_id]


def _sites_besides(session: Session, staff: Staff) -> list[UUID]:
    """Other sites where an assistant looks after somebody: a child who moved stays with the one he knows."""
    assigned = session.scalars(select(func.hcrm.assigned_sites(staff.id)))
    return sorted(site for site in assigned if site != staff.site_id)


def person_of(account: Account, principal: Principal) -> Person:
    """The signed-in account, as the workstation shows it."""
    return Person(
        account_id=account.id,
        staff_id=account.staff_id,
        name=account.name,
        role=account.role,
        site_ids=list(principal.site_ids),
    )
