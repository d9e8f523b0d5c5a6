"""今日任务: the whole day by keyboard."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QShortcut
from PySide6.QtWidgets import QLabel, QListView, QPushButton
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Outcome, Role, TaskState
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.rows import TaskFilter, TaskRow
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.models.task_list import OTHERS_ROLE, PAGE, TaskListModel
from hcrm_desktop.views.today.lines import urgency
from hcrm_desktop.views.today.outcomes import BOOK_AHEAD_DAYS, OutcomeBar
from hcrm_desktop.views.today.page import TodayPage
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import SITE, TODAY, add_tasks, open_clinic, put, row, task_row

Open = Callable[[], TodayPage]


@pytest.fixture
def page(qtbot: QtBot, desk_for: DeskFor) -> Open:
    def make() -> TodayPage:
        desk = desk_for(Role.ASSISTANT)
        made = TodayPage(desk)
        desk.theme.dress(made)
        qtbot.addWidget(made)
        made.resize(1180, 700)
        with qtbot.waitActive(made):
            made.show()
        return made

    return make


def listed(page: TodayPage) -> list[str]:
    model = view(page).model()
    return [model.index(n, 0).data(Qt.ItemDataRole.UserRole).name for n in range(model.rowCount())]


def view(page: TodayPage) -> QListView:
    found = page.findChild(QListView)
    assert found is not None
    return found


def words(page: TodayPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def stored(workspace: Workspace) -> list[TaskRow]:
    with workspace.read() as session:
        return queries.tasks_today(session, today=TODAY, filter=TaskFilter(include_closed=True))


def test_the_most_urgent_child_stands_first_and_its_case_is_open(
    qtbot: QtBot, workspace: Workspace, page: Open
) -> None:
    add_tasks(workspace, "王小明", "李小红")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    assert listed(shown) == ["王小明", "李小红"]
    assert "复查 2 人" in words(shown)
    assert "14399900011" in words(shown)


def test_a_number_key_records_the_outcome_and_opens_the_next_case(
    qtbot: QtBot, workspace: Workspace, page: Open
) -> None:
    first, _ = add_tasks(workspace, "王小明", "李小红")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    with qtbot.waitSignal(shown.recorded) as recorded:
        qtbot.keyClick(view(shown), Qt.Key.Key_2)
    assert "王小明" in recorded.args[0]
    qtbot.waitUntil(lambda: listed(shown) == ["李小红"])
    task = next(row for row in stored(workspace) if row.id == first)
    assert (task.state, task.attempts, task.last_outcome) == (TaskState.SNOOZED, 1, Outcome.NO_ANSWER)
    assert workspace.outbox.unsent()[0] == 1


def test_a_booking_takes_the_day_in_the_field(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    with qtbot.waitSignal(shown.recorded):
        qtbot.keyClick(view(shown), Qt.Key.Key_1)
    (task,) = stored(workspace)
    assert (task.last_outcome, task.next_on) == (Outcome.BOOKED, TODAY + timedelta(days=BOOK_AHEAD_DAYS))


def test_an_undone_outcome_leaves_the_task_as_it_was(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    with qtbot.waitSignal(shown.recorded):
        qtbot.keyClick(view(shown), Qt.Key.Key_4)
    qtbot.waitUntil(lambda: listed(shown) == [])
    shown._desk.tasks.command(shown, commands.undo_last)
    qtbot.waitUntil(lambda: listed(shown) == ["王小明"])
    assert stored(workspace)[0].state is TaskState.OPEN
    assert workspace.outbox.unsent()[0] == 0


def test_typing_a_note_does_not_record_an_outcome(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    qtbot.keyClick(view(shown), Qt.Key.Key_N)
    qtbot.keyClicks(shown._outcomes._note, "12")
    assert shown._outcomes.note() == "12"
    assert workspace.outbox.unsent()[0] == 0


def test_enter_ends_a_note_and_the_keys_belong_to_the_list_again(
    qtbot: QtBot, workspace: Workspace, page: Open
) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    qtbot.keyClick(view(shown), Qt.Key.Key_N)
    qtbot.keyClicks(shown._outcomes._note, "busy")
    with qtbot.assertNotEmitted(shown.customer_requested):
        qtbot.keyClick(shown._outcomes._note, Qt.Key.Key_Return)
    assert view(shown).hasFocus()
    with qtbot.waitSignal(shown.recorded):
        qtbot.keyClick(view(shown), Qt.Key.Key_3)
    with workspace.read() as session:
        (contact,) = queries.customer_record(session, stored(workspace)[0].customer_id, today=TODAY).follow_ups
    assert (contact.outcome, contact.note) == (Outcome.CONSIDERING, "busy")


def test_a_day_that_was_picked_belongs_to_any_outcome(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    qtbot.keyClick(view(shown), Qt.Key.Key_D)
    qtbot.keyClick(shown._outcomes._next, Qt.Key.Key_Up)  # a later year, month or day: whichever Qt chose
    qtbot.keyClick(shown._outcomes._next, Qt.Key.Key_Return)
    picked = shown._outcomes._next.date().toPython()
    with qtbot.waitSignal(shown.recorded):
        qtbot.keyClick(view(shown), Qt.Key.Key_2)
    (task,) = stored(workspace)
    assert task.next_on == picked != TODAY + timedelta(days=BOOK_AHEAD_DAYS)


def test_why_is_one_key_away_and_closed_again_for_the_next_case(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    seen = {"label": "应复查日期", "value": "2026-10-01", "verdict": "true", "eye": "", "unit": "", "quantity": 52}
    asked = {"operator": "days_ago_gt", "threshold": "30", "threshold_unit": "天", "negated": False, "on": None}
    add_tasks(workspace, "王小明", "李小红", evidence=[seen | asked])
    shown = page()
    qtbot.waitUntil(lambda: "应复查日期 2026-10-01（已 52 天）" in words(shown))
    assert "要求 ＞ 30 天" not in words(shown)
    qtbot.keyClick(view(shown), Qt.Key.Key_Question)
    assert "要求 ＞ 30 天" in words(shown)
    qtbot.keyClick(view(shown), Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: "要求 ＞ 30 天" not in words(shown))


def test_a_family_has_one_line_and_one_case(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    family = new_id()
    put(workspace, row("guardian", new_id(), family_id=str(family), name="王芳", phone="14399900011"))
    for name, home, late in (("姐姐", family, 9), ("妹妹", family, 5), ("别人", new_id(), 7)):
        child = new_id()
        about = {"name": name, "site_id": str(SITE), "family_id": str(home)}
        put(workspace, row("customer", child, **about), task_row(child, late_days=late))
    shown = page()
    qtbot.waitUntil(lambda: listed(shown) == ["姐姐", "别人"])
    model = view(shown).model()
    assert [one.name for one in model.index(0, 0).data(OTHERS_ROLE)] == ["妹妹"]
    assert model.index(1, 0).data(OTHERS_ROLE) == ()
    assert "2 项 · 姐姐 复查提醒，妹妹 复查提醒" in model.index(0, 0).data()
    qtbot.waitUntil(lambda: "同一家长，一次说完：共 2 项" in words(shown))
    assert "2 次联系、3 项" in words(shown)


def test_snooze_needs_a_day_to_come(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    with qtbot.waitSignal(shown.recorded):
        qtbot.keyClick(view(shown), Qt.Key.Key_S)
    (workspace_task,) = stored_with_snoozed(workspace)
    assert workspace_task.state is TaskState.SNOOZED
    assert workspace_task.attempts == 0


def stored_with_snoozed(workspace: Workspace) -> list[TaskRow]:
    with workspace.read() as session:
        later = TODAY + timedelta(days=30)
        return queries.tasks_today(session, today=later, filter=TaskFilter(include_closed=True))


def test_the_talk_is_copied_with_one_key(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    QGuiApplication.clipboard().clear()
    qtbot.keyClick(view(shown), Qt.Key.Key_C)
    assert QGuiApplication.clipboard().text() == "王芳，您好！"


def test_enter_opens_the_record(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    shown = page()
    qtbot.waitUntil(lambda: "王芳，您好！" in words(shown))
    with qtbot.waitSignal(shown.customer_requested):
        qtbot.keyClick(view(shown), Qt.Key.Key_Return)


def test_a_chip_shows_only_its_tasks_and_an_empty_list_says_why(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    add_tasks(workspace, "王小明")
    add_tasks(workspace, "李小红", sop_key="recall")
    shown = page()
    qtbot.waitUntil(lambda: len(listed(shown)) == 2)
    chip = next(button for button in shown.findChildren(QPushButton) if button.text() == "流失召回 1")
    chip.click()
    qtbot.waitUntil(lambda: listed(shown) == ["李小红"])
    shown._text.setText("nobody")
    qtbot.waitUntil(lambda: "没有符合筛选的任务" in words(shown))


def test_a_day_without_tasks_says_so(qtbot: QtBot, page: Open) -> None:
    shown = page()
    qtbot.waitUntil(lambda: "没有待办" in words(shown))


def test_a_list_that_cannot_be_read_offers_to_try_again(
    qtbot: QtBot, workspace: Workspace, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tasks(workspace, "王小明")

    def broken(*_: object, **__: object) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr(queries, "sop_counts", broken)
        shown = page()
        qtbot.waitUntil(lambda: "没有读到数据" in words(shown))
    next(b for b in shown.findChildren(QPushButton) if b.text() == "重试").click()
    qtbot.waitUntil(lambda: listed(shown) == ["王小明"])


def test_ten_thousand_tasks_come_by_pages(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    put(workspace, *(task_row(new_id()) for _ in range(10_000)))
    shown = page()
    qtbot.waitUntil(lambda: len(listed(shown)) == PAGE)
    view(shown).scrollToBottom()
    qtbot.waitUntil(lambda: len(listed(shown)) == 2 * PAGE)
    assert "今日任务 10000" in words(shown)


def test_the_model_keeps_qts_rules(qtmodeltester: object) -> None:
    model = TaskListModel(lambda row, _: row.name)
    model.replace([a_row("王小明"), a_row("李小红")], 3, today=TODAY)
    qtmodeltester.check(model, force_py=True)  # type: ignore[attr-defined] # pytest-qt's fixture has no public type
    model.append([a_row("陈小军")])
    assert model.rowCount() == 3
    assert not model.canFetchMore(QModelIndex())


def test_a_family_that_a_page_ends_within_still_has_one_line(qtmodeltester: object) -> None:
    model, first = TaskListModel(lambda row, _: row.name), a_row("姐姐")
    second, third = (replace(a_row(name), family_id=first.family_id) for name in ("妹妹", "弟弟"))
    model.replace([first], 3, today=TODAY)
    model.append([second, third])
    qtmodeltester.check(model, force_py=True)  # type: ignore[attr-defined] # pytest-qt's fixture has no public type
    assert model.rowCount() == 1
    assert model.index(0).data(OTHERS_ROLE) == (second, third)
    assert (model.held(), model.place(third.id)) == (3, 0)


@pytest.mark.parametrize(
    "change",
    [{"state": TaskState.DONE}, {"state": TaskState.SNOOZED, "next_on": TODAY + timedelta(days=1)}],
    ids=["closed", "asleep"],
)
def test_what_is_not_due_has_a_line_of_its_own(change: dict[str, Any]) -> None:
    model, first = TaskListModel(lambda row, _: row.name), a_row("姐姐")
    model.replace([first, replace(first, id=new_id(), **change)], 2, today=TODAY)
    assert model.rowCount() == 2


@pytest.mark.parametrize(("late", "tone"), [(-1, "neutral"), (0, "neutral"), (1, "warn"), (14, "warn"), (15, "act")])
def test_urgency_grows_with_the_days_after_the_due_date(late: int, tone: str) -> None:
    assert urgency(a_row("王小明", late=late), TODAY) == tone


def a_row(name: str, *, late: int = 0) -> TaskRow:
    due = TODAY - timedelta(days=late)
    return TaskRow(
        id=new_id(),
        ver=1,
        customer_id=new_id(),
        family_id=new_id(),
        name=name,
        sex=None,
        birth_date=date(2016, 5, 1),
        sop_key="recheck",
        sop_label="复查提醒",
        step_key="call",
        subject="",
        anchor_on=due,
        due_on=due,
        priority=3,
        state=TaskState.OPEN,
        attempts=0,
        last_outcome=None,
        next_on=None,
        product=None,
        lens_since=None,
        guardian_name="",
        phone=None,
        owner_name="",
    )


def test_a_colleagues_task_offers_an_optometrist_no_outcome_and_says_why(
    qtbot: QtBot, workspace: Workspace, page: Open
) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    add_tasks(workspace, "王小明", owner_id=str(new_id()))
    add_tasks(workspace, "刘晨曦", priority=5)
    made = page()
    qtbot.waitUntil(lambda: "王小明" in words(made) and "同事负责的任务" in words(made))
    bar = made.findChild(OutcomeBar)
    assert bar is not None
    assert not bar.isEnabled()
    qtbot.keyClick(view(made), Qt.Key.Key_Down)
    qtbot.waitUntil(bar.isEnabled)
    assert "同事负责的任务" not in words(made)


def test_a_key_held_down_records_once(page: Open) -> None:
    shown = page()
    repeating = [key.key().toString() for key in shown.findChildren(QShortcut) if key.autoRepeat()]
    assert [key for key in repeating if key.isdigit() or key == "S"] == []
