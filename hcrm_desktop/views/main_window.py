"""The frame around all pages: rail, search, connection, banner and toast. Pages are made when first visited."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.fleet import HeldQueue
from hcrm_core.terms import Role
from hcrm_desktop.cache.rows import Changes, SignedIn, SyncStatus
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.lease_cover import LeaseCover, hides_customers, is_wiped
from hcrm_desktop.views.rail import RAIL_WIDTH, Entry, Rail
from hcrm_desktop.views.search import SearchField
from hcrm_desktop.views.status import Banner, SyncCorner
from hcrm_desktop.views.toast import Toast
from hcrm_desktop.views.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every page is given.

    Attributes:
        profile: the profile's folder, for what a page must keep on this computer.
    """

    tasks: Tasks
    theme: Theme
    words: Words
    person: SignedIn
    profile: Path


EVERYBODY = frozenset(Role)
DESK_ROLES = frozenset({Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER})
BOARD_ROLES = frozenset({Role.MANAGER, Role.EXECUTIVE})
FLEET_ROLES = frozenset({Role.MANAGER, Role.ADMIN})
JUDGES = frozenset({Role.MANAGER})
RULE_MAKERS = frozenset({Role.MANAGER})
OPEN_PAGES = frozenset({"sync", "fleet"})  # without customers, or with what waits to be sent
MINUTE_MS = 60_000
IDLE_MS = 1500  # after the frame was made: its first paint is over, and nobody opens a record so soon


class MainFrame(QWidget):
    """Everything a signed-in person sees.

    Attributes:
        search: the global search.
        role: of who is signed in.

    Signals:
        sign_out_requested: leave.
        sign_in_again_requested: the session ended.
    """

    sign_out_requested = Signal()
    sign_in_again_requested = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.role = desk.person.role
        self._failures = Failures(self)
        self._pages: dict[str, QWidget] = {}
        self._entries = {entry.key: entry for entry in self._all_entries() if desk.person.role in entry.roles}
        self._stack = QStackedWidget()
        self._here = self._came_from = next(iter(self._entries))
        self._customer_id: UUID | None = None  # whose record was opened last
        self._hidden = False  # customers may not be shown
        self._held_asked = False  # within this minute
        self._reading = False  # a long read is under way
        self._cover = LeaseCover(desk.theme, desk.words)
        self._corner = SyncCorner(desk.theme, desk.words)
        self._banner = Banner(desk.words)
        self._rail = Rail(desk.theme, self._entries, foot=self._corner, keys=self)
        self._minute = QTimer(self, interval=MINUTE_MS)
        self.search = SearchField(desk.tasks, desk.words, self)
        self._build()
        self._toast = Toast(self, left=RAIL_WIDTH + 32)
        self._connect()
        self.go(next(iter(self._entries)))
        if "record" in self._entries:
            QTimer.singleShot(IDLE_MS, self, self._on_idle)

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────

    def _all_entries(self) -> tuple[Entry, ...]:
        return (
            Entry(key="overview", icon="overview", label=self.tr("概览"), roles=BOARD_ROLES, make=self._make_overview),
            Entry(key="today", icon="tasks", label=self.tr("今日任务"), roles=DESK_ROLES, make=self._make_today),
            Entry(key="customers", icon="people", label=self.tr("客户"), roles=DESK_ROLES, make=self._make_customers),
            Entry(key="record", icon="record", label=self.tr("客户档案"), roles=DESK_ROLES, make=self._make_record),
            Entry(key="rules", icon="rules", label=self.tr("规则"), roles=RULE_MAKERS, make=self._make_rules),
            Entry(key="held", icon="held", label=self.tr("待裁决"), roles=JUDGES, make=self._make_held),
            Entry(key="fleet", icon="fleet", label=self.tr("工作站"), roles=FLEET_ROLES, make=self._make_fleet),
            Entry(key="sync", icon="sync", label=self.tr("同步"), roles=EVERYBODY, make=self._make_sync),
        )

    def _make_today(self) -> QWidget:
        from hcrm_desktop.views.today.page import TodayPage

        page = TodayPage(self._desk)
        page.customer_requested.connect(self.open_customer)
        page.recorded.connect(self._on_recorded)
        page.said.connect(self._on_said)
        return page

    def _make_customers(self) -> QWidget:
        from hcrm_desktop.views.customers import CustomersPage

        page = CustomersPage(self._desk)
        page.customer_requested.connect(self.open_customer)
        return page

    def _make_record(self) -> QWidget:
        from hcrm_desktop.views.record.page import RecordPage

        desk = self._desk
        page = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words, folder=desk.profile)
        page.customer_requested.connect(self.open_customer)
        page.back_requested.connect(self._on_back_requested)
        page.report_requested.connect(self._on_report_requested)
        page.recorded.connect(self._on_recorded)
        page.said.connect(self._on_said)
        return page

    @Slot()
    def _on_idle(self) -> None:
        """Make the record's charts before anybody asks for them; a long read has the machine to itself."""
        from hcrm_desktop.views.record.study import import_charts

        if self._reading:
            QTimer.singleShot(IDLE_MS, self, self._on_idle)
            return
        self._desk.tasks.query(self, import_charts, done=self._on_charts_imported)

    @Slot(object)
    def _on_charts_imported(self, _: object) -> None:
        from hcrm_desktop.views.record.page import RecordPage
        from hcrm_desktop.views.rules import import_page

        page = self._page("record")
        if isinstance(page, RecordPage):
            page.prepare()
        if "rules" in self._entries:
            self._desk.tasks.query(self, import_page, done=self._on_rules_imported)

    @Slot(object)
    def _on_rules_imported(self, _: object) -> None:
        """They are made when somebody goes there."""

    def _make_overview(self) -> QWidget:
        from hcrm_desktop.views.overview import OverviewPage

        return OverviewPage(self._desk)

    def _make_rules(self) -> QWidget:
        from hcrm_desktop.views.rules.page import RulesPage

        page = RulesPage(self._desk)
        page.customer_requested.connect(self.open_customer)
        page.said.connect(self._on_said)
        return page

    def _make_held(self) -> QWidget:
        from hcrm_desktop.views.held import HeldPage

        page = HeldPage(self._desk)
        page.customer_requested.connect(self.open_customer)
        page.counted.connect(self._on_held_counted)
        page.said.connect(self._on_said)
        return page

    def _make_fleet(self) -> QWidget:
        from hcrm_desktop.views.fleet import FleetPage

        return FleetPage(self._desk)

    def _make_sync(self) -> QWidget:
        from hcrm_desktop.views.sync.page import SyncPage

        page = SyncPage(self._desk)
        page.customer_requested.connect(self.open_customer)
        page.said.connect(self._on_said)
        return page

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        self._stack.addWidget(self._cover)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._build_bar())
        column.addWidget(self._banner)
        column.addWidget(self._stack, 1)
        row.addLayout(column, 1)

    def _build_bar(self) -> QFrame:
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(20, 8, 12, 8)
        row.setSpacing(8)
        self._where = QLabel()
        self._where.setProperty("role", "muted")
        row.addWidget(self._where)
        row.addStretch(1)
        self.search.setFixedWidth(380)
        self.search.setVisible(self._desk.person.role in DESK_ROLES)
        row.addWidget(self.search)
        row.addSpacing(8)
        role = self._desk.words.role(self._desk.person.role)
        row.addWidget(QLabel(self.tr("{name}  {role}").format(name=self._desk.person.name, role=role)))
        self._theme_button = self._bar_button(self.tr("切换深色 / 浅色"), self._on_theme_clicked)
        self._help_button = self._bar_button(self.tr("键盘快捷键  F1"), self._on_help_requested)
        self._leave_button = self._bar_button(self.tr("退出登录"), self.sign_out_requested.emit)
        for button in (self._theme_button, self._help_button, self._leave_button):
            row.addWidget(button)
        return bar

    def _bar_button(self, name: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "quiet")
        button.setFixedWidth(36)
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.clicked.connect(slot)
        return button

    def _connect(self) -> None:
        self.search.customer_chosen.connect(self.open_customer)
        self._rail.chosen.connect(self.go)
        self._minute.timeout.connect(self._on_minute)
        self._minute.start()
        self._cover.sync_requested.connect(self._desk.tasks.sync_now)
        self._cover.sync_page_requested.connect(partial(self.go, "sync"))
        self._cover.sign_in_requested.connect(self.sign_in_again_requested)
        self._banner.action_requested.connect(self._on_banner_action)
        self._toast.undo_requested.connect(self.undo)
        self._desk.tasks.sync_state_changed.connect(self._on_sync_state_changed)
        self._desk.theme.changed.connect(self._on_theme_changed)
        for keys, slot in (
            ("Ctrl+K", self.search.setFocus),
            ("Ctrl+Z", self.undo),
            ("F1", self._on_help_requested),
            ("F5", self._desk.tasks.sync_now),
        ):
            QShortcut(QKeySequence(keys), self, slot)
        self._desk.tasks.data_changed.connect(self._on_data_changed)
        self._on_theme_changed()
        self._ask_status()
        self._ask_person()

    # ── moving about ─────────────────────────────────────────────────────────────────────────────────────

    @Slot(str)
    def go(self, key: str) -> QWidget:
        """Show a page, made at the first visit; the cover instead, while customers may not be shown."""
        page = self._cover if self._hidden and key not in OPEN_PAGES else self._page(key)
        self._here = key
        self._stack.setCurrentWidget(page)
        self._rail.check(key)
        page.setFocus()
        return page

    def _page(self, key: str) -> QWidget:
        if key not in self._pages:
            self._pages[key] = self._entries[key].make()
            self._stack.addWidget(self._pages[key])
        return self._pages[key]

    def current_page(self) -> QWidget | None:
        return self._stack.currentWidget()

    @Slot(object)
    def open_customer(self, customer_id: UUID) -> None:
        """Show a customer's record."""
        from hcrm_desktop.views.record.page import RecordPage

        self._came_from = self._came_from if self._here == "record" else self._here
        self._customer_id = customer_id
        page = self.go("record")
        if isinstance(page, RecordPage):
            page.show_customer(customer_id)

    @Slot(object)
    def _on_report_requested(self, customer_id: UUID) -> None:
        from hcrm_desktop.views.report.dialog import ReportDialog

        dialog = ReportDialog(self._desk, customer_id, parent=self.window())
        dialog.said.connect(self._on_said)
        dialog.open()

    @Slot()
    def _on_back_requested(self) -> None:
        self.go(self._came_from)

    # ── done, undone ─────────────────────────────────────────────────────────────────────────────────────

    @Slot(str)
    def _on_said(self, text: str) -> None:
        self._toast.say(text)

    @Slot(str)
    def _on_recorded(self, text: str) -> None:
        self._toast.say(text, undoable=True)

    @Slot()
    def undo(self) -> None:
        """Take back the last entry, if it is still on this computer only."""
        from hcrm_desktop.cache.commands import undo_last

        self._desk.tasks.command(self, undo_last, done=self._on_undone, failed=self._on_undo_failed)

    @Slot(object)
    def _on_undone(self, _: object) -> None:
        self._toast.say(self.tr("已撤销"))

    @Slot(object)
    def _on_undo_failed(self, error: Exception) -> None:
        self._toast.say(self._failures.sentence(error))

    # ── status and theme ─────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_minute(self) -> None:
        """A workstation that nobody touches covers itself, too."""
        self._held_asked = False
        self._ask_status()

    def _ask_status(self) -> None:
        from hcrm_desktop.cache.queries import sync_status

        self._desk.tasks.query(self, sync_status, done=self._on_sync_state_changed)

    def _ask_person(self) -> None:
        """The names of a person's sites come with the first pull, after the sign-in."""
        from hcrm_desktop.cache.queries import signed_in

        self._desk.tasks.query(self, signed_in, done=self._on_person)

    @Slot(object)
    def _on_person(self, person: SignedIn | None) -> None:
        if person is not None:
            self._where.setText(" · ".join(person.site_names))

    @Slot(object)
    def _on_data_changed(self, changes: Changes) -> None:
        if "site" in changes.kinds:
            self._ask_person()

    @Slot(object)
    def _on_sync_state_changed(self, status: SyncStatus) -> None:
        today = self._desk.tasks.today()
        self._reading = status.catching_up
        self._corner.show_status(status, today)
        self._banner.show_status(status, today)
        self._cover.show_status(status, today)
        if is_wiped(status):
            self._minute.stop()
            self._here = next(iter(self._entries))
            self._rail.setEnabled(False)
        self._hide_customers(hidden=hides_customers(status))
        if status.online and self.role in JUDGES and not self._held_asked:
            self._held_asked = True
            self._count_held()

    def _hide_customers(self, *, hidden: bool) -> None:
        """Take everything of customers off the screen and out of the widgets, or bring it back."""
        if hidden is self._hidden:
            return
        self._hidden = hidden
        self.search.setEnabled(not hidden)
        if hidden:
            self._close_dialogs()
            self._drop_customer_pages()
        self.go(self._here)
        if not hidden and self._here == "record" and self._customer_id is not None:
            self.open_customer(self._customer_id)

    def _close_dialogs(self) -> None:
        self._toast.hide()
        self.search.clear()
        for dialog in self.window().findChildren(QDialog):
            dialog.reject()  # keeps a draft where there is one
            if dialog.isVisible():
                dialog.done(QDialog.DialogCode.Rejected)

    def _drop_customer_pages(self) -> None:
        for key in self._pages.keys() - OPEN_PAGES:
            page = self._pages.pop(key)
            self._stack.removeWidget(page)
            page.deleteLater()

    def _count_held(self) -> None:
        """How many entries wait for this person's decision."""
        from hcrm_desktop.models.fleet import ask_held

        self._desk.tasks.consult(self, ask_held, done=self._on_held_asked, failed=self._on_held_not_asked)

    @Slot(object)
    def _on_held_asked(self, queue: HeldQueue) -> None:
        self._on_held_counted(len(queue.items))

    @Slot(object)
    def _on_held_not_asked(self, _: Exception) -> None:
        """The number is a courtesy: the last one stays, and the page itself says what failed."""

    @Slot(int)
    def _on_held_counted(self, number: int) -> None:
        self._rail.count("held", number)

    @Slot(str)
    def _on_banner_action(self, action: str) -> None:
        if action == "sign_in":
            self.sign_in_again_requested.emit()
        else:
            self.go("sync")

    @Slot()
    def _on_theme_clicked(self) -> None:
        self._desk.theme.toggle()

    @Slot()
    def _on_theme_changed(self) -> None:
        theme = self._desk.theme
        self._theme_button.setIcon(theme.icon("sun" if theme.tokens.name == "dark" else "moon"))
        self._help_button.setIcon(theme.icon("help"))
        self._leave_button.setIcon(theme.icon("leave"))

    @Slot()
    def _on_help_requested(self) -> None:
        from hcrm_desktop.views.shortcuts import ShortcutsDialog

        dialog = ShortcutsDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
