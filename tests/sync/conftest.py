"""A real centre that can be stopped, and a workstation whose files can be opened again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi import FastAPI

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_desktop.cache import meta
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.session import SESSION
from tests.factories import Clinic, Stage, make_clinic, serving
from tests.fakes import FakeClock
from tests.sync.desk import KEY, Desk
from tests.sync.scripted import ME, ScriptedCentre


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    found = Stage()
    with serving(found) as url:
        found.url = url
        yield found


@pytest.fixture
def clinic(store: Store, clock: FakeClock) -> Clinic:
    return make_clinic(store, clock)


@pytest.fixture
def app(store: Store, clock: FakeClock, tmp_path: Path) -> FastAPI:
    return create_app(store, Settings(data_dir=tmp_path / "centre"), clock=clock)


@pytest.fixture
def centre_url(stage: Stage, app: FastAPI) -> Iterator[str]:
    """A served centre."""
    stage.app = app
    yield stage.url
    stage.app = None


@pytest.fixture
def workspace(tmp_path: Path, clock: FakeClock) -> Iterator[Workspace]:
    """A new profile, nobody signed in."""
    opened = open_workspace(tmp_path / "profile", KEY, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def centre(clock: FakeClock) -> ScriptedCentre:
    """A centre that does what a test says."""
    return ScriptedCentre(clock)


@pytest.fixture
def signed_in(workspace: Workspace) -> Workspace:
    """A profile whose session is kept, and whose cache was compared just now."""
    workspace.admit(ME)
    workspace.outbox.keep(SESSION, {"access_token": "a", "refresh_token": "r"})
    with workspace.write() as session:
        meta.write(session, meta.VERIFIED, {"at": workspace.clock.now().isoformat()})
    return workspace


@pytest.fixture
def desk_for(tmp_path: Path, clock: FakeClock, clinic: Clinic, centre_url: str) -> Iterator[Callable[[str], Desk]]:
    """Workstations signed in and caught up, each with a folder of its own."""
    with ExitStack() as opened:

        def make(username: str) -> Desk:
            folder = tmp_path / username
            desk = Desk(folder=folder, clock=clock, url=centre_url, workspace=open_workspace(folder, KEY, clock=clock))
            opened.callback(desk.close)
            desk.sign_in(username)
            desk.sync()
            return desk

        yield make


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.long)], ids=["a then b", "b then a"])
def swapped(request: pytest.FixtureRequest) -> bool:
    """Who of two comes first: a test that asks for it runs in both orders."""
    return bool(request.param)
