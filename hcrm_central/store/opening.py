"""Open the central store: a private PostgreSQL of ours, or the addresses that production gives."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, create_engine, text

from hcrm_central.settings import Settings
from hcrm_central.store import postgres
from hcrm_central.store.engine import make_engine
from hcrm_central.store.migrate import APP_ROLE, JOBS_ROLE, ensure_roles

SERVICE_LOGIN, WORKER_LOGIN = "hcrm_service", "hcrm_worker"
DATABASE = "hcrm"


@dataclass(frozen=True, slots=True)
class Addresses:
    """SQLAlchemy addresses by duty."""

    service: str
    jobs: str
    owner: str


@dataclass(frozen=True, slots=True)
class Store:
    """Open engines. `owner` migrates and nothing else."""

    service: Engine
    jobs: Engine
    owner: Engine

    def dispose(self) -> None:
        for engine in (self.service, self.jobs, self.owner):
            engine.dispose()


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The store for as long as the block runs; a private server is stopped afterwards.

    Raises:
        StoreUnusable: if a private server cannot start.
    """
    if settings.database_url and settings.jobs_database_url:
        owner = settings.owner_database_url or settings.jobs_database_url
        yield from _opened(
            Addresses(
                settings.database_url.get_secret_value(),
                settings.jobs_database_url.get_secret_value(),
                owner.get_secret_value(),
            )
        )
        return
    server = postgres.start(
        settings.data_dir / "postgres",
        logins=(SERVICE_LOGIN, WORKER_LOGIN),
        binaries=settings.postgres_bin,
        durable=settings.durable,
    )
    try:
        yield from _opened(prepare(server, DATABASE))
    finally:
        server.stop()


def prepare(server: postgres.PrivatePostgres, database: str) -> Addresses:
    """Make the database and the logins of a private server if they are not there yet."""
    maintenance = create_engine(server.url(postgres.SUPERUSER, "postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        found = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": database})
        if found.first() is None:
            connection.execute(text(f'CREATE DATABASE "{database}"'))
    ensure_roles(
        maintenance,
        {
            SERVICE_LOGIN: (APP_ROLE, server.passwords[SERVICE_LOGIN]),
            WORKER_LOGIN: (JOBS_ROLE, server.passwords[WORKER_LOGIN]),
        },
    )
    maintenance.dispose()
    return Addresses(
        server.url(SERVICE_LOGIN, database),
        server.url(WORKER_LOGIN, database),
        server.url(postgres.SUPERUSER, database),
    )


def _opened(addresses: Addresses) -> Iterator[Store]:
    store = Store(make_engine(addresses.service), make_engine(addresses.jobs), make_engine(addresses.owner))
    try:
        yield store
    finally:
        store.dispose()
