"""编辑资料: each field for itself, with what stood there; only changes are sent, and nothing impossible."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_core.wire import OperationKind
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.customer_edit import CustomerEdit, iso_day, read_form
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id
from tests.gui.filling import child_rows, open_clinic, put

Edit = Callable[[Role], CustomerEdit]


@pytest.fixture
def edit_as(qtbot: QtBot, workspace: Workspace, tasks: Tasks) -> Edit:
    """The dialog over one child of a family, opened by a role."""
    home = QWidget()
    qtbot.addWidget(home)
    home.show()

    def make(role: Role) -> CustomerEdit:
        open_clinic(workspace, role)
        child = new_id()
        put(workspace, *child_rows("王小明", id=child))
        with workspace.read() as session:
            form = read_form(session, child)
        assert form is not None
        dialog = CustomerEdit(tasks, Words(home), form, role=role, parent=home)
        dialog.open()
        dialog.activateWindow()
        qtbot.waitUntil(dialog.isActiveWindow)
        return dialog

    return make


def field(dialog: CustomerEdit, name: str) -> Any:
    editors = [*dialog.findChildren(QLineEdit), *dialog.findChildren(QComboBox), *dialog.findChildren(QCheckBox)]
    return next(one for one in editors if one.accessibleName() == name)


def names(dialog: CustomerEdit) -> list[str]:
    editors = [one for kind in (QLineEdit, QComboBox, QCheckBox) for one in dialog.findChildren(kind)]
    return [one.accessibleName() for one in editors if one.accessibleName()]


def words(dialog: QWidget) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())


def save(dialog: CustomerEdit) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.text().startswith("保存"))


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (Role.ASSISTANT, {"姓名", "性别", "出生日期", "请勿联系", "家长姓名", "与孩子关系", "电话"}),
        (Role.MANAGER, {"姓名", "性别", "出生日期", "请勿联系", "家长姓名", "与孩子关系", "电话"}),
        (Role.OPTOMETRIST, {"性别", "出生日期"}),
    ],
)
def test_a_role_is_shown_the_fields_it_may_correct(edit_as: Edit, role: Role, fields: set[str]) -> None:
    assert set(names(edit_as(role))) == fields


def test_only_what_was_changed_is_sent_with_what_stood_there(qtbot: QtBot, workspace: Workspace, edit_as: Edit) -> None:
    dialog = edit_as(Role.ASSISTANT)
    assert not save(dialog).isEnabled()
    phone = field(dialog, "电话")
    phone.setText("138 0000 0002")
    assert "原为：14399900011" in words(dialog)
    with qtbot.waitSignal(dialog.recorded):
        qtbot.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    entry = workspace.outbox.latest(workspace.worker().account_id)
    assert entry is not None
    assert entry.kind is OperationKind.EDIT_CUSTOMER
    (edit,) = entry.body["edits"]
    assert (edit["row"], edit["field"], edit["base"], edit["value"]) == (
        "guardian",
        "phone",
        "14399900011",
        "13800000002",
    )


def test_a_value_that_was_put_back_is_no_change(edit_as: Edit) -> None:
    dialog = edit_as(Role.ASSISTANT)
    name = field(dialog, "姓名")
    name.setText("王小民")
    assert save(dialog).isEnabled()
    name.setText("王小明")
    assert not save(dialog).isEnabled()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("姓名", "", "姓名不能为空"),
        ("姓名", "小明13", "姓名不能为空，也不能带数字"),
        ("出生日期", "2027-01-01", "不能在今天之后"),
        ("出生日期", "1890-01-01", "早于 120 年前"),
        ("出生日期", "2016-13-01", "写成 2016-05-01"),
        ("出生日期", "2016111", "写成 2016-05-01"),
        ("电话", "12345", "不像一个能拨通的号码"),
        ("电话", "13800000001/13800000002", "不像一个能拨通的号码"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_not_saved(edit_as: Edit, name: str, text: str, said: str) -> None:
    dialog = edit_as(Role.ASSISTANT)
    field(dialog, name).setText(text)
    assert said in words(dialog)
    assert not save(dialog).isEnabled()


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2016-05-01", "2016-05-01"),
        ("2016/5/1", "2016-05-01"),
        ("2016年5月1日", "2016-05-01"),
        ("20160501", "2016-05-01"),
        ("", None),
    ],
)
def test_a_day_is_typed_as_people_write_it(typed: str, day: str | None) -> None:
    assert iso_day(typed) == day


def test_sex_and_birth_date_can_become_unknown(qtbot: QtBot, workspace: Workspace, edit_as: Edit) -> None:
    dialog = edit_as(Role.OPTOMETRIST)
    field(dialog, "性别").setCurrentIndex(2)
    field(dialog, "出生日期").setText("")
    with qtbot.waitSignal(dialog.recorded):
        save(dialog).click()
    entry = workspace.outbox.latest(workspace.worker().account_id)
    assert entry is not None
    assert {edit["field"]: edit["value"] for edit in entry.body["edits"]} == {"sex": None, "birth_date": None}


def test_closing_with_changes_asks_once_in_the_dialog_itself(qtbot: QtBot, edit_as: Edit) -> None:
    dialog = edit_as(Role.ASSISTANT)
    field(dialog, "请勿联系").setChecked(True)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert "有未保存的修改" in words(dialog)
    with qtbot.waitSignal(dialog.rejected):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)


def test_closing_without_changes_asks_nothing(qtbot: QtBot, edit_as: Edit) -> None:
    dialog = edit_as(Role.ASSISTANT)
    with qtbot.waitSignal(dialog.rejected):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
