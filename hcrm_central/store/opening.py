"""Open the central store: a private PostgreSQL of ours, or the addresses that production gives."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from hcrm_central.settings import Settings
from hcrm_central.store import postgres
from hcrm_central.store.engine import make_engine
from hcrm_central.store.exclusive import exclusive
from hcrm_central.store.migrate import APP_ROLE, JOBS_ROLE, ensure_roles
from hcrm_core.errors import StoreUnusable

SERVICE_LOGIN, WORKER_LOGIN = "hcrm_service", "hcrm_worker"
DATABASE = "hcrm"
PRESENCE = "hcrm presence"


@dataclass(frozen=True, slots=True)
class Addresses:
    """SQLAlchemy addresses by duty."""

    service: str
    jobs: str
    owner: str


@dataclass(frozen=True, slots=True)
class Store:
    """Open engines. `owner` migrates and compacts, and nothing else."""

    service: Engine
    jobs: Engine
    owner: Engine

    def dispose(self) -> None:
        for engine in (self.service, self.jobs, self.owner):
            engine.dispose()


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The store for as long as the block runs.

    A private server is shared by the commands that run at the same time; the last one to leave stops it.

    Raises:
        StoreUnusable: if a private server cannot start, or only one of two addresses is given.
    """
    given = _given(settings)
    with nullcontext(given) if given else _private(settings) as addresses:
        yield from _opened(addresses)


def _given(settings: Settings) -> Addresses | None:
    """The addresses of a server that somebody else runs."""
    service, jobs = settings.database_url, settings.jobs_database_url
    if service is None and jobs is None:
        return None
    if service is None or jobs is None:
        raise StoreUnusable(
            "one database address is given without the other",
            remedy="set both HCRM_DATABASE_URL and HCRM_JOBS_DATABASE_URL, or neither",
        )
    owner = settings.owner_database_url or jobs
    return Addresses(*(_with_driver(address.get_secret_value()) for address in (service, jobs, owner)))


def _with_driver(address: str) -> str:
    try:
        url = make_url(address)
    except ArgumentError:
        raise StoreUnusable(
            "a database address cannot be read", remedy="write it like postgresql://login:password@host/database"
        ) from None
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@contextmanager
def _private(settings: Settings) -> Iterator[Addresses]:
    _make_folder(settings.data_dir)
    gate = settings.data_dir / "postgres.lock"  # nobody comes in while another decides whether to switch off the light
    with exclusive(gate):
        server = postgres.start(
            settings.data_dir / "postgres",
            logins=(SERVICE_LOGIN, WORKER_LOGIN),
            binaries=settings.postgres_bin,
            durable=settings.durable,
        )
        addresses = prepare(server, DATABASE)
        presence = create_engine(
            server.url(postgres.SUPERUSER, "postgres"),
            isolation_level="AUTOCOMMIT",
            connect_args={"application_name": PRESENCE},
        )
        here = presence.connect()
    try:
        yield addresses
    finally:
        with exclusive(gate):
            alone = _is_last(here)
            presence.dispose()
            if alone:
                server.stop()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        remedy = "name a folder that can be written with HCRM_DATA_DIR"
        raise StoreUnusable(
            f"the folder {folder} cannot be made ({type(failure).__name__})", remedy=remedy
        ) from failure


def _is_last(here: Connection) -> bool:
    """Whether no other process holds a connection that says it is there. A killed process holds none."""
    others = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND pid <> pg_backend_pid()")
    try:
        with here:
            return not here.execute(others, {"name": PRESENCE}).scalar_one()
    except OperationalError:  # the server is gone already
        return True


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
