"""Wait: held until a granted stream moves, ended when the service ends, and a burden to nobody meanwhile."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import create_engine, text, update

from hcrm_central.api.wakeups import Wakeups
from hcrm_central.serving import CentreServer
from hcrm_central.settings import Settings
from hcrm_central.store import postgres
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import SERVICE_LOGIN, Store
from hcrm_central.store.tables import Incarnation
from hcrm_core.wire import WaitRequest, WaitResponse
from hcrm_store.base import new_id
from hcrm_store.journeys import Task
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation

PATIENCE = 30.0  # seconds that a test waits for what must come; it never measures them
Hold = Callable[[Workstation], Future[WaitResponse]]
MANY = 60  # more than the threads of the service


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, wait_seconds=getattr(request, "param", 2 * PATIENCE))


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def wakeups(app: FastAPI) -> Wakeups:
    found: Wakeups = app.state.centre.wakeups
    return found


def heads_of(client: Workstation) -> dict[str, int]:
    client.catch_up()
    return {key: cursor.seq for key, cursor in client.cursors.items()}


def wait(client: Workstation, heads: dict[str, int], *, epoch: UUID | None = None) -> WaitResponse:
    request = WaitRequest(epoch=epoch or client.hello().epoch, heads=heads)
    answer = httpx.post(
        f"{client.http.base_url}/sync/wait",
        json=request.model_dump(mode="json"),
        headers=client.headers,
        timeout=PATIENCE,
    )
    assert answer.status_code == 200, answer.text
    return WaitResponse.model_validate(answer.json())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def touch_task(store: Store, task_id: UUID) -> None:
    with transaction(store.jobs) as session:
        session.execute(update(Task).where(Task.id == task_id).values(attempts=Task.attempts + 1))


@pytest.fixture
def hold(wakeups: Wakeups, aside: ThreadPoolExecutor) -> Hold:
    """A wait that is held by now, of somebody who has read everything."""

    def begin(client: Workstation) -> Future[WaitResponse]:
        heads, epoch = heads_of(client), client.hello().epoch
        before = len(wakeups.waiters)
        waiting = aside.submit(wait, client, heads, epoch=epoch)
        until(lambda: len(wakeups.waiters) > before and wakeups.now is not None)
        return waiting

    return begin


@pytest.fixture
def database_away(
    store: Store, centre: httpx.Client, postgres_server: postgres.PrivatePostgres
) -> Callable[[], AbstractContextManager[None]]:
    """Nobody may come into the database, and the service's connections are cut."""
    name = store.service.url.database
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND usename = :login")
    maintenance = create_engine(postgres_server.url(postgres.SUPERUSER, "postgres"), isolation_level="AUTOCOMMIT")

    @contextmanager
    def away() -> Iterator[None]:
        with maintenance.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"))
            connection.execute(cut, {"name": name, "login": SERVICE_LOGIN})
            try:
                until(lambda: centre.get("/health").status_code == 503)
                yield
            finally:
                connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"))
        maintenance.dispose()

    return away


def test_who_is_behind_is_answered_at_once(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    heads = heads_of(client)
    tasks = f"{clinic.north}:tasks"
    assert wait(client, heads | {tasks: heads[tasks] - 1}).moved == [tasks]


def test_a_change_ends_the_wait_of_those_whom_it_concerns_and_of_nobody_else(
    client_for: SignIn, clinic: Clinic, store: Store, wakeups: Wakeups, hold: Hold
) -> None:
    here = hold(client_for("assistant"))
    manager = hold(client_for("manager"))
    there = hold(client_for("far"))
    touch_task(store, clinic.mine.task_id)
    assert here.result(PATIENCE).moved == manager.result(PATIENCE).moved == [f"{clinic.north}:tasks"]
    assert not there.done()
    assert len(wakeups.waiters) == 1
    touch_task(store, clinic.far.task_id)
    assert there.result(PATIENCE).moved == [f"{clinic.south}:tasks"]


@pytest.mark.parametrize("settings", [0.2], indirect=True)
def test_without_news_the_answer_is_that_nothing_moved(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    answer = wait(client, heads_of(client))
    assert (answer.moved, answer.epoch) == ([], client.hello().epoch)


@pytest.mark.parametrize("settings", [0.2], indirect=True)
def test_streams_that_are_not_granted_wake_nobody(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    assert wait(client, {f"{clinic.south}:tasks": 0, "nonsense": 0, f"{new_id()}:people": 0}).moved == []


def test_another_epoch_ends_the_wait_of_everybody(client_for: SignIn, clinic: Clinic, store: Store, hold: Hold) -> None:
    waiting = [hold(client_for(name)) for name in ("assistant", "far")]
    with transaction(store.jobs) as session:
        session.execute(update(Incarnation).values(epoch=new_id()))
    news = [one.result(PATIENCE) for one in waiting]
    epoch = client_for("manager").hello().epoch
    assert [(one.epoch, one.moved) for one in news] == [(epoch, []), (epoch, [])]


def test_who_asks_with_a_former_epoch_is_told_at_once(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    assert wait(client, heads_of(client), epoch=new_id()).epoch == client.hello().epoch


def test_who_hangs_up_is_forgotten_and_nobody_looks_any_more(
    client_for: SignIn, clinic: Clinic, wakeups: Wakeups
) -> None:
    client = client_for("assistant")
    request = WaitRequest(epoch=client.hello().epoch, heads=heads_of(client))
    impatient = httpx.Timeout(PATIENCE, read=0.5)
    ask = partial(httpx.post, f"{client.http.base_url}/sync/wait", headers=client.headers, timeout=impatient)
    with pytest.raises(httpx.ReadTimeout):
        ask(json=request.model_dump(mode="json"))
    until(lambda: not wakeups.waiters)
    until(lambda: wakeups.now is None)


def test_sixty_who_wait_keep_nobody_from_being_answered(
    client_for: SignIn, clinic: Clinic, store: Store, wakeups: Wakeups, aside: ThreadPoolExecutor
) -> None:
    client = client_for("assistant")
    body = WaitRequest(epoch=client.hello().epoch, heads=heads_of(client)).model_dump(mode="json")

    async def crowd() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=client.http.base_url, timeout=PATIENCE, limits=limits) as http:
            return await asyncio.gather(
                *(http.post("/sync/wait", json=body, headers=client.headers) for _ in range(MANY))
            )

    waiting = aside.submit(asyncio.run, crowd())
    until(lambda: len(wakeups.waiters) == MANY)
    assert client_for("manager").hello().streams
    touch_task(store, clinic.mine.task_id)
    answers = waiting.result(PATIENCE)
    assert {tuple(answer.json()["moved"]) for answer in answers} == {(f"{clinic.north}:tasks",)}


def test_who_waits_outlasts_a_database_that_is_away(
    client_for: SignIn,
    clinic: Clinic,
    store: Store,
    hold: Hold,
    database_away: Callable[[], AbstractContextManager[None]],
) -> None:
    waiting = hold(client_for("assistant"))
    with database_away():
        assert not waiting.done()
    touch_task(store, clinic.mine.task_id)
    assert waiting.result(PATIENCE).moved == [f"{clinic.north}:tasks"]


@contextmanager
def served(app: FastAPI) -> Iterator[tuple[CentreServer, str]]:
    """The service as `hcrm-central serve` runs it, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_config=None, lifespan="off")
        server = CentreServer(config, centre=app.state.centre)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def test_the_end_of_the_service_ends_every_wait(
    client_for: SignIn, clinic: Clinic, app: FastAPI, wakeups: Wakeups, aside: ThreadPoolExecutor
) -> None:
    client = client_for("assistant")
    body = WaitRequest(epoch=client.hello().epoch, heads=heads_of(client)).model_dump(mode="json")
    with served(app) as (server, url):
        ask = partial(httpx.post, f"{url}/sync/wait", json=body, headers=client.headers, timeout=PATIENCE)
        waiting = aside.submit(ask)
        until(lambda: len(wakeups.waiters) == 1)
        server.should_exit = True
        answer = waiting.result(PATIENCE)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
