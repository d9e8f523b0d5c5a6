"""The rule page over the rules that ship, answered by an office in memory."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.rules import Parameter, Rule
from hcrm_core.rules.model import Node
from hcrm_core.terms import Role
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.tree import RuleTree
from hcrm_desktop.views.rules.wording import RuleWords
from hcrm_desktop.views.words import Words
from hcrm_store.resources import resource
from tests.fakes import FakeClock, FakeConversation, FakeRuleOffice
from tests.gui.conftest import DeskFor
from tests.gui.office import shown

TODAY = date(2026, 11, 22)
TreeOf = Callable[[dict[str, Any]], RuleTree]


def default_rules() -> dict[str, Rule]:
    """The rules that ship, by key."""
    files = sorted(path for path in resource("rules").iterdir() if path.name != "parameters.yaml")
    found = [Rule.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in files]
    return {rule.key: rule for rule in found}


def parameters() -> dict[str, Parameter]:
    raw = yaml.safe_load(resource("rules", "parameters.yaml").read_text(encoding="utf-8"))
    return {one["key"]: Parameter.model_validate(one) for one in raw}


def rule_of(where: dict[str, Any]) -> Rule:
    return Rule.model_validate(
        {"key": "r", "label": "试", "segment": {"key": "r", "label": "试"}, "citation": "-", "where": where}
    )


def as_json(node: Node) -> Any:
    """A node without what is as it is anyway."""
    return node.model_dump(mode="json", by_alias=True, exclude_defaults=True)


@pytest.fixture
def rule_words(qapp: object) -> RuleWords:
    words = RuleWords(Words())
    words.learn(parameters=parameters(), rules={key: rule.label for key, rule in default_rules().items()})
    return words


@pytest.fixture
def tree_of(qtbot: QtBot, theme: Theme) -> TreeOf:
    """A tree in a window, with the focus."""
    windows: list[QWidget] = []  # qtbot holds them weakly

    def make(where: dict[str, Any]) -> RuleTree:
        words = Words()
        rule_words = RuleWords(words)
        rule_words.learn(parameters=parameters(), rules={"ok_lens": "角塑客户"})
        draft = RuleDraft(rule_of(where))
        tree = RuleTree(theme, rule_words, draft, today=TODAY)
        words.setParent(tree)
        draft.setParent(tree)
        tree.learn(parameters())
        window = QWidget()
        windows.append(window)
        tree.setParent(window)
        tree.setGeometry(0, 0, 760, 700)
        qtbot.addWidget(window)
        window.resize(760, 700)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        tree.setFocus()
        return tree

    return make


@pytest.fixture
def office(tasks: Tasks, clock: FakeClock) -> FakeRuleOffice:
    office = FakeRuleOffice(clock, rules=list(default_rules().values()), parameters=list(parameters().values()))
    tasks._conversation = FakeConversation(office)  # type: ignore[assignment] # it only puts questions
    return office


@pytest.fixture
def page(qtbot: QtBot, desk_for: DeskFor, office: FakeRuleOffice) -> RulesPage:
    """The page of a manager, with the shelf read."""
    page = RulesPage(desk_for(Role.MANAGER))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: page.draft.workshop is not None)
    return page
