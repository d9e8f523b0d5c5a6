"""The tree editor: everything by keys, everything by mouse, nothing lost, wrong input kept in sight."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDateEdit, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from hcrm_core.rules.linting import Finding, Level
from hcrm_core.rules.model import Condition, Operator, Path, Unknown
from hcrm_desktop.views.rules.cards import MARGIN
from hcrm_desktop.views.rules.condition_form import ConditionForm
from hcrm_desktop.views.rules.fact_picker import FactPicker
from hcrm_desktop.views.rules.inputs import NumberEdit
from hcrm_desktop.views.rules.menus import line_menu
from hcrm_desktop.views.rules.tree import RuleTree
from tests.gui.rules.conftest import TreeOf
from tests.gui.rules.hands import box, choose, edit, enter, focused, number, pick, press, said, set_box, spoken, where

KEY, MOD = Qt.Key, Qt.KeyboardModifier
BLANK = {"fact": "", "op": "eq"}
AGE = {"fact": "birth_date", "op": "age_ge", "value": 8}
CCT = {"fact": "cct_um", "eyes": "both", "op": "ge", "value": 480}
DUE = {"fact": "recheck_due_on", "op": "days_ago_gt", "value": 30}
BOUGHT = {"fact": "ever_bought", "op": "eq", "value": True}
LEFT = Qt.MouseButton.LeftButton


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_of_six_conditions_is_written_by_keys_alone(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [BLANK]})
    press(KEY.Key_Down)
    press(KEY.Key_Return)
    pick("csrq")
    press(KEY.Key_Tab)
    QTest.keyClicks(focused(), "8")
    press(KEY.Key_Return)
    press(KEY.Key_Insert)
    pick("zyjmhd")
    press(KEY.Key_Tab)
    press(KEY.Key_Tab)
    QTest.keyClicks(focused(), "480")
    press(KEY.Key_Escape)
    press(KEY.Key_Plus)
    pick("yfcrq")
    press(KEY.Key_Tab)
    QTest.keyClicks(focused(), "30")
    press(KEY.Key_Return)
    press(KEY.Key_G, MOD.ControlModifier | MOD.ShiftModifier)
    press(KEY.Key_Insert)
    pick("cpj")
    press(KEY.Key_Escape)
    press(KEY.Key_N)
    press(KEY.Key_Up)
    press(KEY.Key_Up)
    press(KEY.Key_D)
    press(KEY.Key_M)
    press(KEY.Key_Down)
    press(KEY.Key_Insert)
    pick("zjjc")
    press(KEY.Key_Escape)
    assert len([one for _, one in lines(tree) if isinstance(one, Condition)]) == 6
    assert all(one.fact for _, one in lines(tree) if isinstance(one, Condition))


def lines(tree: RuleTree) -> list[tuple[Path, object]]:
    return [(line.path, line.node) for line in tree._model.held()]


def test_each_key_does_what_the_menu_says(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT, {"any": [DUE]}]})
    choose(tree, 0)
    press(KEY.Key_Down, MOD.ControlModifier)
    assert where(tree) == {"all": [CCT, AGE, {"any": [DUE]}]}
    press(KEY.Key_Right, MOD.AltModifier)
    assert where(tree) == {"all": [CCT, {"any": [DUE, AGE]}]} or where(tree) == {"all": [CCT, {"any": [AGE, DUE]}]}
    press(KEY.Key_Left, MOD.AltModifier)
    assert where(tree) == {"all": [CCT, {"any": [DUE]}, AGE]}
    press(KEY.Key_Up, MOD.ControlModifier)
    assert where(tree) == {"all": [CCT, AGE, {"any": [DUE]}]}
    press(KEY.Key_G, MOD.ControlModifier)
    assert where(tree) == {"all": [CCT, {"all": [AGE]}, {"any": [DUE]}]}
    choose(tree, 1)
    press(KEY.Key_U)
    assert where(tree) == {"all": [CCT, AGE, {"any": [DUE]}]}
    press(KEY.Key_Delete)
    assert where(tree) == {"all": [CCT, {"any": [DUE]}]}
    choose(tree, 0)
    press(KEY.Key_N)
    press(KEY.Key_N)
    press(KEY.Key_M)
    assert where(tree) == {"all": [CCT | {"muted": True}, {"any": [DUE]}]}
    offered = [action.text() for action in line_menu(tree).actions() if not action.isSeparator()]
    assert len(offered) == len(tree.offers.all()) == 14
    assert "停用 / 恢复\tM" in offered


@pytest.mark.parametrize(
    ("key", "modifiers", "reason"),
    [
        (KEY.Key_Up, MOD.ControlModifier, "已经在组的尽头了"),
        (KEY.Key_Left, MOD.AltModifier, "已经在最外层了"),
        (KEY.Key_Right, MOD.AltModifier, "旁边没有组可以移进去"),
    ],
)
def test_what_cannot_be_done_says_why(
    qtbot: QtBot, tree_of: TreeOf, key: Qt.Key, modifiers: Qt.KeyboardModifier, reason: str
) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    choose(tree, 0)
    with qtbot.waitSignal(tree.refused) as refused:
        press(key, modifiers)
    assert reason in refused.args[0]
    assert where(tree) == {"all": [AGE, CCT]}


def test_the_last_condition_stays(qtbot: QtBot, tree_of: TreeOf) -> None:
    tree = tree_of(AGE)
    with qtbot.waitSignal(tree.refused) as refused:
        press(KEY.Key_Delete)
    assert "至少要有一个条件" in refused.args[0]


def test_a_condition_beside_a_single_one_makes_a_group_of_both(tree_of: TreeOf) -> None:
    tree = tree_of(AGE)
    press(KEY.Key_Insert)
    press(KEY.Key_Escape)
    assert where(tree) == {"all": [AGE, BLANK]}
    tree = tree_of({"not": AGE})
    choose(tree, 0)
    press(KEY.Key_Insert)
    assert where(tree) == {"not": {"any": [AGE, BLANK]}}


def test_all_steps_are_taken_back_and_done_again_to_the_same(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT, {"any": [DUE, BOUGHT]}]})
    before, draft = where(tree), tree._draft
    for path, key, modifiers in (
        ((0,), KEY.Key_N, MOD.NoModifier),
        ((1,), KEY.Key_D, MOD.NoModifier),
        ((1,), KEY.Key_G, MOD.ControlModifier),
        ((0, 0), KEY.Key_M, MOD.NoModifier),
        ((3, 0), KEY.Key_Left, MOD.AltModifier),
        ((2,), KEY.Key_Delete, MOD.NoModifier),
        ((), KEY.Key_Insert, MOD.NoModifier),
    ):
        choose(tree, *path)
        press(key, modifiers)
        press(KEY.Key_Escape)
    after, steps = where(tree), draft.stack.count()
    assert steps == 7
    draft.stack.setIndex(0)
    assert where(tree) == before
    assert not draft.unsaved
    draft.stack.setIndex(steps)
    assert where(tree) == after


# ── mouse ────────────────────────────────────────────────────────────────────────────────────────────────


def spot(tree: RuleTree, path: Path, *, part: float = 0.5, x: int = 60) -> QPoint:
    rect = tree.visualRect(tree._model.index_of(path))
    return QPoint(rect.left() + x, rect.top() + round(rect.height() * part))


def drag(tree: RuleTree, path: Path, to: QPoint, *, drop: bool = True) -> None:
    view, start = tree.viewport(), spot(tree, path)
    QTest.mousePress(view, LEFT, MOD.NoModifier, start)
    QTest.mouseMove(view, start + QPoint(0, 20))
    QTest.mouseMove(view, to)
    if drop:
        QTest.mouseRelease(view, LEFT, MOD.NoModifier, to)


def test_lines_are_dragged_before_after_and_into_groups(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT, {"any": [DUE, BOUGHT]}]})
    drag(tree, (1,), spot(tree, (0,), part=0.2))
    assert where(tree) == {"all": [CCT, AGE, {"any": [DUE, BOUGHT]}]}
    drag(tree, (0,), spot(tree, (2,), part=0.8))
    assert where(tree) == {"all": [AGE, {"any": [CCT, DUE, BOUGHT]}]}
    drag(tree, (0,), spot(tree, (1, 1), part=0.8))
    assert where(tree) == {"all": [{"any": [CCT, DUE, AGE, BOUGHT]}]}
    drag(tree, (0, 0), spot(tree, (), part=0.5))
    assert where(tree) == {"all": [CCT, {"any": [DUE, AGE, BOUGHT]}]}


def test_left_of_a_groups_last_line_means_after_the_group(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, {"any": [DUE, BOUGHT]}]})
    drag(tree, (0,), spot(tree, (1, 1), part=0.8, x=-20))
    assert where(tree) == {"all": [{"any": [DUE, BOUGHT]}, AGE]}


def test_a_group_moves_with_all_that_is_in_it_and_never_into_itself(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, {"any": [DUE, BOUGHT]}]})
    drag(tree, (1,), spot(tree, (1, 0)))
    assert where(tree) == {"all": [AGE, {"any": [DUE, BOUGHT]}]}
    drag(tree, (1,), spot(tree, (0,), part=0.1))
    assert where(tree) == {"all": [{"any": [DUE, BOUGHT]}, AGE]}


def test_a_not_takes_no_second_line(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, {"not": DUE}]})
    drag(tree, (0,), spot(tree, (1, 0), part=0.2))
    assert where(tree) == {"all": [AGE, {"not": DUE}]}


def test_escape_puts_a_carried_line_back(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    to = spot(tree, (0,), part=0.1)
    drag(tree, (1,), to, drop=False)
    assert tree._carrying is not None
    assert tree._carrying.drop is not None
    press(KEY.Key_Escape)
    QTest.mouseRelease(tree.viewport(), LEFT, MOD.NoModifier, to)
    assert where(tree) == {"all": [AGE, CCT]}


def test_a_drag_is_one_step_to_take_back(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    drag(tree, (1,), spot(tree, (0,), part=0.1))
    assert tree._draft.stack.undoText() == "移动"
    tree._draft.stack.undo()
    assert where(tree) == {"all": [AGE, CCT]}


def test_a_click_opens_a_line_and_a_click_on_another_one_closes_it(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    QTest.mouseClick(tree.viewport(), LEFT, MOD.NoModifier, spot(tree, (0,)))
    assert tree._form_at == (0,)
    QTest.mouseClick(tree.viewport(), LEFT, MOD.NoModifier, spot(tree, (1,)))
    assert tree._form_at == (1,)
    assert len(tree.findChildren(ConditionForm)) >= 1
    press(KEY.Key_Escape)
    assert not tree.is_editing()
    assert focused() is tree


def test_a_group_offers_a_condition_by_its_own_button(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, {"any": [DUE]}]})
    line = tree._line((1,))
    card = tree._cards.card(line, tree.beside(line), width=tree.room(line.path), font=tree.font())
    origin = tree.visualRect(tree._model.index_of((1,))).topLeft() + QPoint(0, MARGIN)
    QTest.mouseClick(tree.viewport(), LEFT, MOD.NoModifier, origin + card.buttons[0].place.center())
    assert where(tree) == {"all": [AGE, {"any": [DUE, BLANK]}]}


def test_a_finding_stands_below_its_line_and_is_mended_by_its_button(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    low = tree.visualRect(tree._model.index_of((1,))).height()
    mended = tree._draft.rule.model_copy(update={"where": tree._draft.rule.where.every[0]})  # type: ignore[union-attr]
    tree.show_findings([Finding(code="superfluous", level=Level.WARNING, path=(1,), fix=mended)])
    assert tree.visualRect(tree._model.index_of((1,))).height() > low
    assert "多余" in spoken(tree, 1)
    line = tree._line((1,))
    card = tree._cards.card(line, tree.beside(line), width=tree.room(line.path), font=tree.font())
    origin = tree.visualRect(tree._model.index_of((1,))).topLeft() + QPoint(0, MARGIN)
    QTest.mouseClick(tree.viewport(), LEFT, MOD.NoModifier, origin + card.buttons[-1].place.center())
    assert where(tree) == AGE


# ── a line opened ────────────────────────────────────────────────────────────────────────────────────────


def test_letters_that_are_no_number_stay_in_sight_with_a_reason_and_change_nothing(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    edit(tree, 1)
    field = number(tree)
    field.selectAll()
    QTest.keyClicks(field, "48o")
    assert field.text() == "48o"
    assert field.property("state") == "error"
    assert "这不是可用的数值" in said(tree)
    assert where(tree)["all"][1]["value"] == 48
    enter(field, "５００")
    assert "这不是可用的数值" not in said(tree)
    assert where(tree)["all"][1]["value"] == 500


def test_wrong_letters_outlast_a_change_of_another_field_and_go_with_an_undo(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    edit(tree, 1)
    enter(number(tree), "500")
    enter(number(tree), "5oo")
    set_box(tree, "眼别", "either")
    assert number(tree).text() == "5oo"
    assert "这不是可用的数值" in said(tree)
    tree._draft.stack.setIndex(0)
    assert number(tree).text() == "480"
    assert "这不是可用的数值" not in said(tree)


def test_the_wheel_scrolls_past_lists_and_days(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [DUE | {"op": "lt", "value": "2026-01-01"}]})
    edit(tree, 0)
    before = where(tree)
    for widget in (box(tree, "比较"), *(one for one in tree.findChildren(QDateEdit) if one.isVisible())):
        here = QPointF(5, 5)
        event = QWheelEvent(
            here,
            widget.mapToGlobal(here),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            MOD.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)
    assert where(tree) == before


def test_what_is_typed_into_one_field_is_one_step_and_another_field_another(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    edit(tree, 1)
    number(tree).selectAll()
    QTest.keyClicks(number(tree), "512")
    set_box(tree, "眼别", "either")
    assert where(tree)["all"][1] == {"fact": "cct_um", "eyes": "either", "op": "ge", "value": 512}
    assert tree._draft.stack.count() == 2
    tree._draft.stack.undo()
    tree._draft.stack.undo()
    assert where(tree) == {"all": [AGE, CCT]}
    assert number(tree).text() == "480"


@pytest.mark.parametrize(
    ("eyes", "fact", "kept"),
    [("od", "cct_um_od", None), ("os", "cct_um_os", None), ("either", "cct_um", "either"), ("both", "cct_um", "both")],
)
def test_each_choice_of_eyes_is_what_the_rule_asks(tree_of: TreeOf, eyes: str, fact: str, kept: str | None) -> None:
    tree = tree_of({"all": [{"fact": "cct_um_od", "op": "ge", "value": 480}]})
    edit(tree, 0)
    set_box(tree, "眼别", "os")
    set_box(tree, "眼别", eyes)
    condition = tree._line((0,)).node
    assert isinstance(condition, Condition)
    assert (condition.fact, condition.eyes, condition.value) == (fact, kept, 480)


def test_arrow_keys_step_a_number_and_growth_is_typed_in_degrees(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [{"fact": "se_growth_6m", "eyes": "either", "op": "ge", "value": "0.50"}]})
    edit(tree, 0)
    assert number(tree).text() == "50"
    press(KEY.Key_Up)
    assert number(tree).text() == "75"
    assert where(tree)["all"][0]["value"] == "0.75"


def test_a_parameter_takes_the_place_of_a_number_and_gives_it_back(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [{"fact": "se_growth_6m", "eyes": "either", "op": "ge", "value": "0.75"}]})
    edit(tree, 0)
    set_box(tree, "数的来源", "growth_half_year")
    assert where(tree)["all"][0] == {
        "fact": "se_growth_6m",
        "eyes": "either",
        "op": "ge",
        "parameter": "growth_half_year",
    }
    assert not any(one.isVisible() for one in tree.findChildren(NumberEdit))
    set_box(tree, "数的来源", None)
    assert where(tree)["all"][0]["value"] == "0.50"
    assert number(tree).text() == "50"


def test_only_parameters_of_the_right_unit_are_offered(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [DUE]})
    edit(tree, 0)
    found = box(tree, "数的来源")
    keys = [found.itemData(n) for n in range(found.count())]
    assert "replacement_days" in keys
    assert "growth_half_year" not in keys
    assert "ok_age" not in keys


def test_the_parameters_own_table_is_one_press_away(qtbot: QtBot, tree_of: TreeOf) -> None:
    tree = tree_of({"all": [{"fact": "birth_date", "op": "age_ge", "parameter": "ok_age"}]})
    edit(tree, 0)
    with qtbot.waitSignal(tree.parameter_requested) as asked:
        next(one for one in tree.findChildren(QPushButton) if one.text() == "参数表" and one.isVisible()).click()
    assert asked.args == ["ok_age"]


def test_another_operator_takes_what_still_fits_of_the_value(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [{"fact": "product_od", "op": "in", "value": ["functional", "ok_lens"]}]})
    edit(tree, 0)
    set_box(tree, "比较", Operator.EQ)
    assert where(tree)["all"][0]["value"] == "functional"
    set_box(tree, "比较", Operator.IN)
    assert where(tree)["all"][0]["value"] == ["functional"]
    chips = {one.text(): one for one in tree.findChildren(QPushButton) if one.isVisible()}
    chips["单光镜"].click()
    assert set(where(tree)["all"][0]["value"]) == {"functional", "single_vision"}
    chips["单光镜"].click()
    chips["功能镜"].click()
    assert "至少选一项" in said(tree)
    assert where(tree)["all"][0]["value"] == ["functional"]
    set_box(tree, "比较", Operator.IS_KNOWN)
    assert where(tree)["all"][0] == {"fact": "product_od", "op": "is_known"}


def test_two_ends_are_typed_one_after_the_other(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [{"fact": "se", "eyes": "either", "op": "between", "value": ["-6.00", "-0.75"]}]})
    edit(tree, 0)
    low, high = (one for one in tree.findChildren(NumberEdit) if one.isVisible())
    assert (low.text(), high.text()) == ("-6.00", "-0.75")
    enter(high, "−1.5")
    assert where(tree)["all"][0]["value"] == ["-6.00", "-1.50"]
    assert high.text() == "−1.5"


def test_a_day_is_chosen_in_a_calendar_and_yes_in_a_list(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [DUE, BOUGHT]})
    edit(tree, 0)
    set_box(tree, "比较", Operator.LT)
    assert where(tree)["all"][0]["value"] == "2026-11-22"
    press(KEY.Key_Escape)
    edit(tree, 1)
    set_box(tree, "值", False)
    assert where(tree)["all"][1]["value"] is False


def test_what_counts_without_a_value_is_always_said_and_chosen_in_place(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    assert "没有数据时：不算" in spoken(tree, 1)
    edit(tree, 1)
    next(one for one in tree.findChildren(QPushButton) if one.text() == "需补检查").click()
    assert where(tree)["all"][1]["unknown"] == Unknown.NEEDS_MEASUREMENT.value
    press(KEY.Key_Escape)
    assert "没有数据时：需补检查" in spoken(tree, 1)


def test_an_open_line_says_what_can_be_filled_in_and_what_no_value_means(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [CCT, AGE]})
    edit(tree, 0)
    assert "可填 350 µm 到 800 µm；没有数据是指：没有测过角膜厚度" in said(tree)
    edit(tree, 1)
    assert "可填" not in said(tree)
    assert "没有数据是指" in said(tree)


def test_a_source_is_written_beside_its_number(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [CCT]})
    edit(tree, 0)
    source = next(one for one in tree.findChildren(QLineEdit) if one.accessibleName() == "依据")
    source.setFocus()
    QTest.keyClicks(source, "guideline 3")
    assert source.text() == "guideline 3"
    assert where(tree)["all"][0]["citation"] == "guideline 3"
    assert tree._draft.stack.count() == 1


def test_another_fact_keeps_the_eyes_and_loses_what_does_not_fit(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [CCT]})
    edit(tree, 0)
    picker = tree.findChildren(FactPicker)[0]
    picker.setFocus()
    picker.selectAll()
    pick("dxqj")
    assert where(tree)["all"][0] == {"fact": "se", "eyes": "both", "op": "ge", "value": 480}


def test_the_picker_finds_by_characters_and_initials_and_forgets_nonsense(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [CCT]})
    edit(tree, 0)
    picker = tree.findChildren(FactPicker)[0]
    picker.setFocus()
    picker.selectAll()
    QTest.keyClicks(picker, "qqqq")
    assert picker._list.item(0).text() == "没有这样的数据，换个词试试。"
    press(KEY.Key_Return)
    press(KEY.Key_Escape)
    assert picker.text() == "中央角膜厚度"
    enter(picker, "眼轴")
    shown = [picker._list.item(n).text().strip() for n in range(picker._list.count())]
    assert "眼轴" in shown
    assert not any("右眼" in text for text in shown)
    press(KEY.Key_Escape)
    assert tree.is_editing()
    press(KEY.Key_Escape)
    assert not tree.is_editing()


def test_a_group_is_turned_in_its_place(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    edit(tree)
    next(one for one in tree.findChildren(QPushButton) if one.text() == "任一满足").click()
    assert where(tree) == {"any": [AGE, CCT]}


def test_another_rule_can_be_asked_for(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE]})
    choose(tree, 0)
    press(KEY.Key_R)
    assert where(tree) == {"all": [AGE, {"rule": "ok_lens"}]}
    press(KEY.Key_Escape)
    assert "符合规则“角塑客户”" in spoken(tree, 1)


def test_a_muted_group_greys_all_that_is_in_it(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, {"any": [DUE, BOUGHT]}]})
    choose(tree, 1)
    press(KEY.Key_M)
    assert tree.beside(tree._line((1, 0))).muted
    assert not tree.beside(tree._line((0,))).muted


def test_a_read_only_tree_is_looked_at_and_not_changed(tree_of: TreeOf) -> None:
    tree = tree_of({"all": [AGE, CCT]})
    edit(tree, 1)
    tree.set_read_only(read_only=True)
    assert not tree.is_editing()
    for key in (KEY.Key_Return, KEY.Key_Delete, KEY.Key_Insert, KEY.Key_M):
        press(key)
    drag(tree, (1,), spot(tree, (0,), part=0.1))
    assert where(tree) == {"all": [AGE, CCT]}
    press(KEY.Key_Up)
    assert tree._draft.path == (0,)
