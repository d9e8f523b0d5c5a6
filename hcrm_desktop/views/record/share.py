"""分享到平板: a child's page on a tablet of the clinic's network, by a code to scan or eight digits to type."""

from functools import partial
from uuid import UUID

import segno
from PySide6.QtCore import QRect, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.clinic_time import SHANGHAI
from hcrm_core.handout import Share
from hcrm_desktop.models.share import end_share, share
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.failures import Failures

SIDE = 264
QUIET = 4  # modules of white around the code: ISO/IEC 18004
INK, PAPER = QColor("#000000"), QColor("#FFFFFF")  # cameras want contrast, in either theme


class QrCode(QWidget):
    """A text as a QR code, in whole pixels. Empty while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[bytes] = []
        self.setFixedSize(SIDE, SIDE)

    def show_text(self, text: str) -> None:
        code = segno.make(text, error="m", micro=False)
        self._rows = [bytes(row) for row in code.matrix_iter(border=QUIET)]
        self.update()

    def clear(self) -> None:
        self._rows = []
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._rows:
            return
        module = SIDE // len(self._rows)
        edge = (SIDE - module * len(self._rows)) // 2
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), PAPER)
            for y, row in enumerate(self._rows):
                for x, dark in enumerate(row):
                    if dark:
                        painter.fillRect(QRect(edge + x * module, edge + y * module, module, module), INK)


class ShareDialog(QDialog):
    """Opens a page with the dialog; it goes on when the dialog is closed, unless the person ends it here."""

    def __init__(self, tasks: Tasks, customer_id: UUID, *, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._share: Share | None = None
        self._code, self._digits, self._how, self._message = QrCode(), QLabel(), QLabel(), QLabel()
        self._end = QPushButton(self.tr("结束分享"))
        self._close = QPushButton(self.tr("关闭 Esc"))
        self.setWindowTitle(self.tr("分享到平板 · {name}").format(name=name))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        ask = partial(share, customer_id=customer_id)
        tasks.consult(self, ask, done=self._on_shared, failed=self._on_failed)

    def _build(self) -> None:
        self._digits.setProperty("role", "h1")
        self._digits.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._digits.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._how.setWordWrap(True)
        self._message.setWordWrap(True)
        self._message.setProperty("role", "muted")
        self._message.setText(self.tr("正在打开…"))
        self._code.setAccessibleName(self.tr("给平板扫描的二维码"))
        self._end.setEnabled(False)
        self._end.clicked.connect(self.end_share)
        self._close.clicked.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(12)
        column.addWidget(self._code, alignment=Qt.AlignmentFlag.AlignHCenter)
        for widget in (self._digits, self._how, self._message):
            column.addWidget(widget)
        row = QHBoxLayout()
        row.addWidget(self._end)
        row.addStretch()
        row.addWidget(self._close)
        column.addLayout(row)
        self._close.setDefault(True)
        self.setFixedWidth(460)

    @Slot(object)
    def _on_shared(self, made: Share) -> None:
        self._share = made
        self._code.show_text(made.url)
        self._digits.setText(self.tr("{first} {rest}").format(first=made.code[:4], rest=made.code[4:]))
        self._how.setText(
            self.tr("用平板扫描二维码；或在平板上打开 {page}，输入上面的 8 位数字（只能用一次）。").format(
                page=made.page
            )
        )
        self._tell(until=made)
        self._end.setEnabled(True)
        self.adjustSize()

    def _tell(self, *, until: Share) -> None:
        time = f"{until.expires_at.astimezone(SHANGHAI):%H:%M}"
        self._message.setText(
            self.tr("只显示这一个孩子，只能看，{time} 自动关闭。退出登录也会关闭。").format(time=time)
        )

    @Slot()
    def end_share(self) -> None:
        """Close the page on the tablet now."""
        if self._share is None:
            return
        self._end.setEnabled(False)
        ask = partial(end_share, share_id=self._share.id)
        self._tasks.consult(self, ask, done=self._on_ended, failed=self._on_not_ended)

    @Slot(object)
    def _on_ended(self, _: None) -> None:
        self._share = None
        self._code.clear()
        self._digits.clear()
        self._how.clear()
        self._message.setText(self.tr("分享已结束，平板上的页面会在几秒内关闭。"))

    @Slot(object)
    def _on_not_ended(self, error: Exception) -> None:
        self._end.setEnabled(True)
        self._show_error(error)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._show_error(error)

    def _show_error(self, error: Exception) -> None:
        self._message.setProperty("role", "danger")
        self._message.setText(Failures(self).sentence(error))
