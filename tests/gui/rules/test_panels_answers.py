"""影响, 为什么, 回测, 重叠: what the centre answers, read."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from PySide6.QtWidgets import QListWidget, QTableWidget
from pytestqt.qtbot import QtBot

from hcrm_core.rules.messages import (
    Backtest,
    Diff,
    Explained,
    Explanation,
    Flip,
    Load,
    MembershipLine,
    Mover,
    Overlap,
    Split,
    Standing,
)
from hcrm_desktop.cache.queries import search_customers
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.panels.asking import Panel
from hcrm_desktop.views.rules.panels.explain import ExplainPanel
from hcrm_desktop.views.rules.panels.impact import by_person, is_over
from hcrm_desktop.views.rules.panels.verdicts import VerdictWords
from hcrm_desktop.views.rules.wording import RuleWords
from tests.fakes import FakeRuleOffice
from tests.gui.filling import add_tasks
from tests.gui.office import NO_NETWORK, button, words
from tests.gui.rules.conftest import TODAY
from tests.gui.rules.test_panels import asked, open_rule, rename

ANNA, BEN = UUID(int=1), UUID(int=2)
DIFF = Diff(
    stay=300,
    enter=12,
    leave=3,
    splits=[
        Split(site="城北院区", person="李娜", enter=12, leave=1),
        Split(site="城南院区", person="", enter=0, leave=2),
    ],
    movers=[
        Mover(customer_id=ANNA, name="王小雨", site="城北院区", person="李娜", enters=True),
        Mover(customer_id=BEN, name="周一一", site="城南院区", person="", enters=False),
    ],
    loads=[
        Load(site="城北院区", person="李娜", sop_key="recall", open=35, new=6, capacity=40),
        Load(site="城南院区", person="赵敏", sop_key="recall", open=35, new=5, capacity=40),
    ],
)
SEEN = {"fact": "se_growth_6m_od", "label": "右眼半年度数增长", "value": "0.62", "unit": "D", "on": "2026-10-03"}


def explanation(verdict: str = "false", flips: list[Flip] | None = None) -> Explanation:
    nodes = [
        Explained(path=(), kind="all", verdict=verdict),
        Explained(path=(0,), kind="fact", verdict=verdict, evidence=[SEEN], decisive=True),
        Explained(path=(0, 0), kind="rule", verdict="true", label="角塑客户"),
        Explained(path=(-1,), kind="exclusive", verdict="false", label="流失预警"),
    ]
    return Explanation(
        customer_id=ANNA, verdict=verdict, nodes=nodes, flips=flips or [], member_since=None, version=None
    )


def panel_of(qtbot: QtBot, page: RulesPage, key: str) -> Panel:
    page.side.open_panel(key)
    panel = page.side.panel(key)
    assert isinstance(panel, Panel)
    qtbot.waitUntil(panel.isVisible)
    return panel


@pytest.fixture
def opened(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> RulesPage:
    page.side.open_panel("funnel")
    office.answers |= {
        "diff": DIFF,
        "explain": explanation(),
        "overlap": Overlap(
            segments=["upsell_ok", "lost_contact"], labels=["拟转角塑", "失联"], both=[[312, 80], [80, 90]]
        ),
        "backtest": Backtest(
            days=[TODAY - timedelta(days=13 - n) for n in range(14)],
            entering=[2] * 14,
            inside=[300 + n for n in range(14)],
            came=[1] * 14,
            window_days=30,
            sampled=20_000,
            customers=60_000,
        ),
    }
    office.standings[ANNA] = Standing(
        lines=[
            MembershipLine(
                segment_key="ok_lens",
                label="角塑客户",
                entered_on=date(2026, 1, 5),
                left_on=None,
                rule_key="ok_lens",
                version=3,
                evidence=[],
            )
        ]
    )
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: page.panels.questions.difference.answer is not None)
    return page


def test_the_impact_names_sums_places_and_who_would_have_too_much(qtbot: QtBot, opened: RulesPage) -> None:
    panel = panel_of(qtbot, opened, "impact")
    assert "留下 300 人，进入 12 人，离开 3 人" in words(panel)
    texts = [
        table.item(row, 0).text()  # type: ignore[union-attr] # every cell is filled
        for table in panel.findChildren(QTableWidget)
        for row in range(table.rowCount())
    ]
    assert texts == ["城北院区", "城南院区", "李娜（超出）", "赵敏"]
    assert [is_over(load) for load in DIFF.loads] == [True, False]  # 41 of 40, and 40 of 40


def test_what_several_sops_add_for_one_person_is_added_up() -> None:
    one, other = (Load(site="城北院区", person="李娜", sop_key=key, open=35, new=3, capacity=40) for key in "ab")
    (load,) = by_person([one, other])
    assert (load.open, load.new) == (35, 6)
    assert is_over(load)
    assert not is_over(one)


def test_the_impact_of_an_earlier_state_is_marked(qtbot: QtBot, opened: RulesPage, office: FakeRuleOffice) -> None:
    panel = panel_of(qtbot, opened, "impact")
    assert "改之前" not in words(panel)
    office.error = NO_NETWORK
    rename(opened, "另一个")
    assert "规则或参数变了，下面是改之前的。" in words(panel)
    office.error = None
    rename(opened, "再一个")
    qtbot.waitUntil(lambda: "改之前" not in words(panel))


def test_movers_are_filtered_and_lead_to_their_record(qtbot: QtBot, opened: RulesPage) -> None:
    panel = panel_of(qtbot, opened, "impact")
    (movers,) = panel.findChildren(QListWidget)
    assert movers.count() == 2
    button(panel, "离开").click()
    assert [movers.item(row).text() for row in range(movers.count())] == ["− 离开   周一一   城南院区"]
    wanted: list[object] = []
    opened.customer_requested.connect(wanted.append)
    movers.itemActivated.emit(movers.item(0))
    assert wanted == [BEN]


def test_a_mover_is_explained_with_his_lines_and_segments(qtbot: QtBot, opened: RulesPage) -> None:
    panel = panel_of(qtbot, opened, "impact")
    (movers,) = panel.findChildren(QListWidget)
    movers.setCurrentRow(0)
    button(panel, "为什么").click()
    why = panel_of(qtbot, opened, "explain")
    qtbot.waitUntil(lambda: "王小雨：不符合" in words(why))
    lines, standing = why.findChildren(QListWidget)[:2]
    texts = [lines.item(row).text() for row in range(lines.count())]
    assert texts[0] == "✗ 全部满足"
    assert "看到：右眼半年度数增长 62 度（2026-10-03）" in texts[1]
    assert lines.item(1).font().bold()
    assert not lines.item(0).font().bold()
    assert "✓ 符合规则“角塑客户”" in texts[2]
    assert "✗ 没有先进互斥的“流失预警”" in texts[3]
    qtbot.waitUntil(lambda: standing.count() == 1)
    assert standing.item(0).text() == "现在：角塑客户，2026-01-05 起（规则 v3）"
    assert "现在不在这个客群里" in words(why)


def test_a_customer_found_by_search_is_asked_about_by_his_name(
    qtbot: QtBot, opened: RulesPage, office: FakeRuleOffice, workspace: Workspace
) -> None:
    add_tasks(workspace, "王小雨")
    customer = workspace.ask(search_customers, "王小雨")[0].id
    office.standings[customer] = Standing(lines=[])
    office.answers["explain"] = explanation().model_copy(update={"customer_id": customer})
    panel = panel_of(qtbot, opened, "explain")
    assert isinstance(panel, ExplainPanel)
    panel._search.customer_chosen.emit(customer)
    qtbot.waitUntil(lambda: "王小雨：不符合" in words(panel))
    assert office.asked[-1][1].customer_id == customer
    wanted: list[object] = []
    opened.customer_requested.connect(wanted.append)
    button(panel, "打开档案").click()
    assert wanted == [customer]


def test_nobody_is_asked_about_before_somebody_is_chosen(
    qtbot: QtBot, opened: RulesPage, office: FakeRuleOffice
) -> None:
    panel = panel_of(qtbot, opened, "explain")
    qtbot.waitUntil(lambda: "还没有选客户。" in words(panel))
    assert asked(office, "explain") == 0


IN_DAYS = Flip(path=(0,), fact="birth_date", now=None, needed=None, on=TODAY + timedelta(days=12))
GROWS = Flip(path=(0,), fact="se_growth_6m_os", now="0.40", needed="0.50", on=None)
MEASURED = Flip(path=(0,), fact="axial_length_od", now=None, needed=None, on=None)
WEARS = Flip(path=(0,), fact="product_od", now="ok_lens", needed="single_vision", on=None)
TO_MEASURE = Flip(path=(0,), fact="cct_um_od", now=None, needed="480", on=None)
TO_ENTER = Flip(path=(0,), fact="sex", now=None, needed=None, on=None)


@pytest.mark.parametrize(
    ("flip", "said"),
    [
        (IN_DAYS, "再过 12 天（2026-12-04），即符合"),
        (GROWS, "若左眼半年度数增长到 50 度，即符合"),
        (MEASURED, "补测右眼眼轴，就能判断"),
        (WEARS, "若右眼当前产品改为 单光镜，即符合"),
        (TO_MEASURE, "若补测右眼中央角膜厚度为 480 µm，即符合"),
        (TO_ENTER, "补录性别，就能判断"),
    ],
)
def test_what_would_turn_the_verdict_is_said_in_a_sentence(rule_words: RuleWords, flip: Flip, said: str) -> None:
    assert VerdictWords(rule_words).flips(explanation(flips=[flip]), today=TODAY) == said


def test_a_backtest_runs_when_asked_and_is_marked_once_the_rule_changes(
    qtbot: QtBot, opened: RulesPage, office: FakeRuleOffice
) -> None:
    panel = panel_of(qtbot, opened, "backtest")
    assert asked(office, "backtest") == 0
    button(panel, "开始回测").click()
    qtbot.waitUntil(lambda: "平均每周进入 14.0 人。" in words(panel))
    shown = words(panel)
    assert "其中 50% 在 30 天内没有联系也自己来了。" in shown
    assert "按 20,000 人抽样推算" in shown
    assert "2026-11-22：进入 2 人，在客群里 313 人" in shown
    assert "已过时" not in shown
    rename(opened, "另一个")
    assert "已过时" in words(panel)
    opened.side.open_panel("funnel")
    opened.side.open_panel("backtest")
    assert "已过时" in words(panel)
    assert asked(office, "backtest") == 1


def test_a_backtest_under_way_can_be_stopped(qtbot: QtBot, opened: RulesPage, office: FakeRuleOffice) -> None:
    panel = panel_of(qtbot, opened, "backtest")
    office.gate.clear()
    button(panel, "开始回测").click()
    qtbot.waitUntil(lambda: asked(office, "backtest") == 1)
    button(panel, "停止").click()
    qtbot.waitUntil(lambda: office.asked[-1][1].ask in office.called_off)
    office.gate.set()
    assert button(panel, "开始回测").isEnabled()
    assert not button(panel, "停止").isVisible()


def test_the_overlap_is_a_matrix_with_words_on_every_pair(qtbot: QtBot, opened: RulesPage) -> None:
    panel = panel_of(qtbot, opened, "overlap")
    (table,) = panel.findChildren(QTableWidget)
    qtbot.waitUntil(lambda: table.rowCount() == 2)
    cell = table.item(0, 1)
    assert cell is not None
    assert cell.text() == "80"
    assert cell.toolTip() == "拟转角塑 和 失联：同时在的有 80 人，占较小一个的 89%"


def test_an_older_centre_that_cannot_answer_says_so_in_place(
    qtbot: QtBot, opened: RulesPage, office: FakeRuleOffice
) -> None:
    del office.answers["overlap"]
    panel = panel_of(qtbot, opened, "overlap")
    qtbot.waitUntil(lambda: "中心的版本还不会算这个。" in words(panel))
