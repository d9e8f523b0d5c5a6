"""同步: the truth first, then every entry that is not settled, with all it takes to decide it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QMessageBox, QProgressBar, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.intents import FieldEdit
from hcrm_core.terms import Channel, Outcome, Role
from hcrm_core.wire import Decision, Freshness, OperationKind, OperationResult, ResultStatus, Theirs
from hcrm_desktop.cache import commands, corrections, meta
from hcrm_desktop.cache.export import visible, write_sheet
from hcrm_desktop.cache.queries import unsent_items, unsettled
from hcrm_desktop.cache.rows import Changes, Delivery, SyncStatus, UnsentItem
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.models.sync_list import choices
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.customer_edit import read_form
from hcrm_desktop.views.reasons import Reasons
from hcrm_desktop.views.sync import page as sync_page
from hcrm_desktop.views.sync.head import HeadWords
from hcrm_desktop.views.sync.page import SyncPage
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY, add_tasks, child_rows, put
from tests.gui.record.filling import add_child, exam_rows

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # nine o'clock in the clinic
AS_OF = datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
EARLIER = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def shown(qtbot: QtBot, page: QWidget) -> None:
    qtbot.addWidget(page)
    page.resize(1182, 700)  # beside the rail of a small laptop
    page.show()


def words(page: QWidget) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def cells(page: QWidget) -> list[list[str]]:
    table = page.findChild(QTableView)
    assert table is not None
    model = table.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


def offered(page: QWidget) -> list[str]:
    """What a person may press about the chosen entry."""
    mine = ("用我的", "用对方的", "两个都保留", "知道了", "重新提交", "不再需要")
    texts = [one.text().partition(" ")[0] for one in page.findChildren(QPushButton) if one.isVisible()]
    return [text for text in texts if text in mine]


def press(page: QWidget, text: str) -> None:
    next(one for one in page.findChildren(QPushButton) if one.text().startswith(text)).click()


def status(**known: Any) -> SyncStatus:
    nothing: dict[str, Any] = {
        "online": True,
        "catching_up": False,
        "last_success_at": NOW,
        "offline_since": None,
        "unsent": 0,
        "oldest_unsent_at": None,
        "needs_person": 0,
        "scanned_at": NOW - timedelta(hours=3),
        "scanned_for": TODAY,
    }
    return SyncStatus(**(nothing | known))


def item(kind: OperationKind, delivery: Delivery, **known: Any) -> UnsentItem:
    nothing: dict[str, Any] = {"n": 1, "op_id": new_id(), "customer_name": "王小明", "captured_at": NOW, "reason": ""}
    nothing |= {"row_id": new_id()}
    return UnsentItem(kind=kind, delivery=delivery, **(nothing | known))


def edit(field: str, *, base: str | None, value: str | None, of: str = "guardian") -> dict[str, Any]:
    return {"edits": [{"row": of, "row_id": str(new_id()), "field": field, "base": base, "value": value}]}


PHONE = Theirs(field="guardian.phone", mine="13800000001", theirs="13800000002", by="张敏", at=EARLIER, site="城南院区")


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The page reads what the test says: one entry in a state that would take a whole story to bring about."""

    def set_up(*items: UnsentItem, **known: Any) -> None:
        read = unsettled.Unsettled(status=status(**known), items=list(items))
        monkeypatch.setattr(unsettled, "unsettled", lambda _session: read)

    return set_up


# ── the sentence ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "全部已上传 · 09:00"),
        ({"needs_person": 2, "unsent": 5}, "2 条录入需要处理"),
        ({"unsent": 5, "oldest_unsent_at": EARLIER}, "5 条录入还在本机（最早 11-21 16:30），正在上传"),
        (
            {"unsent": 5, "oldest_unsent_at": EARLIER, "online": False},
            "5 条录入还在本机（最早 11-21 16:30），恢复连接后自动上传",
        ),
        ({"progress": 0.42}, "正在下载数据 42%"),
        ({"online": False, "offline_since": EARLIER}, "离线（11-21 16:30 起），没有未上传的录入 · 上次同步 09:00"),
        ({"last_success_at": None, "online": False}, "还没有同步过"),
    ],
)
def test_the_sentence_says_first_what_matters_first(known: dict[str, Any], said: str) -> None:
    assert HeadWords(Words()).sentence(status(**known), TODAY) == said


def test_a_first_read_shows_how_far_it_is(qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None]) -> None:
    reading(progress=0.25)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    bar = page.findChild(QProgressBar)
    assert bar is not None
    qtbot.waitUntil(bar.isVisible)
    assert bar.value() == 250


def test_a_source_is_as_fresh_as_its_oldest_feed(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> None:
    feeds = {"his:exams": AS_OF, "his:visits": AS_OF - timedelta(hours=2), "ledger": AS_OF, "new_one": AS_OF}
    fresh = Freshness(scanned_at=AS_OF, scanned_for=TODAY, feeds=feeds)
    with workspace.write() as session:
        meta.write(session, meta.FRESHNESS, fresh.model_dump(mode="json"))
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "HIS数据截至 2026-11-22 06:30" in words(page))
    assert "台账数据截至 2026-11-22 08:30" in words(page)
    assert "new_one数据截至" in words(page)


# ── the list, from real files ────────────────────────────────────────────────────────────────────────────


def enter(workspace: Workspace) -> None:
    (task_id,) = add_tasks(workspace, "王小明")
    commands.record_outcome(
        workspace, task_id=task_id, channel=Channel.PHONE, outcome=Outcome.DECLINED, note="", next_on=None
    )


def answer(workspace: Workspace, answered: ResultStatus, **result: Any) -> None:
    workspace.clock.advance(timedelta(minutes=5))  # type: ignore[attr-defined] # a FakeClock
    (sent,) = workspace.outbox.offer(account_id=workspace.worker().account_id, expected_n=1)
    told = OperationResult(n=sent.n, op_id=sent.op_id, status=answered, **result)
    workspace.outbox.answer([told], at=workspace.clock.now())


def test_nothing_to_do_is_said_as_calmly(qtbot: QtBot, desk_for: DeskFor) -> None:
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "所有录入都已在中心" in words(page))


def test_what_is_not_uploaded_is_listed_and_stays(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> None:
    enter(workspace)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "1 条录入还在本机" in words(page))
    assert cells(page) == [["仅在本机", "任务结果", "王小明", "09:00", "等待上传"]]
    qtbot.waitUntil(lambda: "不用做什么" in words(page))
    assert offered(page) == []


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (ResultStatus.HELD, "客户现在不在录入人名下"),
        (ResultStatus.CONFLICT, "同事已先处理这条任务"),
    ],
)
def test_what_needs_a_person_is_explained_and_taken_off_by_him(
    qtbot: QtBot, workspace: Workspace, desk_for: DeskFor, answered: ResultStatus, said: str
) -> None:
    enter(workspace)
    answer(workspace, answered, reason="not_visible")
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "1 条录入需要处理" in words(page))
    assert said in cells(page)[0][-1]
    qtbot.waitUntil(lambda: offered(page) == ["知道了"])
    press(page, "知道了")
    qtbot.waitUntil(lambda: "没有需要处理的录入" in words(page))


def conflicting_edit(workspace: Workspace) -> None:
    """Two people gave a guardian another phone; the colleague's was there first."""
    child = new_id()
    put(workspace, *child_rows("王小明", id=child))
    with workspace.read() as session:
        form = read_form(session, child)
    assert form is not None
    now = next(one for one in form.fields if one.field == "phone")
    known = {"row": now.row, "row_id": now.row_id, "field": now.field, "base": now.value}
    corrections.edit_customer(
        workspace, customer_id=child, edits=[FieldEdit.model_validate(known | {"value": "13800000001"})]
    )
    answer(workspace, ResultStatus.CONFLICT, ver=2, theirs=[PHONE])


@pytest.mark.parametrize(
    ("choice", "unsent"), [("用我的", [("13800000002", "13800000001")]), ("用对方的", [])], ids=["mine", "theirs"]
)
def test_a_decision_settles_the_entry_and_enters_what_follows_from_it(
    qtbot: QtBot, workspace: Workspace, desk_for: DeskFor, choice: str, unsent: list[tuple[str, str]]
) -> None:
    conflicting_edit(workspace)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: choice in offered(page))
    qtbot.waitUntil(lambda: "≠ 13800000002" in words(page))
    with qtbot.waitSignal(page.said):
        press(page, choice)
    with workspace.read() as session:
        left = unsent_items(session)
    edits = [edit for one in left for edit in one.body["edits"]]
    assert [(edit["base"], edit["value"]) for edit in edits] == unsent
    assert [one.delivery for one in left] == [Delivery.LOCAL] * len(unsent)


# ── both sides ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "delivery", "buttons"),
    [
        (OperationKind.EDIT_CUSTOMER, Delivery.CONFLICT, ("keep_mine", "keep_theirs")),
        (OperationKind.VOID_EXAM, Delivery.CONFLICT, ("keep_mine", "keep_theirs")),
        (OperationKind.RECORD_EXAM, Delivery.CONFLICT, ("keep_mine", "keep_theirs", "keep_both")),
        (OperationKind.PICK_EXAM, Delivery.CONFLICT, ("keep_mine", "keep_theirs", "keep_both")),
        (OperationKind.RECORD_OUTCOME, Delivery.CONFLICT, ("dismiss",)),
        (OperationKind.SNOOZE_TASK, Delivery.CONFLICT, ("dismiss",)),
        (OperationKind.RECORD_EXAM, Delivery.HELD, ("dismiss",)),
        (OperationKind.RECORD_EXAM, Delivery.REVIEW, ("release_recovered", "drop_recovered")),
        (OperationKind.RECORD_EXAM, Delivery.LOCAL, ()),
        (OperationKind.RECORD_EXAM, Delivery.SENDING, ()),
    ],
)
def test_each_entry_offers_what_makes_sense_for_it(
    kind: OperationKind, delivery: Delivery, buttons: tuple[str, ...]
) -> None:
    against = (Theirs(field="exam", mine="1", theirs="2"),)
    assert choices(item(kind, delivery, theirs=against)) == buttons


def test_of_several_other_corrections_none_is_simply_theirs() -> None:
    against = tuple(Theirs(field="exam", mine="1", theirs=other) for other in "23")
    assert choices(item(OperationKind.RECORD_EXAM, Delivery.CONFLICT, theirs=against)) == ("keep_mine", "keep_both")


def test_what_a_colleague_entered_here_waits_for_the_colleague(
    qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None]
) -> None:
    reading(item(OperationKind.RECORD_EXAM, Delivery.CONFLICT, row_id=None), needs_person=1)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "另一位同事" in words(page))
    assert offered(page) == []


def test_two_values_of_one_field_stand_side_by_side_with_whose_they_are(
    qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None]
) -> None:
    body = edit("phone", base=None, value="13800000001")
    reading(item(OperationKind.EDIT_CUSTOMER, Delivery.CONFLICT, body=body, theirs=(PHONE,)), needs_person=1)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "13800000001" in words(page))
    said = words(page)
    assert "≠ 13800000002" in said
    assert "对方的 · 张敏 · 城南院区 · 2026-11-21 16:30" in said
    assert "我的 · 2026-11-22 09:00" in said
    assert "没有丢" in said
    assert offered(page) == ["用我的", "用对方的"]


def test_two_corrections_of_an_examination_show_the_values_of_both_eyes(
    qtbot: QtBot, workspace: Workspace, desk_for: DeskFor, reading: Callable[..., None]
) -> None:
    customer = add_child(workspace)
    one = exam_rows(customer, date(2026, 11, 20), length="24.31")
    other = exam_rows(customer, date(2026, 11, 20), length="24.51")
    put(workspace, *one, *other)
    against = Theirs(field="exam", mine=str(one[0].id), theirs=str(other[0].id), by="陈医生", at=EARLIER)
    reading(item(OperationKind.RECORD_EXAM, Delivery.CONFLICT, customer_id=customer, theirs=(against,)))
    page = SyncPage(desk_for(Role.OPTOMETRIST))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "≠ 24.51" in words(page))
    said = words(page)
    assert "24.31" in said
    assert "右眼 眼轴" in said
    assert "左眼 眼轴" in said
    assert "陈医生" in said
    assert offered(page) == ["用我的", "用对方的", "两个都保留"]


def test_the_supervisors_decision_is_told_with_the_note(
    qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None]
) -> None:
    decided = {"decision": Decision.DISMISS.value, "decided_by": "周经理", "decision_note": "客户已转城南"}
    reading(item(OperationKind.RECORD_FOLLOW_UP, Delivery.HELD, reason="not_visible", **decided))
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "周经理 决定不采用：客户已转城南" in words(page))
    assert offered(page) == ["知道了"]


def test_a_choice_is_one_command_and_cannot_be_pressed_twice(
    qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[UUID] = []

    def keep_mine(_: Workspace, *, op_id: UUID) -> Changes:
        chosen.append(op_id)
        return Changes.of("outbox")

    monkeypatch.setattr(sync_page, "commands_by_name", lambda: {"keep_mine": keep_mine})
    conflict = item(OperationKind.EDIT_CUSTOMER, Delivery.CONFLICT, theirs=(PHONE,))
    reading(conflict)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "用我的" in offered(page))
    with qtbot.waitSignal(page.said):
        press(page, "用我的")
        press(page, "用我的")
    assert chosen == [conflict.op_id]


def test_arrows_move_and_enter_leads_to_the_choice(
    qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None]
) -> None:
    first = item(OperationKind.RECORD_OUTCOME, Delivery.LOCAL, customer_name="王小明")
    second = item(OperationKind.EDIT_CUSTOMER, Delivery.CONFLICT, customer_name="李小红", theirs=(PHONE,))
    reading(first, second)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    page.activateWindow()
    qtbot.waitUntil(lambda: "任务结果 · 王小明" in words(page))
    table = page.findChildren(QTableView)[0]
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert "资料变更 · 李小红" in words(page)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    focus = page.focusWidget()
    assert isinstance(focus, QPushButton)
    assert focus.text().startswith("用我的")


def test_a_lease_that_is_over_leaves_the_entries_and_hides_the_customers(
    qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None]
) -> None:
    body = edit("phone", base=None, value="13800000001")
    reading(item(OperationKind.EDIT_CUSTOMER, Delivery.LOCAL, body=body), lease_over=True, online=False, unsent=1)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "1 条录入还在本机" in words(page))
    assert cells(page)[0][2] == "已隐藏"
    assert "王小明" not in words(page)
    assert "13800000001" not in words(page)
    assert not next(one for one in page.findChildren(QPushButton) if one.text().startswith("导出")).isEnabled()


def test_a_thousand_entries_are_a_list_like_any_other(
    qtbot: QtBot, desk_for: DeskFor, reading: Callable[..., None]
) -> None:
    reading(*(item(OperationKind.RECORD_OUTCOME, Delivery.LOCAL, n=n) for n in range(1000)))
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: len(cells(page)) == 1000)
    page.findChildren(QTableView)[0].scrollToBottom()
    assert "任务结果 · 王小明" in words(page)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("implausible:OD.sphere", "“右眼球镜”的数值不可能，没有采用。"),
        ("invalid_body:next_on", "“下次日期”的内容中心读不懂。"),
        ("not_permitted", "录入人的账号没有这项权限。"),
        ("refused_by_store:fk_x", "数据之间对不上，数据库没有接受。"),
        ("of_a_later_release", "中心未能应用（代码 of_a_later_release）。"),
    ],
)
def test_every_reason_is_a_sentence(code: str, said: str) -> None:
    assert Reasons(Words()).held(code) == said


# ── export ───────────────────────────────────────────────────────────────────────────────────────────────


def sheet(path: Path) -> list[list[Any]]:
    book = openpyxl.load_workbook(path)
    return [[cell.value for cell in line] for line in book.active.iter_rows()]  # type: ignore[union-attr] # one sheet


def test_nothing_is_written_before_a_person_agreed_and_named_the_place(
    qtbot: QtBot, tmp_path: Path, workspace: Workspace, desk_for: DeskFor
) -> None:
    enter(workspace)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    qtbot.waitUntil(lambda: "1 条录入还在本机" in words(page))
    press(page, "导出未上传")
    (asked,) = page.findChildren(QMessageBox)
    assert "客户姓名" in asked.text()
    press(asked, "选择位置")
    dialog = page.findChildren(QFileDialog)[0]
    assert dialog.selectedFiles()[0].endswith("未上传录入_2026-11-22.xlsx")
    dialog.close()
    target = tmp_path / "out.xlsx"
    with qtbot.waitSignal(page.said) as said:
        page._export.write(str(target))
    assert said.args == ["已导出：out.xlsx"]
    heads, line = sheet(target)
    assert heads == ["状态", "内容", "客户", "录入时间", "原因", "录入的值"]
    assert line == ["仅在本机", "任务结果", "王小明", "2026-11-22 09:00", "等待上传", "结果：拒绝；方式：电话"]


def test_only_the_own_accounts_entries_leave_the_computer(
    qtbot: QtBot, tmp_path: Path, tasks: Tasks, workspace: Workspace, desk_for: DeskFor
) -> None:
    enter(workspace)
    stranger = workspace.worker().model_copy(update={"account_id": new_id(), "name": "张敏"})
    workspace.admit(stranger)
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    with qtbot.waitSignal(page.said):
        page._export.write(str(tmp_path / "out.xlsx"))
    assert len(sheet(tmp_path / "out.xlsx")) == 1


def test_an_entry_is_cut_to_what_the_role_may_see() -> None:
    eye = {"id": str(new_id()), "eye": "OD", "axial_length_mm": "24.31", "k1": "43.10", "iop_mmhg": "15"}
    body = {"examined_on": "2026-11-20", "note": "k", "customer_id": str(new_id()), "eyes": [eye]}
    entry = item(OperationKind.RECORD_EXAM, Delivery.LOCAL, body=body)
    cut = visible(entry, Role.ASSISTANT).body
    assert "note" not in cut
    assert {"axial_length_mm", "eye"} <= cut["eyes"][0].keys()
    assert not {"k1", "iop_mmhg"} & cut["eyes"][0].keys()
    assert visible(entry, Role.OPTOMETRIST).body["eyes"] == [eye]
    phone = item(
        OperationKind.EDIT_CUSTOMER, Delivery.CONFLICT, body=edit("phone", base=None, value="1"), theirs=(PHONE,)
    )
    assert visible(phone, Role.EXECUTIVE).body == {"edits": []}
    assert visible(phone, Role.EXECUTIVE).theirs == ()


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "a\x0bb"])
def test_no_cell_is_ever_a_formula(tmp_path: Path, text: str) -> None:
    target = write_sheet(None, path=tmp_path / "out.xlsx", headings=["h"], lines=[[text]])  # type: ignore[arg-type] # unused
    cell = openpyxl.load_workbook(target).active["A2"]  # type: ignore[index] # one sheet
    assert cell.data_type == "s"
    assert cell.quotePrefix
    assert cell.value == text.replace("\x0b", "")


def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(
    qtbot: QtBot, tmp_path: Path, desk_for: DeskFor
) -> None:
    page = SyncPage(desk_for(Role.ASSISTANT))
    shown(qtbot, page)
    with qtbot.waitSignal(page.said) as said:
        page._export.write(str(tmp_path / "missing" / "out.xlsx"))
    assert "写不进去" in said.args[0]
    assert list(tmp_path.glob("*.xlsx")) == []
