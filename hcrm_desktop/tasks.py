"""The only bridges between the GUI thread and the rest: query(), command() and the conversation with the centre.

Readers run in a small pool, commands one after the other in a thread of their own, the sync in a third place.
Functions given here take and return plain data. A result comes back on the GUI thread, by a queued signal, and
only if its owner still lives.
"""

import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal, Slot

from hcrm_core.errors import HcrmError, Rejected, SignInRequired
from hcrm_desktop.cache.rows import Changes, SignedIn, SyncStatus

if TYPE_CHECKING:  # imported by the worker threads: the first window does not wait for SQLAlchemy and httpx
    from hcrm_desktop.cache.recovery import Recovered
    from hcrm_desktop.cache.workspace import Workspace
    from hcrm_desktop.sync.client import CentreClient
    from hcrm_desktop.sync.conversation import Conversation

READERS, ASKERS = 3, 6
HIDDEN = "lease_over"  # Rejected.code
EVERYTHING = Changes.of(
    *("site", "staff", "segment", "sop", "task", "follow_up", "membership", "family", "guardian", "customer"),
    *("exam", "eye_measurement", "lens_order", "visit", "recheck_plan", "lead", "medication"),
    *("outbox", "overview", "person"),
)
WIPED = SyncStatus(
    online=False,
    catching_up=False,
    last_success_at=None,
    offline_since=None,
    unsent=0,
    oldest_unsent_at=None,
    needs_person=0,
    scanned_at=None,
    scanned_for=None,
    problem="wiped",
    lease_over=True,
    state="stopped",
)
_log = logging.getLogger(__name__)

Done = Callable[[Any], None]
Failed = Callable[[Exception], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Who asked, and what to call. Lives on the GUI thread only: a worker that held the last reference to a widget
    would destroy it there, and the program with it."""

    owner: QObject
    done: Done | None
    failed: Failed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What a worker sends back."""

    ticket: int
    result: Any = None
    error: Exception | None = None


class Tasks(QObject):
    """Runs work off the GUI thread and delivers results on it.

    Signals:
        data_changed: Changes after a command or a pull; screens refresh if concerned.
        sync_state_changed: SyncStatus, whenever the truth about the connection may have changed.
    """

    data_changed = Signal(object)
    sync_state_changed = Signal(object)
    _replied = Signal(object)
    _announced = Signal(object)

    def __init__(self, workspace: "Workspace | None" = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._conversation: Conversation | None = None
        self._changing = threading.Lock()  # one beginning or ending of a conversation at a time
        self._tickets = itertools.count()
        self._asking: dict[int, _Asker] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="hcrm-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="hcrm-write")
        self._conversations = ThreadPoolExecutor(1, thread_name_prefix="hcrm-sign-in")
        self._askers = ThreadPoolExecutor(ASKERS, thread_name_prefix="hcrm-ask")
        self._replied.connect(self._on_replied, Qt.ConnectionType.QueuedConnection)
        self._announced.connect(self._on_announced, Qt.ConnectionType.QueuedConnection)

    # ── work ─────────────────────────────────────────────────────────────────────────────────────────────

    def open(
        self, owner: QObject, opener: "Callable[[], Workspace]", *, done: Done, failed: Failed | None = None
    ) -> None:
        """Open the workspace off the GUI thread (the key store and the files take a moment); `done(None)`."""

        def work() -> None:
            self._workspace = opener()

        self._run(self._writer, owner, work, done=done, failed=failed)

    def query(
        self,
        owner: QObject,
        function: Callable[..., Any],
        *args: Any,
        done: Done,
        failed: Failed | None = None,
        **options: Any,
    ) -> None:
        """Run `function(session, *args, **options)` on a reader; `done(result)` if the owner still lives.

        While customers are hidden, queries that show one are Rejected (``lease_over``), and all screens are told why.
        """

        def work() -> Any:
            try:
                return self._opened().ask(function, *args, **options)
            except Rejected as error:
                if error.code == HIDDEN:
                    self._announce_state()
                raise

        self._run(self._readers, owner, work, done=done, failed=failed)

    def command(
        self,
        owner: QObject,
        function: Callable[..., Changes],
        *,
        done: Done | None = None,
        failed: Failed | None = None,
        **options: Any,
    ) -> None:
        """Run `function(workspace, **options)` on the writer; announces its Changes, then `done(changes)`."""

        def work() -> Changes:
            changes = function(self._opened(), **options)
            self._announce_changes(changes)
            if "outbox" in changes.kinds:
                self.sync_now()
            return changes

        self._run(self._writer, owner, work, done=done, failed=failed)

    def today(self) -> date:
        """The clinic's calendar day."""
        from hcrm_store.clock import business_date

        return business_date(self._opened().clock.now())

    def recovered(self) -> "Recovered | None":
        """What came of a damaged file of entries at this opening; None if it was sound."""
        return self._opened().recovered

    # ── the centre ───────────────────────────────────────────────────────────────────────────────────────

    def sign_in(
        self, owner: QObject, *, server_url: str, username: str, password: str, done: Done, failed: Failed
    ) -> None:
        """Sign in, then start to sync; `done(SignedIn)`, or `failed` with SignInRequired, Unreachable …"""

        def work() -> SignedIn | None:
            from hcrm_desktop.sync.client import DeviceWiped

            self._end_conversation()
            try:
                signed_in = self._signed_in(server_url, username=username, password=password)
            except DeviceWiped:
                self._begin_conversation(server_url)  # which obeys
                raise
            self._begin_conversation(server_url)
            self._announce(EVERYTHING)
            return signed_in

        self._run(self._conversations, owner, work, done=done, failed=failed)

    def start_sync(self, *, server_url: str) -> None:
        """Go on with the kept session of this profile, on line or off."""
        self._run(self._conversations, self, lambda: self._begin_conversation(server_url), done=None, failed=None)

    def sync_now(self) -> None:
        """Do not wait for the next poll."""
        conversation = self._conversation
        if conversation is not None:
            conversation.kick()

    def verify_now(self) -> None:
        """Compare this copy with the centre, beginning now; what differs is read anew."""
        conversation = self._conversation
        if conversation is not None:
            conversation.verify()

    def consult(
        self,
        owner: QObject,
        question: "Callable[[CentreClient, dict[str, str]], Any]",
        *,
        done: Done,
        failed: Failed | None = None,
        aside: bool = False,
    ) -> None:
        """Ask the centre something that is not kept here: `done(question(client, headers))`.

        `failed` is given Unreachable off line, SignInRequired without a session, NotPermitted for the wrong role.
        What is asked `aside` may take long: it and the others do not wait for each other.
        """

        def work() -> Any:
            conversation = self._conversation
            if conversation is None:
                raise SignInRequired("there is no session", remedy="sign in")
            return conversation.consult(question)

        self._run(self._askers if aside else self._conversations, owner, work, done=done, failed=failed)

    def sign_out(
        self, owner: QObject, *, server_url: str, done: Done | None = None, failed: Failed | None = None
    ) -> None:
        """End the session here and, if it can be reached, at the centre. Unsent entries stay for the next sign-in."""

        def work() -> None:
            from hcrm_desktop.sync.client import CentreClient
            from hcrm_desktop.sync.session import CentreSession

            self._end_conversation()
            client = CentreClient(server_url)
            try:
                CentreSession(self._opened(), client).sign_out()
            finally:
                client.close()
            self._announce(EVERYTHING)
            self._announce_state()

        self._run(self._conversations, owner, work, done=done, failed=failed)

    def stop(self) -> None:
        """Write and send what was entered, finish what runs, close the workspace. To be called once, last."""
        self._writer.shutdown(wait=True)  # what somebody entered is written before we go
        if self._conversation is not None:
            self._conversation.hang_up()
        for pool in (self._conversations, self._askers):
            pool.shutdown(wait=True, cancel_futures=True)
        ended = self._end_conversation()
        self._readers.shutdown(wait=True, cancel_futures=True)
        if self._workspace is None:
            return
        if ended:
            self._workspace.close()
        else:
            _log.warning("the sync still waits for the network: its files are left to the end of the process")

    # ── behind ───────────────────────────────────────────────────────────────────────────────────────────

    def _signed_in(self, server_url: str, *, username: str, password: str) -> SignedIn | None:
        from hcrm_desktop.cache.queries import signed_in
        from hcrm_desktop.sync.client import CentreClient
        from hcrm_desktop.sync.session import CentreSession

        client = CentreClient(server_url)
        try:
            CentreSession(self._opened(), client).sign_in(username, password)
        finally:
            client.close()
        with self._opened().read() as session:
            return signed_in(session)

    def _begin_conversation(self, server_url: str) -> None:
        from hcrm_desktop.sync.conversation import Conversation
        from hcrm_desktop.sync.loop import Listeners

        self._end_conversation()
        listeners = Listeners(
            state_changed=self._announce_state, data_changed=self._announce_changes, wiped=self._announce_wiped
        )
        with self._changing:
            self._conversation = Conversation(self._opened(), server_url, listeners=listeners)

    def _end_conversation(self) -> bool:
        with self._changing:
            conversation, self._conversation = self._conversation, None
        return conversation is None or conversation.end()

    def _announce_wiped(self) -> None:
        """The files are gone: they cannot be asked for the state any more."""
        self._announce(WIPED)

    def _announce_changes(self, changes: Changes) -> None:
        self._announce(changes)
        if "outbox" in changes.kinds:  # how much is unsent is a part of the state
            self._announce_state()

    def _announce_state(self) -> None:
        from hcrm_desktop.cache.queries import sync_status

        with self._opened().read() as session:
            status = sync_status(session)
        self._announce(status)

    def _announce(self, news: Changes | SyncStatus) -> None:
        """Tell all screens. From any thread: the public signals are sent on the GUI thread, whoever listens how."""
        if shiboken6.isValid(self):
            self._announced.emit(news)

    def _opened(self) -> "Workspace":
        if self._workspace is None:
            raise RuntimeError("the workspace is not open yet")
        return self._workspace

    def _run(
        self,
        executor: Executor,
        owner: QObject,
        work: Callable[[], Any],
        *,
        done: Done | None,
        failed: Failed | None,
    ) -> None:
        ticket = next(self._tickets)
        self._asking[ticket] = _Asker(owner=owner, done=done, failed=failed)
        executor.submit(self._work, ticket, work)

    def _work(self, ticket: int, work: Callable[[], Any]) -> None:
        try:
            reply = _Reply(ticket=ticket, result=work())
        except Exception as error:  # everything is told to the owner, or to the crash handler
            if not isinstance(error, HcrmError):
                _log.error("a task ended with %s", type(error).__name__)
            reply = _Reply(ticket=ticket, error=error)
        self._replied.emit(reply)

    @Slot(object)
    def _on_announced(self, news: Changes | SyncStatus) -> None:
        if isinstance(news, Changes):
            self.data_changed.emit(news)
        else:
            self.sync_state_changed.emit(news)

    @Slot(object)
    def _on_replied(self, reply: _Reply) -> None:
        asker = self._asking.pop(reply.ticket)
        if not shiboken6.isValid(asker.owner):
            return
        if reply.error is None:
            if asker.done is not None:
                asker.done(reply.result)
        elif asker.failed is not None:
            asker.failed(reply.error)
        elif not (isinstance(reply.error, Rejected) and reply.error.code == HIDDEN):  # the cover says it already
            raise reply.error
