"""规则清单: what is worth knowing of each rule, and finding one."""

import pytest
from PySide6.QtWidgets import QLineEdit, QListWidget
from pytestqt.qtbot import QtBot

from hcrm_core.rules.messages import RuleState, Shelf
from hcrm_desktop.views.rules.rule_list import RuleList
from hcrm_desktop.views.rules.wording import RuleWords
from tests.fakes import FakeRuleOffice


@pytest.fixture
def shelf(office: FakeRuleOffice) -> Shelf:
    """The first rule in trouble, the second with somebody's draft."""
    shelf = office.shelf(headers={})
    first, second, *others = shelf.rules
    first = first.model_copy(update={"failed": True, "reevaluating": True, "needs_measurement": 1200})
    second = second.model_copy(update={"draft": 2, "draft_state": RuleState.DRAFT, "draft_author": "李娜"})
    return shelf.model_copy(update={"rules": [first, second, *others]})


@pytest.fixture
def shown(qtbot: QtBot, rule_words: RuleWords, shelf: Shelf) -> RuleList:
    rules = RuleList(rule_words)
    qtbot.addWidget(rules)
    rules.show_shelf(shelf)
    return rules


def visible(rules: RuleList) -> list[str]:
    listed = rules.findChildren(QListWidget)[0]
    items = [listed.item(row) for row in range(listed.count())]
    return [item.text() for item in items if not item.isHidden()]


def test_a_rule_that_failed_or_is_being_worked_out_says_so(shown: RuleList, shelf: Shelf) -> None:
    lines = visible(shown)[0].split("\n")
    assert lines == [
        shelf.rules[0].label,
        "v1 · 312 人 · 待补检查 1,200 人",
        "⚠ 上次扫描没能使用",
        "正在重新归类…",
    ]


def test_a_draft_names_its_author(shown: RuleList) -> None:
    assert visible(shown)[1].split("\n")[1] == "草稿 v2 李娜 · v1 · 312 人"


def test_the_filter_leaves_the_rules_with_its_words_also_after_a_new_answer(shown: RuleList, shelf: Shelf) -> None:
    shown.findChildren(QLineEdit)[0].setText("草稿 李娜")
    assert len(visible(shown)) == 1
    shown.show_shelf(shelf)
    assert len(visible(shown)) == 1
    shown.findChildren(QLineEdit)[0].clear()
    assert len(visible(shown)) == len(shelf.rules)
