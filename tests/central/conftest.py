"""A small clinic behind a served centre, and workstations signed in to it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import create_engine, text

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store import postgres
from hcrm_central.store.opening import Store
from hcrm_core.wire import Json
from tests.conftest import copied
from tests.factories import Clinic, Stage, Workstation, make_clinic, serving
from tests.fakes import FakeClock

SignIn = Callable[[str], Workstation]


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    found = Stage()
    with serving(found) as url:
        found.url = url
        yield found


@pytest.fixture(scope="session")
def wire(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.url) as http:
        yield http


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(login_attempts="10/minute", data_dir=tmp_path)


@dataclass(frozen=True, slots=True)
class Built:
    """The clinic in a database of its own, which is put back as it was before each test."""

    store: Store
    clinic: Clinic

    def save(self) -> None:
        for table in self._tables():
            self._run(f"CREATE TABLE saved.{table} AS TABLE public.{table}")

    def restore(self) -> None:
        """Much quicker than a fresh database: connections and compiled statements stay warm."""
        tables = self._tables()
        emptied = [f"DELETE FROM public.{table}" for table in tables]
        filled = [f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE TABLE saved.{table}" for table in tables]
        self._run("SET LOCAL session_replication_role = replica", *emptied, *filled)

    def _tables(self) -> list[str]:
        with self.store.owner.connect() as connection:
            found = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            return list(found.scalars())

    def _run(self, *statements: str) -> None:
        with self.store.owner.begin() as connection:
            connection.execute(text(";".join(statements)))


@pytest.fixture(scope="session")
def built(postgres_server: postgres.PrivatePostgres, template_database: str) -> Iterator[Built]:
    with copied(postgres_server, template_database) as store:
        found = Built(store, make_clinic(store, FakeClock()))
        with store.owner.begin() as connection:
            connection.execute(text("CREATE SCHEMA saved"))
        found.save()
        yield found


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """The clinic's database for those who ask for the clinic, else an empty one of this test's own."""
    if "clinic" in request.fixturenames:
        built: Built = request.getfixturevalue("built")
        built.restore()
        yield built.store
        return
    template = request.getfixturevalue("template_database")
    with copied(request.getfixturevalue("postgres_server"), template) as found:
        yield found


@pytest.fixture
def clinic(built: Built, store: Store) -> Clinic:
    return built.clinic


@pytest.fixture
def app(store: Store, settings: Settings, clock: FakeClock) -> FastAPI:
    return create_app(store, settings, clock=clock)


@pytest.fixture(scope="session")
def documented() -> Json:
    """The paths of OpenAPI: the same for every store."""
    nowhere = create_engine("postgresql+psycopg://")
    paths: Json = create_app(Store(nowhere, nowhere, nowhere), Settings(), clock=FakeClock()).openapi()["paths"]
    return paths


@pytest.fixture
def centre(stage: Stage, wire: httpx.Client, app: FastAPI, documented: Json) -> Iterator[httpx.Client]:
    """Real HTTP to the application of this test. Each answer must be one that OpenAPI tells of."""
    stage.app = app

    def check(response: httpx.Response) -> None:
        path, method = response.request.url.path, response.request.method.lower()
        if path in documented and method in documented[path]:
            assert str(response.status_code) in documented[path][method]["responses"], (path, response.status_code)

    wire.event_hooks = {"response": [check]}
    yield wire
    stage.app = None


@pytest.fixture
def workstation(centre: httpx.Client, clock: FakeClock) -> Workstation:
    """A new one, not signed in."""
    return Workstation(http=centre, clock=clock)


@pytest.fixture
def client_for(centre: httpx.Client, clinic: Clinic, clock: FakeClock) -> SignIn:
    """A workstation signed in as an account of the clinic: "assistant", "optometrist2", "manager", "admin" …"""

    def sign_in(username: str) -> Workstation:
        found = Workstation(http=centre, clock=clock)
        answer = found.sign_in(username)
        assert answer.status_code == 200, answer.text
        return found

    return sign_in


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """For tests in which a part of the product configures logging: it writes to a stream that ends with the test."""
    root, ours = logging.getLogger(), logging.getLogger("hcrm")
    kept = root.handlers[:], root.level, ours.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level, ours.level = kept
