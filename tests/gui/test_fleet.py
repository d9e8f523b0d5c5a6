"""工作站: stuck and silent ones first, what each needs, and orders that are meant."""

from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_core.fleet import DeviceOrder, DeviceState, FleetDevice
from hcrm_core.terms import Role
from hcrm_desktop.models.fleet import PAGE, is_older
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.fleet import FleetPage
from hcrm_desktop.views.fleet_order import OrderDialog
from hcrm_desktop.views.held import HeldPage
from hcrm_store.base import new_id
from tests.factories import PASSWORD, make_clinic, serving
from tests.fakes import FakeClock, FakeOffice
from tests.gui.conftest import DeskFor
from tests.gui.office import NO_NETWORK, button, cells, offered, office_of, shown, words
from tests.gui.test_frame import status


@pytest.fixture
def office(tasks: Tasks, clock: FakeClock) -> FakeOffice:
    return office_of(tasks, clock)


def device(name: str, state: DeviceState = DeviceState.WELL, **known: Any) -> FleetDevice:
    nothing: dict[str, Any] = {
        "person": "李娜",
        "role": "assistant",
        "site": "城北院区",
        "app_version": "1.10.0",
        "seen_at": FakeClock().now() - timedelta(minutes=3),
        "unsent": 0,
        "oldest_unsent_at": None,
        "behind": 0,
        "clock_offset_s": 0,
        "incidents": 0,
        "held": 0,
    }
    return FleetDevice(id=new_id(), name=name, state=state, **(nothing | known))


def page_of(qtbot: QtBot, desk_for: DeskFor) -> FleetPage:
    page = FleetPage(desk_for(Role.MANAGER))
    shown(qtbot, page)
    return page


def test_the_title_says_how_many_need_a_look_and_the_worst_is_chosen(
    qtbot: QtBot, desk_for: DeskFor, office: FakeOffice, clock: FakeClock
) -> None:
    long_ago = clock.now() - timedelta(days=3)
    stuck = {"unsent": 7, "oldest_unsent_at": clock.now() - timedelta(hours=5), "behind": 1204, "incidents": 2}
    office.devices = [
        device("前台-2", DeviceState.STUCK, **stuck),
        device("验光-1", DeviceState.SILENT, seen_at=long_ago, app_version="1.9.2"),
        device("前台-1"),
    ]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: "3 台工作站，2 台需要看一下" in words(page))
    assert cells(page) == [
        ["上传卡住", "前台-2", "李娜", "城北院区", "3 分钟前", "7 条，最早 5 小时前", "1,204", "2", "1.10.0"],
        ["长时间没有联系", "验光-1", "李娜", "城北院区", "3天前", "—", "—", "—", "1.9.2 旧"],
        ["正常", "前台-1", "李娜", "城北院区", "3 分钟前", "—", "—", "—", "1.10.0"],
    ]
    assert "有录入超过一小时没传上来" in words(page)
    qtbot.keyClick(page.findChildren(QTableView)[0], Qt.Key.Key_Down)
    assert "版本比 1.10.0 旧" in words(page)


@pytest.mark.parametrize(
    ("state", "orders"),
    [
        (DeviceState.WELL, ["停用", "清除"]),
        (DeviceState.STUCK, ["停用", "清除"]),
        (DeviceState.BLOCKED, ["恢复", "清除"]),
        (DeviceState.WIPE_ORDERED, []),
        (DeviceState.WIPED, []),
    ],
)
def test_each_state_offers_the_orders_that_make_sense(
    qtbot: QtBot, desk_for: DeskFor, office: FakeOffice, state: DeviceState, orders: list[str]
) -> None:
    office.devices = [device("前台-2", state)]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    assert offered(page, "停用", "恢复", "清除") == orders


def test_a_block_is_given_with_its_reason(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.devices = [device("前台-2")]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    button(page, "停用").click()
    (dialog,) = page.findChildren(OrderDialog)
    give = button(dialog, "停用工作站")
    assert not give.isEnabled()
    qtbot.keyClicks(dialog.findChildren(QLineEdit)[0], "lost")
    with qtbot.waitSignal(dialog.given):
        give.click()
    ((device_id, request),) = office.orders
    assert device_id == office.devices[0].id
    assert (request.order, request.reason) == (DeviceOrder.BLOCK, "lost")


def test_a_wipe_needs_the_name_typed_out(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.devices = [device("front-2")]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    button(page, "清除").click()
    (dialog,) = page.findChildren(OrderDialog)
    reason, name = dialog.findChildren(QLineEdit)
    give = button(dialog, "清除本机数据")
    qtbot.keyClicks(reason, "stolen")
    qtbot.keyClicks(name, "front-")
    assert not give.isEnabled()
    qtbot.keyClicks(name, "2")
    assert give.isEnabled()
    assert "不能撤回" in words(dialog)
    with qtbot.waitSignal(dialog.given):
        give.click()
    assert office.orders[0][1].order is DeviceOrder.WIPE


def test_an_order_that_did_not_arrive_is_said_and_can_be_given_again(
    qtbot: QtBot, desk_for: DeskFor, office: FakeOffice
) -> None:
    office.devices = [device("前台-2")]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    button(page, "停用").click()
    (dialog,) = page.findChildren(OrderDialog)
    qtbot.keyClicks(dialog.findChildren(QLineEdit)[0], "lost")
    office.error = NO_NETWORK
    button(dialog, "停用工作站").click()
    qtbot.waitUntil(lambda: "连不上中心" in words(dialog))
    assert button(dialog, "停用工作站").isEnabled()
    assert office.orders == []
    dialog.reject()


def test_off_line_the_last_answer_stays_with_its_time_and_nothing_can_be_ordered(
    qtbot: QtBot, desk_for: DeskFor, tasks: Tasks, office: FakeOffice
) -> None:
    office.devices = [device("前台-2")]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    office.error = NO_NETWORK
    page.reload()
    qtbot.waitUntil(lambda: "以下是 2026-11-22 09:00 的情况" in words(page))
    assert len(cells(page)) == 1
    assert not button(page, "停用").isEnabled()
    office.error = None
    tasks.sync_state_changed.emit(status())  # the centre is back
    qtbot.waitUntil(lambda: "以下是" not in words(page))
    assert button(page, "停用").isEnabled()


def test_a_page_that_never_heard_the_centre_says_so_and_tries_again(
    qtbot: QtBot, desk_for: DeskFor, tasks: Tasks, office: FakeOffice
) -> None:
    office.error = NO_NETWORK
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: "连不上中心" in words(page))
    office.error = None
    office.devices = [device("前台-2")]
    tasks.sync_state_changed.emit(status())
    qtbot.waitUntil(lambda: "1 台工作站，没有卡住或失联的" in words(page))


def test_sixteen_thousand_workstations_come_by_pages_and_are_filtered(
    qtbot: QtBot, desk_for: DeskFor, office: FakeOffice
) -> None:
    office.devices = [device(f"ws-{n:05}", site=f"院区{n % 100:02}") for n in range(16_000)]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: "16000 台工作站" in words(page), timeout=15_000)
    table = page.findChildren(QTableView)[0]
    model = table.model()
    assert model.rowCount() == PAGE
    table.scrollToBottom()
    qtbot.waitUntil(lambda: model.rowCount() == 2 * PAGE)
    page._text.setText("ws-159 院区42")
    qtbot.waitUntil(lambda: [model.index(r, 1).data() for r in range(model.rowCount())] == ["ws-15942"])
    page._text.setText("nobody")
    qtbot.waitUntil(lambda: "没有符合筛选的工作站" in words(page))


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("1.9.2", "1.10.0", True),
        ("1.10.0", "1.10.0", False),
        ("2.0", "1.10.0", False),
        ("1.10.0+abc", "1.10.0", False),
        ("", "1.10.0", True),
    ],
)
def test_releases_are_compared_as_numbers(version: str, than: str, older: bool) -> None:  # noqa: FBT001 - expected
    assert is_older(version, than) is older


def test_a_manager_sees_the_own_workstation_at_the_real_centre(
    qtbot: QtBot, store: Store, clock: FakeClock, tasks: Tasks, desk_for: DeskFor
) -> None:
    make_clinic(store, clock)
    with serving(create_app(store, Settings(), clock=clock)) as url:
        page, held = FleetPage(desk_for(Role.MANAGER)), HeldPage(desk_for(Role.MANAGER))
        signed_in: list[object] = []
        tasks.sign_in(
            page, server_url=url, username="manager", password=PASSWORD, done=signed_in.append, failed=pytest.fail
        )
        qtbot.waitUntil(lambda: bool(signed_in), timeout=20_000)
        shown(qtbot, page)
        qtbot.waitUntil(lambda: "1 台工作站，没有卡住或失联的" in words(page), timeout=20_000)
        shown(qtbot, held)
        qtbot.waitUntil(lambda: "没有待裁决的录入" in words(held), timeout=20_000)
        tasks.sign_out(page, server_url=url, done=signed_in.append)
        qtbot.waitUntil(lambda: len(signed_in) == 2, timeout=20_000)
