"""复制、导出、导入: rules as copies and as files, through the editor and back by one step."""

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from hcrm_core.rules import Rule
from hcrm_core.rules.messages import RuleState
from hcrm_desktop.views.rules.page import RulesPage
from tests.fakes import FakeRuleOffice
from tests.gui.office import NO_NETWORK, button, words
from tests.gui.rules.conftest import default_rules
from tests.gui.rules.hands import listed
from tests.gui.rules.test_page import mute_first, opened
from tests.gui.test_frame import status

UPSELL = default_rules()["upsell_ok"]


def file_of(rule: Rule, folder: Path) -> str:
    path = folder / "rule.json"
    path.write_text(json.dumps(rule.as_json()), encoding="utf-8")
    return str(path)


def changed(**fields: object) -> Rule:
    return UPSELL.model_copy(update=fields)


def test_a_copy_is_a_draft_of_its_own(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> None:
    opened(qtbot, page)
    page.list.duplicate_requested.emit()
    qtbot.waitUntil(lambda: page.draft.rule.key == "upsell_ok_copy")
    assert page.draft.rule.label == "拟转角塑 副本"
    assert page.draft.version.state is RuleState.DRAFT
    assert not page.draft.unsaved
    (request,) = office.saved
    assert (request.ver, request.based_on) == (None, None)
    qtbot.waitUntil(lambda: any(text.startswith("拟转角塑 副本") for text in listed(page.list)))


def test_unsaved_edits_are_asked_about_before_a_copy_is_made(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    opened(qtbot, page)
    mute_first(page)
    page.list.duplicate_requested.emit()
    assert "有没保存的修改" in words(page)
    assert office.saved == []


def test_a_rule_is_exported_as_it_stands_under_its_key(qtbot: QtBot, page: RulesPage, tmp_path: Path) -> None:
    opened(qtbot, page)
    mute_first(page)
    page.list.export_requested.emit()
    (dialog,) = page.findChildren(QFileDialog)
    assert dialog.selectedFiles()[0].endswith("upsell_ok.json")
    dialog.close()
    with qtbot.waitSignal(page.said) as said:
        page.exchange.write(str(tmp_path / "mine.json"))
    assert said.args == ["已导出：mine.json"]
    raw = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert Rule.model_validate(raw) == page.draft.rule


def test_a_folder_that_cannot_be_written_is_told(qtbot: QtBot, page: RulesPage, tmp_path: Path) -> None:
    opened(qtbot, page)
    with qtbot.waitSignal(page.said) as said:
        page.exchange.write(str(tmp_path / "no" / "mine.json"))
    assert said.args is not None
    assert said.args[0].startswith("没有导出")


def test_a_new_rule_from_a_file_stands_in_the_editor_and_one_step_takes_it_back(
    qtbot: QtBot, page: RulesPage, tmp_path: Path
) -> None:
    segment = UPSELL.segment.model_copy(update={"key": "other"})
    other = changed(key="other", label="另一条", segment=segment)
    page.exchange.read(file_of(other, tmp_path))
    qtbot.waitUntil(lambda: page.draft.rule == other)
    assert page.draft.unsaved
    assert page.head._undo.text() == "撤销：导入"
    page.draft.stack.undo()
    assert page.draft.rule.label == ""
    assert not page.draft.unsaved


def test_a_rule_that_is_there_becomes_a_draft_after_a_question(
    qtbot: QtBot, page: RulesPage, tmp_path: Path, office: FakeRuleOffice
) -> None:
    page.exchange.read(file_of(changed(priority=7), tmp_path))
    qtbot.waitUntil(lambda: "“拟转角塑”已经有了" in words(page))
    button(page, "导入").click()
    qtbot.waitUntil(lambda: page.draft.rule.priority == 7)
    assert page.draft.version.based_on == 1
    page.save()
    qtbot.waitUntil(lambda: bool(office.saved))
    assert (office.saved[0].ver, office.saved[0].based_on) == (None, 1)


def test_a_file_of_the_rule_that_is_open_is_one_more_edit(qtbot: QtBot, page: RulesPage, tmp_path: Path) -> None:
    opened(qtbot, page)
    mute_first(page)
    before = page.draft.rule
    page.exchange.read(file_of(changed(priority=7), tmp_path))
    qtbot.waitUntil(lambda: "已经有了" in words(page))
    button(page, "导入").click()
    assert page.draft.rule.priority == 7
    page.draft.stack.undo()
    assert page.draft.rule == before


def test_a_rule_that_is_refused_changes_nothing(qtbot: QtBot, page: RulesPage, tmp_path: Path) -> None:
    opened(qtbot, page)
    page.exchange.read(file_of(changed(priority=7), tmp_path))
    qtbot.waitUntil(lambda: "已经有了" in words(page))
    button(page, "不导入").click()
    assert page.draft.rule == UPSELL
    assert not page.draft.unsaved


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"key": x}', "文件不是 JSON：第 1 行第 9 列看不懂"),
        ('{"key": "a", "label": "b"}', "缺少“segment”；缺少“where”"),
        (
            '{"key": "a", "label": "b", "segment": {"key": "a", "label": "b"}, "where": {"all": [{"fact": "se_od"}]}}',
            "缺少“where › all › 第 1 条 › op”",
        ),
        ("7", "“整个文件”写得不对"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_where_and_changes_nothing(
    qtbot: QtBot, page: RulesPage, tmp_path: Path, *, text: str, told: str
) -> None:
    opened(qtbot, page)
    (tmp_path / "rule.json").write_text(text, encoding="utf-8")
    page.exchange.read(str(tmp_path / "rule.json"))
    qtbot.waitUntil(lambda: told in words(page))
    assert "没有导入，什么都没有改。" in words(page)
    button(page, "知道了").click()
    assert page.draft.rule == UPSELL


def test_what_the_centre_does_not_have_is_listed_before_it_is_taken_in(
    qtbot: QtBot, page: RulesPage, tmp_path: Path
) -> None:
    raw = UPSELL.as_json() | {"key": "other", "where": {"fact": "shoe_size", "op": "eq", "parameter": "full_moon"}}
    page.exchange.read(file_of(Rule.model_validate(raw), tmp_path))
    qtbot.waitUntil(lambda: "这个中心没有：full_moon、shoe_size。" in words(page))
    button(page, "导入").click()
    qtbot.waitUntil(lambda: any(one.code == "fact_unknown" for one in page.draft.findings))


def test_off_line_nothing_is_copied_or_taken_in_but_a_file_can_be_written(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    opened(qtbot, page)
    office.error = NO_NETWORK
    page._on_state_changed(status(online=False))
    enabled = {action.text(): action.isEnabled() for action in page.list.more.menu().actions()}
    assert enabled == {"复制为新规则": False, "导入…": False, "导出…": True}
