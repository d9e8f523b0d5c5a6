"""The tree of a long rule, and in windows of any width."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

from hcrm_core.rules.linting import Finding, Level
from hcrm_desktop.views.rules.cards import MARGIN
from tests.gui.rules.conftest import TreeOf
from tests.gui.rules.hands import choose, edit, press

KEY, MOD = Qt.Key, Qt.KeyboardModifier
BLANK = {"fact": "", "op": "eq"}
AGE = {"fact": "birth_date", "op": "age_ge", "value": 8}
CCT = {"fact": "cct_um", "eyes": "both", "op": "ge", "value": 480}
DUE = {"fact": "recheck_due_on", "op": "days_ago_gt", "value": 30}
BOUGHT = {"fact": "ever_bought", "op": "eq", "value": True}
LEFT = Qt.MouseButton.LeftButton


def big() -> dict[str, Any]:
    """200 nodes: the most a rule may have."""
    group = {"any": [AGE, CCT, DUE, BOUGHT]}
    return {"all": [group] * 39 + [AGE, CCT, DUE, BOUGHT]}


def test_two_hundred_lines_are_shown_and_walked_through(tree_of: TreeOf) -> None:
    tree = tree_of(big())
    assert len(tree._model.held()) == 200
    press(KEY.Key_End)
    assert tree._draft.path == (42,)
    press(KEY.Key_M)
    press(KEY.Key_Up)
    press(KEY.Key_Up)
    assert tree._draft.path == (40,)
    assert tree.beside(tree._line((42,))).muted


def test_a_long_rule_stays_where_it_was_scrolled_to(tree_of: TreeOf) -> None:
    tree = tree_of(big())
    choose(tree, 20, 1)
    tree.scrollTo(tree._model.index_of((20, 1)), tree.ScrollHint.PositionAtCenter)
    place = tree.visualRect(tree._model.index_of((20, 1))).top()
    press(KEY.Key_Delete)
    assert tree._draft.path == (20, 1)
    assert abs(tree.visualRect(tree._model.index_of((20, 1))).top() - place) < 4


def test_findings_stay_beside_lines_that_did_not_change(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT, DUE]})
    tree.show_findings([Finding(code="source_missing", level=Level.HINT, path=path) for path in ((0,), (2,))])
    choose(tree, 1)
    press(KEY.Key_Delete)
    assert tree.beside(tree._line((0,))).findings
    assert not tree.beside(tree._line((1,))).findings


@pytest.mark.parametrize("width", [380, 560, 900])
def test_no_text_leaves_its_card_at_any_width(tree_of: TreeOf, width: int) -> None:
    tree = tree_of(
        {"all": [AGE, CCT | {"citation": "a source " * 9}, {"any": [DUE | {"parameter": "recheck_grace_days"}]}]}
    )
    tree.setGeometry(0, 0, width, 700)
    mended = tree._draft.rule
    tree.show_findings([Finding(code="one_eye_only", level=Level.WARNING, path=(1,), fix=mended)])
    for line in tree._model.held():
        room = tree.room(line.path)
        card = tree._cards.card(line, tree.beside(line), width=room, font=tree.font())
        inside = [card.head, card.aside, *(pill[0] for pill in card.pills), *(one.place for one in card.said)]
        for rect in [*inside, *(button.place for button in card.buttons)]:
            assert rect.isEmpty() or (rect.left() >= 0 and rect.right() <= room and rect.bottom() <= card.height)


def test_an_open_form_has_the_height_it_needs_and_no_more(tree_of: TreeOf) -> None:
    for width, lines in ((420, 6), (760, 4)):
        tree = tree_of({"all": [AGE, CCT]})
        tree.setGeometry(0, 0, width, 700)
        edit(tree, 1)
        QApplication.processEvents()
        form = tree._form
        assert form is not None
        assert form.sizeHint().height() <= form.height() <= min(form.sizeHint().height() + 2 * MARGIN, lines * 46)
        for child in form.findChildren(QWidget):
            if child.isVisible() and child.parentWidget() is form:
                assert form.rect().contains(child.geometry()), child


def test_lines_and_brackets_are_painted_in_both_themes(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, {"not": CCT}]})
    colours: dict[str, set[int]] = {}
    for scheme in ("light", "dark"):
        tree._theme.choose(scheme)
        image = tree.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        colours[scheme] = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, 200, 3)}
    tree._theme.choose("light")
    assert all(len(found) > 20 for found in colours.values())
    assert colours["light"] != colours["dark"]


@pytest.mark.parametrize("raw", [AGE | {"value": None, "parameter": "ok_age"}, CCT, DUE, BOUGHT, {"rule": "ok_lens"}])
def test_what_is_chosen_in_a_list_is_read_whole(tree_of: TreeOf, raw: dict[str, Any]) -> None:
    tree = tree_of({"all": [raw]})
    edit(tree, 0)
    QApplication.processEvents()
    shown = [one for one in tree.findChildren(QComboBox) if one.isVisible()]
    assert shown
    for one in shown:
        assert one.width() >= one.fontMetrics().horizontalAdvance(one.currentText()) + 20, one.currentText()
