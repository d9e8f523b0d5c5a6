"""The only bridges between the GUI thread and the rest: query(), command() and the sync conversation."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from hcrm_desktop.cache.workspace import Workspace


class Tasks(QObject):
    """Runs work off the GUI thread and delivers results on it.

    Signals:
        data_changed: Changes after a command or a pull; screens refresh if concerned.
        sync_state_changed: SyncStatus, whenever the truth about the connection changed.
    """

    data_changed = Signal(object)
    sync_state_changed = Signal(object)

    def __init__(self, workspace: "Workspace | None" = None, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def open(
        self,
        owner: QObject,
        opener: "Callable[[], Workspace]",
        *,
        done: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Open the workspace off the GUI thread (the key store and the files take a moment)."""
        raise NotImplementedError

    def query(
        self,
        owner: QObject,
        function: Callable[..., Any],
        *args: Any,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
        **options: Any,
    ) -> None:
        """Run `function(session, *args, **options)` on a reader; `done(result)` if the owner still lives."""
        raise NotImplementedError

    def command(
        self,
        owner: QObject,
        function: Callable[..., Any],
        *,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
        **options: Any,
    ) -> None:
        """Run `function(workspace, **options)` on the writer; announces the Changes it returns."""
        raise NotImplementedError

    def today(self) -> date:
        """The clinic's calendar day."""
        raise NotImplementedError

    def sign_in(
        self,
        owner: QObject,
        *,
        server_url: str,
        username: str,
        password: str,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Sign in at the centre (errors: Unreachable, SignInRequired), then start the sync; done(SignedIn)."""
        raise NotImplementedError

    def start_sync(self, *, server_url: str) -> None:
        """Go on with the kept session of this profile, on line or off."""
        raise NotImplementedError

    def sync_now(self) -> None:
        raise NotImplementedError

    def sign_out(self, owner: QObject, *, done: Callable[[Any], None] | None = None) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the sync, finish what runs, close the workspace. To be called once, last."""
        raise NotImplementedError
