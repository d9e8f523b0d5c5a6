"""The staff's side of the display: what it shows now, and the few things that are done to it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton

from hcrm_core.curves.picture import Point
from hcrm_desktop.education import education
from hcrm_desktop.views.display.daylight import application
from hcrm_desktop.views.display.telling import telling
from hcrm_desktop.views.display.window import DisplayWindow
from hcrm_desktop.views.display.wishes import IDLE_MINUTES, DisplayWishes, chosen, load_wishes, save_wishes
from hcrm_desktop.views.record.study import RecordStudy
from hcrm_desktop.views.words import Words


class DisplayStrip(QFrame):
    """Page and buttons, hidden while there is no display. It owns the display's window.

    Attributes:
        display: the window; None until it is first wanted, and after it was closed.
    """

    def __init__(self, words: Words, *, folder: Path | None) -> None:
        super().__init__()
        self._words, self._folder = words, folder
        self._wishes: DisplayWishes | None = None  # read when first wanted
        self.display: DisplayWindow | None = None
        self._says = QLabel()
        self._menu = QMenu(self)
        self._screen_name = ""  # of the screen that the display fills
        self._build()
        application().screenRemoved.connect(self._on_screen_removed)
        self.hide()

    def _build(self) -> None:
        self.setProperty("role", "card")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 12, 2)
        row.addWidget(self._says, 1)
        self._turning = [
            self._button(self.tr("上一页"), self._on_back),
            self._button(self.tr("下一页"), self._on_on),
            self._button(self.tr("隐藏 F8"), self.leave),
        ]
        screen = self._button(self.tr("屏幕"), None)
        screen.setMenu(self._menu)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._closing = self._button(self.tr("关闭展示"), self.put_away)
        for button in (*self._turning, screen, self._closing):
            row.addWidget(button)

    def _button(self, text: str, slot: Callable[[], object] | None) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", "quiet")
        if slot is not None:
            button.clicked.connect(slot)
        return button

    # ── what the record asks for ─────────────────────────────────────────────────────────────────────────

    def present(self, study: RecordStudy) -> None:
        """Show a child on the display; it is opened if there is none."""
        display = self.display or self._opened()
        display.tell(telling(study))
        if self._screen_name == self.screen().name():  # over the record; on another screen the staff keeps the keys
            display.raise_()
            display.activateWindow()

    @Slot()
    def leave(self) -> None:
        """The neutral screen, at once."""
        if self.display is not None:
            self.display.blank()

    @Slot()
    def put_away(self) -> None:
        """Close the display."""
        if self.display is not None:
            self.display.close()

    @Slot(object)
    def point(self, point: Point | None) -> None:
        """Let the display follow what is read out here."""
        if self.display is not None:
            self.display.point(point)

    # ── the window ───────────────────────────────────────────────────────────────────────────────────────

    def _opened(self) -> DisplayWindow:
        display = DisplayWindow(education(), self._words, parent=self, idle_minutes=self._wished().idle_minutes)
        display.turned.connect(self._say)
        display.closed.connect(self._on_closed)
        self.display = display
        self._place(display)
        self._say()
        self.show()
        return display

    def _place(self, display: DisplayWindow) -> None:
        """Fill the chosen screen; on another than this one without taking the keys from the staff."""
        screens = {screen.name(): screen for screen in QGuiApplication.screens()}
        own = self.screen().name()
        name = chosen(list(screens), own=own, wished=self._wished().screen)
        display.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, name != own)
        screen: QScreen = screens[name]
        self._screen_name = name
        display.setScreen(screen)
        display.setGeometry(screen.geometry())
        display.showFullScreen()

    @Slot(object)
    def _on_screen_removed(self, removed: QScreen) -> None:
        """A child's pages do not jump onto the screen that is left."""
        if self._screen_name not in [screen.name() for screen in QGuiApplication.screens() if screen is not removed]:
            self.put_away()

    @Slot()
    def _say(self) -> None:
        tells = self.display is not None and self.display.tells
        place = self.display.place if self.display is not None else ""
        shown = self.tr("展示屏：{place}").format(place=place)
        self._says.setText(shown if tells else self.tr("展示屏：空白。按 F9 展示这位孩子"))
        for button in self._turning:
            button.setEnabled(tells)

    @Slot()
    def _on_on(self) -> None:
        if self.display is not None:
            self.display.on()

    @Slot()
    def _on_back(self) -> None:
        if self.display is not None:
            self.display.back()

    @Slot()
    def _on_closed(self) -> None:
        if self.display is not None:
            self.display.deleteLater()
            self.display = None
        self.hide()

    # ── wishes ───────────────────────────────────────────────────────────────────────────────────────────

    def _wished(self) -> DisplayWishes:
        if self._wishes is None:
            self._wishes = load_wishes(self._folder)
        return self._wishes

    @Slot()
    def _fill_menu(self) -> None:
        self._menu.clear()
        wished = self._wished()
        for screen in QGuiApplication.screens():
            size = screen.geometry()
            text = self.tr("{name}  {width}×{height}").format(
                name=screen.name(), width=size.width(), height=size.height()
            )
            self._entry(text, is_on=screen.name() == wished.screen, act=partial(self.choose_screen, screen.name()))
        self._menu.addSeparator()
        for minutes in IDLE_MINUTES:
            text = self.tr("{n} 分钟没人动就变空白").format(n=minutes)
            self._entry(text, is_on=minutes == wished.idle_minutes, act=partial(self.choose_pause, minutes))

    def _entry(self, text: str, *, is_on: bool, act: Callable[[], object]) -> None:
        action = self._menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(is_on)
        action.triggered.connect(act)

    def choose_screen(self, name: str) -> None:
        """Use a screen from now on."""
        self._keep(DisplayWishes(screen=name, idle_minutes=self._wished().idle_minutes))
        if self.display is not None:
            self._place(self.display)

    def choose_pause(self, minutes: int) -> None:
        """Turn neutral after another pause."""
        self._keep(DisplayWishes(screen=self._wished().screen, idle_minutes=minutes))
        if self.display is not None:
            self.display.wait_for(minutes)

    def _keep(self, wishes: DisplayWishes) -> None:
        self._wishes = wishes
        save_wishes(self._folder, wishes=wishes)
