"""客户档案: one question first, and every state honest."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QScrollArea, QTableView
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Channel, Outcome, Role
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.rows import Changes, CustomerRecord
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.exam_entry.slip import ExamSlip
from hcrm_desktop.views.record.follow_up import FollowUpDialog
from hcrm_desktop.views.record.header import masked
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.widgets.chips import Chip
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY, child_rows, open_clinic, put, row
from tests.gui.record.filling import NAME, add_child, exam_rows
from tests.gui.record.records import full_record, without

PageFor = Callable[[Role], RecordPage]


@pytest.fixture
def page_for(qtbot: QtBot, desk_for: DeskFor) -> PageFor:
    def make(role: Role) -> RecordPage:
        desk = desk_for(role)
        page = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words)
        desk.theme.dress(page)
        qtbot.addWidget(page)
        page.resize(1182, 720)
        page.show()
        return page

    return make


def shown(page: RecordPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def open_record(qtbot: QtBot, page: RecordPage, customer_id: UUID, *, says: str = NAME) -> None:
    page.show_customer(customer_id)
    page.setFocus()  # as the frame does when it shows a page
    qtbot.waitUntil(lambda: says in shown(page))


def stored(workspace: Workspace, customer_id: UUID) -> CustomerRecord:
    with workspace.read() as session:
        found = queries.customer_record(session, customer_id, today=date(2026, 11, 22))
    assert found is not None
    return found


def test_the_growth_of_each_eye_stands_first_in_words(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page = page_for(Role.ASSISTANT)

    open_record(qtbot, page, add_child(workspace))

    assert "+0.20 mm" in shown(page)
    assert "2026-04-01 至 2026-10-01，6个月 · 折合 +0.40 mm/年 · 同龄近视儿童平均 0.18 mm" in shown(page)
    assert "右眼6个月度数没有变化" in shown(page)


def test_before_a_choice_the_page_says_how_to_choose(page_for: PageFor) -> None:
    assert "还没有选择客户" in shown(page_for(Role.ASSISTANT))


def test_a_customer_who_is_not_here_any_more_is_said_to_be_gone(qtbot: QtBot, page_for: PageFor) -> None:
    open_record(qtbot, page_for(Role.ASSISTANT), new_id(), says="这位客户已不在本机")


def test_a_failed_reading_is_said_and_can_be_tried_again(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page = page_for(Role.ASSISTANT)
    customer_id = add_child(workspace)
    with workspace.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE visit RENAME TO elsewhere")
    open_record(qtbot, page, customer_id, says="没有读到数据")

    with workspace.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO visit")
    retry = next(b for b in page.findChildren(QPushButton) if b.text() == "重试" and b.isVisible())
    retry.click()

    qtbot.waitUntil(lambda: NAME in shown(page))


def test_a_child_without_examinations_is_not_judged(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page, customer_id = page_for(Role.ASSISTANT), new_id()
    put(workspace, *child_rows(NAME, id=customer_id, sex=None, birth_date=None))

    open_record(qtbot, page, customer_id)

    assert "暂不判断" in shown(page)
    assert "性别未知 · 年龄未知" in shown(page)
    assert "还没有测过眼轴" in shown(page)
    assert "还没有检查" in shown(page)


def test_the_later_choice_wins_over_a_late_answer(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page = page_for(Role.ASSISTANT)
    first, second = add_child(workspace), add_child(workspace, name="李子涵")

    page.show_customer(first)
    open_record(qtbot, page, second, says="李子涵")

    study = page.study()
    assert study is not None
    assert study.record.header.id == second


def test_assistants_see_the_phone_and_others_a_masked_one(
    qtbot: QtBot, workspace: Workspace, page_for: PageFor
) -> None:
    customer_id = add_child(workspace)
    for role, phone in ((Role.ASSISTANT, "14399900011"), (Role.MANAGER, "143****0011")):
        page = page_for(role)
        open_record(qtbot, page, customer_id)
        assert phone in shown(page)


@pytest.mark.parametrize(
    ("phone", "expected"), [("13812345678", "138****5678"), ("02112345678", "021****5678"), ("123", "****")]
)
def test_a_masked_phone_keeps_its_ends(phone: str, expected: str) -> None:
    assert masked(phone) == expected


def test_the_reason_for_a_segment_is_one_click_away(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page, customer_id = page_for(Role.ASSISTANT), add_child(workspace)
    evidence = [
        {"fact": "se_growth_6m", "label": "半年增长", "eye": "OD", "value": "0.50", "unit": "D", "verdict": "true"}
    ]
    put(
        workspace,
        row(
            "membership",
            new_id(),
            customer_id=str(customer_id),
            segment_key="potential",
            entered_on="2026-10-02",
            evidence=evidence,
        ),
    )
    open_record(qtbot, page, customer_id)
    assert "半年增长" not in shown(page)

    why = next(b for b in page.findChildren(QPushButton) if b.text() == "为何")
    why.click()

    assert "右眼半年增长" in shown(page)
    assert "潜在客户" in [chip.text() for chip in page.findChildren(Chip)]


def test_what_a_pull_brings_appears(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page, customer_id = page_for(Role.OPTOMETRIST), add_child(workspace)
    open_record(qtbot, page, customer_id)
    page.hide()
    put(workspace, *exam_rows(customer_id, date(2026, 11, 20), length="24.60"))
    page._tasks.data_changed.emit(Changes.of("exam"))

    page.show()

    qtbot.waitUntil(lambda: "2026-11-20" in shown(page))


def test_escape_goes_back(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page = page_for(Role.ASSISTANT)
    open_record(qtbot, page, add_child(workspace))

    with qtbot.waitSignal(page.back_requested):
        qtbot.keyClick(page, Qt.Key.Key_Escape)


def test_only_an_optometrist_enters_examinations(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page = page_for(Role.ASSISTANT)
    open_record(qtbot, page, add_child(workspace))

    qtbot.keyClick(page, Qt.Key.Key_E)

    assert page.findChildren(ExamSlip) == []
    assert not any(b.isVisible() for b in page.findChildren(QPushButton) if b.text().startswith("录入检查"))


def test_e_opens_the_slip_once(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = page_for(Role.OPTOMETRIST)
    open_record(qtbot, page, add_child(workspace))

    qtbot.keyClick(page, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: len(page.findChildren(ExamSlip)) == 1)
    page._on_exam_requested()

    (slip,) = page.findChildren(ExamSlip)
    slip.reject()
    qtbot.waitUntil(lambda: page.findChildren(ExamSlip) == [])


def test_a_contact_is_recorded_by_keyboard(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page, customer_id = page_for(Role.ASSISTANT), add_child(workspace)
    open_record(qtbot, page, customer_id)
    dialog = opened_dialog(qtbot, page)

    with qtbot.waitSignal(page.recorded):
        qtbot.keyClick(dialog._outcome, Qt.Key.Key_3)
        qtbot.keyClicks(dialog._note, "call again")
        qtbot.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)

    (contact,) = stored(workspace, customer_id).follow_ups
    assert (contact.channel, contact.outcome, contact.note) == (Channel.PHONE, Outcome.CONSIDERING, "call again")
    assert contact.next_on is None
    qtbot.waitUntil(lambda: "仅在本机" in table_texts(page))


def test_a_booking_asks_for_its_day(qtbot: QtBot, workspace: Workspace, page_for: PageFor) -> None:
    page, customer_id = page_for(Role.ASSISTANT), add_child(workspace)
    open_record(qtbot, page, customer_id)
    dialog = opened_dialog(qtbot, page)

    qtbot.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)

    assert "需要约定的日期" in dialog._message.text()
    assert stored(workspace, customer_id).follow_ups == ()
    dialog.reject()


@pytest.mark.parametrize("size", [(916, 592), (1182, 720), (1736, 1032)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_at_the_sizes_clinics_have(
    qtbot: QtBot, theme: Theme, page_for: PageFor, size: tuple[int, int], scheme: str
) -> None:
    page = page_for(Role.OPTOMETRIST)
    page.resize(*size)
    theme.choose(scheme)
    page._show(study(without(full_record(), name="阿卜杜热合曼·买买提明·伊斯坎德尔", do_not_contact=True), today=TODAY))

    def cut() -> list[str]:
        return [label.text() for label in page.findChildren(QLabel) if label.isVisible() and is_cut(label)]

    qtbot.waitUntil(lambda: cut() == [])  # heights that follow from widths are settled by the event loop
    theme.choose("light")


def is_cut(label: QLabel) -> bool:
    if label.wordWrap():
        return label.heightForWidth(label.width()) > label.height() + 1
    return label.sizeHint().width() > label.width() + 1 and not label.text().endswith("…")


def opened_dialog(qtbot: QtBot, page: RecordPage) -> FollowUpDialog:
    qtbot.keyClick(page, Qt.Key.Key_F)
    dialog = page.findChild(FollowUpDialog)
    assert dialog is not None
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def table_texts(page: RecordPage) -> str:
    texts = []
    for table in page.findChildren(QTableView):
        model = table.model()
        cells = ((row, column) for row in range(model.rowCount()) for column in range(model.columnCount()))
        texts += [str(model.index(row, column).data()) for row, column in cells]
    return " ".join(texts)


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER])
def test_nothing_is_cut_off_at_the_right_of_a_small_window(
    qtbot: QtBot, workspace: Workspace, page_for: PageFor, role: Role
) -> None:
    page = page_for(role)
    open_record(qtbot, page, add_child(workspace))
    area = page.findChildren(QScrollArea)[0]
    assert area.widget().minimumSizeHint().width() <= area.viewport().width()
