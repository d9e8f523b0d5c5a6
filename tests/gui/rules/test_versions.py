"""版本 and 扫描: what was in force and why, the way back, and whether the scan adds up."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from pytestqt.qtbot import QtBot

from hcrm_core.rules.messages import Quarantined, RuleState, ScanLine, Scans
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.scans import ScansDialog
from hcrm_desktop.views.rules.versions import VersionsDialog
from tests.fakes import FakeRuleOffice

AT = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)


@pytest.fixture
def dialog(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> VersionsDialog:
    first = office.versions["upsell_ok"][0]
    older = {"state": RuleState.RETIRED, "note": "第一版", "definition": first.definition | {"priority": 7}}
    office.versions["upsell_ok"] = [
        first.model_copy(update={"number": 2, "note": "改了优先级"}),
        first.model_copy(update=older),
    ]
    page.open_rule("upsell_ok")
    qtbot.waitUntil(lambda: page.draft.rule.key == "upsell_ok")
    page.list.versions.click()
    dialog = page.findChild(VersionsDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog._list.count() == 2)
    return dialog


def told(dialog: VersionsDialog) -> str:
    return "\n".join(dialog._told.item(row).text() for row in range(dialog._told.count()))


def test_versions_stand_newest_first_with_their_reasons_and_differences(dialog: VersionsDialog) -> None:
    assert "改了优先级" in dialog._list.item(0).text()
    assert "第一版" in dialog._list.item(1).text()
    assert "7" in told(dialog)
    dialog._against.setCurrentIndex(0)
    assert told(dialog) == "没有差别"


def test_going_back_needs_another_version_and_a_reason(
    qtbot: QtBot, dialog: VersionsDialog, page: RulesPage, office: FakeRuleOffice
) -> None:
    said: list[str] = []
    page.said.connect(said.append)
    dialog._note.setText("改错了")
    assert not dialog._back.isEnabled()
    dialog._list.setCurrentRow(1)
    assert dialog._back.isEnabled()
    dialog.go_back()
    qtbot.waitUntil(lambda: bool(said))
    (request,) = office.restored
    assert (request.number, request.published, request.note) == (1, 2, "改错了")


def test_a_version_that_came_meanwhile_is_shown_before_anything_is_decided(
    qtbot: QtBot, dialog: VersionsDialog, office: FakeRuleOffice
) -> None:
    dialog._list.setCurrentRow(1)
    dialog._note.setText("改错了")
    office.stale = True
    dialog.go_back()
    qtbot.waitUntil(lambda: "刚才有人改过" in dialog._message.text())
    assert dialog._note.text() == "改错了"
    assert office.restored == []


def test_an_earlier_version_can_be_laid_into_the_editor_and_taken_back(dialog: VersionsDialog, page: RulesPage) -> None:
    before = page.draft.rule
    dialog._list.setCurrentRow(1)
    dialog._load.click()
    assert page.draft.rule.priority == 7
    page.draft.stack.undo()
    assert page.draft.rule == before


def test_a_rule_is_taken_out_of_force_with_a_reason(
    qtbot: QtBot, dialog: VersionsDialog, office: FakeRuleOffice
) -> None:
    assert not dialog._end.isEnabled()
    dialog._note.setText("不再需要")
    dialog.end_rule()
    qtbot.waitUntil(lambda: bool(office.ended))
    assert (office.ended[0].number, office.ended[0].note) == (2, "不再需要")


def test_runs_a_missed_night_and_who_is_set_aside_are_told(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    run = ScanLine(run_id=uuid4(), kind="nightly", scanned_for=date(2026, 11, 21), started_at=AT, finished_at=AT)
    odd = Quarantined(customer_id=uuid4(), name="李小红", reason="unreadable", since=AT)
    runs = [run.model_copy(update={"expected": 12480, "seen": 12479}), run.model_copy(update={"finished_at": None})]
    office.scanned = Scans(runs=runs, missed=date(2026, 11, 22), waiting=3, quarantine=[odd])
    page.list.scans.click()
    dialog = page.findChild(ScansDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog._runs.rowCount() == 2)
    assert "3 位客户有新数据" in dialog._sentence.text()
    assert "2026-11-22 的夜间扫描没有完成" in dialog._missed.text()
    assert [dialog._runs.item(row, 10).text() for row in (0, 1)] == ["相符", "进行中"]
    with qtbot.waitSignal(page.customer_requested) as opened:
        dialog._aside.setCurrentCell(0, 0)
        dialog._on_opened()
    assert opened.args == [odd.customer_id]


def test_a_scan_can_be_asked_for(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> None:
    page.list.scans.click()
    dialog = page.findChild(ScansDialog)
    assert dialog is not None
    dialog._now.click()
    qtbot.waitUntil(lambda: office.scan_asked == 1)
    dialog.reject()
