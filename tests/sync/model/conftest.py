"""One centre and four prepared workstations for all runs of the model."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from anyio.from_thread import start_blocking_portal

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store import postgres
from hcrm_desktop.cache.workspace import open_workspace
from tests.conftest import copied
from tests.factories import make_clinic
from tests.fakes import FakeClock
from tests.sync.desk import KEY, Desk
from tests.sync.model.centre import Centre
from tests.sync.model.line import Line
from tests.sync.model.machine import DESKS, SyncMachine


@pytest.fixture(scope="session")
def machine(
    postgres_server: postgres.PrivatePostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[type[SyncMachine]]:
    """The state machine, bound to a centre and to workstations that are signed in and caught up."""
    clock, folder = FakeClock(), tmp_path_factory.mktemp("templates")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )  # a run is thousands of lines
    with copied(postgres_server, template_database) as store, start_blocking_portal() as portal:
        centre = Centre(store=store, clinic=make_clinic(store, clock), clock=clock)
        app = create_app(store, Settings(login_attempts="100000/minute"), clock=clock)
        for name in DESKS:
            _prepare(folder / name, name, Line(portal=portal, app=app), clock)
        centre.prepare()
        bound = {"centre": centre, "app": app, "portal": portal, "templates": folder}
        yield type("BoundSyncMachine", (SyncMachine,), bound)
    structlog.reset_defaults()


def _prepare(folder: Path, name: str, line: Line, clock: FakeClock) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    desk = Desk(folder=folder, clock=clock, url="http://centre", workspace=workspace, transport=line)
    desk.sign_in(name)
    desk.sync()
    desk.close()
