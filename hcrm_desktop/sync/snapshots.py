"""A large stream as one file: fetched in parts that outlive a cut, then put into the cache.

The parts are kept as they came, compressed, inside the sealed cache: nothing in clear touches the disk. Rows are put in
as the file is unpacked, in transactions short enough for readers beside them; the cursor comes with the last one, when
the file has proved whole. Until then the stream counts as unread, whatever is here of it.
"""

import gzip
import io
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from hcrm_core.digest import MODULUS, row_digest
from hcrm_core.errors import HcrmError
from hcrm_core.wire import Cursor, Person, SnapshotEnd, SnapshotHead, SnapshotKind, StreamGrant
from hcrm_desktop.cache import overlay, streams
from hcrm_desktop.cache.tables import KIND_TABLES, SNAPSHOT_PART
from hcrm_desktop.cache.values import stored_id, storing
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import ServerFailed, Sink, SnapshotAnswer

ROWS_A_TRANSACTION = 4_000
PART_BYTES = 256 * 1024
_FETCHING = 0.3  # of the whole work, about
_log = logging.getLogger(__name__)
Still = Callable[[], AbstractContextManager[Session]]


class Ask(Protocol):
    """Asks the centre for a stream's file from a place on (CentreClient.snapshot)."""

    def __call__(self, stream: str, *, offset: int, etag: str | None, sink: Sink) -> SnapshotAnswer: ...


class _Unusable(HcrmError):
    """The file is broken, or not the one that is wanted."""


def read_snapshot(
    workspace: Workspace,
    ask: Ask,
    *,
    grant: StreamGrant,
    epoch: UUID,
    person: Person,
    still: Still,
    progress: Callable[[float], None],
) -> Cursor | None:
    """Read a stream as one file. What came before a cut or a kill is not asked for again.

    Args:
        still: a writing session on the cache; raises when what is read is wanted no more.
        progress: told the share that is done, 0 to 1.

    Returns:
        the cursor that the stream has now; None if the file is of no use: read the stream page by page.

    Raises:
        Unreachable, ServerFailed, NotPermitted: the centre does not send it, or the line was cut.
    """
    parts = _Parts(workspace, grant.key, still=still)
    _fetch(parts, ask, progress=lambda share: progress(_FETCHING * share))
    applying = _Applying(workspace, parts, grant=grant, epoch=epoch, person=person, still=still)
    try:
        return applying.run(progress=lambda share: progress(_FETCHING + (1 - _FETCHING) * share))
    except (_Unusable, ValueError, EOFError, OSError, zlib.error) as error:
        _log.warning("a snapshot is of no use (%s); the stream is read by pages", type(error).__name__)
    parts.drop()
    if applying.rows:  # what a broken file brought is not believed either
        with still() as session:
            streams.purge(session, [grant.key])
    return None


# ── the parts of the file ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What is here of a file."""

    etag: str | None = None
    size: int = 0
    total: int | None = None

    @property
    def next_offset(self) -> int:
        """From where to ask on. Of a whole file the last byte: is it still what this reader is to be sent?"""
        return self.size - 1 if self.size and self.size == self.total else self.size


class _Parts:
    """The parts of one stream's file, in the sealed cache."""

    def __init__(self, workspace: Workspace, stream: str, *, still: Still) -> None:
        self._workspace, self._still, self.stream = workspace, still, stream
        self._mine = SNAPSHOT_PART.c.stream == stream

    def held(self) -> _Held:
        """What is here; parts that do not follow each other are worth nothing."""
        size = func.sum(func.length(SNAPSHOT_PART.c.bytes))
        columns = (SNAPSHOT_PART.c.etag, func.max(SNAPSHOT_PART.c.total), size)
        with self._workspace.read() as session:
            found = session.execute(select(*columns).where(self._mine).group_by(SNAPSHOT_PART.c.etag)).all()
        return _Held(etag=found[0][0], total=found[0][1], size=found[0][2]) if len(found) == 1 else _Held()

    def add(self, part: bytes, *, at: int, answer: SnapshotAnswer) -> None:
        values = {"stream": self.stream, "offset": at, "etag": answer.etag, "total": answer.total, "bytes": part}
        with self._still() as session:
            session.execute(insert(SNAPSHOT_PART).values(values))

    def drop(self) -> None:
        with self._still() as session:
            session.execute(delete(SNAPSHOT_PART).where(self._mine))

    def at(self, offset: int) -> bytes:
        """The part that begins there; nothing after the last one."""
        wanted = select(SNAPSHOT_PART.c.bytes).where(self._mine, SNAPSHOT_PART.c.offset == offset)
        with self._workspace.read() as session:
            part: bytes | None = session.execute(wanted).scalar()
        return part or b""


def _fetch(parts: _Parts, ask: Ask, *, progress: Callable[[float], None]) -> None:
    held = parts.held()
    catching = _Catching(parts, held, progress=progress)
    try:
        ask(parts.stream, offset=held.next_offset, etag=held.etag, sink=catching.take)
    finally:
        catching.keep()


class _Catching:
    """Gathers what comes into parts worth a transaction."""

    def __init__(self, parts: _Parts, held: _Held, *, progress: Callable[[float], None]) -> None:
        self._parts, self._held, self._progress = parts, held, progress
        self._answer: SnapshotAnswer | None = None
        self._again = False
        self._kept, self._gathered = held.size, bytearray()

    def take(self, answer: SnapshotAnswer, part: bytes) -> None:
        if answer is not self._answer:
            self._begin(answer)
        if self._again:  # the byte that was asked for again
            return
        self._gathered += part
        if len(self._gathered) >= PART_BYTES:
            self.keep()
        if answer.total:
            self._progress((self._kept + len(self._gathered)) / answer.total)

    def keep(self) -> None:
        """What came counts, whatever comes after it."""
        if self._answer is not None and self._gathered:
            self._parts.add(bytes(self._gathered), at=self._kept, answer=self._answer)
            self._kept += len(self._gathered)
            self._gathered.clear()

    def _begin(self, answer: SnapshotAnswer) -> None:
        """Another file, or the whole of it again, has nothing to do with what is here."""
        self._answer, self._again = answer, False
        self._gathered.clear()
        if answer.start == 0 or answer.etag != self._held.etag:
            self._parts.drop()
            self._kept = 0
        elif answer.start == self._held.next_offset:
            self._again = answer.start < self._held.size
            return
        if answer.start != 0:
            raise ServerFailed("a part of a file from another place than asked for", remedy="it is tried again")


class _Stream(io.RawIOBase):
    """The parts, read one after the other."""

    def __init__(self, parts: _Parts) -> None:
        super().__init__()
        self._parts, self._rest = parts, memoryview(b"")
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # why Any: the buffer protocol has no type before Python 3.12
        if not self._rest:
            self._rest = memoryview(self._parts.at(self.read_so_far))
            self.read_so_far += len(self._rest)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


# ── into the cache ───────────────────────────────────────────────────────────────────────────────────────────


class _Applying:
    """Puts one file into the cache.

    Attributes:
        rows: how many came so far.
    """

    def __init__(
        self, workspace: Workspace, parts: _Parts, *, grant: StreamGrant, epoch: UUID, person: Person, still: Still
    ) -> None:
        self._workspace, self._parts, self._still, self._person = workspace, parts, still, person
        self._grant, self._epoch = grant, epoch
        self._former: dict[str, set[str]] = {}
        self._end: SnapshotEnd | None = None
        self.rows = self._digest = 0

    def run(self, *, progress: Callable[[float], None]) -> Cursor:
        whole, stream = self._parts.held().size, _Stream(self._parts)
        lines = iter(gzip.GzipFile(fileobj=io.BufferedReader(stream)))
        head = self._head(next(lines, b""))
        self._former = self._ids()
        for kind, rows in self._batches(lines):
            self._put(kind, rows)
            progress(stream.read_so_far / whole)
        if self._end != SnapshotEnd(rows=self.rows, digest=self._digest):
            raise _Unusable("the rows do not add up")
        return self._finish(Cursor(seq=head.seq, profile=head.profile))

    def _head(self, line: bytes) -> SnapshotHead:
        head = SnapshotHead.model_validate_json(line)
        if (head.epoch, head.stream, head.profile) != (self._epoch, self._grant.key, self._grant.profile):
            raise _Unusable("the file of something else")
        return head

    def _ids(self) -> dict[str, set[str]]:
        """What is here of the stream: gone, if the file does not bring it."""
        with self._workspace.read() as session:
            driver = session.connection().exec_driver_sql
            return {
                kind: set(driver(f'SELECT id FROM "{kind}" WHERE stream = ?', (self._grant.key,)).scalars())
                for kind in KIND_TABLES
            }

    def _batches(self, lines: Iterator[bytes]) -> Iterator[tuple[SnapshotKind, list[Any]]]:
        """Rows of one kind, as many as a transaction takes; `_end` is known when there are no more."""
        kind: SnapshotKind | None = None
        rows: list[Any] = []
        for line in lines:
            if not line.startswith(b"["):
                if kind is not None and rows:
                    yield kind, rows
                kind, rows = self._begin(line), []
                continue
            if kind is None:
                raise _Unusable("rows of no kind")
            rows.append(from_json(line))
            if len(rows) == ROWS_A_TRANSACTION:
                yield kind, rows
                rows = []

    def _begin(self, line: bytes) -> SnapshotKind | None:
        if b'"kind"' not in line:
            self._end = SnapshotEnd.model_validate_json(line)
            return None
        kind = SnapshotKind.model_validate_json(line)
        if kind.columns[:2] != ["id", "ver"]:
            raise _Unusable("rows without id and version")
        return kind

    def _put(self, kind: SnapshotKind, rows: Sequence[Any]) -> None:
        ids = [self._counted(kind, row) for row in rows]
        if kind.kind not in KIND_TABLES:  # a release that knows it has another cache, and reads everything anew
            return
        how = storing(kind.kind, tuple(kind.columns))
        stored = [how.stored(row, stream=self._grant.key) for row in rows]
        self._former[kind.kind].difference_update(ids)
        with self._beneath_the_overlay() as session:
            session.connection().exec_driver_sql(how.unless_older, stored)

    def _counted(self, kind: SnapshotKind, row: Any) -> str:
        """The id of a row, as it is stored."""
        if not isinstance(row, list) or len(row) != len(kind.columns) or not isinstance(row[1], int):
            raise _Unusable("a row of another shape")
        row_id, ver = str(row[0]), row[1]
        self.rows += 1
        self._digest = (self._digest + row_digest(kind.kind, row_id, ver=ver)) % MODULUS
        return stored_id(row_id)

    def _finish(self, cursor: Cursor) -> Cursor:
        """What the file did not bring goes, and the stream counts as read, in one transaction."""
        with self._beneath_the_overlay() as session:
            for kind, ids in self._former.items():
                streams.bury(session, kind, [UUID(row_id) for row_id in ids], stream=self._grant.key)
            streams.advance(session, self._grant.key, cursor)
            session.execute(delete(SNAPSHOT_PART).where(SNAPSHOT_PART.c.stream == self._grant.key))
        return cursor

    @contextmanager
    def _beneath_the_overlay(self) -> Iterator[Session]:
        with self._still() as session:
            overlay.lift(session)
            yield session
            overlay.lay_all(session, self._workspace.outbox.laid(self._person.account_id), person=self._person)
