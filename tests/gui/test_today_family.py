"""今日任务: a family is called once, about everything that is due of its children."""

from collections.abc import Callable
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QListView, QPushButton
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Outcome, Role
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.rows import TaskCase
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.views.today.page import TodayPage
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import SITE, TODAY, add_tasks, open_clinic, put, row, task_row
from tests.gui.office import words

CARE = ["satisfied", "discomfort", "booked", "no_answer"]
Open = Callable[[Role], "Call"]


class Call:
    """The page, with the case that is shown, and a person at the keyboard."""

    def __init__(self, qtbot: QtBot, page: TodayPage) -> None:
        self.page, self._qtbot, self.said = page, qtbot, list[str]()
        page.recorded.connect(self.said.append)
        page.said.connect(self.said.append)

    def wait(self, holds: Callable[[], object]) -> None:
        self._qtbot.waitUntil(lambda: bool(holds()))

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self._qtbot.keyClick(self.view(), key, modifier)  # type: ignore[no-untyped-call] # pytest-qt's

    def view(self) -> QListView:
        found = self.page.findChild(QListView)
        assert found is not None
        return found

    def lines(self) -> list[str]:
        model = self.view().model()
        return [str(model.index(n, 0).data()) for n in range(model.rowCount())]

    def ticks(self) -> list[bool]:
        """Of the items that can be ticked."""
        return [line.tick.isChecked() for line in self.page._case.items._lines if line.tick.isVisible()]

    def words(self) -> str:
        return words(self.page)


@pytest.fixture
def call(qtbot: QtBot, desk_for: DeskFor) -> Open:
    def make(role: Role) -> Call:
        desk = desk_for(role)
        page = TodayPage(desk)
        desk.theme.dress(page)
        qtbot.addWidget(page)
        page.resize(1180, 700)
        with qtbot.waitActive(page):
            page.show()
        return Call(qtbot, page)

    return make


def mother_of_three(workspace: Workspace, **body: object) -> list[UUID]:
    """Five due tasks of three children, the most urgent first."""
    family, children = new_id(), [new_id() for _ in range(3)]
    home = {"site_id": str(SITE), "family_id": str(family)}
    put(workspace, row("guardian", new_id(), family_id=str(family), name="王芳", phone="14399900011"))
    named = zip(children, ("大宝", "二宝", "三宝"), strict=True)
    put(workspace, *(row("customer", child, name=name, **home) for child, name in named))
    care = {"outcomes": CARE}
    put(
        workspace, row("sop", new_id(), key="ok_care", label="角塑随访", summary="随访 {n} 人", rank=3, definition=care)
    )
    due = [(0, "recheck", 20), (0, "ok_care", 8), (1, "recheck", 7), (1, "ok_care", 6), (2, "recheck", 5)]
    tasks = [new_id() for _ in due]
    put(
        workspace,
        *(
            task_row(children[n], task_id=task, sop_key=sop, late_days=late, **body)
            for task, (n, sop, late) in zip(tasks, due, strict=True)
        ),
    )
    return tasks


def case_of(workspace: Workspace, task_id: UUID) -> TaskCase:
    with workspace.read() as session:
        case = queries.task_case(session, task_id, today=TODAY)
    assert case is not None
    return case


def last_outcomes(workspace: Workspace, tasks: list[UUID]) -> list[Outcome | None]:
    return [case_of(workspace, one).task.last_outcome for one in tasks]


def test_one_key_settles_everything_that_is_due_of_a_family(workspace: Workspace, call: Open) -> None:
    tasks = mother_of_three(workspace)
    add_tasks(workspace, "别人", priority=5)
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: desk.ticks() == [True] * 5)
    assert len(desk.lines()) == 2
    assert "5 项 · 大宝 复查提醒、角塑随访，二宝 复查提醒、角塑随访，三宝 复查提醒" in desk.lines()[0]
    assert "2 次联系、6 项" in desk.words()
    desk.press(Qt.Key.Key_1)
    desk.wait(lambda: len(desk.lines()) == 1)
    desk.wait(lambda: "别人" in desk.words())
    assert last_outcomes(workspace, tasks) == [Outcome.BOOKED] * 5
    assert desk.said == ["已记录 大宝、二宝等 5 项：已约"]
    desk.page._desk.tasks.command(desk.page, commands.undo_last)
    desk.wait(lambda: len(desk.lines()) == 2)
    assert last_outcomes(workspace, tasks) == [None] * 5
    assert workspace.outbox.unsent()[0] == 0


def test_what_is_not_ticked_stays_before_the_reader_and_takes_another_outcome(workspace: Workspace, call: Open) -> None:
    tasks = mother_of_three(workspace)
    add_tasks(workspace, "别人", priority=5)
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.ticks()) == 5)
    desk.press(Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
    assert desk.ticks() == [True] * 4 + [False]
    desk.press(Qt.Key.Key_1)
    desk.wait(lambda: "三宝" in desk.words() and desk.ticks() == [])
    assert last_outcomes(workspace, tasks) == [Outcome.BOOKED] * 4 + [None]
    desk.press(Qt.Key.Key_4)
    desk.wait(lambda: len(desk.lines()) == 1)
    assert last_outcomes(workspace, tasks) == [Outcome.BOOKED] * 4 + [Outcome.DECLINED]


def test_an_outcome_leaves_out_what_it_does_not_answer_and_says_so(workspace: Workspace, call: Open) -> None:
    tasks = mother_of_three(workspace)
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.ticks()) == 5)
    desk.press(Qt.Key.Key_8)
    desk.wait(lambda: desk.ticks() == [True] * 3)
    assert last_outcomes(workspace, tasks) == [None, Outcome.SATISFIED, None, Outcome.SATISFIED, None]
    assert desk.said == [
        "已记录 大宝、二宝 2 项：适应良好；大宝 复查提醒、二宝 复查提醒、三宝 复查提醒 不适用这个结果，请另选"
    ]


def test_a_key_that_bounced_does_not_settle_what_was_left_out(workspace: Workspace, call: Open) -> None:
    tasks = mother_of_three(workspace)
    desk = call(Role.ASSISTANT)
    desk.page._breath.setInterval(60_000)  # on a busy machine the two keys may lie far apart
    desk.wait(lambda: len(desk.ticks()) == 5)
    desk.press(Qt.Key.Key_8)
    desk.wait(lambda: desk.ticks() == [True] * 3)
    desk.press(Qt.Key.Key_8)
    assert workspace.outbox.unsent()[0] == 2
    desk.press(Qt.Key.Key_1)
    desk.wait(lambda: desk.lines() == [])
    assert last_outcomes(workspace, tasks).count(Outcome.BOOKED) == 3


def test_nothing_ticked_is_said_and_nothing_recorded(workspace: Workspace, call: Open) -> None:
    mother_of_three(workspace)
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.ticks()) == 5)
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5):
        desk.press(key, Qt.KeyboardModifier.ControlModifier)
    desk.press(Qt.Key.Key_1)
    assert desk.said == ["请至少勾选一项。"]
    assert workspace.outbox.unsent()[0] == 0


def test_news_from_the_centre_leave_ticks_and_the_note_alone(workspace: Workspace, call: Open) -> None:
    tasks = mother_of_three(workspace)
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.ticks()) == 5)
    desk.press(Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    desk.page._outcomes._note.setText("下周再说")
    child = case_of(workspace, tasks[4]).task.customer_id
    put(workspace, task_row(child, late_days=1))
    desk.page.reload()
    desk.wait(lambda: len(desk.ticks()) == 6)
    assert desk.ticks() == [True, False, True, True, True, True]
    assert desk.page._outcomes.note() == "下周再说"


def test_the_item_of_a_colleague_is_shown_and_not_touched(workspace: Workspace, call: Open) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    tasks = mother_of_three(workspace)
    child = case_of(workspace, tasks[0]).task.customer_id
    theirs = new_id()
    put(workspace, task_row(child, task_id=theirs, late_days=1, owner_id=str(new_id())))
    desk = call(Role.OPTOMETRIST)
    desk.wait(lambda: len(desk.ticks()) == 5)
    assert "共 6 项" in desk.words()
    assert "同事负责" in desk.words()
    desk.press(Qt.Key.Key_2)
    desk.wait(lambda: desk.said)
    assert last_outcomes(workspace, [*tasks, theirs]) == [Outcome.NO_ANSWER] * 5 + [None]


def test_all_ticked_items_are_put_off_together(workspace: Workspace, call: Open) -> None:
    mother_of_three(workspace)
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.ticks()) == 5)
    desk.press(Qt.Key.Key_S)
    desk.wait(lambda: desk.lines() == [])
    assert workspace.outbox.unsent()[0] == 5


def test_why_shows_the_conditions_of_every_item(workspace: Workspace, call: Open) -> None:
    seen = {"label": "应复查日期", "value": "2026-10-01", "verdict": "true", "eye": "", "unit": "", "quantity": 52}
    asked = {"operator": "days_ago_gt", "threshold": "30", "threshold_unit": "天", "negated": False, "on": None}
    mother_of_three(workspace, evidence=[seen | asked])
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.ticks()) == 5)
    assert "要求" not in desk.words()
    desk.press(Qt.Key.Key_Question)
    assert desk.words().count("要求 ＞ 30 天") == 5


# ── escalated ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_escalated_task_comes_first_for_a_manager_and_can_be_chosen(workspace: Workspace, call: Open) -> None:
    open_clinic(workspace, Role.MANAGER)
    add_tasks(workspace, "急的", priority=1)
    add_tasks(workspace, "升级的", priority=5, escalated_on="2026-11-20")
    desk = call(Role.MANAGER)
    desk.wait(lambda: len(desk.lines()) == 2)
    assert [line[:3] for line in desk.lines()] == ["升级的", "急的，"]
    assert "已升级" in desk.lines()[0]
    assert "已升级" not in desk.lines()[1]
    chip = next(one for one in desk.page.findChildren(QPushButton) if one.text() == "已升级 1")
    chip.click()
    desk.wait(lambda: [line[:3] for line in desk.lines()] == ["升级的"])


def test_an_assistant_sees_that_a_task_was_escalated_in_its_usual_place(workspace: Workspace, call: Open) -> None:
    add_tasks(workspace, "急的", priority=1)
    add_tasks(workspace, "升级的", priority=5, escalated_on="2026-11-20")
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.lines()) == 2)
    assert "已升级" in desk.lines()[1]
    assert not [one for one in desk.page.findChildren(QPushButton) if one.text().startswith("已升级")]


def test_every_tick_has_a_name_for_screen_readers(workspace: Workspace, call: Open) -> None:
    mother_of_three(workspace)
    desk = call(Role.ASSISTANT)
    desk.wait(lambda: len(desk.ticks()) == 5)
    shown = [one for one in desk.page._case.items.findChildren(QCheckBox) if one.isVisible()]
    assert all("宝" in one.accessibleName() for one in shown)
