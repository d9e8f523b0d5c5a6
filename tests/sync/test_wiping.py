"""A workstation that is ordered to be emptied: what it had not sent is handed over first, then nothing is left."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy.orm import Session

from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Device, HeldOperation
from hcrm_core.fleet import DeviceOrder, OrderRequest
from hcrm_core.terms import Channel, Outcome
from hcrm_core.wire import SurrenderRequest
from hcrm_desktop.cache import commands, orders, queries
from hcrm_desktop.cache.orders import Order
from hcrm_desktop.cache.tables import CUSTOMER, OPERATION
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.loop import Listeners, SyncLoop
from hcrm_desktop.sync.session import SESSION, CentreSession
from hcrm_desktop.sync.states import SyncState
from hcrm_store.base import new_id
from tests.factories import Clinic
from tests.fakes import FakeClock, LosingTransport
from tests.sync.desk import Desk, central_count, consider
from tests.sync.scripted import ScriptedCentre

DeskFor = Callable[[str], Desk]


def order(keeper: Desk, device: Desk, what: DeviceOrder) -> None:
    with closing(CentreClient(keeper.url)) as client:
        session = CentreSession(keeper.workspace, client)
        request = OrderRequest(order=what, reason="丢失")
        device_id = device.workspace.outbox.device().id
        session.ask(lambda headers: client.order(device_id, request, headers=headers))


def step(desk: Desk, times: int = 1) -> list[str]:
    """Steps of a loop. Returns who heard that it is over."""
    heard = list[str]()
    listeners = Listeners(
        state_changed=lambda: None, data_changed=lambda _changes: None, wiped=lambda: heard.append("wiped")
    )
    with closing(CentreClient(desk.url, transport=desk.transport)) as client:
        loop = SyncLoop(desk.workspace, client, listeners=listeners)
        for _ in range(times):
            loop.step()
    return heard


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name != "lock"]


@pytest.mark.parametrize("session", ["kept", "ended"])
def test_what_was_not_sent_waits_for_a_supervisor_and_nothing_is_left_here(
    desk_for: DeskFor, clinic: Clinic, store: Store, session: str
) -> None:
    keeper, lost = desk_for("manager"), desk_for("assistant")
    consider(lost.workspace, clinic.mine.task_id, note="还没上传")
    order(keeper, lost, DeviceOrder.WIPE)
    if session == "ended":
        lost.workspace.outbox.keep(SESSION, None)
    assert step(lost, times=2) == ["wiped"]
    assert left(lost.folder) == []
    with Session(store.jobs) as reading:
        (held,) = reading.query(HeldOperation).all()
        assert (held.reason, held.account_id) == ("device_wiped", clinic.accounts["assistant"])
    assert central_count(store, Device, surrendered_at=None) == 1


def test_an_answer_that_is_lost_keeps_nothing_twice(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    keeper, lost = desk_for("manager"), desk_for("assistant")
    consider(lost.workspace, clinic.mine.task_id)
    order(keeper, lost, DeviceOrder.WIPE)
    lost.transport = LosingTransport("/sync/surrender")
    assert step(lost, times=3) == []
    assert lost.ask(queries.sync_status).problem == "wiped"
    assert lost.ask(queries.sync_status).lease_over
    lost.transport = None
    assert step(lost) == ["wiped"]
    assert left(lost.folder) == []
    assert central_count(store, HeldOperation) == 1


def test_an_entry_that_nobody_understands_is_handed_over_as_it_is(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    """Written by a newer release, before this one was put back."""
    keeper, lost = desk_for("manager"), desk_for("assistant")
    consider(lost.workspace, clinic.mine.task_id, note="还没上传")
    with lost.workspace.outbox._engine.begin() as connection:
        connection.execute(OPERATION.update().values(kind="task.sing"))
    order(keeper, lost, DeviceOrder.WIPE)
    assert step(lost, times=2) == ["wiped"]
    with Session(store.jobs) as reading:
        (held,) = reading.query(HeldOperation).all()
    assert (held.operation["kind"], held.operation["body"]["kind"]) == ("unreadable", "task.sing")
    assert held.operation["body"]["body"]["note"] == "还没上传"


def test_a_blocked_workstation_hides_its_customers_and_keeps_its_work_until_it_is_unblocked(
    desk_for: DeskFor, clinic: Clinic
) -> None:
    keeper, blocked = desk_for("manager"), desk_for("assistant")
    consider(blocked.workspace, clinic.mine.task_id)
    order(keeper, blocked, DeviceOrder.BLOCK)
    step(blocked)
    blocked.reopen()
    step(blocked)
    found = blocked.ask(queries.sync_status)
    assert (found.problem, found.lease_over, found.unsent) == ("revoked", True, 1)
    order(keeper, blocked, DeviceOrder.UNBLOCK)
    blocked.sign_in("assistant")
    step(blocked)
    found = blocked.ask(queries.sync_status)
    assert (found.problem, found.lease_over, found.unsent) == ("", False, 1)


# ── with a scripted centre ───────────────────────────────────────────────────────────────────────────────


class Taking:
    """Takes what is handed over, except what is too much at once or what it can never take."""

    def __init__(self, *, most: int, never: str = "") -> None:
        self._most, self.never = most, never
        self.kept: list[str] = []
        self.over = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = SurrenderRequest.model_validate_json(request.content)
        notes = [operation["body"]["note"] for operation in asked.operations]
        if len(notes) > self._most or self.never in notes:
            code = "too_large" if len(notes) > self._most else "invalid_request"
            return httpx.Response(413, json={"code": code, "message": "m", "remedy": "r"})
        assert not self.over
        assert set(asked.account_ids) == {UUID(operation["op_id"]) for operation in asked.operations}
        self.kept += notes
        self.over = asked.last
        return httpx.Response(200, json={"kept": len(self.kept)})


@pytest.fixture
def wiped() -> list[str]:
    return []


@pytest.fixture
def loop(signed_in: Workspace, centre: ScriptedCentre, wiped: list[str]) -> Iterator[SyncLoop]:
    client = CentreClient("http://centre", transport=httpx.MockTransport(centre))
    listeners = Listeners(
        state_changed=lambda: None, data_changed=lambda _changes: None, wiped=lambda: wiped.append("wiped")
    )
    centre.refuse(410, "device_wiped")
    yield SyncLoop(signed_in, client, listeners=listeners)
    client.close()


def enter(workspace: Workspace, clock: FakeClock, *notes: str) -> None:
    with workspace.write() as session:
        session.execute(CUSTOMER.insert().values(id=(child := new_id())))
    for note in notes:
        clock.advance(commands.DOUBLE_PRESS)
        commands.record_follow_up(
            workspace, customer_id=child, channel=Channel.PHONE, outcome=Outcome.NO_ANSWER, note=note
        )


def test_much_is_handed_over_in_parts_and_nothing_is_deleted_while_one_entry_is_refused(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace, clock: FakeClock, wiped: list[str]
) -> None:
    notes = [str(number) for number in range(7)]
    enter(signed_in, clock, *notes)
    centre.answers["/sync/surrender"] = taking = Taking(most=3, never="4")
    for _ in range(2):
        loop.step()
    assert (taking.kept, taking.over, wiped) == (["0", "1", "2", "3"], False, [])
    taking.never = ""
    loop.step()
    assert (taking.kept, taking.over, wiped) == (notes, True, ["wiped"])


def test_nothing_is_deleted_before_everything_is_handed_over(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace, clock: FakeClock, wiped: list[str]
) -> None:
    """No centre, then one that has blocked the workstation besides: it waits, hidden."""
    enter(signed_in, clock, "一")
    for refusal in (503, 401):
        centre.refuse(refusal, "unavailable" if refusal == 503 else "device_revoked", path="/sync/surrender")
        for _ in range(2):
            loop.step()
        assert loop.state is SyncState.BACKOFF
        assert signed_in.outbox.unsent()[0] == 1
    assert wiped == []
    assert orders.given(signed_in.outbox) is Order.WIPED


def test_a_kill_between_the_last_answer_and_the_deleting_only_delays_the_deleting(
    loop: SyncLoop, centre: ScriptedCentre, signed_in: Workspace, wiped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    centre.answers["/sync/surrender"] = Taking(most=3)

    def killed() -> bool:
        raise OSError

    monkeypatch.setattr(signed_in, "erase", killed)
    for _ in range(2):
        loop.step()
    assert orders.given(signed_in.outbox) is Order.SURRENDERED
    monkeypatch.undo()
    asked = len(centre.asked)
    loop.step()
    assert (wiped, len(centre.asked)) == (["wiped"], asked)
