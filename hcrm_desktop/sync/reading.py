"""Pull: first what an empty workstation needs now, then large streams as files, then every stream page by page.

A page and its cursor go into the cache in one transaction. Entries that wait here are laid over the newer rows again.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.wire import (
    MAX_PULL_ROWS,
    Cursor,
    FirstRequest,
    HelloResponse,
    PullRequest,
    PullResponse,
    StreamGrant,
)
from hcrm_desktop.cache import overlay, streams
from hcrm_desktop.sync.client import Busy, ServerFailed, Sink, SnapshotAnswer
from hcrm_desktop.sync.line import EpochChanged, Line
from hcrm_desktop.sync.snapshots import read_snapshot
from hcrm_desktop.sync.states import SyncState
from hcrm_store.kinds import REF_STREAM

CATCHING_UP_ROWS = 2000  # fewer round trips for a first read; still short enough for readers beside it
LARGE = 3_000  # entries of a stream that are read as one file rather than page by page
_log = logging.getLogger(__name__)


class Reading:
    """One pull, begun by a hello.

    Attributes:
        pulled: rows and tombstones that came, but for those of files.
        kinds: of rows that changed.
    """

    def __init__(self, line: Line, hello: HelloResponse) -> None:
        self._line, self._hello = line, hello
        self._grants = {grant.key: grant for grant in hello.streams}
        self._gauge = _Gauge()
        self._tried: set[str] = set()  # streams that were asked for as files
        self.pulled, self.kinds = 0, set[str]()

    def run(self) -> bool:
        """Read until nothing is new. Returns whether all was read: not if the conversation was stopped."""
        accepted = self._line.workspace.outbox.accepted()
        if self._is_empty():
            self._first_look()
        if not self._read(list(self._grants)):
            return False
        self._settle(accepted)
        return True

    # ── the first look ───────────────────────────────────────────────────────────────────────────────────

    def _is_empty(self) -> bool:
        wanted = self._grants.keys() - {REF_STREAM}
        return bool(wanted) and not wanted & self._cursors().keys()

    def _first_look(self) -> None:
        """Today's tasks before all else. It is a comfort: what fails here comes with the ordinary read."""
        if REF_STREAM in self._grants and not self._read([REF_STREAM]):
            return
        request = FirstRequest(epoch=self._hello.epoch)
        self._line.course.enter(SyncState.PULL)
        try:
            answer = self._line.ask(lambda headers: self._line.client.first(request, headers=headers))
        except (Busy, ServerFailed, Rejected, NotPermitted) as error:
            _log.info("no first look (%s)", type(error).__name__)
            return
        self._take(answer)

    # ── files and pages ──────────────────────────────────────────────────────────────────────────────────

    def _read(self, wanted: Sequence[str]) -> bool:
        limit = MAX_PULL_ROWS
        while wanted and not self._line.stopped():
            for key in [key for key in wanted if self._is_large(key)]:
                self._read_file(self._grants[key])
            answer = self._ask_pages(wanted, limit=limit)
            self._take(answer)
            wanted = [page.stream for page in answer.pages if page.more]
            if wanted:
                self._line.course.advance(self._gauge.share(self._cursors()))
                limit = CATCHING_UP_ROWS
        return not wanted

    def _is_large(self, key: str) -> bool:
        cursors = self._cursors()
        if key in self._tried or not _is_unread(cursors.get(key, Cursor())):
            return False
        return self._gauge.left(key, cursors) >= LARGE

    def _read_file(self, grant: StreamGrant) -> None:
        """A large stream at once. Where the file cannot be had, its pages are read."""
        self._tried.add(grant.key)
        course, before = self._line.course, self._cursors()
        course.enter(SyncState.SNAPSHOT)
        course.advance(self._gauge.share(before))

        def ask(stream: str, *, offset: int, etag: str | None, sink: Sink) -> SnapshotAnswer:
            return self._line.ask(
                lambda headers: self._line.client.snapshot(stream, offset=offset, etag=etag, headers=headers, sink=sink)
            )

        person = self._hello.person
        try:
            read_snapshot(
                self._line.workspace,
                ask,
                grant=grant,
                epoch=self._hello.epoch,
                person=person,
                still=lambda: self._line.still(person),
                progress=lambda share: course.advance(self._gauge.share(before, within=grant.key, done=share)),
            )
        except (Busy, ServerFailed, Rejected, NotPermitted) as error:
            _log.info("no snapshot (%s)", type(error).__name__)
            return
        self.kinds.update(streams.kinds_of(grant.key))
        self._line.tell(*streams.kinds_of(grant.key))

    def _ask_pages(self, wanted: Sequence[str], *, limit: int) -> PullResponse:
        held, epoch = self._cursors(), self._hello.epoch
        request = PullRequest(epoch=epoch, cursors={key: held.get(key, Cursor()) for key in wanted}, limit=limit)
        self._line.course.enter(SyncState.PULL)
        return self._line.ask(lambda headers: self._line.client.pull(request, headers=headers))

    # ── into the cache ───────────────────────────────────────────────────────────────────────────────────

    def _take(self, answer: PullResponse) -> None:
        if answer.epoch != self._hello.epoch:
            raise EpochChanged("the centre was restored during the conversation")
        changed = self._apply(answer)
        self.pulled += sum(len(page.rows) + len(page.tombstones) for page in answer.pages)
        self.kinds |= changed
        self._line.tell(*changed)

    def _apply(self, answer: PullResponse) -> set[str]:
        person = self._hello.person
        with self._line.still(person) as session:
            changed = streams.purge(session, answer.revoked)
        for page in answer.pages:
            self._gauge.note(page.stream, began=self._cursors().get(page.stream, Cursor()).seq, head=page.head)
            with self._line.still(person) as session:
                overlay.lift(session)
                changed |= streams.apply_page(session, page)
                overlay.lay_all(session, self._line.workspace.outbox.laid(person.account_id), person=person)
        return changed

    def _settle(self, accepted: Sequence[UUID]) -> None:
        """All that the centre had when the pull began is here now: accepted entries need no overlay any more."""
        self._line.workspace.outbox.settle(accepted, now=self._hello.server_now)
        if accepted:
            self._line.relay()

    def _cursors(self) -> dict[str, Cursor]:
        with self._line.workspace.read() as session:
            return streams.cursors(session)


def _is_unread(cursor: Cursor) -> bool:
    return cursor.seq == 0 or cursor.fresh_to is not None


class _Gauge:
    """How far a read has come: entries passed of entries to pass, over all streams seen so far."""

    def __init__(self) -> None:
        self._began: dict[str, int] = {}
        self._heads: dict[str, int] = {}

    def note(self, stream: str, *, began: int, head: int) -> None:
        self._began[stream] = min(began, self._began.get(stream, began))
        self._heads[stream] = head

    def left(self, stream: str, cursors: dict[str, Cursor]) -> int:
        return self._heads.get(stream, 0) - cursors.get(stream, Cursor()).seq

    def share(self, cursors: dict[str, Cursor], *, within: str = "", done: float = 0.0) -> float:
        """From 0 to 1.

        Args:
            within: a stream that is read as a file, and
            done: how much of it is here.
        """
        whole = sum(self._heads[key] - began for key, began in self._began.items())
        left = sum(max(0, self.left(key, cursors)) for key in self._began)
        left -= round(done * max(0, self.left(within, cursors)))
        return 1.0 if whole <= 0 else 1.0 - left / whole
