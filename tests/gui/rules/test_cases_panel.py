"""用例: examples of what a rule should say, read at each step; while one of them fails nothing is published."""

from datetime import date
from typing import Any

import pytest
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QListWidget
from pytestqt.qtbot import QtBot

from hcrm_core.rules import Rule
from hcrm_core.rules.messages import Explained, Explanation, Standing
from hcrm_core.rules.model import Case, Said
from hcrm_desktop.models.rule_cases import case_of
from hcrm_desktop.views.rules.inputs import NumberEdit
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.panels.cases import CasesPanel
from hcrm_desktop.views.rules.panels.explain import ExplainPanel
from hcrm_desktop.views.rules.publish import PublishDialog
from hcrm_desktop.views.rules.version_words import VersionWords
from hcrm_desktop.views.rules.wording import RuleWords
from hcrm_store.base import new_id
from tests.fakes import FakeRuleOffice
from tests.gui.office import NO_NETWORK, button, words
from tests.gui.rules.conftest import TODAY, rule_of
from tests.gui.rules.hands import enter
from tests.gui.rules.test_page import opened
from tests.gui.rules.test_panels import counts_of
from tests.gui.rules.test_panels_answers import DIFF
from tests.gui.test_frame import status

THICK = {"fact": "cct_um_od", "op": "ge", "value": 480, "unknown": "needs_measurement"}
OLD = {"fact": "birth_date", "op": "age_ge", "value": 8}


@pytest.fixture
def panel(qtbot: QtBot, page: RulesPage) -> CasesPanel:
    """Beside a rule of two conditions that is open."""
    opened(qtbot, page, "potential")
    where = rule_of({"all": [OLD, THICK]}).where
    page.draft.apply(page.draft.rule.model_copy(update={"where": where}), text="试")
    page.side.open_panel("cases")
    found = page.side.panel("cases")
    assert isinstance(found, CasesPanel)
    return found


def keep(page: RulesPage, *cases: Case) -> None:
    page.draft.apply(page.draft.rule.model_copy(update={"cases": cases}), text="用例")


def case(name: str = "够厚", *, expected: Said = Said.TRUE, **facts: Any) -> Case:
    return Case(name=name, on=TODAY, expected=expected, facts={"birth_date": "2015-01-01", **facts})


def lines(panel: CasesPanel) -> list[str]:
    (found,) = panel.findChildren(QListWidget)
    return [found.item(row).text() for row in range(found.count())]


def tick(panel: CasesPanel, label: str) -> None:
    next(one for one in panel.findChildren(QCheckBox) if one.text() == label and one.isVisible()).click()


def told(panel: CasesPanel) -> str:
    return "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())


def test_without_cases_the_panel_says_how_to_come_by_some(panel: CasesPanel) -> None:
    assert lines(panel) == []
    assert "还没有用例。" in told(panel)


@pytest.mark.parametrize(("thickness", "line"), [(480, "✓ 够厚\n应为符合"), (479, "✗ 够厚\n应为符合，现在是不符合")])
def test_each_case_says_whether_the_rule_agrees(panel: CasesPanel, page: RulesPage, thickness: int, line: str) -> None:
    keep(page, case(cct_um_od=thickness))
    assert lines(panel) == [line]


def test_cases_are_read_again_at_every_step_of_editing(panel: CasesPanel, page: RulesPage) -> None:
    keep(page, case(cct_um_od=500), case("没测", expected=Said.UNKNOWN))
    assert "2 个用例都对" in told(panel)
    stricter = rule_of({"all": [OLD, THICK | {"value": 520}]}).where
    page.draft.apply(page.draft.rule.model_copy(update={"where": stricter}), text="改")
    assert lines(panel)[0].startswith("✗")
    assert "2 个用例，1 个不对" in told(panel)
    page.draft.stack.undo()
    assert lines(panel)[0].startswith("✓")


def test_while_the_rule_is_not_complete_no_case_is_right_or_wrong(panel: CasesPanel, page: RulesPage) -> None:
    keep(page, case(cct_um_od=500))
    page.draft.apply(page.draft.rule.model_copy(update={"where": rule_of({"fact": "", "op": "eq"}).where}), text="改")
    assert lines(panel) == ["? 够厚\n应为符合；规则还没填完整"]


def test_a_case_is_made_by_hand_with_typed_values_and_taken_back_step_by_step(
    panel: CasesPanel, page: RulesPage
) -> None:
    button(panel, "＋ 新用例").click()
    name = next(one for one in panel.findChildren(QLineEdit) if one.accessibleName() == "名称")
    enter(name, "正好 480")
    tick(panel, "右眼中央角膜厚度")
    (number,) = [one for one in panel.findChildren(NumberEdit) if one.isVisible()]
    assert page.draft.rule.cases[0].facts == {}, "ticked, and not typed yet"
    enter(number, "48")
    enter(number, "480")
    tick(panel, "出生日期")
    (made,) = page.draft.rule.cases
    assert (made.name, made.on, made.facts) == ("正好 480", TODAY, {"cct_um_od": 480, "birth_date": TODAY.isoformat()})
    tick(panel, "出生日期")
    assert page.draft.rule.cases[0].facts == {"cct_um_od": 480}
    page.draft.stack.undo()
    page.draft.stack.undo()
    assert page.draft.rule.cases == ()


def test_a_wrong_number_says_so_and_changes_nothing(panel: CasesPanel, page: RulesPage) -> None:
    keep(page, case(cct_um_od=500))
    (number,) = [one for one in panel.findChildren(NumberEdit) if one.isVisible()]
    enter(number, "厚")
    assert "这不是可用的数值" in told(panel)
    assert page.draft.rule.cases[0].facts["cct_um_od"] == 500


def test_a_case_can_be_told_to_say_what_the_rule_says(panel: CasesPanel, page: RulesPage) -> None:
    keep(page, case(cct_um_od=400))
    button(panel, "改为现在的结果").click()
    assert page.draft.rule.cases[0].expected is Said.FALSE
    assert not button(panel, "改为现在的结果").isVisible()


def test_a_case_is_taken_away_and_comes_back(panel: CasesPanel, page: RulesPage) -> None:
    keep(page, case("一", cct_um_od=500), case("二", cct_um_od=500))
    button(panel, "删除用例").click()
    assert [one.name for one in page.draft.rule.cases] == ["二"]
    page.draft.stack.undo()
    assert len(lines(panel)) == 2


def test_another_case_shows_its_own_values(panel: CasesPanel, page: RulesPage) -> None:
    keep(page, case("一", cct_um_od=500), case("二"))
    (listed,) = panel.findChildren(QListWidget)
    listed.setCurrentRow(1)
    assert [one for one in panel.findChildren(NumberEdit) if one.isVisible()] == []
    listed.setCurrentRow(0)
    (number,) = [one for one in panel.findChildren(NumberEdit) if one.isVisible()]
    assert number.text() == "500"


def test_with_a_failing_case_nothing_is_published(
    qtbot: QtBot, panel: CasesPanel, page: RulesPage, office: FakeRuleOffice
) -> None:
    office.answers["diff"] = DIFF
    keep(page, case(cct_um_od=400))
    page.head.publish_requested.emit()
    qtbot.waitUntil(lambda: page.findChild(PublishDialog) is not None)
    dialog = page.findChild(PublishDialog)
    assert dialog is not None
    told = "错误：用例“够厚”应为符合，现在是不符合。请改规则，或改这个用例。"
    qtbot.waitUntil(lambda: told in [dialog._findings.item(row).text() for row in range(dialog._findings.count())])
    qtbot.waitUntil(lambda: not dialog.question.is_on_its_way)
    dialog._seen.setChecked(True)
    dialog._note.setText("科室例会")
    assert not dialog._publish.isEnabled()
    assert Rule.model_validate(office.saved[0].definition).cases == page.draft.rule.cases


def test_off_line_cases_are_to_look_at_only(panel: CasesPanel, page: RulesPage, office: FakeRuleOffice) -> None:
    keep(page, case(cct_um_od=400))
    office.error = NO_NETWORK
    page._on_state_changed(status(online=False))
    for text in ("＋ 新用例", "删除用例", "改为现在的结果"):
        assert not button(panel, text).isEnabled()


# ── of a customer ────────────────────────────────────────────────────────────────────────────────────────


def evidence(fact: str, value: str | None) -> dict[str, Any]:
    return {"fact": fact, "label": fact, "value": value, "on": None}


def explanation(customer: Any = None) -> Explanation:
    seen = [
        evidence("birth_date", "2015-01-01"),
        evidence("cct_um_od", "505"),
        evidence("se_od", "-1.25"),
        evidence("ever_bought", "true"),
        evidence("axial_length_od", None),
        evidence("spent_total", "12000.00"),
    ]
    root = Explained(path=(), kind="all", verdict="true")
    leaf = Explained(path=(0,), kind="fact", verdict="true", evidence=seen)
    return Explanation(
        customer_id=customer or new_id(), verdict="false", nodes=[root, leaf], flips=[], member_since=None, version=None
    )


def test_a_case_of_a_customer_has_what_the_rule_saw_and_not_who_he_is_or_what_he_paid() -> None:
    made = case_of(explanation(), name="例", on=date(2026, 11, 22))
    assert made.facts == {"birth_date": "2015-01-01", "cct_um_od": 505, "se_od": "-1.25", "ever_bought": True}
    assert made.expected is Said.TRUE, "the tree's, whatever site or rival keeps him out"


def test_a_customer_is_kept_as_a_case_without_his_name(
    qtbot: QtBot, panel: CasesPanel, page: RulesPage, office: FakeRuleOffice
) -> None:
    customer = new_id()
    office.standings[customer] = Standing(lines=[])
    office.answers["explain"] = explanation(customer)
    office.answers.setdefault("counts", counts_of(page.draft.rule))
    page.side.open_panel("explain")
    why = page.side.panel("explain")
    assert isinstance(why, ExplainPanel)
    why.explain(customer, "王小雨")
    qtbot.waitUntil(lambda: "王小雨：不符合" in words(why))
    button(why, "存为用例").click()
    assert page.side.open_key == "cases"
    assert lines(panel) == ["✓ 客户的例子 1\n应为符合"]
    assert "王小雨" not in str(page.draft.rule.as_json())
    page.draft.stack.undo()
    assert page.draft.rule.cases == ()


def test_other_cases_are_one_line_among_the_differences_of_versions(rule_words: RuleWords) -> None:
    before = rule_of(OLD)
    after = before.model_copy(update={"cases": (case(),)})
    assert VersionWords(rule_words).sentences(before, after) == ["用例：0 个 → 1 个，内容有改动"]
