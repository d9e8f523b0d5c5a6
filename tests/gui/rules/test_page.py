"""规则: what a manager opens, changes, keeps, and never loses."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from hcrm_central.app import create_app
from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_core.rules import Rule
from hcrm_core.rules.messages import Counts, NodeCount, RuleState
from hcrm_core.terms import Role
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.models.rule_desk import copy_key
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.main_window import MainFrame
from hcrm_desktop.views.rules.fact_picker import FactPicker
from hcrm_desktop.views.rules.layout import FILE, load_layout
from hcrm_desktop.views.rules.page import RulesPage
from tests.factories import PASSWORD, make_clinic, serving
from tests.fakes import FakeClock, FakeRuleOffice
from tests.gui.conftest import DeskFor
from tests.gui.office import NO_NETWORK, button, shown, words
from tests.gui.rules.hands import listed
from tests.gui.test_frame import status

CTRL = Qt.KeyboardModifier.ControlModifier


def opened(qtbot: QtBot, page: RulesPage, key: str = "upsell_ok") -> RulesPage:
    page.open_rule(key)
    qtbot.waitUntil(lambda: page.draft.rule.key == key and not page.draft.unsaved)
    return page


def mute_first(page: RulesPage) -> None:
    """An edit."""
    page.draft.choose((0,))
    page.editor.tree.setFocus()
    press(page.editor.tree, Qt.Key.Key_M)


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(widget, key, modifiers)


def keys_of(workspace: Workspace) -> object:
    from hcrm_desktop.cache.queries import draft

    return workspace.ask(draft, copy_key("upsell_ok"))


def test_the_list_names_every_rule_with_its_customers_and_state(page: RulesPage) -> None:
    assert "拟转角塑\nv1 · 312 人" in listed(page.list)
    assert "从左边选一条规则" in words(page)


def test_an_opened_rule_says_its_name_and_version(qtbot: QtBot, page: RulesPage) -> None:
    opened(qtbot, page)
    assert page.head._name.text() == "拟转角塑"
    assert page.head._state.text() == "已发布 v1"
    assert not page.head._save.isEnabled()
    assert not page.head._unsaved.isVisible()


def test_an_edit_is_marked_saved_with_ctrl_s_and_becomes_a_draft(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    opened(qtbot, page)
    mute_first(page)
    assert page.head._unsaved.isVisible()
    assert page.head._undo.text() == "撤销：停用"
    press(page.editor.tree, Qt.Key.Key_S, CTRL)
    qtbot.waitUntil(lambda: not page.draft.unsaved)
    (request,) = office.saved
    assert (request.ver, request.based_on) == (None, 1)
    assert Rule.model_validate(request.definition) == page.draft.rule
    assert page.head._state.text() == "草稿 v2"
    assert not page.head._unsaved.isVisible()
    mute_first(page)
    page.save()
    qtbot.waitUntil(lambda: len(office.saved) == 2)
    assert office.saved[1].ver == 1


def test_ctrl_z_in_the_editor_takes_back_a_step_of_the_rule(qtbot: QtBot, desk_for: DeskFor, page: RulesPage) -> None:
    opened(qtbot, page)
    before = page.draft.rule
    mute_first(page)
    press(page.editor.tree, Qt.Key.Key_Z, CTRL)
    assert page.draft.rule == before
    press(page.editor.tree, Qt.Key.Key_Y, CTRL)
    assert page.draft.rule != before


def test_opening_another_rule_with_unsaved_edits_asks_once(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    opened(qtbot, page)
    mute_first(page)
    page.open_rule("ok_lens")
    assert "“拟转角塑”有没保存的修改" in words(page)
    button(page, "留下").click()
    assert page.draft.rule.key == "upsell_ok"
    assert page.draft.unsaved
    page.open_rule("ok_lens")
    button(page, "保存草稿并离开").click()
    qtbot.waitUntil(lambda: page.draft.rule.key == "ok_lens")
    assert len(office.saved) == 1


def test_edits_given_up_are_gone(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice, workspace: Workspace) -> None:
    opened(qtbot, page)
    mute_first(page)
    page._copy.keep()
    qtbot.waitUntil(lambda: keys_of(workspace) is not None)
    page.open_rule("ok_lens")
    button(page, "不保存").click()
    qtbot.waitUntil(lambda: page.draft.rule.key == "ok_lens")
    qtbot.waitUntil(lambda: keys_of(workspace) is None)
    assert office.saved == []


def test_unsaved_edits_outlast_the_page_and_are_offered_again(
    qtbot: QtBot, page: RulesPage, desk_for: DeskFor, workspace: Workspace
) -> None:
    opened(qtbot, page)
    mute_first(page)
    edited = page.draft.rule
    qtbot.waitUntil(lambda: keys_of(workspace) is not None)
    page.close()
    again = RulesPage(desk_for(Role.MANAGER))
    shown(qtbot, again)
    qtbot.waitUntil(lambda: again.draft.workshop is not None)
    again.open_rule("upsell_ok")
    qtbot.waitUntil(lambda: "没保存的修改" in words(again))
    button(again, "恢复").click()
    assert again.draft.rule == edited
    assert again.draft.unsaved


def test_off_line_the_rule_can_be_read_and_not_changed(
    qtbot: QtBot, page: RulesPage, tasks: Tasks, office: FakeRuleOffice
) -> None:
    opened(qtbot, page)
    office.error = NO_NETWORK
    page.reload()
    qtbot.waitUntil(lambda: "连不上中心。规则保存在中心，以下是 2026-11-22 09:00 的情况" in words(page))
    before = page.draft.rule
    mute_first(page)
    assert page.draft.rule == before
    assert not button(page, "发布").isEnabled()
    office.error = None
    tasks.sync_state_changed.emit(status())
    qtbot.waitUntil(lambda: button(page, "发布").isEnabled())
    assert not page._message.isVisible()


def test_a_page_that_never_heard_the_centre_says_so_and_tries_again(
    qtbot: QtBot, desk_for: DeskFor, tasks: Tasks, office: FakeRuleOffice
) -> None:
    office.error = NO_NETWORK
    page = RulesPage(desk_for(Role.MANAGER))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "连不上中心" in words(page))
    office.error = None
    tasks.sync_state_changed.emit(status())
    qtbot.waitUntil(lambda: page.draft.workshop is not None)


def test_a_draft_that_somebody_else_changed_is_not_overwritten(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    opened(qtbot, page)
    mute_first(page)
    office.stale = True
    page.save()
    qtbot.waitUntil(lambda: "已被别人改过" in words(page))
    assert page.draft.unsaved
    button(page, "继续编辑").click()
    assert page.draft.unsaved


def test_a_new_rule_asks_for_its_name_first_and_says_what_is_missing(qtbot: QtBot, page: RulesPage) -> None:
    page.begin_rule()
    assert page.head._name.text() == "未命名的规则"
    qtbot.waitUntil(lambda: any(one.code == "fact_unknown" for one in page.draft.findings))
    field = QApplication.focusWidget()
    assert field is not None
    assert field.accessibleName() == "规则名称"
    QTest.keyClicks(field, "fc")
    assert page.draft.rule.label == "fc"
    assert page.head._undo.text() == "撤销：修改属性"


def test_a_new_rule_with_a_name_begins_at_its_first_condition(qtbot: QtBot, page: RulesPage) -> None:
    page.begin_rule(page.draft.rule.model_copy(update={"label": "复查"}))
    assert page.editor.tree.is_editing()
    assert isinstance(QApplication.focusWidget(), FactPicker)


def test_properties_reach_the_rule_and_are_taken_back_field_by_field(qtbot: QtBot, page: RulesPage) -> None:
    opened(qtbot, page)
    page.editor.unfold.click()
    shape, before = page.editor.properties, page.draft.rule
    shape.toggle_site("south")
    shape.toggle_site("north")
    assert page.draft.rule.sites == ("north", "south")
    assert shape._sites.text() == "城北院区、城南院区"
    for text in ("c", "ca", "card"):
        shape._exclusive.setText(text)
        shape._exclusive.textEdited.emit(text)
    shape._priority.setValue(3)
    shape._first._wanted.click()
    assert page.draft.rule.valid_from is not None
    assert page.draft.rule.priority == 3
    for _ in range(2):
        page.draft.stack.undo()
    assert page.draft.rule == before.model_copy(update={"sites": ("north", "south"), "exclusive": "card"})
    page.draft.stack.undo()
    assert page.draft.rule.exclusive == ""


def test_what_the_linter_finds_stands_below_its_line_and_is_mended_with_a_key(qtbot: QtBot, page: RulesPage) -> None:
    opened(qtbot, page)
    mute_first(page)
    qtbot.waitUntil(lambda: any(one.code == "muted" for one in page.draft.findings))
    tree = page.editor.tree
    assert "已停用：不参与判断" in str(tree.model().data(tree.currentIndex(), Qt.ItemDataRole.AccessibleTextRole))
    press(tree, Qt.Key.Key_F)
    assert len(page.draft.rule.where.every) == 4  # type: ignore[union-attr] # the rule is an "all"


def test_numbers_stand_beside_their_lines_and_turn_grey_with_the_next_edit(qtbot: QtBot, page: RulesPage) -> None:
    opened(qtbot, page)
    nodes = [NodeCount(path=(), matching=40, open=1, left=40), NodeCount(path=(1,), matching=900, open=0, left=120)]
    page.draft.tell_counts(Counts(customers=1000, matching=40, open=1, nodes=nodes))
    tree = page.editor.tree
    line = tree._line((1,))
    assert tree.beside(line).count == nodes[1]
    assert not tree.beside(line).stale
    mute_first(page)
    assert tree.beside(tree._line((1,))).stale


def test_the_layout_is_kept_and_a_damaged_one_is_forgotten(
    qtbot: QtBot, page: RulesPage, desk_for: DeskFor, workspace: Workspace
) -> None:
    opened(qtbot, page)
    page.editor.unfold.click()
    page.close()
    again = RulesPage(desk_for(Role.MANAGER))
    qtbot.addWidget(again)
    assert again.editor.unfold.isChecked()
    (workspace.folder / FILE).write_text('{"widths": [9, 9], "panel": "", "properties": false}', encoding="utf-8")
    assert load_layout(workspace.folder).widths == ()
    (workspace.folder / FILE).write_text("{", encoding="utf-8")
    third = RulesPage(desk_for(Role.MANAGER))
    qtbot.addWidget(third)
    assert not third.editor.unfold.isChecked()


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.OPTOMETRIST, Role.EXECUTIVE])
def test_only_managers_have_rules_on_their_rail(qtbot: QtBot, desk_for: DeskFor, role: Role) -> None:
    frame = MainFrame(desk_for(role))
    qtbot.addWidget(frame)
    assert "规则" not in [one.text() for one in frame._rail._buttons.values()]


def test_a_manager_goes_to_the_rules_and_keys_there_are_the_editors(
    qtbot: QtBot, desk_for: DeskFor, office: FakeRuleOffice
) -> None:
    frame = MainFrame(desk_for(Role.MANAGER))
    qtbot.addWidget(frame)
    frame.show()
    frame.activateWindow()
    page = frame.go("rules")
    assert isinstance(page, RulesPage)
    qtbot.waitUntil(lambda: page.draft.workshop is not None)
    opened(qtbot, page)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is page.editor.tree)
    before = page.draft.rule
    mute_first(page)
    press(page.editor.tree, Qt.Key.Key_Z, CTRL)
    assert page.draft.rule == before


def test_a_rule_of_a_later_release_says_so(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> None:
    line = office.versions["ok_lens"][0]
    office.versions["ok_lens"] = [line.model_copy(update={"definition": {"key": "ok_lens", "graph": []}})]
    page.open_rule("ok_lens")
    qtbot.waitUntil(lambda: "这条规则由更新的版本写成" in words(page))


def test_a_rule_is_opened_changed_and_kept_at_the_real_centre(
    qtbot: QtBot, store: Store, clock: FakeClock, tasks: Tasks, desk_for: DeskFor
) -> None:
    make_clinic(store, clock)
    install_defaults(store.jobs, clock=clock)
    with serving(create_app(store, Settings(), clock=clock)) as url:
        page = RulesPage(desk_for(Role.MANAGER))
        done: list[object] = []
        who = {"username": "manager", "password": PASSWORD}
        tasks.sign_in(page, server_url=url, **who, done=done.append, failed=lambda error: pytest.fail(str(error)))
        qtbot.waitUntil(lambda: bool(done), timeout=20_000)
        shown(qtbot, page)
        qtbot.waitUntil(lambda: page.draft.workshop is not None, timeout=20_000)
        assert page.draft.workshop is not None
        assert "replacement_days" in page.draft.workshop.parameters
        opened(qtbot, page)
        mute_first(page)
        page.save()
        qtbot.waitUntil(lambda: not page.draft.unsaved, timeout=20_000)
        assert page.draft.version.state is RuleState.DRAFT
        qtbot.waitUntil(lambda: any(one.code == "muted" for one in page.draft.findings), timeout=20_000)
        tasks.sign_out(page, server_url=url, done=done.append)
        qtbot.waitUntil(lambda: len(done) == 2, timeout=20_000)


def test_a_folded_right_part_leaves_its_room_to_the_editor_and_comes_back_as_wide(
    qtbot: QtBot, page: RulesPage
) -> None:
    opened(qtbot, page)
    first = next(iter(page.side._makers))
    page.side.open_panel("")
    qtbot.waitUntil(lambda: page.side.width() < 120)
    wide = page.editor.width()
    page.side.open_panel(first)
    qtbot.waitUntil(lambda: page.side.width() >= 360)
    assert page.editor.width() < wide
    assert page.editor.tree.width() >= 300
    before = page.side.width()
    page.side.open_panel("")
    page.side.open_panel(first)
    qtbot.waitUntil(lambda: page.side.width() == before)


def test_a_step_with_a_long_name_does_not_push_the_page_out_of_a_small_screen(qtbot: QtBot, page: RulesPage) -> None:
    opened(qtbot, page)
    longest = page.draft.rule.model_copy(update={"label": "一条名字特别长的规则，比这里放得下的还要长得多"})
    page.draft.apply(longest, text="恢复没保存的修改")
    assert page.head._undo.text() == "撤销：恢复没保存的修改"
    page.side.open_first()
    qtbot.waitUntil(lambda: page.head._undo.text() == "撤销")
    assert page.head._undo.toolTip() == "撤销：恢复没保存的修改  Ctrl+Z"
    assert page.width() == 1182
    assert page.minimumSizeHint().width() <= 1182


def test_on_a_small_screen_the_right_part_waits_to_be_opened_and_on_a_large_one_it_does_not(
    qtbot: QtBot, page: RulesPage, workspace: Workspace
) -> None:
    opened(qtbot, page)
    assert page.side.open_key == ""
    assert page.side.width() < 120
    page.resize(1700, 900)
    opened(qtbot, page, "ok_lens")
    assert page.side.open_key == next(iter(page.side._makers))
    assert load_layout(workspace.folder).panel is None
