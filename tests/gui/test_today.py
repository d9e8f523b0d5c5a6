"""今日任务: the whole day by keyboard."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QShortcut
from PySide6.QtWidgets import QLabel, QListView, QPushButton
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Outcome, Role, TaskState
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.rows import TaskFilter, TaskRow
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.models.task_list import PAGE, ROW_ROLE, SIBLING_ROLE, TaskListModel
from hcrm_desktop.views.today.lines import urgency
from hcrm_desktop.views.today.outcomes import BOOK_AHEAD_DAYS, OutcomeBar
from hcrm_desktop.views.today.page import TodayPage
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import SITE, TODAY, add_tasks, child_rows, open_clinic, put, row, task_row

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


def test_children_of_one_family_are_marked(qtbot: QtBot, workspace: Workspace, page: Open) -> None:
    family = new_id()
    put(workspace, row("guardian", new_id(), family_id=str(family), name="王芳", phone="14399900011"))
    for name, home in (("姐姐", family), ("妹妹", family), ("别人", new_id())):
        child = new_id()
        about = {"name": name, "site_id": str(SITE), "family_id": str(home)}
        put(workspace, row("customer", child, **about), task_row(child))
    shown = page()
    qtbot.waitUntil(lambda: len(listed(shown)) == 3)
    model = view(shown).model()
    marked = {model.index(n, 0).data(ROW_ROLE).name for n in range(3) if model.index(n, 0).data(SIBLING_ROLE)}
    assert marked == {"姐姐", "妹妹"}
    qtbot.waitUntil(lambda: "同一家长，一次说完" in words(shown))


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
    customer = new_id()
    many = [task_row(customer, subject=str(n)) for n in range(10_000)]
    put(workspace, *child_rows("王小明", id=customer), *many)
    shown = page()
    qtbot.waitUntil(lambda: len(listed(shown)) == PAGE)
    view(shown).scrollToBottom()
    qtbot.waitUntil(lambda: len(listed(shown)) == 2 * PAGE)
    assert "今日任务 10000" in words(shown)


def test_the_model_keeps_qts_rules(qtmodeltester: object) -> None:
    model = TaskListModel(lambda row: row.name)
    model.replace([a_row("王小明"), a_row("李小红")], 3)
    qtmodeltester.check(model, force_py=True)  # type: ignore[attr-defined] # pytest-qt's fixture has no public type
    model.append([a_row("陈小军")])
    assert model.rowCount() == 3
    assert not model.canFetchMore(QModelIndex())


@pytest.mark.parametrize(("late", "tone"), [(-1, "neutral"), (0, "neutral"), (1, "warn"), (14, "warn"), (15, "act")])
def test_urgency_grows_with_the_days_after_the_due_date(late: int, tone: str) -> None:
    assert urgency(a_row("王小明", late=late), TODAY) == tone


def a_row(name: str, *, late: int = 0) -> TaskRow:
    due = TODAY - timedelta(days=late)
    return TaskRow(
        id=new_id(),
        ver=1,
        customer_id=new_id(),
        family_id=None,
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
