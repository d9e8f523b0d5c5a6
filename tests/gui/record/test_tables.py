"""The tabs: right and left eye, newest first, no room for what may not be known."""

from datetime import date

import pytest
from PySide6.QtWidgets import QTableView
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Eye, Role
from hcrm_desktop.cache.rows import Delivery
from hcrm_desktop.models.record_table import Column, RecordTable
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.record.tables import RecordTabs, eye_lines
from hcrm_desktop.views.words import Words
from tests.gui.record.records import TODAY, exam, eye, full_record, record


@pytest.fixture
def tabs(qtbot: QtBot, theme: Theme) -> RecordTabs:
    made = RecordTabs(theme, Words(theme), Role.ASSISTANT)
    qtbot.addWidget(made)
    return made


def exam_table(tabs: RecordTabs) -> QTableView:
    found = tabs.widget(0).findChild(QTableView)
    assert found is not None
    return found


def headings(table: QTableView) -> list[str]:
    model = table.model()
    shown = [n for n in range(model.columnCount()) if not table.isColumnHidden(n)]
    return [str(model.headerData(n, table.horizontalHeader().orientation())) for n in shown]


def test_the_table_keeps_qts_rules(qtmodeltester: ModelTester) -> None:
    model = RecordTable([Column(title="a", text=str), Column(title="b", text=str, number=True)])
    model.replace([1, 2, 3])
    qtmodeltester.check(model)
    model.replace([])
    qtmodeltester.check(model)


def test_every_tab_keeps_qts_rules(tabs: RecordTabs, qtmodeltester: ModelTester) -> None:
    tabs.show_study(study(full_record(), today=TODAY))

    for table in tabs.findChildren(QTableView):
        qtmodeltester.check(table.model())


def test_examinations_stand_newest_first_and_the_right_eye_first() -> None:
    old = exam(date(2026, 1, 1), eye(Eye.OD), eye(Eye.OS))
    new = exam(date(2026, 7, 1), None, eye(Eye.OS))

    lines = list(eye_lines([old, new]))

    assert [(line.exam.examined_on.month, line.eye, line.first) for line in lines] == [
        (7, Eye.OS, True),
        (1, Eye.OD, True),
        (1, Eye.OS, False),
    ]


def test_columns_without_any_value_take_no_room(tabs: RecordTabs) -> None:
    tabs.show_study(study(record(exam(TODAY, eye(Eye.OD, se="-1.00", length="24.00"))), today=TODAY))

    shown = headings(exam_table(tabs))

    assert "眼轴" in shown
    assert "K1" not in shown
    assert "眼压" not in shown


def test_a_tab_says_how_much_it_holds(tabs: RecordTabs) -> None:
    tabs.show_study(study(full_record(), today=TODAY))

    assert [tabs.tabText(n) for n in range(tabs.count())] == ["检查 8", "配镜 5", "跟进 1", "任务", "到院 1", "变更"]


def test_what_is_only_here_is_said_to_be_only_here(tabs: RecordTabs) -> None:
    tabs.show_study(study(record(exam(TODAY, eye(Eye.OD, se="-1.00"), delivery=Delivery.LOCAL)), today=TODAY))
    model = exam_table(tabs).model()

    assert "● 仅在本机" in str(model.index(0, model.columnCount() - 1).data())
