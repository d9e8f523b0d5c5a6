"""用药: one dialog begins drops, changes their strength and stops them."""

from datetime import timedelta
from decimal import Decimal
from errno import ENOSPC
from typing import Any
from uuid import UUID

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDateEdit, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_desktop.cache import commands
from hcrm_desktop.cache.medications import begin_medication
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.views.record.medication import MedicationDialog
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.widgets.chips import Chip
from tests.gui.filling import TODAY, open_clinic
from tests.gui.record.conftest import Open
from tests.gui.record.filling import add_child
from tests.gui.record.test_page import stored


@pytest.fixture
def child(workspace: Workspace) -> UUID:
    """Of a clinic where an optometrist works."""
    open_clinic(workspace, Role.OPTOMETRIST)
    return add_child(workspace)


def opened(page: RecordPage) -> MedicationDialog:
    QTest.keyClick(page, Qt.Key.Key_M)
    return page.window().findChildren(MedicationDialog)[-1]


def choose(dialog: MedicationDialog, *, what: str = "", percent: str = "", days_ago: int = 0) -> None:
    action, strength = dialog.findChildren(QComboBox)[:2]
    if what:
        action.setCurrentText(what)
    if percent:
        strength.setCurrentText(percent)
    day = TODAY - timedelta(days=days_ago)
    dialog.findChildren(QDateEdit)[0].setDate(QDate(day.year, day.month, day.day))
    next(field for field in dialog.findChildren(QLineEdit) if field.accessibleName() == "备注或原因").setText(
        "每晚一滴"
    )


def save(dialog: MedicationDialog) -> None:
    next(button for button in dialog.findChildren(QPushButton) if button.text() == "保存").click()


def said(dialog: MedicationDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def chips(page: RecordPage) -> list[str]:
    return [chip.accessibleName() for chip in page.findChildren(Chip) if chip.isVisible()]


def test_drops_begin_and_stand_on_the_record_at_once(
    qtbot: QtBot, workspace: Workspace, record_for: Open, child: UUID
) -> None:
    page = record_for(Role.OPTOMETRIST, child)
    dialog = opened(page)
    assert "现在没有在用的低浓度阿托品" in said(dialog)
    choose(dialog, percent="0.05", days_ago=90)
    save(dialog)
    qtbot.waitUntil(lambda: "阿托品 0.05%" in chips(page))
    only = stored(workspace, child).medications[0]
    assert (only.percent, only.started_on, only.note) == (Decimal("0.05"), TODAY - timedelta(days=90), "每晚一滴")


def test_a_strength_may_be_written_as_a_chinese_keyboard_writes_it(
    qtbot: QtBot, workspace: Workspace, record_for: Open, child: UUID
) -> None:
    page = record_for(Role.OPTOMETRIST, child)
    dialog = opened(page)
    choose(dialog, percent="０．０２５％")
    save(dialog)
    qtbot.waitUntil(lambda: "阿托品 0.025%" in chips(page))


def test_drops_are_stopped_with_a_reason(qtbot: QtBot, workspace: Workspace, record_for: Open, child: UUID) -> None:
    begin_medication(workspace, customer_id=child, percent=Decimal("0.01"), started_on=TODAY - timedelta(days=30))
    page = record_for(Role.OPTOMETRIST, child)
    dialog = opened(page)
    assert "正在用：阿托品 0.01%" in said(dialog)
    assert "阿托品 0.01%" in chips(page)
    choose(dialog, what="停用")
    save(dialog)
    qtbot.waitUntil(lambda: "阿托品 0.01%" not in chips(page))
    assert stored(workspace, child).medications[0].ended_on == TODAY


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"percent": "0"}, "浓度应大于 0"),
        ({"percent": "1.5"}, "浓度应大于 0"),
        ({"percent": "0.0101"}, "浓度应大于 0"),
        ({"percent": "abc"}, "浓度应大于 0"),
        ({"percent": "0.05", "days_ago": 40_000}, "出生以前"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_lost(
    workspace: Workspace, record_for: Open, child: UUID, entry: dict[str, Any], told: str
) -> None:
    page = record_for(Role.OPTOMETRIST, child)
    dialog = opened(page)
    choose(dialog, **entry)
    save(dialog)
    assert told in said(dialog)
    assert dialog.isVisible()
    assert stored(workspace, child).medications == ()
    dialog.reject()


def test_what_could_not_be_written_stays_as_typed_and_is_saved_at_the_second_try(
    qtbot: QtBot, workspace: Workspace, record_for: Open, child: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(ENOSPC, "no space left on device")

    page = record_for(Role.OPTOMETRIST, child)
    dialog = opened(page)
    choose(dialog, percent="0.05")
    with monkeypatch.context() as patch:
        patch.setattr("hcrm_desktop.cache.medications.begin_medication", refused)
        save(dialog)
        qtbot.waitUntil(lambda: "请重试" in said(dialog))
    assert dialog.isVisible()
    assert stored(workspace, child).medications == ()
    save(dialog)
    qtbot.waitUntil(lambda: "阿托品 0.05%" in chips(page))
    assert [one.note for one in stored(workspace, child).medications] == ["每晚一滴"]


def test_the_same_strength_is_no_change(workspace: Workspace, record_for: Open, child: UUID) -> None:
    begin_medication(workspace, customer_id=child, percent=Decimal("0.01"), started_on=TODAY - timedelta(days=30))
    page = record_for(Role.OPTOMETRIST, child)
    dialog = opened(page)
    save(dialog)
    assert "浓度没有变" in said(dialog)
    dialog.reject()


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.MANAGER])
def test_others_than_optometrists_do_not_enter_drops(record_for: Open, child: UUID, role: Role) -> None:
    page = record_for(role, child)
    QTest.keyClick(page, Qt.Key.Key_M)
    assert QApplication.activeModalWidget() is None
    assert not any(button.isVisible() for button in page.findChildren(QPushButton) if button.text() == "用药")


def test_what_was_entered_is_taken_back(workspace: Workspace, record_for: Open, child: UUID) -> None:
    begin_medication(workspace, customer_id=child, percent=Decimal("0.01"), started_on=TODAY)
    commands.undo_last(workspace)
    record_for(Role.OPTOMETRIST, child)
    assert stored(workspace, child).medications == ()
