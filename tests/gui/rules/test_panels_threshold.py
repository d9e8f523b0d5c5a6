"""阈值: a line that is dragged, and the number that follows it without a question."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox
from pytestqt.qtbot import QtBot

from hcrm_core.rules import Rule
from hcrm_core.rules.messages import Histogram, Sweep
from hcrm_core.rules.model import Condition, Operator
from hcrm_desktop.models.rule_desk import OpenedRule
from hcrm_desktop.models.rule_threshold import curve_of, steps, swept_values
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.panels.threshold import ThresholdPanel
from tests.fakes import FakeRuleOffice
from tests.gui.office import words
from tests.gui.rules.conftest import TODAY, parameters, rule_of
from tests.gui.rules.test_panels import asked, counts_of, diff

GROWTH: dict[str, object] = {"fact": "se_growth_6m_od", "op": "ge", "value": "0.50"}
VALUES = [("0.25", 40), ("0.50", 30), ("0.75", 20), ("1.00", 10)]


def opened(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice, condition: dict[str, object]) -> ThresholdPanel:
    rule = rule_of({"all": [condition, {"fact": "do_not_contact", "op": "eq", "value": False}]})
    page._opened.show_content()
    office.answers |= {"counts": counts_of(rule), "diff": diff()}
    office.answers["histogram"] = Histogram(path=(0,), always=7, never=100, values=VALUES)
    page.draft.open_version(OpenedRule(rule=rule))
    page.draft.choose((0,))
    page.side.open_panel("threshold")
    panel = page.side.panel("threshold")
    assert isinstance(panel, ThresholdPanel)
    qtbot.waitUntil(panel._plot.isVisible)
    return panel


@pytest.fixture
def panel(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> ThresholdPanel:
    return opened(qtbot, page, office, GROWTH)


def value_of(rule: Rule) -> object:
    condition = rule.where.every[0]  # type: ignore[union-attr] # the rule above
    assert isinstance(condition, Condition)
    return condition.value


def test_the_number_at_the_present_threshold_is_read_from_the_curve(panel: ThresholdPanel) -> None:
    assert panel._many.text() == "50 度：67 人"  # 7 always, 60 with 50 度 or more


def test_a_drag_shows_numbers_at_once_and_writes_when_it_ends(
    panel: ThresholdPanel, page: RulesPage, office: FakeRuleOffice
) -> None:
    before = asked(office, "histogram")
    x = round(panel._plot._x(Decimal("0.75")))
    QTest.mousePress(panel._plot, Qt.MouseButton.LeftButton, pos=QPoint(x, 60))
    assert panel._many.text() == "75 度：37 人"
    assert value_of(page.draft.rule) == "0.50"
    QTest.mouseRelease(panel._plot, Qt.MouseButton.LeftButton, pos=QPoint(x, 60))
    assert value_of(page.draft.rule) == "0.75"
    assert page.draft.stack.count() == 1
    assert asked(office, "histogram") == before  # only the threshold moved: the curve holds


def test_keys_move_the_line_by_steps_that_are_taken_back_together(panel: ThresholdPanel, page: RulesPage) -> None:
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
        QTest.keyClick(panel._plot, key)
    assert panel._many.text() == "55 度：37 人"
    assert page.draft.stack.count() == 1
    page.draft.stack.undo()
    assert value_of(page.draft.rule) == "0.50"
    assert panel._many.text() == "50 度：67 人"


def test_a_number_that_is_typed_is_set(panel: ThresholdPanel, page: RulesPage) -> None:
    (field,) = panel.findChildren(QDoubleSpinBox)
    assert field.suffix() == " 度"
    field.setValue(80)
    assert Decimal(str(value_of(page.draft.rule))) == Decimal("0.80")


def test_another_condition_asks_again_and_one_without_a_number_says_so(
    qtbot: QtBot, panel: ThresholdPanel, page: RulesPage
) -> None:
    page.draft.choose((1,))
    qtbot.waitUntil(lambda: "选一个带数值的条件" in words(panel))
    assert not panel._plot.isVisible()


def test_a_parameter_is_only_tried(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> None:
    growth = parameters()["growth_half_year"]
    values = swept_values(growth)
    office.answers["sweep"] = Sweep(matching=[500 - n for n in range(len(values))])
    panel = opened(qtbot, page, office, {"fact": "se_growth_6m_od", "op": "ge", "parameter": "growth_half_year"})
    rule = page.draft.rule
    QTest.keyClick(panel._plot, Qt.Key.Key_Right)
    assert page.draft.rule == rule
    tried = page.panels.questions.tried["growth_half_year"]
    assert growth.value < tried <= growth.maximum
    requested: list[str] = []
    page.parameter_requested.connect(requested.append)
    panel._table.click()
    assert requested == ["growth_half_year"]
    panel._back.click()
    assert page.panels.questions.tried == {}


def test_every_parameter_is_swept_within_its_range_in_a_hundred_and_twenty_steps_at_most() -> None:
    for parameter in parameters().values():
        values = swept_values(parameter)
        assert values[0] == parameter.minimum
        assert values[-1] <= parameter.maximum
        assert 2 <= len(values) <= 120
        assert values == sorted(set(values))


def test_days_are_counted_from_the_business_date() -> None:
    rule = rule_of({"all": [{"fact": "last_activity_on", "op": "days_ago_gt", "value": 100}]})
    condition = rule.where.every[0]  # type: ignore[union-attr] # as written
    assert isinstance(condition, Condition)
    ages = (10, 100, 101, 200)
    texts = sorted((str(TODAY - timedelta(days=age)), 1) for age in ages)
    histogram = Histogram(path=(0,), always=0, never=0, values=texts)
    curve = curve_of(
        histogram, rule=rule, condition=condition, now=Decimal(100), step=Decimal(1), on=date(2026, 11, 22)
    )
    assert curve.count(Decimal(100)) == 2
    assert curve.count(Decimal(99)) == 3
    assert curve.values[0] >= 0
    assert curve.values[-1] >= 200
    assert condition.op is Operator.DAYS_AGO_GT


def test_a_range_has_even_steps_and_never_too_many() -> None:
    assert steps(Decimal(0), Decimal(1), step=Decimal("0.25")) == tuple(Decimal(n) / 4 for n in range(5))
    assert len(steps(Decimal(0), Decimal(10_000), step=Decimal(1))) <= 402
    assert len(steps(Decimal(3), Decimal(3), step=Decimal(1))) == 2
