"""A small clinic behind a served centre, and workstations signed in to it."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_core.wire import Json
from tests.factories import Clinic, Stage, Workstation, make_clinic, serving
from tests.fakes import FakeClock

SignIn = Callable[[str], Workstation]


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    found = Stage()
    with serving(found) as url:
        found.url = url
        yield found


@pytest.fixture
def settings() -> Settings:
    return Settings(login_attempts="10/minute")


@pytest.fixture
def clinic(store: Store, clock: FakeClock) -> Clinic:
    return make_clinic(store, clock)


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
def centre(stage: Stage, app: FastAPI, documented: Json) -> Iterator[httpx.Client]:
    """Real HTTP to the application of this test. Each answer must be one that OpenAPI tells of."""
    stage.app = app

    def check(response: httpx.Response) -> None:
        path, method = response.request.url.path, response.request.method.lower()
        if path in documented and method in documented[path]:
            assert str(response.status_code) in documented[path][method]["responses"], (path, response.status_code)

    with httpx.Client(base_url=stage.url, event_hooks={"response": [check]}) as http:
        yield http
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
