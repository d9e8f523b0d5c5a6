"""所在客群: where a customer belongs and why, read on this computer; where he belonged, asked of the centre."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from PySide6.QtWidgets import QListWidget
from pytestqt.qtbot import QtBot

from hcrm_core.rules.messages import MembershipLine, Standing
from hcrm_core.terms import Role
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.record.page import RecordPage
from hcrm_store.base import new_id
from tests.fakes import FakeClock, FakeConversation, FakeRuleOffice
from tests.gui.filling import SITE, put, row
from tests.gui.office import NO_NETWORK, button
from tests.gui.record.conftest import Open, words
from tests.gui.record.filling import add_child

SEEN: dict[str, Any] = {"label": "买过", "eye": "", "value": "false", "unit": "", "on": None, "verdict": "true"}
SEEN |= {"fact": "ever_bought", "operator": "eq", "threshold": "False", "negated": False, "quantity": None}
NOW = "潜在客户：2026-01-05 起\n　✓ 买过 否"


@pytest.fixture
def office(tasks: Tasks, clock: FakeClock) -> FakeRuleOffice:
    made = FakeRuleOffice(clock, rules=[], parameters=[])
    tasks._conversation = FakeConversation(made)  # type: ignore[assignment] # it only puts questions
    return made


@pytest.fixture
def child(workspace: Workspace) -> UUID:
    """In one segment, and in another before."""
    customer = add_child(workspace)
    whose = {"customer_id": str(customer), "site_id": str(SITE), "rule_version_id": str(new_id())}
    present = {"segment_key": "potential", "entered_on": "2026-01-05", "left_on": None, "evidence": [SEEN]}
    put(workspace, row("membership", new_id(), **whose, **present))
    return customer


def line(label: str, entered: str, left: str | None = None, *, version: int = 3) -> MembershipLine:
    ended = None if left is None else date.fromisoformat(left)
    about = {"segment_key": "s", "rule_key": "r", "version": version, "evidence": [SEEN] if left is None else []}
    return MembershipLine(label=label, entered_on=date.fromisoformat(entered), left_on=ended, **about)


def looked_at(page: RecordPage) -> RecordPage:
    page._tabs.setCurrentWidget(page._segments)
    return page


def lines(page: RecordPage) -> list[str]:
    (listed,) = page._segments.findChildren(QListWidget)
    return [listed.item(number).text() for number in range(listed.count())]


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.OPTOMETRIST])
def test_who_works_with_a_child_reads_its_segments_off_line(
    office: FakeRuleOffice, record_for: Open, child: UUID, role: Role
) -> None:
    office.error = NO_NETWORK
    shown = looked_at(record_for(role, child))
    assert lines(shown) == [NOW]
    assert "以前的客群" not in words(shown._segments)


def test_a_child_of_no_segment_says_so(office: FakeRuleOffice, record_for: Open, workspace: Workspace) -> None:
    shown = looked_at(record_for(Role.ASSISTANT, add_child(workspace)))
    assert "现在不在任何客群里" in words(shown._segments)


def test_a_manager_is_told_the_past_with_versions(
    qtbot: QtBot, office: FakeRuleOffice, record_for: Open, child: UUID
) -> None:
    past = line("新客户", "2024-03-02", "2025-05-20", version=1)
    office.standings[child] = Standing(lines=[line("潜在客户", "2026-01-05"), past])
    shown = looked_at(record_for(Role.MANAGER, child))
    qtbot.waitUntil(lambda: len(lines(shown)) == 2)
    assert lines(shown) == [
        "潜在客户：2026-01-05 起（规则 v3）\n　✓ 买过 否",
        "以前 · 新客户：2024-03-02 到 2025-05-20（规则 v1）",
    ]


def test_off_line_a_manager_reads_the_present_and_may_ask_again(
    qtbot: QtBot, office: FakeRuleOffice, record_for: Open, child: UUID
) -> None:
    office.standings[child] = Standing(lines=[line("潜在客户", "2026-01-05", "2026-11-01")])
    office.error = NO_NETWORK
    shown = looked_at(record_for(Role.MANAGER, child))
    qtbot.waitUntil(lambda: "以前的客群要问中心：连不上中心" in words(shown._segments))
    assert lines(shown) == [NOW]
    office.error = None
    button(shown._segments, "再试").click()
    qtbot.waitUntil(lambda: lines(shown) == ["以前 · 潜在客户：2026-01-05 到 2026-11-01（规则 v3）"])
    assert "以前的客群要问中心" not in words(shown._segments)


def test_the_past_is_asked_only_when_somebody_looks(office: FakeRuleOffice, record_for: Open, child: UUID) -> None:
    office.error = NO_NETWORK
    page = record_for(Role.MANAGER, child)
    assert page._segments._message.text() == ""
    looked_at(page)
    assert page._segments._message.text() == "正在读以前的客群…"
