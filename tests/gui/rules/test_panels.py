"""What stands beside the editor: asked while somebody looks, one of a kind at a time, said quietly in its place."""

from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from hcrm_core.rules import Rule
from hcrm_core.rules.messages import Counts, Diff, NodeCount
from hcrm_core.rules.model import AllOf, nodes
from hcrm_desktop.sync.client import RequestRefused
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.panels.counts import fallen_out
from tests.fakes import FakeRuleOffice
from tests.gui.office import NO_NETWORK, words
from tests.gui.rules.conftest import default_rules

CUSTOMERS = 12_480


def counts_of(rule: Rule, *, matching: int = 312, open_: int = 45) -> Counts:
    """An answer in which each line leaves a hundred fewer."""
    lines = [
        NodeCount(path=path, matching=3_000 - 100 * n, open=n, left=2_000 - 100 * n)
        for n, (path, node) in enumerate(nodes(rule.where))
        if not node.muted
    ]
    return Counts(customers=CUSTOMERS, matching=matching, open=open_, nodes=lines)


def diff(enter: int = 12, leave: int = 3) -> Diff:
    return Diff(stay=300, enter=enter, leave=leave, splits=[], movers=[], loads=[])


def open_rule(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice, key: str = "upsell_ok") -> None:
    office.answers.setdefault("diff", diff())
    office.answers.setdefault("counts", counts_of(default_rules()[key]))
    page.open_rule(key)
    qtbot.waitUntil(lambda: page.draft.rule.key == key and not page.draft.unsaved)


def asked(office: FakeRuleOffice, name: str) -> int:
    return len([one for one, _ in office.asked if one == name])


def rename(page: RulesPage, label: str) -> None:
    """An edit."""
    page.draft.apply(page.draft.rule.model_copy(update={"label": label}), text="改名")


@pytest.fixture
def counted(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> RulesPage:
    """A rule that is open, with its numbers."""
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: "＋12 / −3" in words(page))
    return page


def test_the_count_stands_above_the_editor_with_whole_open_and_change(counted: RulesPage) -> None:
    shown = words(counted.panels.strip)
    assert "312 人" in shown
    assert "全部 12,480 人" in shown
    assert "待补检查 45 人" in shown
    assert "＋12 / −3" in shown


def test_the_numbers_stand_beside_the_lines_of_the_tree(counted: RulesPage) -> None:
    counts = counted.draft.counts
    assert counts is not None
    line = counted.editor.tree._model.held()[1]
    assert counted.editor.tree.beside(line).count == counts.nodes[1]


def test_a_rule_that_changes_nothing_says_so(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> None:
    office.answers["diff"] = diff(0, 0)
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: "和现在的客群一样" in words(page.panels.strip))


def test_edits_in_a_row_are_asked_about_once(qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice) -> None:
    before = asked(office, "counts")
    for label in ("一", "二", "三"):
        rename(counted, label)
    qtbot.waitUntil(lambda: asked(office, "diff") == 2)
    assert asked(office, "counts") == before + 1
    assert office.asked[-1][1].definition["label"] == "三"


def test_an_older_question_is_called_off_and_its_answer_dropped(
    qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice
) -> None:
    office.gate.clear()
    rename(counted, "一")
    qtbot.waitUntil(lambda: asked(office, "counts") == 2)
    first = office.asked[-1][1].ask
    told: list[object] = []
    counted.panels.questions.counts.answered.connect(told.append)
    rename(counted, "二")
    qtbot.waitUntil(lambda: first in office.called_off)
    assert asked(office, "counts") == 2  # the centre has not let go of the first
    office.gate.set()
    qtbot.waitUntil(lambda: len(told) == 1)
    assert asked(office, "counts") == 3
    assert office.asked[-1][1].ask != first


def test_off_line_says_so_in_place_and_can_be_tried_again(
    qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice
) -> None:
    office.error = NO_NETWORK
    rename(counted, "一")
    qtbot.waitUntil(lambda: "连不上中心，连上以后再算。" in words(counted.panels.strip))
    assert "312 人" in words(counted.panels.strip)  # the last answer stays
    office.error = None
    again = next(one for one in counted.panels.strip.findChildren(QPushButton) if one.text() == "再试")
    again.click()
    qtbot.waitUntil(lambda: "连不上中心" not in words(counted.panels.strip))


def test_off_line_the_numbers_of_one_rule_do_not_stand_above_another(
    qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice
) -> None:
    office.error = NO_NETWORK
    counted.begin_rule(default_rules()["lost_contact"])
    qtbot.waitUntil(lambda: "连不上中心，连上以后再算。" in words(counted.panels.strip))
    assert "312 人" not in words(counted.panels.strip)
    assert "—" in words(counted.panels.strip)


@pytest.mark.parametrize(
    ("code", "said"),
    [("asked_too_much", "中心停下了"), ("invalid_request", "没填对"), ("whatever", "没有算出来")],
)
def test_a_refusal_is_said_in_words(
    qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice, code: str, said: str
) -> None:
    office.error = RequestRefused(code, "no", expected_n=None)
    rename(counted, "一")
    qtbot.waitUntil(lambda: said in words(counted.panels.strip))


def test_a_rule_with_a_gap_is_not_asked_about(qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice) -> None:
    before = asked(office, "counts")
    counted.draft.choose(())
    counted.editor.tree.add_line()
    qtbot.waitUntil(lambda: "条件填完整后，这里就有人数" in words(counted.panels.strip))
    assert asked(office, "counts") == before
    assert counted.draft.counts is None


def test_nothing_is_asked_while_the_page_is_hidden(qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice) -> None:
    counted.hide()
    before = asked(office, "counts")
    rename(counted, "一")
    assert not counted.panels.questions.counts.is_on_its_way
    counted.show()
    qtbot.waitUntil(lambda: asked(office, "counts") == before + 1)


def test_values_that_are_tried_are_sent_until_the_rule_changes(
    qtbot: QtBot, counted: RulesPage, office: FakeRuleOffice
) -> None:
    counted.panels.questions.try_parameter({"recheck_days": Decimal(100)})
    qtbot.waitUntil(lambda: "按试的参数值" in words(counted.panels.strip))
    counts = [request for name, request in office.asked if name == "counts"]
    assert counts[-1].parameters == {"recheck_days": Decimal(100)}
    rename(counted, "一")
    qtbot.waitUntil(lambda: asked(office, "counts") == len(counts) + 1)
    assert office.asked[-1][1].parameters == {}


def test_the_funnel_lists_each_line_and_choosing_one_chooses_it_in_the_tree(counted: RulesPage) -> None:
    counted.side.open_panel("funnel")
    panel = counted.side.panel("funnel")
    assert panel is not None
    (lines,) = panel.findChildren(QListWidget)
    counts = counted.draft.counts
    assert counts is not None
    assert lines.count() == len(counts.nodes)
    assert "1,900 人" in lines.item(1).data(Qt.ItemDataRole.DisplayRole)
    assert "只看这一条，符合 2,900 人" in lines.item(1).toolTip()
    lines.itemActivated.emit(lines.item(1))
    assert counted.draft.path == counts.nodes[1].path


def test_what_falls_out_adds_up(counted: RulesPage) -> None:
    counts = counted.draft.counts
    assert counts is not None
    assert isinstance(counted.draft.rule.where, AllOf)
    lost = fallen_out(counts, counted.draft.rule)
    steps = [node for node in counts.nodes if len(node.path) == 1]
    assert CUSTOMERS - sum(lost.values()) == steps[-1].left
