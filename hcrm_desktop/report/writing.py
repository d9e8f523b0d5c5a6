"""Puts reports on paper: PDF files, a printer's pages, and pictures of pages for the screen. May run in a worker."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF
from PySide6.QtGui import QColor, QFontDatabase, QImage, QPagedPaintDevice, QPageSize, QPainter, QPdfWriter

from hcrm_core.errors import StoreUnusable, SurroundingsFailed
from hcrm_desktop.report.content import ReportContent
from hcrm_desktop.report.pages import A4, UNITS_AN_INCH, Layout
from hcrm_desktop.report.texts import texts

if TYPE_CHECKING:
    from PySide6.QtPrintSupport import QPrinter

PDF_DPI = 1200  # coordinates, not pixels: everything stays a vector


def paper(device: QPagedPaintDevice) -> None:
    """A4 without margins: the layout has its own."""
    device.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    device.setPageMargins(QMarginsF(0, 0, 0, 0))


def begin_pdf(writer: QPdfWriter, *, title: str) -> None:
    """Set a writer up before it is painted on. No child is named in its properties."""
    paper(writer)
    writer.setResolution(PDF_DPI)
    writer.setTitle(title)
    writer.setCreator("HCRM")


def pdf_of(report: ReportContent) -> bytes:
    """One report as PDF.

    Raises:
        SurroundingsFailed: there is no Chinese font to print with.
    """
    require_chinese()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    begin_pdf(writer, title=report.title)
    with QPainter(writer) as painter:
        paint_report(painter, writer, report)
    return bytes(buffer.data().data())


def paint_report(painter: QPainter, device: QPagedPaintDevice, report: ReportContent, *, fresh: bool = True) -> None:
    """All pages of a report onto a device of pages.

    Args:
        fresh: the device stands at a page that is still empty.
    """
    layout = Layout(report, say=texts())
    scale = painter.device().logicalDpiX() / UNITS_AN_INCH
    for page in range(len(layout.pages)):
        if page or not fresh:
            device.newPage()
        painter.save()
        painter.scale(scale, scale)
        layout.paint(painter, page)
        painter.restore()


def images_of(report: ReportContent, *, dpi: int) -> list[QImage]:
    """The pages as pictures."""
    layout = Layout(report, say=texts())
    return [_image(layout, page, dpi=dpi) for page in range(len(layout.pages))]


def _image(layout: Layout, page: int, *, dpi: int) -> QImage:
    scale = dpi / UNITS_AN_INCH
    image = QImage(round(A4.width() * scale), round(A4.height() * scale), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    with QPainter(image) as painter:
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.scale(scale, scale)
        layout.paint(painter, page)
    return image


def require_chinese() -> None:
    """Without a Chinese font every word would be a box.

    Raises:
        SurroundingsFailed: there is none.
    """
    if not QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese):
        raise SurroundingsFailed("there is no Chinese font", remedy="install one, e.g. Noto Sans CJK")


def keep(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        StoreUnusable: it cannot be written there.
    """
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise StoreUnusable(
            f"the file cannot be written ({type(error).__name__})", remedy="close it elsewhere or choose another folder"
        ) from None


def print_report(printer: "QPrinter", report: ReportContent) -> None:
    """One report on paper. The layout's margins are wider than what a printer cannot reach.

    Raises:
        StoreUnusable: the printer does not take it.
    """
    paper(printer)
    printer.setFullPage(True)
    painter = QPainter()
    if not painter.begin(printer):
        raise StoreUnusable("the printer does not begin", remedy="check the printer")
    with painter:
        paint_report(painter, printer, report)
