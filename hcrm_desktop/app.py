"""The only wiring: builds the object graph and decides what is shown from start to sign-out.

The window comes first. The files are opened, the key is fetched and everything heavy is imported in worker threads.
"""

import dataclasses
import gc
import logging
import sys
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import PySide6
from PySide6.QtCore import QLibraryInfo, QLocale, QObject, QTimer, QTranslator, Slot
from PySide6.QtWidgets import QApplication, QMainWindow

from hcrm_core.errors import SurroundingsFailed
from hcrm_desktop.cache.rows import SignedIn
from hcrm_desktop.paths import settings_file
from hcrm_desktop.settings import Settings, load_settings, save_settings
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.login import LoginView

if TYPE_CHECKING:
    from hcrm_desktop.cache.workspace import Workspace
    from hcrm_desktop.views.main_window import MainFrame

_log = logging.getLogger(__name__)
START_SIZE = (1366, 768)
SMALLEST_SIZE = (1100, 640)
BROKEN_BINDINGS = "6.12.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asked for; None where it said nothing.

    Attributes:
        password: signs in at once with `username`; for the demo and for tests.
    """

    profile: Path
    server_url: str | None = None
    key_file: Path | None = None
    theme: str | None = None
    username: str | None = None
    password: str | None = None


class Workstation(QObject):
    """The running program.

    Attributes:
        window: the one top-level window.
        tasks: the bridge to the workers.
    """

    def __init__(self, application: QApplication, options: Options) -> None:
        super().__init__(application)
        self.options = options
        self.settings = self._wishes(options)
        self.theme = Theme(application, self.settings.theme, touch=self.settings.touch)
        self.tasks = Tasks(parent=self)
        self.window = QMainWindow()
        self.frame: MainFrame | None = None
        self._login = LoginView(server_url="", username="")
        self._password = options.password
        self._passphrase = ""
        self.theme.dress(self.window)
        self.window.setWindowTitle(self.tr("HCRM"))
        self.window.setMinimumSize(*SMALLEST_SIZE)
        self.window.resize(*START_SIZE)
        self.theme.changed.connect(self._on_theme_changed)
        application.aboutToQuit.connect(self.tasks.stop)

    def start(self) -> None:
        """Show the window; open the files behind it."""
        self._show_login()
        self.window.show()
        # After the first paint: the person sees the window before Python begins to import for the workers.
        QTimer.singleShot(0, self._open)

    def _wishes(self, options: Options) -> Settings:
        kept = load_settings(settings_file(options.profile))
        return dataclasses.replace(
            kept,
            server_url=options.server_url or kept.server_url,
            theme=options.theme or kept.theme,
            last_username=options.username or kept.last_username,
        )

    def _remember(self, settings: Settings) -> None:
        """Keep wishes; the reference is kept by the screen that chooses it, maybe since they were read."""
        path = settings_file(self.options.profile)
        self.settings = dataclasses.replace(settings, reference=load_settings(path).reference)
        save_settings(path, self.settings)

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _open(self) -> None:
        self.tasks.open(self, self._opener, done=self._on_opened, failed=self._on_open_failed)

    def _opener(self) -> "Workspace":
        """Runs in a worker. The pages' modules are imported here too, so that no first visit waits for them."""
        import hcrm_desktop.views.customer_edit
        import hcrm_desktop.views.customers
        import hcrm_desktop.views.exam_entry.slip
        import hcrm_desktop.views.fleet
        import hcrm_desktop.views.held
        import hcrm_desktop.views.main_window
        import hcrm_desktop.views.overview
        import hcrm_desktop.views.record.page
        import hcrm_desktop.views.report.batch
        import hcrm_desktop.views.sync.page
        import hcrm_desktop.views.today.page  # noqa: F401
        from hcrm_desktop.cache.keys import (
            SALT_FILE,
            NoKeyStore,
            forget_key,
            key_from_file,
            key_from_keyring,
            key_from_passphrase,
        )
        from hcrm_desktop.cache.workspace import open_workspace
        from hcrm_desktop.references import FOLDER, use_references
        from hcrm_store.clock import SystemClock

        folder = self.options.profile
        use_references(folder / FOLDER, chosen=self.settings.reference)
        if self.options.key_file is not None:
            key = key_from_file(folder, key_file=self.options.key_file)
        elif self._passphrase:
            key = key_from_passphrase(folder, passphrase=self._passphrase)
        elif (folder / SALT_FILE).exists():
            raise NoKeyStore("this profile is sealed with a passphrase", remedy="enter it")
        else:
            key = key_from_keyring(folder)
        forget = partial(forget_key, folder, key_file=self.options.key_file)
        return open_workspace(folder, key, clock=SystemClock(), forget_key=forget)

    @Slot(object)
    def _on_opened(self, _: object) -> None:
        from hcrm_desktop.cache.queries import signed_in

        # The modules stay for good: walking through them again and again cost 115 to 160 ms at each full collection,
        # with every thread standing still, several times in a long pull.
        gc.freeze()
        self._tell_recovered()
        self.tasks.query(self, signed_in, done=self._on_person_known, failed=self._on_sign_in_failed)

    def _tell_recovered(self) -> None:
        from hcrm_desktop.views.recovered import RecoveredNotice

        recovered = self.tasks.recovered()
        if recovered is not None:
            RecoveredNotice(recovered, self.window).open()

    @Slot(object)
    def _on_open_failed(self, error: Exception) -> None:
        from hcrm_desktop.cache.keys import SALT_FILE, NoKeyStore

        if isinstance(error, NoKeyStore):
            self._login.ask_passphrase(first=not (self.options.profile / SALT_FILE).exists())
            return
        _log.error("the profile cannot be opened: %s", type(error).__name__)
        if self._passphrase:
            self._passphrase = ""
            self._login.refuse_passphrase(error)
        else:
            self._login.show_open_failure(error)

    @Slot(str)
    def _on_passphrase_given(self, passphrase: str) -> None:
        self._passphrase = passphrase
        self._open()

    @Slot(object)
    def _on_person_known(self, person: SignedIn | None) -> None:
        """Somebody was signed in here: go on, on line or off. Otherwise ask."""
        if self._password is not None and self.options.username is not None:
            password, self._password = self._password, None
            self._on_sign_in_requested(self.options.username, password)
        elif person is not None:
            self._enter(person)
            self.tasks.start_sync(server_url=self.settings.server_url)
        else:
            self._login.set_ready()

    # ── signing in and out ───────────────────────────────────────────────────────────────────────────────

    def _show_login(self) -> None:
        self._login = LoginView(server_url=self.settings.server_url, username=self.settings.last_username)
        self._login.sign_in_requested.connect(self._on_sign_in_requested)
        self._login.passphrase_given.connect(self._on_passphrase_given)
        self._login.server_changed.connect(self._on_server_changed)
        self._login.open_again_requested.connect(self._open)
        self.window.setCentralWidget(self._login)
        self.frame = None

    @Slot(str)
    def _on_server_changed(self, server_url: str) -> None:
        self._remember(dataclasses.replace(self.settings, server_url=server_url))

    @Slot(str, str)
    def _on_sign_in_requested(self, username: str, password: str) -> None:
        self._remember(dataclasses.replace(self.settings, last_username=username))
        self.tasks.sign_in(
            self,
            server_url=self.settings.server_url,
            username=username,
            password=password,
            done=self._on_signed_in,
            failed=self._on_sign_in_failed,
        )

    @Slot(object)
    def _on_signed_in(self, person: SignedIn | None) -> None:
        if person is None:  # signed out again meanwhile
            self._login.set_ready()
        else:
            self._enter(person)

    @Slot(object)
    def _on_sign_in_failed(self, error: Exception) -> None:
        self._login.show_failure(error)

    def _enter(self, person: SignedIn) -> None:
        from hcrm_desktop.views.main_window import Desk, MainFrame
        from hcrm_desktop.views.words import Words

        desk = Desk(tasks=self.tasks, theme=self.theme, words=Words(self), person=person, profile=self.options.profile)
        self.frame = MainFrame(desk)
        self.frame.sign_out_requested.connect(self._on_sign_out_requested)
        self.frame.sign_in_again_requested.connect(self._on_sign_in_again_requested)
        self.window.setCentralWidget(self.frame)

    @Slot()
    def _on_sign_out_requested(self) -> None:
        self._show_login()
        self.tasks.sign_out(self, server_url=self.settings.server_url, done=self._on_signed_out)

    @Slot()
    def _on_sign_in_again_requested(self) -> None:
        self._show_login()
        self._login.set_ready()

    @Slot(object)
    def _on_signed_out(self, _: object) -> None:
        self._login.set_ready()

    @Slot()
    def _on_theme_changed(self) -> None:
        if self.theme.scheme != self.settings.theme:
            self._remember(dataclasses.replace(self.settings, theme=self.theme.scheme))


def check_bindings(*, bindings: str = PySide6.__version__, python: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Refuse PySide6 6.12.0 below Python 3.12: each call loses a reference to None, and the program aborts at work.

    Raises:
        SurroundingsFailed: on that pair.
    """
    if bindings == BROKEN_BINDINGS and python < (3, 12):
        raise SurroundingsFailed(
            f"PySide6 {bindings} aborts on Python {python[0]}.{python[1]}",
            remedy="install PySide6-Essentials 6.11.3, or Python 3.12 or newer",
        )


def build_application(arguments: list[str]) -> QApplication:
    """The Qt application, speaking Chinese."""
    application = QApplication(arguments)
    application.setApplicationName("HCRM Desktop")
    chinese = QLocale(QLocale.Language.Chinese, QLocale.Country.China)
    QLocale.setDefault(chinese)
    translator = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(chinese, "qtbase", "_", folder):
        application.installTranslator(translator)
    return application


def install_crash_handler() -> None:
    """What nobody expected: into the log, without values, and a word to the person. Nothing entered is lost by it."""

    def handle(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
        where = trace
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else "?"
        _log.critical("unexpected %s at %s", kind.__name__, place)
        traceback.print_tb(trace)  # without the message, which may quote a row
        _tell_crash()

    sys.excepthook = handle


def _tell_crash() -> None:
    from hcrm_desktop.views.crash import CrashNotice

    window = QApplication.activeWindow()
    if window is not None:
        CrashNotice(window).open()
