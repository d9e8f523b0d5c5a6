"""原始记录 from the record: what landed, what is said when nothing did, and when the centre is away."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QTableView, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from hcrm_central.connectors.extract.feeds import FEEDS, IDENTIFIERS
from hcrm_central.connectors.landed import Landed, extract_cells
from hcrm_core.errors import NotPermitted
from hcrm_core.source import SourceField, SourceKind, SourceRow, SourceRows
from hcrm_core.terms import Role, Source
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.source import SourceDialog
from hcrm_desktop.views.record.source_words import TONES, SourceWords
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id
from tests.fakes import FakeConversation
from tests.gui.filling import SITE, open_clinic, put, row
from tests.gui.office import NO_NETWORK, button, words
from tests.gui.record.conftest import Open as OpenRecord
from tests.gui.record.filling import add_child

Open = Callable[..., SourceDialog]
KINDS = {0: SourceKind.EXAM, 1: SourceKind.LENS_ORDER}  # by tab
AT = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
CELLS = [
    SourceField(label="examined_on", feeds="exam.examined_on", text="2026-03-01", differs=False),
    SourceField(label="od_axial_length_mm", feeds="OD.axial_length_mm", text="24.10", differs=True),
    SourceField(label="key", feeds="", text="E1"),
]


def landed(**said: object) -> SourceRow:
    about = {"source": Source.HIS, "feed": "exam", "key": "E1", "file_name": "his-1120", "imported_at": AT}
    return SourceRow.model_validate({**about, "undone": False, "withheld": 0, "fields": CELLS, **said})


class Archive:
    """A centre that tells where a row came from, or says why not."""

    def __init__(self) -> None:
        self.asked: list[tuple[SourceKind, UUID]] = []
        self.found = SourceRows(source=Source.HIS, entered_by="", entered_at=AT, rows=[landed()])
        self.error: Exception | None = None

    def sources(self, kind: SourceKind, row_id: UUID, *, headers: dict[str, str]) -> SourceRows:
        self.asked.append((kind, row_id))
        if self.error is not None:
            raise self.error
        return self.found

    def tell(self, *rows: SourceRow, source: Source | None = Source.HIS, entered_by: str = "") -> None:
        self.found = SourceRows(source=source, entered_by=entered_by, entered_at=AT, rows=list(rows))


@pytest.fixture
def centre(tasks: Tasks) -> Archive:
    made = Archive()
    tasks._conversation = FakeConversation(made)  # type: ignore[assignment, arg-type] # it only puts questions
    return made


@pytest.fixture
def open_dialog(qtbot: QtBot, tasks: Tasks, theme: Theme) -> Open:
    window = QWidget()
    qtbot.addWidget(window)

    def made(kind: SourceKind = SourceKind.EXAM, row_id: UUID | None = None) -> SourceDialog:
        dialog = SourceDialog(tasks, theme, Words(tasks), kind, row_id or new_id(), parent=window)
        dialog.open()
        return dialog

    return made


def cells(dialog: QWidget) -> list[list[str]]:
    table = dialog.findChildren(QTableView)[0]
    model = table.model()
    columns = [column for column in range(model.columnCount()) if not table.isColumnHidden(column)]
    return [[model.index(line, column).data() for column in columns] for line in range(model.rowCount())]


def test_the_row_is_shown_with_its_origin_and_what_differs_is_marked(
    qtbot: QtBot, open_dialog: Open, centre: Archive
) -> None:
    exam = new_id()
    dialog = open_dialog(SourceKind.EXAM, exam)
    qtbot.waitUntil(lambda: "his-1120" in words(dialog))
    assert centre.asked == [(SourceKind.EXAM, exam)]
    assert "检查 · his-1120 · 2026-11-20 09:30 导入 · 编号 E1" in words(dialog)
    assert cells(dialog) == [
        ["检查日期 examined_on", "2026-03-01", ""],
        ["右眼眼轴 od_axial_length_mm", "24.10", "现已不同"],
        ["编号 key", "E1", ""],
    ]
    assert not dialog.findChildren(QComboBox)[0].isVisible()


def test_nothing_is_marked_where_nothing_differs(qtbot: QtBot, open_dialog: Open, centre: Archive) -> None:
    centre.tell(landed(source=Source.LEDGER, fields=[SourceField(label="右眼/球镜", feeds="OD.sphere", text="-250")]))
    dialog = open_dialog()
    qtbot.waitUntil(lambda: cells(dialog) == [["右眼/球镜", "-250"]])


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"withheld": 3}, "另有 3 个字段不在您的权限内"),
        ({"undone": True}, "这次导入后来被撤销"),
        ({"of_version": new_id()}, "那一版的原始记录"),
    ],
)
def test_what_a_reader_has_to_know_is_told(
    qtbot: QtBot, open_dialog: Open, centre: Archive, said: dict[str, object], text: str
) -> None:
    centre.tell(landed(**said))
    dialog = open_dialog()
    qtbot.waitUntil(lambda: text in words(dialog))


def test_of_several_rows_one_is_chosen(qtbot: QtBot, open_dialog: Open, centre: Archive) -> None:
    centre.tell(landed(), landed(source=Source.LEDGER, feed="角塑台账", fields=CELLS[:1]))
    dialog = open_dialog(SourceKind.CUSTOMER)
    qtbot.waitUntil(lambda: len(cells(dialog)) == 3)
    dialog.findChildren(QComboBox)[0].setCurrentIndex(1)
    assert cells(dialog) == [["examined_on", "2026-03-01"]]
    assert "角塑台账" in words(dialog)


def test_what_is_shown_can_be_copied(qtbot: QtBot, open_dialog: Open, centre: Archive) -> None:
    dialog = open_dialog()
    qtbot.waitUntil(button(dialog, "复制").isEnabled)
    dialog.findChildren(QTableView)[0].setFocus()
    qtbot.keyClick(dialog.findChildren(QTableView)[0], Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied[0].endswith("编号 E1")
    assert copied[2] == "右眼眼轴 od_axial_length_mm\t24.10"


def test_off_line_the_reason_is_told_and_a_second_try_succeeds(
    qtbot: QtBot, open_dialog: Open, centre: Archive
) -> None:
    centre.error = NO_NETWORK
    dialog = open_dialog()
    qtbot.waitUntil(lambda: "连不上中心" in words(dialog))
    assert "查看时需要联网" in words(dialog)
    assert not button(dialog, "复制").isEnabled()
    centre.error = None
    button(dialog, "重试").click()
    qtbot.waitUntil(lambda: len(cells(dialog)) == 3)


def test_a_row_the_centre_does_not_show_is_not_called_an_error(
    qtbot: QtBot, open_dialog: Open, centre: Archive
) -> None:
    centre.error = NotPermitted("no", remedy="ask")
    dialog = open_dialog()
    qtbot.waitUntil(lambda: "看不到原始记录" in words(dialog))
    assert "上传后才能查看" in words(dialog)


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ((Source.WORKSTATION, "李娜"), "李娜 录入，中心于 2026-11-20 09:30 收到"),
        ((Source.WORKSTATION, ""), "录入人未记录 录入"),
        ((Source.HIS, ""), "它来自的那一行已不在"),
        ((None, ""), "它来自的那一行已不在"),
    ],
)
def test_without_a_source_row_the_dialog_says_why(
    qtbot: QtBot, open_dialog: Open, centre: Archive, entered: tuple[Source | None, str], said: str
) -> None:
    centre.tell(source=entered[0], entered_by=entered[1])
    dialog = open_dialog()
    qtbot.waitUntil(lambda: said in words(dialog))


def test_escape_closes_it(qtbot: QtBot, open_dialog: Open, centre: Archive) -> None:
    dialog = open_dialog()
    qtbot.waitUntil(lambda: len(cells(dialog)) == 3)
    with qtbot.waitSignal(dialog.finished):
        qtbot.keyClick(dialog.findChildren(QTableView)[0], Qt.Key.Key_Escape)


# ── from the tables ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def child(workspace: Workspace) -> UUID:
    """With examinations and an order."""
    open_clinic(workspace, Role.OPTOMETRIST)
    made = add_child(workspace)
    about = {"customer_id": str(made), "site_id": str(SITE), "eye": "OD", "product": "ok_lens", "source": "sales"}
    put(workspace, row("lens_order", new_id(), **about, brand="梦戴维", dispensed_on="2025-05-20"))
    return made


@pytest.mark.parametrize("tab", sorted(KINDS))
def test_r_asks_for_the_source_of_the_chosen_row(
    qtbot: QtBot, centre: Archive, record_for: OpenRecord, child: UUID, tab: int
) -> None:
    page = record_for(Role.OPTOMETRIST, child)
    tabs = page.findChildren(QTabWidget)[0]
    tabs.setCurrentIndex(tab)
    table = tabs.widget(tab).findChildren(QTableView)[0]
    assert not button(tabs, "原始记录 R").isEnabled()
    table.selectRow(0)
    assert button(tabs, "原始记录 R").isEnabled()
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_R)
    (dialog,) = page.findChildren(SourceDialog)
    qtbot.waitUntil(lambda: "his-1120" in words(dialog))
    assert [asked for asked, _ in centre.asked] == [KINDS[tab]]


def test_the_button_does_the_same_and_tasks_have_no_source(
    qtbot: QtBot, centre: Archive, record_for: OpenRecord, child: UUID
) -> None:
    page = record_for(Role.OPTOMETRIST, child)
    tabs = page.findChildren(QTabWidget)[0]
    tabs.widget(0).findChildren(QTableView)[0].selectRow(0)
    tabs.setCurrentIndex(3)
    assert not button(tabs, "原始记录 R").isEnabled()
    tabs.setCurrentIndex(0)
    button(tabs, "原始记录 R").click()
    assert page.findChildren(SourceDialog)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_and_every_source_has_a_word_and_a_colour(tasks: Tasks) -> None:
    told = SourceWords(Words(tasks))
    assert {kind for kind in SourceKind if told.kind(kind) == kind} == set()
    assert set(TONES) == set(Source)


@pytest.mark.parametrize("feed", sorted(set(FEEDS) - {"guardians"}))
def test_every_column_of_a_feed_has_a_word(tasks: Tasks, feed: str) -> None:
    told, kind = SourceWords(Words(tasks)), FEEDS[feed].kind
    payload = {column.name: "x" for column in FEEDS[feed].columns if column.name not in IDENTIFIERS}
    for cell in extract_cells(Landed(kind=kind, payload=payload, profile="")):
        path = cell.target.path if cell.target else ""
        label = told.label(landed(feed=kind), SourceField(label=cell.label, feeds=path, text="x"))
        assert label != cell.label
        assert label.endswith(f" {cell.label}")
