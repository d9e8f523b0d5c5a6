"""时间轴: everything on one axis, and every version of an examination one key away."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QPushButton, QTableView, QTabWidget
from pytestqt.qtbot import QtBot

from hcrm_core.source import SourceKind
from hcrm_core.terms import ExamStatus, Role, Source
from hcrm_core.wire import Row
from hcrm_desktop.cache.queries import timeline
from hcrm_desktop.cache.rows import TimelineEntry, TimelineKind
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.theme import DARK, LIGHT, Theme
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.record.source import SourceDialog
from hcrm_desktop.views.record.timeline import Timeline, lines_of
from hcrm_desktop.views.record.timeline_words import TimelineWords
from hcrm_desktop.views.record.versions import VersionsDialog, versions_of
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import OWNER, SITE, TODAY, open_clinic, put, row, task_row
from tests.gui.office import button
from tests.gui.record.conftest import Open, words
from tests.gui.record.filling import add_child, exam_rows
from tests.gui.record.records import exam as exam_of

ASKED = {
    "检查": SourceKind.EXAM,
    "配镜": SourceKind.LENS_ORDER,
    "到院": SourceKind.VISIT,
    "复查计划": SourceKind.RECHECK_PLAN,
    "跟进": SourceKind.FOLLOW_UP,
    "线索": SourceKind.LEAD,
}

pytestmark = pytest.mark.usefixtures("tasks")  # they close the workspace


def eventful(workspace: Workspace) -> UUID:
    """A child to whom one thing of every kind happened."""
    child = add_child(workspace)
    whose = {"customer_id": str(child), "site_id": str(SITE)}
    lens = {"eye": "OD", "product": "ok_lens", "brand": "梦戴维", "model": "7.8", "source": "sales"}
    contact = {"channel": "phone", "outcome": "booked", "note": "周六来", "staff_id": str(OWNER)}
    change = {"subject": "customer", "subject_id": str(child), "by_id": str(OWNER), "field": "sex"}
    put(
        workspace,
        row("lens_order", new_id(), **whose, **lens, dispensed_on="2025-05-20", ended_on="2026-08-20"),
        row("visit", new_id(), **whose, visit_on="2026-12-05", state="booked", purpose="复查", source="his"),
        row("recheck_plan", new_id(), **whose, planned_on="2026-10-01", due_on="2027-01-01", source="his"),
        row("follow_up", new_id(), **whose, **contact, contacted_at="2026-11-09T16:30:00+00:00"),
        task_row(child, late_days=5, evidence=[replacement("2026-01-10")]),
        lead_row(child, kind="upsell", state="accepted", started_on="2026-08-01", initiator_id=str(OWNER)),
        row(
            "medication", new_id(), **whose, medicine="atropine", percent="0.05", started_on="2025-09-01", source="his"
        ),
        row("membership", new_id(), **whose, segment_key="potential", entered_on="2024-03-02", left_on="2025-05-20"),
        row(
            "field_change",
            new_id(),
            **whose,
            **change,
            old="female",
            new="male",
            applied=True,
            reason="",
            at="2026-11-21T01:00:00+00:00",
        ),
    )
    return child


def lead_row(child: UUID, **about: str) -> Row:
    """A lead has a column of the same name as the kind of a row."""
    lead, body = new_id(), {"customer_id": str(child), "site_id": str(SITE), **about}
    return Row(kind="lead", id=lead, ver=1, body={"id": str(lead), "ver": 1, **body})


def replacement(since: str, *, eye: str = "", threshold: str = "550", **evidence: str) -> dict[str, object]:
    """What a task tells of a lens: 换片提醒 on both eyes together, 超期换片回访 on each."""
    fact = f"lens_dispensed_on_{eye.lower()}" if eye else "oldest_ok_lens_on"
    told = {"fact": fact, "eye": eye, "value": since, "operator": "days_ago_gt" if eye else "days_ago_le"}
    return {**told, "threshold": threshold, "threshold_unit": "天", "verdict": "true", **evidence}


def entries(workspace: Workspace, child: UUID, *kinds: TimelineKind) -> tuple[TimelineEntry, ...]:
    with workspace.read() as session:
        return timeline(session, child, kinds=frozenset(kinds or TimelineKind)).entries


def opened(qtbot: QtBot, page: RecordPage) -> tuple[Timeline, QTableView]:
    tabs = page.findChildren(QTabWidget)[0]
    shown = tabs.findChildren(Timeline)[0]
    tabs.setCurrentWidget(shown)
    table = shown.findChildren(QTableView)[0]
    qtbot.waitUntil(lambda: table.model().rowCount() > 0)
    return shown, table


def cells(table: QTableView) -> list[list[str]]:
    model = table.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


def test_everything_stands_on_one_axis_newest_first(workspace: Workspace) -> None:
    found = entries(workspace, eventful(workspace))
    days = [one.on for one in found]
    assert days == sorted(days, reverse=True)
    assert {one.kind for one in found} == set(TimelineKind)
    assert found[0].kind is TimelineKind.REPLACEMENT


def test_a_lens_stands_on_the_day_when_its_time_is_up(workspace: Workspace) -> None:
    """2026-01-10 and 550 days: 2027-07-14, as the rule counts."""
    child = add_child(workspace)
    ahead = replacement("2026-01-10")
    behind = [
        replacement("2025-05-20", eye="OD", threshold="500"),
        replacement("2026-05-20", eye="OS", verdict="false"),
    ]
    put(workspace, task_row(child, evidence=[ahead, replacement("2026-01-10", operator="days_ago_ge")]))
    put(workspace, task_row(child, evidence=[*behind, {"fact": "product_od", "operator": "eq", "verdict": "true"}]))
    put(workspace, task_row(child, evidence=[ahead], state="done"))
    found = entries(workspace, child, TimelineKind.REPLACEMENT)
    told = [(one.on.isoformat(), one.term, one.first, one.second, one.source) for one in found]
    assert told == [
        ("2027-07-14", "", "2026-01-10", "550", None),
        ("2026-10-02", "OD", "2025-05-20", "500", None),
    ]


def test_a_contact_says_where_it_was_written(workspace: Workspace) -> None:
    child = add_child(workspace)
    about = {"customer_id": str(child), "site_id": str(SITE), "channel": "phone", "outcome": "booked", "note": ""}
    when = {"contacted_at": "2026-11-09T01:00:00+00:00"}
    put(workspace, row("follow_up", new_id(), **about, **when, source="ledger"))
    put(workspace, row("follow_up", new_id(), **about, **when))
    assert {one.source for one in entries(workspace, child, TimelineKind.FOLLOW_UP)} == {
        Source.LEDGER,
        Source.WORKSTATION,
    }


def test_an_instant_stands_on_the_day_of_the_clinic(workspace: Workspace) -> None:
    """16:30 in UTC is half past midnight of the next day in Shanghai."""
    (contact,) = entries(workspace, eventful(workspace), TimelineKind.FOLLOW_UP)
    assert contact.on == date(2026, 11, 10)


def test_a_lens_that_was_stopped_and_a_segment_that_was_left_stand_twice(workspace: Workspace) -> None:
    found = entries(workspace, eventful(workspace), TimelineKind.ORDER, TimelineKind.SEGMENT)
    told = [(one.on.isoformat(), one.kind.value, one.term, one.second) for one in found]
    assert told == [
        ("2026-08-20", "order", "ok_lens", "ended"),
        ("2025-05-20", "order", "ok_lens", None),
        ("2025-05-20", "segment", "left", None),
        ("2024-03-02", "segment", "entered", None),
    ]


def test_a_lead_that_ended_stands_at_its_beginning_and_at_its_end(workspace: Workspace) -> None:
    child = add_child(workspace)
    about = {"kind": "referral", "receiver_id": str(OWNER)}
    put(workspace, lead_row(child, **about, state="closed", started_on="2026-08-01", closed_on="2026-09-10"))
    put(workspace, lead_row(child, **about, state="visited", started_on="2026-07-01"))
    found = entries(workspace, child, TimelineKind.LEAD)
    assert [(one.on.isoformat(), one.term, one.first, one.second) for one in found] == [
        ("2026-09-10", "closed", "referral", "李娜"),
        ("2026-08-01", "started", "referral", "李娜"),
        ("2026-07-01", "visited", "referral", "李娜"),
    ]


def test_nobody_elses_history_is_on_it(workspace: Workspace) -> None:
    eventful(workspace)
    assert entries(workspace, new_id()) == ()


def test_pages_hold_every_entry_once(workspace: Workspace) -> None:
    child = add_child(workspace)
    days = [TODAY - timedelta(days=number) for number in range(250)]
    put(workspace, *(visit(child, day) for day in days))
    seen: list[UUID] = []
    more = True
    while more:
        with workspace.read() as session:
            page = timeline(session, child, kinds=frozenset({TimelineKind.VISIT}), offset=len(seen))
        seen += [one.id for one in page.entries]
        more = page.more
    assert len(seen) == len(set(seen)) == 250


def test_no_kind_is_no_entry(workspace: Workspace) -> None:
    with workspace.read() as session:
        assert timeline(session, eventful(workspace), kinds=frozenset()).entries == ()


def visit(child: UUID, on: date) -> Row:
    about = {"customer_id": str(child), "site_id": str(SITE), "state": "arrived", "purpose": "", "source": "his"}
    return row("visit", new_id(), visit_on=on.isoformat(), **about)


def test_a_month_is_named_once(workspace: Workspace) -> None:
    child = add_child(workspace)
    put(workspace, *(visit(child, date(2026, 3, day)) for day in (30, 20)), visit(child, date(2026, 2, 28)))
    lines = list(lines_of(entries(workspace, child, TimelineKind.VISIT)))
    assert [line.month for line in lines] == ["2026-03", "", "2026-02"]


def test_the_tab_tells_what_happened_with_its_source(qtbot: QtBot, workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, eventful(workspace))
    _, table = opened(qtbot, page)
    told = [line[2:5] for line in cells(table)]
    assert ["检查", "眼轴 右 24.20 左 24.20 mm · ARK-1", "HIS"] in told
    assert ["配镜", "停用 · 右眼 · 角塑 · 梦戴维 7.8", "销售"] in [
        [a, b.replace("OK 镜", "角塑"), c] for a, b, c in told
    ]
    assert ["到院", "已预约 · 复查", "HIS"] in told
    assert ["变更", "性别 · 女 → 男", "本系统"] in told
    assert ["分组", "离开“潜在客户”", "规则"] in told
    assert ["线索", "升单 · 已接", ""] in told
    assert ["换片", "应换片 · 2026-01-10 的镜片满 550 天", "规则"] in told


def test_chips_show_some_kinds_only(qtbot: QtBot, workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, eventful(workspace))
    shown, table = opened(qtbot, page)
    next(one for one in shown.findChildren(QPushButton) if one.text() == "到院").click()
    qtbot.waitUntil(lambda: {line[2] for line in cells(table)} == {"到院"})


def test_an_empty_timeline_says_so(qtbot: QtBot, workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, add_child(workspace))
    shown, _ = opened(qtbot, page)
    next(one for one in shown.findChildren(QPushButton) if one.text() == "任务").click()
    qtbot.waitUntil(lambda: "这里还没有记录" in words(shown))


@pytest.mark.parametrize(("kind", "asked"), sorted(ASKED.items()))
def test_enter_asks_for_the_source_of_what_can_have_landed(
    qtbot: QtBot, workspace: Workspace, record_for: Open, kind: str, asked: SourceKind
) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, eventful(workspace))
    shown, table = opened(qtbot, page)
    choose(table, kind)
    with qtbot.waitSignal(shown.source_requested) as told:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert told.args is not None
    assert told.args[0] is asked
    assert page.findChildren(SourceDialog)


def test_a_click_on_a_badge_asks_for_the_source_and_on_a_line_does_not(
    qtbot: QtBot, workspace: Workspace, record_for: Open
) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, eventful(workspace))
    _, table = opened(qtbot, page)
    line = choose(table, "到院")
    for column in (3, 4):
        assert not page.findChildren(SourceDialog)
        at = table.visualRect(table.model().index(line, column)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert page.findChildren(SourceDialog)


def test_o_on_an_examination_shows_its_versions(qtbot: QtBot, workspace: Workspace, record_for: Open) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, eventful(workspace))
    _, table = opened(qtbot, page)
    choose(table, "检查")
    qtbot.keyClick(table, Qt.Key.Key_O)
    assert page.findChildren(VersionsDialog)


@pytest.mark.parametrize("kind", ["任务", "换片"])
def test_enter_on_a_task_goes_to_the_tasks(qtbot: QtBot, workspace: Workspace, record_for: Open, kind: str) -> None:
    """It was made by rules: nothing of it ever landed."""
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, eventful(workspace))
    shown, table = opened(qtbot, page)
    choose(table, kind)
    assert not button(shown, "原始记录").isEnabled()
    qtbot.keyClick(table, Qt.Key.Key_Return)
    tabs = page.findChildren(QTabWidget)[0]
    assert tabs.tabText(tabs.currentIndex()).startswith("任务")
    assert tabs.currentWidget().findChildren(QTableView)[0].currentIndex().isValid()


def choose(table: QTableView, kind: str) -> int:
    """The first line of a kind; its number."""
    line = next(n for n, line in enumerate(cells(table)) if line[2] == kind)
    table.selectRow(line)
    table.setFocus()
    return line


def test_a_badge_has_the_colour_of_where_it_was_written_in_both_themes(
    qtbot: QtBot, workspace: Workspace, record_for: Open, theme: Theme
) -> None:
    open_clinic(workspace, Role.OPTOMETRIST)
    page = record_for(Role.OPTOMETRIST, eventful(workspace))
    _, table = opened(qtbot, page)
    line = next(n for n, line in enumerate(cells(table)) if line[4] == "HIS")
    cell = table.visualRect(table.model().index(line, 4))
    try:
        for tokens in (LIGHT, DARK):
            theme.choose(tokens.name)
            seen = colours(table.viewport().grab(cell).toImage())
            assert QColor(tokens.info_soft).name() in seen
            assert QColor(tokens.danger_soft).name() not in seen
    finally:
        theme.choose("light")


def colours(image: QImage) -> set[str]:
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_every_version_of_an_examination_stands_side_by_side(
    qtbot: QtBot, workspace: Workspace, record_for: Open
) -> None:
    open_clinic(workspace, Role.ASSISTANT)
    child = add_child(workspace)
    former, latter = (exam_rows(child, date(2026, 11, 20), length=length) for length in ("25.41", "24.51"))
    put(workspace, *former, *latter)
    amended = former[0].model_copy(update={"ver": 2, "body": {**former[0].body, "ver": 2, "status": "amended"}})
    because = {"supersedes_id": str(former[0].id), "amend_reason": "看错读数", "examiner_id": str(OWNER)}
    put(workspace, amended, latter[0].model_copy(update={"ver": 2, "body": {**latter[0].body, "ver": 2, **because}}))
    page = record_for(Role.ASSISTANT, child)
    tabs = page.findChildren(QTabWidget)[0]
    tabs.widget(0).findChildren(QTableView)[0].selectRow(0)
    page.setFocus()

    qtbot.keyClick(page, Qt.Key.Key_H)

    (dialog,) = page.findChildren(VersionsDialog)
    qtbot.waitUntil(lambda: "≠ 24.51" in words(dialog))
    said = words(dialog)
    assert "25.41" in said
    assert "看错读数" in said
    assert "第 2 版" in said
    assert "李娜" in said


def test_versions_are_the_whole_chain_oldest_first_and_nothing_else() -> None:
    first = exam_of(TODAY, status=ExamStatus.AMENDED)
    second = exam_of(TODAY, status=ExamStatus.AMENDED, supersedes_id=first.id)
    third = exam_of(TODAY, supersedes_id=second.id)
    other = exam_of(TODAY)
    for one in (first, second, third):
        assert versions_of([third, other, second, first], exam_id=one.id) == [first, second, third]
    assert versions_of([first, second, third, other], exam_id=other.id) == [other]


def test_drops_tell_how_strong_they_were_and_why_they_were_stopped(workspace: Workspace, desk_for: DeskFor) -> None:
    child = add_child(workspace)
    course = {"customer_id": str(child), "site_id": str(SITE), "medicine": "atropine", "percent": "0.05"}
    days = {"started_on": "2025-09-01", "ended_on": "2026-03-01", "note": "每晚", "end_reason": "畏光"}
    put(workspace, row("medication", new_id(), **course, **days, source="his"))
    words = TimelineWords(desk_for(Role.OPTOMETRIST).words)
    assert [words.said(one) for one in entries(workspace, child, TimelineKind.MEDICATION)] == [
        "停用 · 阿托品 0.05% · 畏光",
        "开始 · 阿托品 0.05% · 每晚",
    ]
