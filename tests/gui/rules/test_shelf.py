"""规则清单: what is worth knowing of each rule, what is to be done about which, and finding one."""

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QTreeWidget
from pytestqt.qtbot import QtBot

from hcrm_core.rules.messages import RuleState, Shelf
from hcrm_desktop.views.rules.rule_list import RuleList
from hcrm_desktop.views.rules.wording import RuleWords
from tests.fakes import FakeRuleOffice
from tests.gui.rules.hands import groups, listed


@pytest.fixture
def shelf(office: FakeRuleOffice) -> Shelf:
    """The first in trouble, the second with somebody's draft, the third out of force, the fourth without anybody."""
    shelf = office.shelf(headers={})
    first, second, third, fourth, *others = shelf.rules
    first = first.model_copy(update={"failed": True, "reevaluating": True, "needs_measurement": 1200})
    second = second.model_copy(update={"draft": 2, "draft_state": RuleState.DRAFT, "draft_author": "李娜"})
    third = third.model_copy(update={"published": None, "customers": 0})
    fourth = fourth.model_copy(update={"customers": 0})
    return shelf.model_copy(update={"rules": [first, second, third, fourth, *others]})


@pytest.fixture
def shown(qtbot: QtBot, rule_words: RuleWords, shelf: Shelf) -> RuleList:
    rules = RuleList(rule_words)
    qtbot.addWidget(rules)
    rules.resize(220, 600)
    rules.show_shelf(shelf)
    rules.show()
    return rules


def tree(rules: RuleList) -> QTreeWidget:
    return rules.findChildren(QTreeWidget)[0]


def filter_by(rules: RuleList, text: str) -> None:
    rules.findChildren(QLineEdit)[0].setText(text)


def told(rules: RuleList) -> list[str]:
    return [label.text() for label in rules.findChildren(QLabel) if label.isVisible()]


def test_rules_stand_by_what_is_to_be_done_and_those_out_of_force_are_folded(shown: RuleList, shelf: Shelf) -> None:
    count = len(shelf.rules)
    assert list(groups(shown)) == ["草稿与待复核（1）", f"已发布（{count - 2}）", "已停用（1）"]
    assert groups(shown)["已停用（1）"] == []


def test_a_rule_that_failed_or_is_being_worked_out_says_so(shown: RuleList, shelf: Shelf) -> None:
    text = next(text for text in listed(shown) if text.startswith(shelf.rules[0].label + "\n"))
    assert text.split("\n")[1:] == ["v1 · 312 人 · 待补检查 1,200 人", "⚠ 上次扫描没能使用", "正在重新归类…"]


def test_a_rule_that_nobody_matches_says_so(shown: RuleList, shelf: Shelf) -> None:
    text = next(text for text in listed(shown) if text.startswith(shelf.rules[3].label + "\n"))
    assert text.split("\n")[1:] == ["v1 · 0 人", "⚠ 没有人符合"]


@pytest.mark.parametrize(
    ("before", "customers", "told"),
    [
        *((20, 10, True), (20, 11, False), (20, 29, False), (20, 30, True)),
        *((19, 0, False), (19, 20, False), (13, 19, False), (13, 20, True), (0, 500, False), (None, 500, False)),
    ],
)
def test_half_more_or_half_fewer_than_before_is_a_jump(
    shelf: Shelf, before: int | None, customers: int, *, told: bool
) -> None:
    assert shelf.rules[2].model_copy(update={"before": before, "customers": customers}).has_jumped is told


def test_a_rule_whose_number_jumped_says_how_many_there_were(shown: RuleList, shelf: Shelf) -> None:
    heads = [shelf.rules[3].model_copy(update={"before": 1200, "customers": 300})]
    shown.show_shelf(shelf.model_copy(update={"rules": heads}))
    text = next(text for text in listed(shown) if text.startswith(heads[0].label + "\n"))
    assert text.split("\n")[-1] == "⚠ 人数突变：上次全部扫描前 1,200 人"


@pytest.mark.parametrize("width", [160, 210, 320])
def test_every_line_is_high_enough_for_its_words(qtbot: QtBot, shown: RuleList, width: int) -> None:
    shown.resize(width, 600)
    shown_tree = tree(shown)
    group = shown_tree.topLevelItem(1)
    assert group is not None
    flags = int(Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere)

    def needed(number: int) -> int:
        room = QRect(0, 0, shown_tree.visualItemRect(group.child(number)).width() - 8, 1_000)
        return shown_tree.fontMetrics().boundingRect(room, flags, group.child(number).text(0)).height()

    rows = range(group.childCount())
    qtbot.waitUntil(lambda: all(shown_tree.visualItemRect(group.child(n)).height() >= needed(n) for n in rows))


def test_a_draft_names_its_author(shown: RuleList) -> None:
    (text,) = groups(shown)["草稿与待复核（1）"]
    assert text.split("\n")[1] == "草稿 v2 李娜 · v1 · 312 人"


def test_the_filter_leaves_the_rules_with_its_words_also_after_a_new_answer(shown: RuleList, shelf: Shelf) -> None:
    filter_by(shown, "草稿 李娜")
    assert len(listed(shown)) == 1
    shown.show_shelf(shelf)
    assert len(listed(shown)) == 1
    filter_by(shown, "")
    assert len(listed(shown)) == len(shelf.rules) - 1


def test_what_a_filter_finds_is_seen_though_its_group_was_folded(shown: RuleList, shelf: Shelf) -> None:
    filter_by(shown, shelf.rules[2].label)
    assert [text.split("\n")[0] for text in listed(shown)] == [shelf.rules[2].label]
    filter_by(shown, "")
    assert groups(shown)["已停用（1）"] == []


def test_nothing_found_and_nothing_there_are_said(shown: RuleList, shelf: Shelf) -> None:
    filter_by(shown, "没有这个词")
    assert "没有符合筛选的规则。" in told(shown)
    shown.show_shelf(shelf.model_copy(update={"rules": []}))
    assert "还没有规则。新建一条，或从文件导入。" in told(shown)


def test_by_keys_groups_fold_and_rules_open_and_a_refresh_leaves_both(
    qtbot: QtBot, shown: RuleList, shelf: Shelf
) -> None:
    chosen: list[str] = []
    shown.chosen.connect(chosen.append)
    shown.activateWindow()
    tree(shown).setFocus()
    tree(shown).setCurrentItem(tree(shown).topLevelItem(0))
    QTest.keyClick(tree(shown), Qt.Key.Key_Down)
    QTest.keyClick(tree(shown), Qt.Key.Key_Return)
    assert chosen == [shelf.rules[1].key]
    shown.mark(chosen[0])
    tree(shown).setCurrentItem(tree(shown).topLevelItem(1))
    QTest.keyClick(tree(shown), Qt.Key.Key_Left)
    shown.show_shelf(shelf)
    assert len(listed(shown)) == 1
    assert tree(shown).currentItem().data(0, Qt.ItemDataRole.UserRole) == shelf.rules[1].key


def test_a_click_folds_a_group_and_opens_a_rule(shown: RuleList, shelf: Shelf) -> None:
    chosen: list[str] = []
    shown.chosen.connect(chosen.append)
    group = tree(shown).topLevelItem(1)
    assert group is not None
    click(shown, 1)
    assert not group.isExpanded()
    assert chosen == []
    first = tree(shown).topLevelItem(0)
    assert first is not None
    spot = tree(shown).visualItemRect(first.child(0)).center()
    QTest.mouseClick(tree(shown).viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert chosen == [shelf.rules[1].key]


def click(rules: RuleList, number: int) -> None:
    group = tree(rules).topLevelItem(number)
    assert group is not None
    spot = tree(rules).visualItemRect(group).center()
    QTest.mouseClick(tree(rules).viewport(), Qt.MouseButton.LeftButton, pos=spot)


def test_the_rule_that_is_open_is_seen_whatever_was_folded(shown: RuleList, shelf: Shelf) -> None:
    shown.mark(shelf.rules[2].key)
    assert len(groups(shown)["已停用（1）"]) == 1
