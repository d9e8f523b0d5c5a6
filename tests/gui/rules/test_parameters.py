"""参数表: a manager sees what a new value changes before setting it."""

from decimal import Decimal

import pytest
from pytestqt.qtbot import QtBot

from hcrm_core.rules.messages import ParameterEffect, Replan, RuleEffect
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.parameters import ParametersDialog
from tests.fakes import FakeRuleOffice

EFFECT = ParameterEffect(
    rules=[RuleEffect(rule_key="r", label="该换片", stay=300, enter=12, leave=3)],
    sops=[Replan(sop_key="s", label="换片提醒", moved=40, due_today=5)],
)


@pytest.fixture
def dialog(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> ParametersDialog:
    office.answers["parameter"] = EFFECT
    page.parameter_requested.emit("replacement_days")
    dialog = page.findChild(ParametersDialog)
    assert dialog is not None
    return dialog


def test_the_wanted_parameter_is_chosen_with_its_unit_and_source(dialog: ParametersDialog) -> None:
    assert dialog._value.text() == "550"
    assert dialog._unit.text() == "天"
    assert dialog._source.text().startswith("依据：PRD 4.1")
    assert not dialog._save.isEnabled()


@pytest.mark.parametrize(
    ("typed", "known"), [("364", False), ("365", True), ("730", True), ("731", False), ("x", False)]
)
def test_only_a_value_within_the_range_is_asked_about(
    qtbot: QtBot, dialog: ParametersDialog, *, typed: str, known: bool
) -> None:
    dialog._value.setText(typed)
    assert dialog.question.is_on_its_way is known
    qtbot.waitUntil(lambda: not dialog.question.is_on_its_way)
    assert ("进入 12 人" in dialog._told.text()) is known


def test_the_effect_and_a_reason_come_before_saving(
    qtbot: QtBot, dialog: ParametersDialog, page: RulesPage, office: FakeRuleOffice
) -> None:
    said: list[str] = []
    page.said.connect(said.append)
    dialog._value.setText("540")
    qtbot.waitUntil(lambda: "40 个任务新增、改期或取消，其中 5 个今天就到期" in dialog._told.text())
    assert not dialog._save.isEnabled()
    dialog._note.setText("科室例会")
    assert dialog._save.isEnabled()
    dialog.save()
    qtbot.waitUntil(lambda: len(said) == 2)
    ((key, request),) = office.set_parameters
    assert (key, request.value, request.number) == ("replacement_days", Decimal(540), 1)
    assert said[0] == "参数“换片周期”已改，正在重新归类…"


def test_a_value_somebody_else_changed_is_not_overwritten(
    qtbot: QtBot, dialog: ParametersDialog, office: FakeRuleOffice
) -> None:
    dialog._value.setText("540")
    dialog._note.setText("科室例会")
    qtbot.waitUntil(dialog._save.isEnabled)
    office.stale = True
    dialog.save()
    qtbot.waitUntil(lambda: "刚被别人改过" in dialog._message.text())
    assert dialog._note.text() == "科室例会"
