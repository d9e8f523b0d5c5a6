"""请假: a manager enters at the workstation who is away, and the centre deals what is due."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtWidgets import QDialog, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Absence
from hcrm_core.terms import Role
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.absences import AbsencesDialog
from hcrm_desktop.views.today.page import TodayPage
from tests.factories import PASSWORD, Clinic, make_clinic, serving
from tests.fakes import FakeClock
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY
from tests.gui.office import button, cells, words

PATIENCE = 20_000


@dataclass(frozen=True, slots=True)
class Centre:
    """A clinic that is served until it is unplugged."""

    store: Store
    clinic: Clinic
    url: str
    unplug: Callable[[], None]

    def entered(self) -> list[Absence]:
        with Session(self.store.jobs) as session:
            return list(session.scalars(select(Absence).order_by(Absence.entered_at, Absence.id)))


@pytest.fixture
def centre(store: Store, clock: FakeClock, tmp_path: Path) -> Iterator[Centre]:
    clinic = make_clinic(store, clock)
    app = create_app(store, Settings(wait_seconds=1, data_dir=tmp_path / "centre"), clock=clock)
    with ExitStack() as line:
        yield Centre(store, clinic, line.enter_context(serving(app)), line.close)


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def dialog(qtbot: QtBot, tasks: Tasks, desk_for: DeskFor, centre: Centre, parent: QWidget) -> AbsencesDialog:
    """Opened by a manager who is signed in, and read."""
    done: list[object] = []
    tasks.sign_in(
        parent, server_url=centre.url, username="manager", password=PASSWORD, done=done.append, failed=done.append
    )
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE)
    opened = AbsencesDialog(desk_for(Role.MANAGER), parent=parent)
    opened.open()
    qtbot.waitUntil(lambda: opened._staff.count() > 0, timeout=PATIENCE)
    return opened


def enter(qtbot: QtBot, dialog: AbsencesDialog, who: str, *, first: int = 0, last: int = 0) -> None:
    """For some days from today."""
    today = QDate(TODAY.year, TODAY.month, TODAY.day)
    dialog._staff.setCurrentIndex(dialog._staff.findText(who, Qt.MatchFlag.MatchStartsWith))
    dialog._first.setDate(today.addDays(first))
    dialog._last.setDate(today.addDays(last))
    button(dialog, "登记请假").click()
    qtbot.waitUntil(lambda: "登记" in dialog._message.text() and dialog._enter.isEnabled(), timeout=PATIENCE)


def test_who_is_away_today_is_told_with_how_much_goes_to_colleagues(
    qtbot: QtBot, dialog: AbsencesDialog, centre: Centre
) -> None:
    assert "没有人请假" in words(dialog)
    names = [dialog._staff.itemText(n) for n in range(dialog._staff.count())]
    assert names == ["员工assistant  城北院区", "员工assistant2  城北院区", "员工far  城南院区"]
    enter(qtbot, dialog, "员工assistant ", last=2)
    assert "今天到期的 1 项任务交给在岗的同事" in words(dialog)
    qtbot.waitUntil(lambda: cells(dialog) == [["今天不在", "员工assistant", "城北院区", "2026-11-22 至 2026-11-24"]])
    (entered,) = centre.entered()
    assert entered.staff_id == centre.clinic.staff["assistant"]


def test_an_absence_to_come_says_from_when(qtbot: QtBot, dialog: AbsencesDialog) -> None:
    enter(qtbot, dialog, "员工far", first=3, last=3)
    assert "2026-11-25 起到期的任务" in words(dialog)
    qtbot.waitUntil(lambda: cells(dialog) == [["将请假", "员工far", "城南院区", "2026-11-25"]])


def test_nobody_is_back_before_he_has_gone_and_no_day_has_passed(dialog: AbsencesDialog) -> None:
    day = dialog._first.date()
    assert dialog._first.minimumDate() == dialog._last.minimumDate() == day
    dialog._first.setDate(day.addDays(5))
    assert dialog._last.date() == day.addDays(5)
    dialog._last.setDate(day)
    assert dialog._last.date() == day.addDays(5)


def test_an_absence_is_cancelled_after_a_second_word(qtbot: QtBot, dialog: AbsencesDialog, centre: Centre) -> None:
    enter(qtbot, dialog, "员工assistant2")
    qtbot.waitUntil(lambda: len(cells(dialog)) == 1)
    assert not button(dialog, "取消这次请假").isEnabled()
    dialog._table.selectRow(0)
    button(dialog, "取消这次请假").click()
    assert "取消 员工assistant2 2026-11-22 的请假？" in words(dialog)
    button(dialog, "不取消").click()
    assert not button(dialog, "确定取消").isVisible()
    button(dialog, "取消这次请假").click()
    button(dialog, "确定取消").click()
    qtbot.waitUntil(lambda: "没有人请假" in words(dialog), timeout=PATIENCE)
    assert "已取消。" in words(dialog)
    assert centre.entered()[0].cancelled_at is not None


def test_what_somebody_else_cancelled_meanwhile_is_said_and_the_list_is_new(
    qtbot: QtBot, dialog: AbsencesDialog, centre: Centre, clock: FakeClock
) -> None:
    enter(qtbot, dialog, "员工assistant2")
    qtbot.waitUntil(lambda: len(cells(dialog)) == 1)
    with transaction(centre.store.jobs) as session:
        session.get_one(Absence, centre.entered()[0].id).cancelled_at = clock.now()
    dialog._table.selectRow(0)
    button(dialog, "取消这次请假").click()
    button(dialog, "确定取消").click()
    qtbot.waitUntil(lambda: "这一条已经处理过了" in words(dialog), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "没有人请假" in words(dialog), timeout=PATIENCE)


@pytest.mark.parametrize(("last", "count"), [(365, 1), (366, 0)])
def test_longer_than_a_year_is_refused_in_place(
    qtbot: QtBot, dialog: AbsencesDialog, centre: Centre, last: int, count: int
) -> None:
    enter(qtbot, dialog, "员工far", last=last)
    assert ("请假最长一年" in words(dialog)) is (count == 0)
    assert len(centre.entered()) == count


def test_off_line_the_dialog_says_so_and_takes_nothing(qtbot: QtBot, dialog: AbsencesDialog, centre: Centre) -> None:
    centre.unplug()
    button(dialog, "登记请假").click()
    qtbot.waitUntil(lambda: "连不上中心" in dialog._message.text(), timeout=PATIENCE)
    dialog.read()
    qtbot.waitUntil(lambda: "没有读到数据" in words(dialog), timeout=PATIENCE)
    assert not button(dialog, "登记请假").isEnabled()
    assert not button(dialog, "取消这次请假").isEnabled()


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER])
def test_only_a_manager_is_offered_it(qtbot: QtBot, desk_for: DeskFor, role: Role) -> None:
    page = TodayPage(desk_for(role))
    qtbot.addWidget(page)
    page.show()
    offered = [one for one in page.findChildren(QPushButton) if one.text() == "请假…"]
    assert bool(offered) is (role is Role.MANAGER)
    for one in offered:
        one.click()
        assert [dialog.windowTitle() for dialog in page.findChildren(QDialog)] == ["请假"]
