"""发布…: what a manager sees before it happens, and is told afterwards."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from hcrm_core.rules.linting import Finding, Level
from hcrm_core.rules.messages import RuleState
from hcrm_core.rules.model import AllOf, children
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.publish import PublishDialog
from hcrm_desktop.views.rules.version_words import VersionWords
from hcrm_desktop.views.rules.wording import RuleWords
from tests.fakes import FakeRuleOffice
from tests.gui.rules.conftest import default_rules, rule_of
from tests.gui.rules.test_page import opened
from tests.gui.rules.test_panels_answers import DIFF


def renamed(page: RulesPage) -> None:
    rule = page.draft.rule.model_copy(update={"label": "拟转角塑（新）"})
    page.draft.apply(rule, text="改名")


def asked(qtbot: QtBot, page: RulesPage) -> PublishDialog:
    """The dialog after an edit, with its figures."""
    opened(qtbot, page)
    renamed(page)
    return shown(qtbot, page)


def shown(qtbot: QtBot, page: RulesPage) -> PublishDialog:
    page.head.publish_requested.emit()
    qtbot.waitUntil(lambda: page.findChild(PublishDialog) is not None)
    dialog = page.findChild(PublishDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: not dialog.question.is_on_its_way)
    return dialog


def texts(dialog: PublishDialog) -> str:
    labels = [one.text() for one in dialog.findChildren(QLabel) if one.isVisible()]
    lines = [dialog._changes.item(row).text() for row in range(dialog._changes.count())]
    return "\n".join([*labels, *lines])


@pytest.fixture
def dialog(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> PublishDialog:
    office.answers["diff"] = DIFF
    return asked(qtbot, page)


def test_the_dialog_shows_who_moves_what_changed_and_who_has_too_much(
    dialog: PublishDialog, office: FakeRuleOffice
) -> None:
    assert len(office.saved) == 1  # what is looked at is what the centre has
    assert "发布后：进入 12 人，离开 3 人，留下 300 人。" in texts(dialog)
    assert "和现行的 v1 相比" in texts(dialog)
    assert "规则名称：拟转角塑 → 拟转角塑（新）" in texts(dialog)
    assert [dialog._loads.model().index(row, 0).data() for row in range(2)] == ["李娜（超出）", "赵敏"]


def test_nothing_is_published_without_a_reason(dialog: PublishDialog) -> None:
    dialog._seen.setChecked(True)
    dialog._note.setText("  ")
    assert not dialog._publish.isEnabled()
    dialog._note.setText("科室例会")
    assert dialog._publish.isEnabled()


def test_errors_block_and_warnings_have_to_be_seen(dialog: PublishDialog, page: RulesPage) -> None:
    dialog._note.setText("科室例会")
    dialog._seen.setChecked(False)
    warning = Finding(code="muted", level=Level.WARNING, path=(0,))
    page.draft.tell_findings([warning])
    assert not dialog._publish.isEnabled()
    dialog._seen.setChecked(True)
    assert dialog._publish.isEnabled()
    page.draft.tell_findings([replace(warning, level=Level.ERROR)])
    assert not dialog._publish.isEnabled()
    assert dialog._findings.item(0).text().startswith("错误：")


def test_a_finding_leads_to_its_line(qtbot: QtBot, dialog: PublishDialog, page: RulesPage) -> None:
    page.draft.tell_findings([Finding(code="muted", level=Level.ERROR, path=(1,))])
    dialog._findings.itemActivated.emit(dialog._findings.item(0))
    assert page.draft.path == (1,)
    assert not dialog.isVisible()


def test_publishing_is_told_with_what_came_of_it(
    qtbot: QtBot, dialog: PublishDialog, page: RulesPage, office: FakeRuleOffice
) -> None:
    said: list[str] = []
    page.said.connect(said.append)
    dialog._seen.setChecked(True)
    dialog._note.setText("科室例会")
    dialog.publish()
    qtbot.waitUntil(lambda: len(said) == 2)
    assert said == [
        "“拟转角塑（新）”v2 已发布，正在重新归类…",
        "“拟转角塑（新）”：进入 12 人，离开 3 人，新建任务 9 个",
    ]
    assert office.published[0].note == "科室例会"
    qtbot.waitUntil(lambda: page.draft.version.state is RuleState.PUBLISHED)


def test_somebody_elses_change_is_told_and_the_reason_stays(
    qtbot: QtBot, dialog: PublishDialog, office: FakeRuleOffice
) -> None:
    office.stale = True
    dialog._seen.setChecked(True)
    dialog._note.setText("科室例会")
    dialog.publish()
    qtbot.waitUntil(lambda: "没有发布" in texts(dialog))
    assert "同事改过这条规则，现在是草稿 v2" in texts(dialog)
    assert dialog._note.text() == "科室例会"
    assert dialog._publish.isEnabled()


def test_with_two_persons_one_proposes_and_another_agrees_or_sends_back(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    office.answers["diff"], office.two_person = DIFF, True
    page.reload()
    qtbot.waitUntil(lambda: page.draft.workshop is not None and page.draft.workshop.shelf.two_person)
    dialog = asked(qtbot, page)
    assert dialog._publish.text() == "提交复核"
    assert not dialog._back.isVisible()
    dialog._seen.setChecked(True)
    dialog._note.setText("请复核")
    dialog.publish()
    qtbot.waitUntil(lambda: page.draft.version.state is RuleState.PROPOSED)
    qtbot.waitUntil(lambda: page.findChild(PublishDialog) is None)
    second = shown(qtbot, page)
    assert second._publish.text() == "同意发布"
    second._note.setText("阈值没有依据")
    second.send_back()
    qtbot.waitUntil(lambda: page.draft.version.state is RuleState.DRAFT)


def test_without_figures_nothing_is_published(qtbot: QtBot, page: RulesPage) -> None:
    dialog = asked(qtbot, page)
    dialog._note.setText("科室例会")
    dialog._seen.setChecked(True)
    assert not dialog._publish.isEnabled()
    assert "中心的版本还不会算这个。" in texts(dialog)


def test_a_rule_without_changes_has_nothing_to_publish(qtbot: QtBot, page: RulesPage, tasks: Tasks) -> None:
    opened(qtbot, page)
    with qtbot.waitSignal(page.said) as told:
        page.head.publish_requested.emit()
    assert told.args == ["没有要发布的修改"]


def test_a_change_is_said_line_by_line(rule_words: RuleWords) -> None:
    power = {"fact": "se", "eyes": "either", "op": "le", "value": "-0.5"}
    age = {"fact": "birth_date", "op": "age_lt", "value": 14}
    before, after = rule_of({"all": [age]}), rule_of({"all": [age | {"value": 12}, power]})
    said = VersionWords(rule_words).sentences(before, after)
    assert len(said) == 2
    assert "14" in said[0]
    assert "改为" in said[0]
    assert said[1].startswith("新增：任一眼")


def test_every_rule_that_ships_can_be_compared_with_every_other(rule_words: RuleWords) -> None:
    words, rules = VersionWords(rule_words), list(default_rules().values())
    for before in rules:
        for after in rules:
            assert bool(words.sentences(before, after)) is (before != after)


def test_a_line_put_into_a_group_is_moved_and_not_new(rule_words: RuleWords) -> None:
    young, old = {"fact": "birth_date", "op": "age_lt", "value": 14}, {"fact": "birth_date", "op": "age_ge", "value": 6}
    after = rule_of({"all": [{"any": [young, old]}]})
    assert isinstance(after.where, AllOf)
    assert children(after.where)
    said = VersionWords(rule_words).sentences(rule_of({"all": [young, old]}), after)
    assert "新增：“任一满足”组" in said


def test_the_dialog_fits_a_small_screen(dialog: PublishDialog) -> None:
    assert dialog.width() >= dialog.minimumSizeHint().width()
    assert dialog.minimumSizeHint().height() <= dialog.height() <= 700  # a screen of 768 lines
