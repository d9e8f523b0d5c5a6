"""家长报告: on paper as it is on the screen, for one child and for a school."""

import logging
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.errors import NotPermitted, Rejected, StoreUnusable
from hcrm_core.terms import Role
from hcrm_desktop.cache.queries.reports import Choice, candidates, count_candidates, schools
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.paths import settings_file
from hcrm_desktop.report.batch import GONE, NO_EXAM, Batch, BatchResult, Skipped, Watch, write_batch
from hcrm_desktop.report.blocks import Code, Text, code_rows
from hcrm_desktop.report.pages import A4, FOOT, GAP, MARGIN, MOST_PAGES, UNITS_AN_INCH, Layout
from hcrm_desktop.report.reading import content_of, read_report
from hcrm_desktop.report.texts import texts
from hcrm_desktop.report.writing import images_of, pdf_of
from hcrm_desktop.settings import Settings, save_settings
from hcrm_desktop.views.customers import CustomersPage
from hcrm_desktop.views.main_window import MainFrame
from hcrm_desktop.views.report.batch import BatchDialog
from hcrm_desktop.views.report.dialog import ReportDialog
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY, child_rows, open_clinic, put
from tests.gui.record.filling import NAME, add_child, exam_rows
from tests.gui.record.records import full_record, record, without

pytestmark = pytest.mark.usefixtures("tasks")  # which closes the files
SCHOOL = "育才小学"
WAIT_MS = 4_000  # the first report of a process imports what it needs
CANARIES = (NAME, "14399900011", "王芳", SCHOOL)


# ── paper ────────────────────────────────────────────────────────────────────────────────────────────────

CHILDREN: dict[str, Callable[[], CustomerRecord]] = {
    "a good day": full_record,
    "nothing known": lambda: without(record(), sex=None, birth_date=None, next_due_on=None),
    "a very long name": lambda: without(full_record(), name="买买提·阿不都热依木" * 2),
}


def sheets(child: Callable[[], CustomerRecord]) -> Layout:
    return Layout(content_of(child(), today=TODAY, address=""), say=texts())


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN.keys())
def test_a_report_has_one_or_two_pages_and_nothing_leaves_them(
    qapp: QApplication, child: Callable[[], CustomerRecord]
) -> None:
    content = content_of(child(), today=TODAY, address="")
    pages = images_of(content, dpi=UNITS_AN_INCH)
    assert 1 <= len(pages) <= MOST_PAGES
    for page in pages:
        assert ink(page, 0, int(MARGIN) - 2) == ink(page, page.width() - int(MARGIN) + 2, page.width()) == 0
        assert ink(page, int(MARGIN), page.width() - int(MARGIN)) > 1000


def ink(page: QImage, left: int, right: int) -> int:
    """How many pixels of these columns are not white."""
    return sum(
        page.pixelColor(x, y).lightness() < 250 for x in range(left, right, 2) for y in range(0, page.height(), 2)
    )


def test_the_foot_stands_on_every_page_below_all_else(qapp: QApplication) -> None:
    for child in CHILDREN.values():
        for page in sheets(child).pages:
            below = sum(block.height(A4.width() - 2 * MARGIN) + GAP for block in page) - GAP
            assert below <= A4.height() - 2 * MARGIN - FOOT


def test_the_pdf_is_a4_all_vectors_and_carries_its_fonts(qapp: QApplication) -> None:
    pdf = pdf_of(content_of(full_record(), today=TODAY, address=""))

    boxes = {tuple(round(float(n)) for n in box.split()) for box in re.findall(rb"/MediaBox \[([^\]]*)\]", pdf)}
    assert boxes == {(0, 0, 595, 842)}
    assert len(re.findall(rb"/Type /Page\b[^s]", pdf)) == 2
    assert b"/Subtype /Image" not in pdf
    fonts, embedded = len(re.findall(rb"/Type /FontDescriptor", pdf)), len(re.findall(rb"/FontFile\d? ", pdf))
    assert fonts == embedded > 0


def test_the_code_is_painted_module_by_module(qapp: QApplication) -> None:
    rows = code_rows("https://clinic.example")
    block = Code(beside=Text(text=""), payload="https://clinic.example", caption=Text(text=""), side=len(rows) * 8)
    image = QImage(800, 400, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    with QPainter(image) as painter:
        block.paint(painter, QRectF(0, 0, 800, 400))
    left = 800 - len(rows) * 8
    middles = [
        [image.pixelColor(left + x * 8 + 4, y * 8 + 4).lightness() < 128 for x in range(len(rows))]
        for y in range(len(rows))
    ]
    assert middles == [[bool(dark) for dark in row] for row in rows]


def test_no_child_is_named_in_the_properties_of_the_file(qapp: QApplication) -> None:
    pdf = pdf_of(content_of(full_record(), today=TODAY, address=""))
    assert b"/Title" in pdf
    assert all(name.encode(code) not in pdf for name in CANARIES for code in ("utf-8", "utf-16-be"))


# ── one child ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def frame_for(qtbot: QtBot, desk_for: DeskFor) -> Callable[[Role], MainFrame]:
    def make(role: Role) -> MainFrame:
        desk = desk_for(role)
        frame = MainFrame(desk)
        desk.theme.dress(frame)
        qtbot.addWidget(frame)
        frame.resize(1366, 768)
        frame.show()
        return frame

    return make


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def opened(qtbot: QtBot, frame: MainFrame, customer_id: UUID) -> ReportDialog:
    """The report, asked for by the key."""
    frame.open_customer(customer_id)
    page = frame.current_page()
    assert page is not None
    qtbot.waitUntil(lambda: NAME in words(page), timeout=WAIT_MS)
    frame.activateWindow()
    page.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWindow() is not None)
    qtbot.keyClick(page, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: any(one.report() for one in frame.findChildren(ReportDialog)), timeout=WAIT_MS)
    return frame.findChildren(ReportDialog)[0]


def test_the_key_shows_the_pages_and_reads_them_out(
    qtbot: QtBot, workspace: Workspace, frame_for: Callable[[Role], MainFrame]
) -> None:
    dialog = opened(qtbot, frame_for(Role.OPTOMETRIST), add_child(workspace))

    shown = [label.pixmap() for label in dialog.findChildren(QLabel) if not label.pixmap().isNull()]
    assert 1 <= len(shown) <= MOST_PAGES
    assert "24.20 mm" in dialog.findChildren(QScrollArea)[0].accessibleDescription()


def test_a_saved_report_is_a_file_and_a_line_of_ids(
    qtbot: QtBot,
    workspace: Workspace,
    frame_for: Callable[[Role], MainFrame],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    customer_id = add_child(workspace)
    dialog = opened(qtbot, frame_for(Role.OPTOMETRIST), customer_id)
    report = dialog.report()
    assert report is not None

    with caplog.at_level(logging.INFO), qtbot.waitSignal(dialog.said) as said:
        dialog.save(str(tmp_path / "r.pdf"))

    assert said.args == ["报告已保存：r.pdf"]
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    line = next(one.getMessage() for one in caplog.records if "report R" in one.getMessage())
    assert str(customer_id) in line
    assert str(report.account_id) in line
    assert [word for word in CANARIES if word in caplog.text] == []


def test_what_cannot_be_written_is_said_and_can_be_tried_again(
    qtbot: QtBot, workspace: Workspace, frame_for: Callable[[Role], MainFrame], tmp_path: Path
) -> None:
    dialog = opened(qtbot, frame_for(Role.ASSISTANT), add_child(workspace))
    dialog.save(str(tmp_path / "nowhere" / "r.pdf"))
    qtbot.waitUntil(lambda: "写不进去" in words(dialog))
    assert next(one for one in dialog.findChildren(QPushButton) if "保存" in one.text()).isEnabled()


def test_a_printer_gets_the_same_pages(
    qtbot: QtBot, workspace: Workspace, frame_for: Callable[[Role], MainFrame], tmp_path: Path
) -> None:
    dialog = opened(qtbot, frame_for(Role.MANAGER), add_child(workspace))
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "printed.pdf"))

    with qtbot.waitSignal(dialog.said) as said:
        dialog.print_on(printer)

    assert said.args == ["报告已送去打印"]
    assert b"/FontFile" in (tmp_path / "printed.pdf").read_bytes()


def test_the_clinics_address_of_the_settings_becomes_the_code(
    qtbot: QtBot, workspace: Workspace, frame_for: Callable[[Role], MainFrame]
) -> None:
    save_settings(settings_file(workspace.folder), Settings(clinic_url="https://clinic.example"))
    report = opened(qtbot, frame_for(Role.ASSISTANT), add_child(workspace)).report()
    assert report is not None
    assert report.content.code == "https://clinic.example"


@pytest.mark.parametrize("role", [Role.EXECUTIVE, Role.ADMIN])
def test_who_may_not_see_examinations_gets_no_report(workspace: Workspace, role: Role, tmp_path: Path) -> None:
    customer_id = add_child(workspace)
    open_clinic(workspace, role)
    with workspace.read() as session, pytest.raises(NotPermitted):
        read_report(session, customer_id, today=TODAY, address="")
    batch = Batch(customer_ids=(customer_id,), path=tmp_path, apart=True, today=TODAY)
    with workspace.read() as session, pytest.raises(NotPermitted):
        write_batch(session, batch=batch, watch=Watch())
    assert list(tmp_path.glob("*.pdf")) == []


def test_a_customer_who_is_gone_has_no_report(workspace: Workspace) -> None:
    with workspace.read() as session, pytest.raises(Rejected):
        read_report(session, new_id(), today=TODAY, address="")


# ── a school ─────────────────────────────────────────────────────────────────────────────────────────────


def add_school(workspace: Workspace, names: str = "甲乙丙") -> list[UUID]:
    """A child of one school for each character, examined twice."""
    ids = []
    for name in names:
        customer_id = new_id()
        put(
            workspace,
            *child_rows(name, initials=name, id=customer_id, school=SCHOOL),
            *exam_rows(customer_id, date(2026, 4, 1), length="24.00"),
            *exam_rows(customer_id, date(2026, 10, 1), length="24.20"),
        )
        ids.append(customer_id)
    return ids


def run(workspace: Workspace, *ids: UUID, path: Path, apart: bool = False, watch: Watch | None = None) -> BatchResult:
    batch = Batch(customer_ids=ids, path=path, apart=apart, today=TODAY)
    with workspace.read() as session:
        return write_batch(session, batch=batch, watch=watch or Watch())


def test_a_batch_is_one_file_and_says_who_was_left_out(workspace: Workspace, tmp_path: Path) -> None:
    ids, unseen = add_school(workspace), new_id()
    put(workspace, *child_rows("丁", id=unseen))

    result = run(workspace, *ids, unseen, new_id(), path=tmp_path / "all.pdf")

    assert (result.written, result.cancelled) == (3, False)
    assert result.skipped == (Skipped(name="丁", reason=NO_EXAM), Skipped(name="", reason=GONE))
    assert len(re.findall(rb"/Type /Page\b[^s]", (tmp_path / "all.pdf").read_bytes())) == 6
    assert [one.name for one in tmp_path.glob("*.pdf")] == ["all.pdf"]


def test_a_batch_can_be_a_file_each(workspace: Workspace, tmp_path: Path) -> None:
    result = run(workspace, *add_school(workspace), path=tmp_path, apart=True)
    assert result.written == 3
    assert sorted(one.name.split("_")[1] for one in tmp_path.glob("*.pdf")) == sorted("甲乙丙")


def test_nobody_with_an_examination_leaves_no_file(workspace: Workspace, tmp_path: Path) -> None:
    assert run(workspace, new_id(), path=tmp_path / "all.pdf").written == 0
    assert list(tmp_path.glob("*all*")) == []


def test_a_batch_that_is_broken_off_leaves_no_half_file(workspace: Workspace, tmp_path: Path) -> None:
    watch = Watch()
    watch.cancelled.set()
    result = run(workspace, *add_school(workspace), path=tmp_path / "all.pdf", watch=watch)
    assert (result.written, result.cancelled) == (0, True)
    assert list(tmp_path.glob("*all*")) == []


@pytest.mark.parametrize("apart", [False, True])
def test_a_batch_into_a_place_that_is_not_there_is_refused(
    workspace: Workspace, tmp_path: Path, *, apart: bool
) -> None:
    with pytest.raises(StoreUnusable):
        run(workspace, *add_school(workspace), path=tmp_path / "nowhere" / "all.pdf", apart=apart)


def test_customers_are_narrowed_by_school_and_text(workspace: Workspace) -> None:
    ids = add_school(workspace)
    add_child(workspace)
    with workspace.read() as session:
        assert schools(session) == [(SCHOOL, 3)]
        assert {one.id for one in candidates(session, Choice(school=SCHOOL), limit=9)} == set(ids)
        assert [one.name for one in candidates(session, Choice(text="乙"), limit=9)] == ["乙"]
        assert count_candidates(session, Choice()) == 4
        assert len(candidates(session, Choice(), limit=2)) == 2
        assert {one.examined_on for one in candidates(session, Choice(), limit=9)} == {date(2026, 10, 1)}
        assert candidates(session, Choice(segment="potential"), limit=9) == []
        assert candidates(session, Choice(site_id=new_id()), limit=9) == []


@pytest.fixture
def batch_dialog(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> BatchDialog:
    """Opened from the list of customers, with a school of three and a child never examined."""
    add_school(workspace)
    put(workspace, *child_rows("丁", initials="z", id=new_id(), school=SCHOOL))
    desk = desk_for(Role.MANAGER)
    page = CustomersPage(desk)
    desk.theme.dress(page)
    qtbot.addWidget(page)
    page.resize(1182, 700)
    page.show()
    qtbot.mouseClick(
        next(one for one in page.findChildren(QPushButton) if one.text().startswith("批量报告")),
        Qt.MouseButton.LeftButton,
    )
    dialog = page.findChildren(BatchDialog)[0]
    qtbot.waitUntil(lambda: "3 位" in dialog._all.text())
    return dialog


def test_those_who_were_examined_are_ticked_and_a_key_unticks(qtbot: QtBot, batch_dialog: BatchDialog) -> None:
    assert batch_dialog.findChildren(QComboBox)[0].itemText(1) == f"{SCHOOL}（4）"
    batch_dialog._table.setFocus()
    batch_dialog._table.setCurrentIndex(batch_dialog._model.index(1, 0))  # after the one never examined
    qtbot.keyClick(batch_dialog._table, Qt.Key.Key_Space)
    assert "2 位" in batch_dialog._all.text()
    batch_dialog._all.click()
    assert "4 位" in batch_dialog._all.text()


def test_a_batch_from_the_dialog_tells_its_end_and_keeps_the_window_alive(
    qtbot: QtBot, batch_dialog: BatchDialog, tmp_path: Path
) -> None:
    turns: list[int] = []
    timer = QTimer(batch_dialog, interval=5)
    timer.timeout.connect(lambda: turns.append(1))
    batch_dialog._all.click()
    timer.start()

    batch_dialog.write(str(tmp_path / "all.pdf"))
    assert batch_dialog._bar.isVisible()
    qtbot.waitUntil(lambda: "已生成 3 份。没有生成 1 位" in words(batch_dialog), timeout=WAIT_MS)

    assert batch_dialog._summary.toPlainText() == "丁：没有检查记录"
    assert (tmp_path / "all.pdf").exists()
    assert turns
    assert batch_dialog._start.isEnabled()


def test_closing_the_dialog_breaks_the_batch_off(qtbot: QtBot, batch_dialog: BatchDialog, tmp_path: Path) -> None:
    batch_dialog.write(str(tmp_path / "all.pdf"))
    watch = batch_dialog._watch
    assert watch is not None
    batch_dialog.reject()
    assert watch.cancelled.is_set()


def test_hidden_customers_take_the_dialogs_with_them(qtbot: QtBot, batch_dialog: BatchDialog) -> None:
    for dialog in batch_dialog.parent().findChildren(QDialog):
        dialog.reject()
    assert not batch_dialog.isVisible()
