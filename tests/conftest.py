"""What all tests share: an environment that is the same everywhere, and a real PostgreSQL for those who ask."""

import os

# Before the first PySide6 import, so that every test sees the same screen (see docs/architecture.md).
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_SCALE_FACTOR"] = "1"
os.environ["QT_FONT_DPI"] = "96"
os.environ["TZ"] = "Asia/Shanghai"

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from hcrm_central.store import postgres
from hcrm_central.store.engine import make_engine
from hcrm_central.store.migrate import migrate
from hcrm_central.store.opening import SERVICE_LOGIN, WORKER_LOGIN, Store, prepare
from tests.fakes import FakeClock

settings.register_profile("unhurried", parent=settings(), deadline=None)  # no test asserts wall time
settings.load_profile("unhurried")

_numbers = itertools.count(1)
_KINDS = ("unit", "gui", "central", "sync", "acceptance")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick kinds first; inside a kind the random order stays."""

    def rank(item: pytest.Item) -> int:
        kind = item.path.relative_to(Path(__file__).parent).parts[0]
        return _KINDS.index(kind) if kind in _KINDS else len(_KINDS)

    items.sort(key=rank)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PrivatePostgres]:
    """One throw-away server a test process. The folder is readable by the unprivileged server user."""
    folder = Path(tempfile.mkdtemp(prefix="hcrm-test-"))
    folder.chmod(0o711)
    server = postgres.start(folder / "pg", logins=(SERVICE_LOGIN, WORKER_LOGIN), durable=False)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_server: postgres.PrivatePostgres) -> str:
    """A migrated database that every test copies."""
    addresses = prepare(postgres_server, "template_hcrm")
    owner = create_engine(addresses.owner)
    migrate(owner)
    owner.dispose()
    return "template_hcrm"


@pytest.fixture
def store(postgres_server: postgres.PrivatePostgres, template_database: str) -> Iterator[Store]:
    """A fresh migrated database of this test's own."""
    with copied(postgres_server, template_database) as found:
        yield found


@contextmanager
def copied(server: postgres.PrivatePostgres, template: str) -> Iterator[Store]:
    """A copy of a database for as long as the block runs."""
    name = f"test_{next(_numbers)}"
    maintenance = create_engine(server.url(postgres.SUPERUSER, "postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    opened = Store(
        make_engine(server.url(SERVICE_LOGIN, name)),
        make_engine(server.url(WORKER_LOGIN, name)),
        make_engine(server.url(postgres.SUPERUSER, name)),
    )
    yield opened
    opened.dispose()
    with maintenance.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    maintenance.dispose()
