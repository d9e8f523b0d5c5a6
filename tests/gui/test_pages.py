"""客户, 概览 and 同步, and what they are made of."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_core.wire import Freshness, Overview, SegmentSize, SiteOverview, SopProgress
from hcrm_desktop.cache import meta
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.models.customer_list import PAGE
from hcrm_desktop.models.rows import Column, RowsModel
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.customers import CustomersPage
from hcrm_desktop.views.overview import OverviewPage
from hcrm_desktop.views.today.evidence import EvidenceWords
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import SITE, TODAY, child_rows, put, row

AS_OF = datetime(2026, 11, 22, 0, 30, tzinfo=UTC)


def shown(qtbot: QtBot, page: QWidget) -> None:
    qtbot.addWidget(page)
    page.resize(1180, 700)
    page.show()


def words(page: QWidget) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def cells(page: QWidget) -> list[list[str]]:
    table = page.findChild(QTableView)
    assert table is not None
    model = table.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


# ── 客户 ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_customers_are_listed_with_what_is_known_of_them(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> None:
    put(workspace, *child_rows("王小明"), *child_rows("李小红", sex=None, birth_date=None))
    page = CustomersPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "客户 2" in words(page))
    assert sorted(cells(page)) == sorted(
        [
            ["王小明", "男", "10岁6月", "未配镜", "王芳", "0011", "城北院区"],
            ["李小红", "性别未知", "年龄未知", "未配镜", "王芳", "0011", "城北院区"],
        ]
    )


def test_enter_opens_the_chosen_customer(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> None:
    wanted = new_id()
    put(workspace, *child_rows("王小明", id=wanted))
    page = CustomersPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: len(cells(page)) == 1)
    with qtbot.waitSignal(page.customer_requested) as asked:
        qtbot.keyClick(page.findChildren(QTableView)[0], Qt.Key.Key_Return)
    assert asked.args == [wanted]


def test_a_segment_or_a_text_narrows_the_list(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> None:
    inside = new_id()
    put(workspace, *child_rows("王小明", id=inside, initials="wxm"), *child_rows("李小红", initials="lxh"))
    entered = {"entered_on": "2026-11-01", "evidence": []}
    whose = {"customer_id": str(inside), "site_id": str(SITE), "segment_key": "potential"}
    put(workspace, row("membership", new_id(), **whose, **entered))
    page = CustomersPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: len(cells(page)) == 2)
    chip = next(one for one in page.findChildren(QPushButton) if one.text() == "潜在客户 1")
    chip.click()
    qtbot.waitUntil(lambda: [line[0] for line in cells(page)] == ["王小明"])
    chip.click()
    qtbot.waitUntil(lambda: len(cells(page)) == 2)
    page._text.setText("lx")
    qtbot.waitUntil(lambda: [line[0] for line in cells(page)] == ["李小红"])
    page._text.setText("nobody")
    qtbot.waitUntil(lambda: "没有符合条件的客户" in words(page))


def test_nobody_yet_says_what_would_fill_the_list(qtbot: QtBot, desk_for: DeskFor) -> None:
    page = CustomersPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "分配给您的客户会出现在这里" in words(page))


def test_many_customers_come_by_pages(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> None:
    put(workspace, *(one for n in range(PAGE + 1) for one in child_rows(f"王{n:04}")))
    page = CustomersPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: len(cells(page)) == PAGE)
    page.findChildren(QTableView)[0].scrollToBottom()
    qtbot.waitUntil(lambda: len(cells(page)) == PAGE + 1)


# ── 概览 ─────────────────────────────────────────────────────────────────────────────────────────────────


def site(name: str, *, customers: int, to_do: int, done: int) -> SiteOverview:
    return SiteOverview(
        site_id=new_id(),
        code=name,
        name=name,
        customers=customers,
        sops=[SopProgress(sop_key="recheck", open=to_do, done=done)],
        segments=[SegmentSize(segment_key="potential", customers=customers // 2)],
    )


def keep_overview(workspace: Workspace, *sites: SiteOverview) -> None:
    fresh = Freshness(scanned_at=AS_OF, scanned_for=TODAY, feeds={})
    counted = Overview(as_of=AS_OF, business_date=TODAY, sites=list(sites), freshness=fresh)
    with workspace.write() as session:
        meta.write(session, meta.OVERVIEW, counted.model_dump(mode="json"))


def test_the_group_is_counted_over_its_sites(
    qtbot: QtBot, workspace: Workspace, tasks: Tasks, desk_for: DeskFor
) -> None:
    keep_overview(
        workspace, site("城北", customers=1200, to_do=30, done=10), site("城南", customers=34, to_do=8, done=0)
    )
    page = OverviewPage(desk_for(Role.MANAGER))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "1,234" in words(page))
    said = words(page)
    assert "20.8%" in said  # 10 of 48
    assert "10 / 48" in said
    assert "617" in said
    assert "数据截至 2026-11-22 08:30" in said
    keep_overview(workspace, site("城北", customers=5, to_do=0, done=0))
    tasks.data_changed.emit(Changes.of("overview"))
    qtbot.waitUntil(lambda: "1,234" not in words(page))
    assert "—" in words(page)  # nothing to do is not "0 % done"


def test_before_the_first_count_the_overview_says_so(qtbot: QtBot, desk_for: DeskFor) -> None:
    page = OverviewPage(desk_for(Role.EXECUTIVE))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "还没有数字" in words(page))


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("days", "span"),
    [(0, "0天"), (59, "59天"), (60, "2个月"), (365, "12个月"), (715, "23个月"), (731, "2年"), (762, "2年1个月")],
)
def test_a_span_is_said_as_a_person_says_it(days: int, span: str) -> None:
    assert Words().span(days) == span


@pytest.mark.parametrize(
    ("value", "text"),
    [("-3.25", "−3.25"), ("0.5", "+0.50"), ("0", "0.00"), ("-0.00", "0.00"), (None, "—")],
)
def test_diopters_carry_their_sign(value: str | None, text: str) -> None:
    assert Words().diopters(Decimal(value) if value else None) == text


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(2016, 11, 22), "10岁"),
        (date(2016, 11, 23), "9岁11月"),
        (date(2026, 11, 22), "0岁"),
        (date(2026, 11, 23), "年龄未知"),
        (None, "年龄未知"),
    ],
)
def test_an_age_is_exact_or_unknown(born: date | None, age: str) -> None:
    assert Words().age(born, TODAY) == age


@pytest.mark.parametrize(("late", "due"), [(12, "超期 12天"), (1, "超期 1天"), (0, "今天"), (-3, "3天后")])
def test_a_due_day_is_said_against_today(late: int, due: str) -> None:
    assert Words().due(TODAY - timedelta(days=late), TODAY) == due


def evidence(**known: Any) -> dict[str, Any]:
    nothing = {"label": "定片日期", "eye": "OD", "value": "2025-03-01", "unit": "", "on": None, "quantity": 631}
    asked = {"operator": "days_ago_gt", "threshold": "550", "threshold_unit": "天", "verdict": "true", "negated": False}
    return nothing | asked | known


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ({}, "✓ 右眼定片日期 2025-03-01（已 631 天）（要求 ＞ 550 天）"),
        ({"verdict": "false", "quantity": 20}, "✗ 右眼定片日期 2025-03-01（已 20 天）（要求 ＞ 550 天）"),
        ({"value": None, "verdict": "unknown", "quantity": None}, "? 右眼定片日期 未知"),
        ({"negated": True, "verdict": "false"}, "✓ 右眼定片日期 2025-03-01（已 631 天）（要求 ≤ 550 天）"),
        ({"quantity": -9, "operator": "days_ago_le"}, "✓ 右眼定片日期 2025-03-01（还有 9 天）（要求 ≤ 550 天）"),
        ({"quantity": 9, "operator": "in_days_le"}, "✓ 右眼定片日期 2025-03-01（还有 9 天）（要求 ≤ 550 天）"),
        (
            {
                "value": "0.75",
                "unit": " D",
                "on": "2026-10-01",
                "quantity": None,
                "operator": "ge",
                "threshold": "0.50",
            },
            "✓ 右眼定片日期 0.75 D（2026-10-01 测）（要求 ≥ 0.50 天）",
        ),
        (
            {"eye": "", "value": "ok_lens", "quantity": None, "operator": "eq", "threshold": "ok_lens"},
            "✓ 定片日期 角塑",
        ),
    ],
)
def test_evidence_names_value_day_and_threshold(known: dict[str, Any], line: str) -> None:
    assert EvidenceWords(Words()).lines([evidence(**known)]) == [line]


def test_one_sentence_says_what_decided() -> None:
    decided = evidence()
    other = evidence(verdict="false")
    excluded = evidence(negated=True)
    assert EvidenceWords(Words()).sentence([other, excluded, decided]) == "右眼定片日期 2025-03-01（已 631 天）"


# ── the shared table model ───────────────────────────────────────────────────────────────────────────────


def numbers() -> RowsModel[int]:
    return RowsModel([Column(title="n", text=str), Column(title="2n", text=lambda n: str(2 * n), number=True)])


def test_the_table_model_keeps_qts_rules(qtmodeltester: Any) -> None:
    model = numbers()
    model.replace([1, 2], 3)
    qtmodeltester.check(model, force_py=True)


def test_a_page_is_asked_for_once_not_at_every_repaint() -> None:
    model, nowhere = numbers(), QModelIndex()
    model.replace([1, 2], 3)
    assert model.canFetchMore(nowhere)
    model.fetchMore(nowhere)
    assert not model.canFetchMore(nowhere)
    model.append([3])
    assert [model.index(r, 1).data() for r in range(3)] == ["2", "4", "6"]
    assert model.index(2, 1).data(Qt.ItemDataRole.AccessibleTextRole) == "2n 6"
    assert not model.canFetchMore(nowhere)


def test_a_list_that_got_shorter_stops_asking() -> None:
    model = numbers()
    model.replace([1], 2)
    model.append([])
    assert not model.canFetchMore(QModelIndex())
