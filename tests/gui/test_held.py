"""待裁决: what could not apply, and a manager's decision about it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from hcrm_core.fleet import DecisionResponse, HeldItem
from hcrm_core.terms import Role
from hcrm_core.wire import Decision, Json, OperationKind, ResultStatus
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.held import HeldPage
from hcrm_desktop.views.sync.contents import Contents
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id
from tests.fakes import FakeClock, FakeOffice
from tests.gui.conftest import DeskFor
from tests.gui.office import NO_NETWORK, button, cells, office_of, shown, words


@pytest.fixture
def office(tasks: Tasks, clock: FakeClock) -> FakeOffice:
    return office_of(tasks, clock)


def item(name: str = "王小明", **known: Any) -> HeldItem:
    now = FakeClock().now()
    nothing: dict[str, Any] = {
        "op_id": new_id(),
        "kind": OperationKind.RECORD_FOLLOW_UP,
        "reason": "not_visible",
        "at": now,
        "captured_at": now - timedelta(hours=1),
        "author": "李娜",
        "site": "城北院区",
        "device": "前台-2",
        "customer_id": new_id(),
        "customer_name": name,
        "body": {"outcome": "considering", "channel": "phone", "note": "周末再说"},
    }
    return HeldItem(**(nothing | known))


def page_of(qtbot: QtBot, desk_for: DeskFor) -> HeldPage:
    page = HeldPage(desk_for(Role.MANAGER))
    shown(qtbot, page)
    return page


def test_an_entry_is_shown_with_whose_it_is_what_it_says_and_why_it_waits(
    qtbot: QtBot, desk_for: DeskFor, office: FakeOffice
) -> None:
    office.items = [item(), item("李小红", reason="implausible:OD.sphere")]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: "2 条录入等您裁决" in words(page))
    why = "客户现在不在录入人名下（多半已转给同事）。"
    assert cells(page)[0] == ["跟进", "王小明", "李娜", "城北院区", "08:00", why]
    qtbot.waitUntil(lambda: "周末再说" in words(page))
    assert "前台-2" in words(page)
    qtbot.keyClick(page.findChildren(QTableView)[0], Qt.Key.Key_Down)
    assert "“右眼球镜”的数值不可能" in words(page)


def test_an_entry_that_applies_now_leaves_the_list(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.items = [item(), item("李小红")]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 2)
    with qtbot.waitSignal(page.said) as said:
        button(page, "让它生效").click()
    assert said.args == ["已生效，录入人会看到"]
    qtbot.waitUntil(lambda: "1 条录入等您裁决" in words(page))
    assert office.decisions[0][1].decision is Decision.APPLY


def test_one_that_still_cannot_apply_stays_and_says_why(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.items = [item()]
    office.verdict = DecisionResponse(status=ResultStatus.HELD, reason="date_too_far")
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    with qtbot.waitSignal(page.said) as said:
        button(page, "让它生效").click()
    assert "仍然不能生效：日期在 400 天以后" in said.args[0]
    assert len(cells(page)) == 1


def test_a_dismissal_says_why_to_the_author(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.items = [item()]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    with qtbot.waitSignal(page.said) as said:
        button(page, "驳回").click()
    assert "要写一句说明" in said.args[0]
    assert office.decisions == []
    qtbot.keyClicks(page.findChildren(QLineEdit)[0], "entered twice")
    with qtbot.waitSignal(page.said):
        button(page, "驳回").click()
    qtbot.waitUntil(lambda: "没有待裁决的录入" in words(page))
    assert office.decisions[0][1].note == "entered twice"


def test_a_note_does_not_slip_to_another_entry(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.items = [item(), item("李小红")]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 2)
    note = page.findChildren(QLineEdit)[0]
    qtbot.keyClicks(note, "about the first")
    page.findChildren(QTableView)[0].selectRow(1)
    assert note.text() == ""


def test_the_rail_is_told_how_many_wait(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.items = [item()]
    page = HeldPage(desk_for(Role.MANAGER))
    with qtbot.waitSignal(page.counted) as counted:
        shown(qtbot, page)
    assert counted.args == [1]


def test_off_line_nothing_can_be_decided(qtbot: QtBot, desk_for: DeskFor, office: FakeOffice) -> None:
    office.items = [item()]
    page = page_of(qtbot, desk_for)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    office.error = NO_NETWORK
    page.reload()
    qtbot.waitUntil(lambda: "连不上中心" in words(page))
    assert not button(page, "让它生效").isEnabled()
    assert not button(page, "驳回").isEnabled()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (OperationKind.EDIT_CUSTOMER, {"edits": [1]}),
        (OperationKind.EDIT_CUSTOMER, {"edits": 5}),
        (OperationKind.EDIT_CUSTOMER, {"edits": [{}]}),
        (OperationKind.RECORD_EXAM, {"eyes": [1]}),
        (OperationKind.RECORD_EXAM, {"eyes": [{"eye": "OD", "sphere": "x"}]}),
        (OperationKind.UNREADABLE, {"kind": "task.sing"}),
    ],
)
def test_what_was_held_because_it_is_malformed_is_shown_as_it_came(qapp: QApplication, kind: str, body: Json) -> None:
    made = Words(qapp)
    (line,) = Contents(made).lines(kind, body)
    assert json.loads(line.text) == body
    made.deleteLater()
