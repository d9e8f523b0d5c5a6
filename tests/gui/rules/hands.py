"""What a person does to the tree of a rule: keys, choices, words typed."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from hcrm_desktop.views.rules.fact_picker import FactPicker
from hcrm_desktop.views.rules.inputs import NumberEdit
from hcrm_desktop.views.rules.rule_list import RuleList
from hcrm_desktop.views.rules.tree import RuleTree
from tests.gui.rules.conftest import as_json

KEY, MOD = Qt.Key, Qt.KeyboardModifier
BLANK = {"fact": "", "op": "eq"}
AGE = {"fact": "birth_date", "op": "age_ge", "value": 8}
CCT = {"fact": "cct_um", "eyes": "both", "op": "ge", "value": 480}
DUE = {"fact": "recheck_due_on", "op": "days_ago_gt", "value": 30}
BOUGHT = {"fact": "ever_bought", "op": "eq", "value": True}
LEFT = Qt.MouseButton.LeftButton


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = MOD.NoModifier) -> None:
    """A key for whatever has the focus."""
    QTest.keyClick(focused(), key, modifiers)


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def pick(letters: str) -> None:
    """A fact by its initials."""
    assert isinstance(focused(), FactPicker)
    QTest.keyClicks(focused(), letters)
    press(KEY.Key_Return)


def where(tree: RuleTree) -> Any:
    return as_json(tree._draft.rule.where)


def choose(tree: RuleTree, *path: int) -> None:
    tree._draft.choose(path)
    tree.setFocus()


def box(tree: RuleTree, name: str) -> QComboBox:
    return next(one for one in tree.findChildren(QComboBox) if one.accessibleName() == name and one.isVisible())


def set_box(tree: RuleTree, name: str, value: object) -> None:
    """As a person chooses an entry: by the list's own signal."""
    found = box(tree, name)
    found.setCurrentIndex(found.findData(value))
    found.activated.emit(found.currentIndex())


def number(tree: RuleTree) -> NumberEdit:
    return next(one for one in tree.findChildren(NumberEdit) if one.isVisible())


def enter(field: QLineEdit, text: str) -> None:
    """As an input method does, which QTest cannot."""
    field.setText(text)
    field.textEdited.emit(text)


def said(tree: RuleTree) -> str:
    return "\n".join(label.text() for label in tree.findChildren(QLabel) if label.isVisible())


def spoken(tree: RuleTree, *path: int) -> str:
    index = tree._model.index_of(path)
    return str(index.data(Qt.ItemDataRole.AccessibleTextRole))


def groups(rules: RuleList) -> dict[str, list[str]]:
    """The texts of the list as a person sees them, by group; of a folded group none."""
    tree = rules.findChildren(QTreeWidget)[0]
    tops = [tree.topLevelItem(n) for n in range(tree.topLevelItemCount())]
    return {top.text(0): _below(top) for top in tops if top is not None}


def _below(group: QTreeWidgetItem) -> list[str]:
    return [group.child(n).text(0) for n in range(group.childCount())] if group.isExpanded() else []


def listed(rules: RuleList) -> list[str]:
    """All texts of rules that a person sees."""
    return [text for texts in groups(rules).values() for text in texts]


def edit(tree: RuleTree, *path: int) -> None:
    choose(tree, *path)
    press(KEY.Key_Return)
