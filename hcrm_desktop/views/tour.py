"""A walk through the screens that leaves a picture of each: for `dev.py demo --headless`, docs/screens and reviews.

It drives the running program as a person would, by its own pages and keys, and waits for what a person would wait for:
never for a time, always for a state.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListView, QTableView, QWidget

from hcrm_core.terms import Eye, Role
from hcrm_desktop.cache.rows import CustomerHeader, SyncStatus
from hcrm_desktop.models.rows import ROW_ROLE
from hcrm_desktop.views.display.window import DisplayWindow
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_desktop.views.rules.panels.asking import BusyBar
from hcrm_desktop.views.rules.panels.backtest import BacktestPanel
from hcrm_desktop.views.rules.panels.explain import ExplainPanel

if TYPE_CHECKING:
    from hcrm_desktop.app import Workstation
    from hcrm_desktop.views.main_window import MainFrame

STEP_MS, PATIENCE_STEPS = 120, 1500  # three minutes for one state is a fault of the program
SETTLED_STEPS = 5  # without a change in between, so that late answers are on the picture
LAPTOP, DESKTOP = QSize(1366, 768), QSize(1920, 1080)
SCALE = 1.5  # of a laptop of 1920 by 1080 whose owner wants everything larger
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody answers
MOST_OPENED, OFTEN = 30, 5  # records looked into, and axial lengths that make a curve
_log = logging.getLogger(__name__)

Wait = Callable[[], bool]


class Tour(QObject):
    """Walks, looks and ends the program: with 0, or with 3 if a screen never came."""

    def __init__(self, workstation: "Workstation", folder: Path) -> None:
        super().__init__(workstation)
        self._station, self._folder = workstation, folder
        self._status: SyncStatus | None = None
        self._told: CustomerHeader | None = None  # whose record was shown
        self._waiting = 0
        self._steps = self._walk()
        self._wait: Wait = lambda: True
        self._timer = QTimer(self, interval=STEP_MS)
        self._timer.timeout.connect(self._on_tick)
        workstation.tasks.sync_state_changed.connect(self._on_status)

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._timer.start()

    @Slot()
    def _on_tick(self) -> None:
        if not self._wait():
            self._waiting += 1
            if self._waiting > PATIENCE_STEPS:
                _log.error("the tour waited in vain")
                self._end(3)
            return
        self._waiting = 0
        try:
            self._wait = next(self._steps)
        except StopIteration:
            self._end(0)

    def _end(self, code: int) -> None:
        self._timer.stop()
        QApplication.exit(code)

    @Slot(object)
    def _on_status(self, status: SyncStatus) -> None:
        self._status = status

    # ── the walk ─────────────────────────────────────────────────────────────────────────────────────────

    def _walk(self) -> Iterator[Wait]:
        yield self._station.window.isVisible
        yield lambda: self._station.frame is not None
        yield self._synced
        role = self._frame().role
        self._station.theme.choose("light")
        self._station.window.resize(LAPTOP)
        if role is Role.ASSISTANT:
            yield from self._assistant()
        elif role is Role.OPTOMETRIST:
            yield from self._optometrist()
        else:
            yield from self._board(role)
        yield from self._goodbye(role)

    def _assistant(self) -> Iterator[Wait]:
        yield from self._page("today")
        yield self._shows(QListView)
        yield from self._both_themes("today")
        yield from self._sizes("today")
        QTest.keyClicks(self._focused(QListView), "?")
        yield from self._shot("today_why")
        QTest.keyClicks(self._focused(QListView), "2")
        yield from self._shot("today_recorded")
        yield from self._search("w")
        yield from self._page("customers")
        yield self._shows(QTableView)
        yield from self._shot("customers")
        QTest.keyClick(self._focused(QTableView), Qt.Key.Key_Return)
        yield from self._both_themes("record_assistant")
        QTest.keyClick(self._page_shown(), Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
        yield from self._shot("customer_edit")
        QTest.keyClick(QApplication.focusWidget() or self._frame(), Qt.Key.Key_Escape)
        yield from self._page("sync")
        yield self._all_sent
        yield from self._shot("sync")
        yield from self._unplugged()

    def _unplugged(self) -> Iterator[Wait]:
        """The centre is gone: work goes on. Then it is back, and what was entered goes out."""
        self._station.tasks.start_sync(server_url=NOWHERE)
        yield lambda: not self._online()
        yield from self._page("today")
        QTest.keyClicks(self._focused(QListView), "1")
        yield lambda: not self._all_sent()
        yield from self._shot("today_offline")
        yield from self._page("sync")
        yield from self._shot("sync_offline")
        yield from self._covered()
        self._station.tasks.start_sync(server_url=self._station.settings.server_url)
        yield self._all_sent

    def _covered(self) -> Iterator[Wait]:
        """As after a week without the centre: customers are off the screen."""
        assert self._status is not None
        self._station.tasks.sync_state_changed.emit(dataclasses.replace(self._status, lease_over=True))
        yield from self._page("today")
        yield from self._both_themes("lease_over")
        self._station.tasks.sync_state_changed.emit(dataclasses.replace(self._status, lease_over=False))
        yield from self._settled()

    def _optometrist(self) -> Iterator[Wait]:
        yield from self._open_told_record()
        yield from self._both_themes("record")
        yield from self._sizes("record")
        yield from self._display()
        QTest.keyClick(self._page_shown(), Qt.Key.Key_E)
        yield from self._both_themes("exam_entry")
        QTest.keyClick(QApplication.focusWidget() or self._frame(), Qt.Key.Key_Escape)
        yield from self._page("today")
        yield from self._shot("today_optometrist")

    def _display(self) -> Iterator[Wait]:
        """What child and parents see, on a screen that lies and on one that stands."""
        QTest.keyClick(self._page_shown(), Qt.Key.Key_F9)
        yield lambda: any(shown.tells for shown in self._frame().findChildren(DisplayWindow))
        display = self._frame().findChildren(DisplayWindow)[0]
        for name, size in (("landscape", DESKTOP), ("portrait", DESKTOP.transposed())):
            display.showNormal()
            display.resize(size)
            for number, page in enumerate(display.pages):
                display.go(number)
                yield from self._settled()
                self._keep(display.grab(), f"display_{page.key}_{name}")
        display.close()
        self._station.window.activateWindow()
        self._page_shown().setFocus()
        yield self._station.window.isActiveWindow

    def _board(self, role: Role) -> Iterator[Wait]:
        yield from self._page("overview")
        yield from self._both_themes(f"overview_{role.value}")
        if role is Role.MANAGER:
            yield from self._open_told_record()
            yield from self._shot("record_manager")
            for key in ("fleet", "held"):
                yield from self._page(key)
                yield from self._both_themes(key)
            yield from self._rules()

    def _rules(self) -> Iterator[Wait]:
        """A rule as a manager reads it, and with a line open."""
        yield from self._page("rules")
        page = self._page_shown()
        assert isinstance(page, RulesPage)
        yield lambda: page.draft.workshop is not None
        page.open_rule("upsell_ok")
        yield lambda: page.draft.rule.key == "upsell_ok"
        yield from self._both_themes("rules")
        yield from self._sizes("rules")
        page.draft.choose((2,))
        QTest.keyClick(page.editor.tree, Qt.Key.Key_Return)
        yield from self._both_themes("rules_line")
        field = QApplication.focusWidget() or page
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(field, "-5.00")
        QTest.keyClick(field, Qt.Key.Key_Return)
        yield from self._rule_panels(page)
        yield from self._rule_dialogs(page)

    def _rule_panels(self, page: RulesPage) -> Iterator[Wait]:
        """What stands beside a rule that was changed."""
        self._station.window.resize(DESKTOP)
        page.draft.choose((4,))  # a line with one number, which can be dragged
        for key in page.side.names():
            page.side.open_panel(key)
            panel = page.side.panel(key)
            if isinstance(panel, ExplainPanel) and self._told is not None:
                panel.explain(self._told.id, self._told.name)
            if isinstance(panel, BacktestPanel):
                panel.question.ask()
            yield from self._answered(page)
            yield from self._shot(f"rules_{key}")
        page.side.open_panel("")
        self._station.window.resize(LAPTOP)

    def _rule_dialogs(self, page: RulesPage) -> Iterator[Wait]:
        """On the way into force, and around it."""
        release = page.release
        steps: dict[str, Callable[[], object]] = {
            "parameters": partial(release.show_parameter, "replacement_days"),
            "versions": release.show_versions,
            "scans": release.show_scans,
            "publish": partial(QTest.keyClick, page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier),
        }
        for name, step in steps.items():
            step()
            yield lambda: QApplication.activeModalWidget() is not None
            dialog = QApplication.activeModalWidget()
            assert dialog is not None
            yield from self._answered(dialog)
            yield from self._shot(f"rules_{name}")
            dialog.close()
            yield from self._settled()

    def _answered(self, place: QWidget) -> Iterator[Wait]:
        """Nothing is on its way any more."""
        yield from self._settled()
        yield lambda: not any(bar.isVisible() for bar in place.findChildren(BusyBar))

    def _open_told_record(self) -> Iterator[Wait]:
        """A child with something to tell: the first lens wearer in the list who was measured often enough."""
        for number in range(MOST_OPENED):
            yield from self._page("customers")
            yield self._shows(QTableView)
            table = self._focused(QTableView)
            assert isinstance(table, QTableView)
            model = table.model()
            worn = [n for n in range(model.rowCount()) if model.index(n, 0).data(ROW_ROLE).product is not None]
            table.selectRow([*worn, 0][min(number, len(worn))])
            QTest.keyClick(table, Qt.Key.Key_Return)
            yield from self._settled()
            page = self._page_shown()
            assert isinstance(page, RecordPage)
            yield partial(_is_read, page)
            study = page.study()
            assert study is not None
            self._told = study.record.header
            if study.eyes.axial_verdicts[Eye.OD].readings >= OFTEN or number >= len(worn):
                break

    def _search(self, text: str) -> Iterator[Wait]:
        field = self._frame().search
        field.setFocus()
        QTest.keyClicks(field, text)
        yield from self._shot("search")
        QTest.keyClick(field, Qt.Key.Key_Escape)
        field.clear()

    def _goodbye(self, role: Role) -> Iterator[Wait]:
        if role is Role.ASSISTANT:
            self._frame().sign_out_requested.emit()
            yield from self._shot("login")

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────

    def _page(self, key: str) -> Iterator[Wait]:
        self._frame().go(key)
        yield from self._settled()

    def _both_themes(self, name: str) -> Iterator[Wait]:
        for scheme in ("light", "dark"):
            self._station.theme.choose(scheme)
            yield from self._shot(f"{name}_{scheme}")
        self._station.theme.choose("light")

    def _sizes(self, name: str) -> Iterator[Wait]:
        window = self._station.window
        window.resize(DESKTOP)
        yield from self._shot(f"{name}_1080p")
        window.resize(DESKTOP / SCALE)
        yield from self._settled()
        enlarged = QPixmap(DESKTOP)
        enlarged.setDevicePixelRatio(SCALE)
        window.render(enlarged)
        self._keep(enlarged, f"{name}_150")
        window.resize(LAPTOP)
        yield from self._settled()

    def _shot(self, name: str) -> Iterator[Wait]:
        yield from self._settled()
        dialog = QApplication.activeModalWidget()
        self._keep((dialog or self._station.window).grab(), name)

    def _keep(self, picture: QPixmap, name: str) -> None:
        picture.save(str(self._folder / f"{name}.png"))

    def _settled(self) -> Iterator[Wait]:
        for _ in range(SETTLED_STEPS):
            yield lambda: True

    def _shows(self, kind: type[QListView] | type[QTableView]) -> Wait:
        return lambda: any(view.isVisible() and view.model().rowCount() for view in self._frame().findChildren(kind))

    def _focused(self, kind: type[QListView] | type[QTableView]) -> QWidget:
        view = next(view for view in self._frame().findChildren(kind) if view.isVisible() and view.model().rowCount())
        view.setFocus()
        return view

    def _frame(self) -> "MainFrame":
        assert self._station.frame is not None
        return self._station.frame

    def _page_shown(self) -> QWidget:
        page = self._frame().current_page()
        assert page is not None
        return page

    def _online(self) -> bool:
        return self._status is not None and self._status.online

    def _synced(self) -> bool:
        return self._status is not None and self._status.online and not self._status.catching_up

    def _all_sent(self) -> bool:
        return self._status is not None and self._status.online and not self._status.unsent


def _is_read(page: RecordPage) -> bool:
    return page.study() is not None
