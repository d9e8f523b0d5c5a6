"""The frame around all pages: rail, search, connection, banner and toast. Pages are made when first visited."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.terms import Role
from hcrm_desktop.cache.rows import Changes, SignedIn, SyncStatus
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.search import SearchField
from hcrm_desktop.views.status import Banner, SyncCorner
from hcrm_desktop.views.toast import Toast
from hcrm_desktop.views.words import Words

RAIL_WIDTH = 184


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the rail."""

    key: str
    icon: str
    label: str
    roles: frozenset[Role]
    make: Callable[[], QWidget]


EVERYBODY = frozenset(Role)
DESK_ROLES = frozenset({Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER})
BOARD_ROLES = frozenset({Role.MANAGER, Role.EXECUTIVE})


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
        self._buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._stack = QStackedWidget()
        self._came_from = next(iter(self._entries))
        self._corner = SyncCorner(desk.theme, desk.words)
        self._banner = Banner(desk.words)
        self.search = SearchField(desk.tasks, desk.words, self)
        self._build()
        self._toast = Toast(self, left=RAIL_WIDTH + 32)
        self._connect()
        self.go(next(iter(self._entries)))

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────

    def _all_entries(self) -> tuple[Entry, ...]:
        return (
            Entry(key="overview", icon="overview", label=self.tr("概览"), roles=BOARD_ROLES, make=self._make_overview),
            Entry(key="today", icon="tasks", label=self.tr("今日任务"), roles=DESK_ROLES, make=self._make_today),
            Entry(key="customers", icon="people", label=self.tr("客户"), roles=DESK_ROLES, make=self._make_customers),
            Entry(key="record", icon="record", label=self.tr("客户档案"), roles=DESK_ROLES, make=self._make_record),
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
        page = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words)
        page.customer_requested.connect(self.open_customer)
        page.back_requested.connect(self._on_back_requested)
        page.recorded.connect(self._on_recorded)
        return page

    def _make_overview(self) -> QWidget:
        from hcrm_desktop.views.overview import OverviewPage

        return OverviewPage(self._desk)

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
        row.addWidget(self._build_rail())
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._build_bar())
        column.addWidget(self._banner)
        column.addWidget(self._stack, 1)
        row.addLayout(column, 1)

    def _build_rail(self) -> QFrame:
        rail = QFrame()
        rail.setProperty("role", "nav")
        rail.setFixedWidth(RAIL_WIDTH)
        column = QVBoxLayout(rail)
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(2)
        name = QLabel(self.tr("HCRM 视光"))
        name.setProperty("role", "h1")
        name.setContentsMargins(16, 0, 0, 12)
        column.addWidget(name)
        for number, entry in enumerate(self._entries.values(), 1):
            column.addWidget(self._build_button(entry, number))
        column.addStretch()
        column.addWidget(self._corner)
        return rail

    def _build_button(self, entry: Entry, number: int) -> QPushButton:
        button = QPushButton(entry.label)
        button.setCheckable(True)
        button.setProperty("kind", "nav")
        button.setIconSize(QSize(18, 18))
        button.setToolTip(self.tr("{name}  Alt+{number}").format(name=entry.label, number=number))
        button.clicked.connect(partial(self.go, entry.key))
        QShortcut(QKeySequence(f"Alt+{number}"), self, partial(self.go, entry.key))
        self._buttons[entry.key] = button
        self._group.addButton(button)
        return button

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

    def go(self, key: str) -> QWidget:
        """Show a page, made at the first visit."""
        if key not in self._pages:
            self._pages[key] = self._entries[key].make()
            self._stack.addWidget(self._pages[key])
        page = self._pages[key]
        self._stack.setCurrentWidget(page)
        self._buttons[key].setChecked(True)
        page.setFocus()
        return page

    def current_page(self) -> QWidget | None:
        return self._stack.currentWidget()

    @Slot(object)
    def open_customer(self, customer_id: UUID) -> None:
        """Show a customer's record."""
        from hcrm_desktop.views.record.page import RecordPage

        here = next(key for key, page in self._pages.items() if page is self._stack.currentWidget())
        self._came_from = self._came_from if here == "record" else here
        page = self.go("record")
        assert isinstance(page, RecordPage)
        page.show_customer(customer_id)

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
        self._corner.show_status(status, today)
        self._banner.show_status(status, today)

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
        for key, button in self._buttons.items():
            button.setIcon(theme.icon(self._entries[key].icon))
        self._theme_button.setIcon(theme.icon("sun" if theme.tokens.name == "dark" else "moon"))
        self._help_button.setIcon(theme.icon("help"))
        self._leave_button.setIcon(theme.icon("leave"))

    @Slot()
    def _on_help_requested(self) -> None:
        from hcrm_desktop.views.shortcuts import ShortcutsDialog

        dialog = ShortcutsDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
