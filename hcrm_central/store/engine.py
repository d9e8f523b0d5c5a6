"""Engines and transactions.

Three duties, three logins: the owner migrates, the service answers people (row security applies), the jobs
scan and import. `transaction()` is the one way to write: it says who asks, and stamps the streams last.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from hcrm_core.terms import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: what row security decides by."""

    account_id: UUID
    staff_id: UUID | None
    role: Role
    site_ids: tuple[UUID, ...]


# Rules are many small conditions: compiling them takes longer than evaluating them (docs/scale.md). A scan's sorts and
# hashes of everybody fit into 64 MB up to some hundred thousand customers.
_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
    "work_mem": "64MB",
}


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine whose connections are checked before use and speak UTC."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # a failing statement must not put patient data into an exception or a log
        connect_args={"options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())},
    )


@contextmanager
def transaction(engine: Engine, principal: Principal | None = None) -> Iterator[Session]:
    """One write transaction, committed on leaving and rolled back on any error.

    Args:
        engine: the service's engine (then a principal is needed to see anything) or the jobs'.
        principal: who asks.
    """
    with Session(engine, expire_on_commit=False) as session, session.begin():
        declare(session, principal)
        yield session
        session.flush()
        stamp(session)


@contextmanager
def snapshot(engine: Engine, principal: Principal | None = None) -> Iterator[Session]:
    """One read-only snapshot: everything read inside belongs together."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, Session(connection) as session, session.begin():
        declare(session, principal)
        yield session


def declare(session: Session, principal: Principal | None) -> None:
    """Tell row security, for this transaction, who asks."""
    if principal is None:
        return
    session.execute(
        text(
            "SELECT set_config('hcrm.account_id', :account, true), set_config('hcrm.staff_id', :staff, true),"
            " set_config('hcrm.role', :role, true), set_config('hcrm.site_ids', :sites, true)"
        ),
        {
            "account": str(principal.account_id),
            "staff": str(principal.staff_id or ""),
            "role": principal.role.value,
            "sites": ",".join(str(site) for site in principal.site_ids),
        },
    )


def stamp(session: Session) -> None:
    """Number every row changed in this transaction in its stream. Must be the last statement before commit:
    the counter row's lock, held to commit, is what makes the order of numbers the order of commits."""
    session.execute(text("SELECT hcrm.stamp()"))
