"""What was corrected in a record: disputes that somebody must decide, void examinations, every change of a value."""

from datetime import date
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QRadioButton, QTableView, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.terms import ExamStatus, Role
from hcrm_core.wire import OperationKind, Row
from hcrm_desktop.cache.queries.history import exams_of
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.views.customer_edit import CustomerEdit
from hcrm_desktop.views.exam_entry.correction import ExamCorrection
from hcrm_desktop.views.record.contested import PickDialog
from hcrm_desktop.views.record.void import VoidDialog
from hcrm_store.base import new_id
from tests.gui.filling import OWNER, open_clinic, put, row
from tests.gui.record.conftest import Open, words
from tests.gui.record.filling import add_child, exam_rows

ON = date(2026, 11, 20)


def button(widget: QWidget, text: str) -> QPushButton:
    return next(one for one in widget.findChildren(QPushButton) if one.text().startswith(text))


def disputed(workspace: Workspace) -> tuple[UUID, UUID, UUID]:
    """A child, and two corrections of one examination."""
    child = add_child(workspace)
    first = exam_rows(child, ON, length="24.31")
    other = exam_rows(child, ON, length="24.51")
    former = exam_rows(child, ON, length="25.41")
    put(workspace, *former, *(contested(rows, of=former[0].id) for rows in (first, other)))
    put(workspace, *first[1:], *other[1:])
    return child, first[0].id, other[0].id


def contested(rows: list[Row], *, of: UUID) -> Row:
    head = rows[0]
    return head.model_copy(update={"body": {**head.body, "status": "contested", "supersedes_id": str(of)}})


def test_two_corrections_are_told_and_count_for_nothing(workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.ASSISTANT)
    child, _, _ = disputed(workspace)
    page = record_for(Role.ASSISTANT, child)
    said = words(page)
    assert "2026-11-20 的检查有 2 份更正待裁定，裁定前都不计入增长和曲线。请验光师裁定。" in said
    assert not button(page, "裁定").isVisible()


def test_an_optometrist_picks_one_with_all_values_side_by_side(
    qtbot: QtBot, workspace: Workspace, record_for: Open
) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    child, first, other = disputed(workspace)
    page = record_for(Role.OPTOMETRIST, child)
    qtbot.keyClick(page, Qt.Key.Key_P)
    (dialog,) = page.findChildren(PickDialog)
    qtbot.waitUntil(lambda: "≠ 24.51" in words(dialog))
    assert "24.31" in words(dialog)
    use = button(dialog, "采用所选")
    assert not use.isEnabled()
    dialog.findChildren(QRadioButton)[1].setChecked(True)
    with qtbot.waitSignal(dialog.recorded):
        use.click()
    entry = workspace.outbox.latest(workspace.worker().account_id)
    assert entry is not None
    assert (entry.kind, entry.row_id, entry.body["rejected_ids"]) == (OperationKind.PICK_EXAM, other, [str(first)])


def test_corrections_that_are_separate_examinations_are_all_kept(
    qtbot: QtBot, workspace: Workspace, record_for: Open
) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    child, _, _ = disputed(workspace)
    page = record_for(Role.OPTOMETRIST, child)
    button(page, "裁定").click()
    (dialog,) = page.findChildren(PickDialog)
    with qtbot.waitSignal(dialog.recorded):
        button(dialog, "都保留").click()
    entry = workspace.outbox.latest(workspace.worker().account_id)
    assert entry is not None
    assert entry.body["keep_all"] is True


def test_an_examination_is_declared_void_with_a_reason(qtbot: QtBot, workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, add_child(workspace))
    assert not button(page, "作废检查").isEnabled()
    page.findChildren(QTabWidget)[0].widget(0).findChildren(QTableView)[0].selectRow(0)
    button(page, "作废检查").click()
    (dialog,) = page.findChildren(VoidDialog)
    void = button(dialog, "作废")
    assert not void.isEnabled()
    qtbot.keyClicks(dialog.findChildren(QLineEdit)[0], "wrong child")
    with qtbot.waitSignal(dialog.recorded):
        void.click()
    entry = workspace.outbox.latest(workspace.worker().account_id)
    assert entry is not None
    assert (entry.kind, entry.body["reason"]) == (OperationKind.VOID_EXAM, "wrong child")


def test_a_correction_is_another_examination_with_its_reason(
    qtbot: QtBot, workspace: Workspace, record_for: Open
) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, add_child(workspace))
    page.findChildren(QTabWidget)[0].widget(0).findChildren(QTableView)[0].selectRow(0)
    button(page, "更正检查").click()
    qtbot.waitUntil(lambda: bool(page.findChildren(ExamCorrection)))
    (slip,) = page.findChildren(ExamCorrection)
    assert slip.reading().problems == ()
    length = slip._grid.field("OD.axial_length_mm")
    assert length is not None
    assert length.text() == "24.20"
    length.setText("24.02")
    slip.save()
    assert "请写更正原因" in words(slip)
    next(one for one in slip.findChildren(QLineEdit) if one.accessibleName() == "更正原因").setText("misread")
    with qtbot.waitSignal(slip.recorded):
        slip.save()
    entry = workspace.outbox.latest(workspace.worker().account_id)
    assert entry is not None
    assert entry.customer_id is not None
    with workspace.read() as session:
        exams = {str(one.id): one for one in exams_of(session, entry.customer_id)}
    former = exams[entry.body["supersedes_id"]]
    assert former.status is ExamStatus.AMENDED
    assert entry.body["amend_reason"] == "misread"
    assert [eye["axial_length_mm"] for eye in entry.body["eyes"]] == ["24.02", "24.20"]


def test_a_correction_shows_what_it_changes_and_how_much(qtbot: QtBot, workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, add_child(workspace))
    page.findChildren(QTabWidget)[0].widget(0).findChildren(QTableView)[0].selectRow(0)
    button(page, "更正检查").click()
    qtbot.waitUntil(lambda: bool(page.findChildren(ExamCorrection)))
    (slip,) = page.findChildren(ExamCorrection)
    assert button(slip, "保存更正").text() == "保存更正（改动 0 处）Ctrl+S"
    slip.save()
    assert "没有改动，不用更正。" in words(slip)

    length, sphere = slip._grid.field("OD.axial_length_mm"), slip._grid.field("OS.sphere")
    assert length is not None
    assert sphere is not None
    length.setText("24.02")
    sphere.setText("")
    slip._state._drops.choose(False)

    assert "右 原 24.20" in words(slip)
    assert "左 原 −3.00" in words(slip)
    assert (length.property("changed"), sphere.property("changed")) == (True, True)
    assert button(slip, "保存更正").text() == "保存更正（改动 3 处）Ctrl+S"
    length.setText("2420")  # the same value, written otherwise
    assert length.property("changed") is False
    slip.reject()


def test_only_optometrists_are_offered_to_declare_void(workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.MANAGER)
    page = record_for(Role.MANAGER, add_child(workspace))
    assert not [one for one in page.findChildren(QPushButton) if one.text().startswith("作废检查")]


def test_every_change_is_listed_also_what_came_too_late(workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.ASSISTANT)
    child = add_child(workspace)
    about = {"customer_id": str(child), "subject": "customer", "subject_id": str(child), "by_id": str(OWNER)}
    late = {"old": "2016-05-01", "new": "2015-05-01", "applied": False, "at": "2026-11-20T01:00:00Z"}
    put(
        workspace,
        row("field_change", new_id(), **about, field="birth_date", **late, reason=""),
        row(
            "field_change",
            new_id(),
            **about,
            field="sex",
            old="female",
            new="male",
            applied=True,
            at="2026-11-21T01:00:00Z",
        ),
    )
    page = record_for(Role.ASSISTANT, child)
    tabs = page.findChildren(QTabWidget)[0]
    assert tabs.tabText(5) == "变更 2"
    model = tabs.widget(5).findChildren(QTableView)[0].model()
    lines = [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]
    assert lines[0] == ["2026-11-21 09:00", "李娜", "性别", "女 → 男", "—", "已生效"]
    assert lines[1][2:] == ["出生日期", "2016-05-01 → 2015-05-01", "—", "没有生效（晚于同事）"]


def test_ctrl_i_corrects_who_a_customer_is(qtbot: QtBot, workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.ASSISTANT)
    page = record_for(Role.ASSISTANT, add_child(workspace))
    qtbot.keyClick(page, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(page.findChildren(CustomerEdit)))
    (dialog,) = page.findChildren(CustomerEdit)
    name = next(one for one in dialog.findChildren(QLineEdit) if one.accessibleName() == "姓名")
    name.setText("王欣然")
    with qtbot.waitSignal(page.said):
        dialog.save()
    qtbot.waitUntil(lambda: "王欣然" in words(page))
    assert "仅在本机" in words(page) or [
        one for one in page.findChildren(QWidget) if one.accessibleName() == "仅在本机"
    ]
