"""The display's window: the neutral screen, or the pages of one child with large arrows below them."""

from PySide6.QtCore import QPointF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from hcrm_core.curves.picture import Point
from hcrm_desktop.education import Education
from hcrm_desktop.views.display.daylight import Daylight, application
from hcrm_desktop.views.display.pages import Page, made_pages
from hcrm_desktop.views.display.telling import Telling
from hcrm_desktop.views.words import Words

SWIPE_PX = 80  # so far a finger goes sideways before the page turns
MINUTE_MS = 60_000


class DisplayWindow(QWidget):
    """What child and parents see. Pages are made for a child and destroyed with him.

    Signals:
        turned: another page is shown, or none any more.
        closed: a person put the display away.
    """

    turned = Signal()
    closed = Signal()

    def __init__(self, texts: Education, words: Words, *, parent: QWidget | None, idle_minutes: int) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._texts, self._words = texts, words
        self.theme = Daylight(application())
        self.theme.setParent(self)
        self.pages: list[Page] = []
        self._number = 0
        self._pressed: QPointF | None = None
        self._dragged = 0.0
        self._idle = QTimer(self, singleShot=True)
        self._stack, self._book, self._bar = QStackedWidget(), QStackedWidget(), QWidget()
        self._clinic, self._place = QLabel(), QLabel()
        self._build()
        self._idle.timeout.connect(self.blank)
        self.theme.dress(self)
        self.wait_for(idle_minutes)

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self.setWindowTitle(self.tr("展示屏"))
        self.setAutoFillBackground(True)
        self._stack.addWidget(self._neutral())
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(32, 24, 32, 16)
        column.addWidget(self._book, 1)
        column.addLayout(self._arrows())
        self._stack.addWidget(shown)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(self._stack)

    def _neutral(self) -> QWidget:
        screen = QWidget()
        column = QVBoxLayout(screen)
        column.addStretch(1)
        self._clinic.setText(self._texts("neutral.no_clinic"))
        hint = QLabel(self._texts("neutral.hint"))
        for label, role in ((self._clinic, "display"), (QLabel(self._texts("neutral.welcome")), "h1"), (hint, "muted")):
            label.setProperty("role", role)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
            column.addWidget(label)
        column.addStretch(2)
        return screen

    def _arrows(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._back, self._on = QPushButton(self.tr("‹ 上一页")), QPushButton(self.tr("下一页 ›"))
        self._back.clicked.connect(self.back)
        self._on.clicked.connect(self.on)
        self._place.setProperty("role", "muted")
        row.addWidget(self._back)
        row.addStretch(1)
        row.addWidget(self._place)
        row.addStretch(1)
        row.addWidget(self._on)
        return row

    # ── whose ────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, told: Telling) -> None:
        """Show a child's pages from the first."""
        self.blank()
        self._clinic.setText(told.clinic or self._texts("neutral.no_clinic"))
        self.theme.fit(self)
        self.pages = made_pages(self.theme, self._texts, told, words=self._words)
        for page in self.pages:
            page.turn(portrait=self.portrait)
            page.touched.connect(self._idle.start)
            self._book.addWidget(page)
        self._stack.setCurrentIndex(1)
        self.go(0)

    @Slot()
    def blank(self) -> None:
        """The neutral screen, at once; nothing of a child stays in the window."""
        self._stack.setCurrentIndex(0)
        self._idle.stop()
        for page in self.pages:
            self._book.removeWidget(page)
            page.setParent(None)
            page.deleteLater()
        self.pages = []
        self._place.clear()
        self.turned.emit()

    @property
    def tells(self) -> bool:
        """Whether somebody's pages are shown."""
        return bool(self.pages)

    @property
    def portrait(self) -> bool:
        return self.height() > self.width()

    def wait_for(self, minutes: int) -> None:
        """Turn neutral after so many minutes without a touch."""
        self._idle.setInterval(minutes * MINUTE_MS)

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────

    def go(self, number: int) -> None:
        """Show a page; beyond the ends nothing happens."""
        if not 0 <= number < len(self.pages):
            return
        self._number = number
        self._book.setCurrentWidget(self.pages[number])
        self._place.setText(self.place)
        self._back.setEnabled(number > 0)
        self._on.setEnabled(number < len(self.pages) - 1)
        self._idle.start()
        self.turned.emit()

    @property
    def place(self) -> str:
        """ "2 / 6  眼轴和度数"; "" if nobody is shown."""
        if not self.pages:
            return ""
        return f"{self._number + 1} / {len(self.pages)}  {self.pages[self._number].title}"

    @Slot()
    def on(self) -> None:
        self.go(self._number + 1)

    @Slot()
    def back(self) -> None:
        self.go(self._number - 1)

    def point(self, point: Point | None) -> None:
        """Ring what the staff points at, on the page that is shown."""
        if self.pages:
            self.pages[self._number].mark(point)
            self._idle.start()

    # ── hands ────────────────────────────────────────────────────────────────────────────────────────────

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key
        acts = {
            key.Key_Escape: self.close,
            key.Key_F8: self.blank,
            key.Key_Right: self.on,
            key.Key_PageDown: self.on,
            key.Key_Left: self.back,
            key.Key_PageUp: self.back,
        }
        act = acts.get(key(event.key()))
        if act is None:
            super().keyPressEvent(event)
        else:
            act()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed, self._dragged = event.position(), event.position().y()
        if self.pages:
            self._idle.start()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and self.pages:
            down = round(event.position().y() - self._dragged)
            self._dragged += down
            self.pages[self._number].drag(down)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        way = event.position() - self._pressed
        self._pressed = None
        if abs(way.x()) > max(SWIPE_PX, 2 * abs(way.y())):
            self.go(self._number + (1 if way.x() < 0 else -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.theme.fit(self)
        for page in self.pages:
            page.turn(portrait=self.portrait)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.blank()
        super().closeEvent(event)
        self.closed.emit()
