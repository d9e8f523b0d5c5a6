"""Snapshot files: everything a reader may see of a stream at one number, as compressed lines of JSON.

PostgreSQL itself makes the lines. A file is written under a temporary name and renamed when it is whole; its name says
what it holds, so that there is nothing beside it which could disagree:
`snapshots/<slot>/<state>-<seq>-<digest of the bytes>.ndjson.gz`.
"""

import contextlib
import gzip
import hashlib
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from typing import cast as cast_type
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.orm import Session

from hcrm_central.api.digests import sums_of
from hcrm_central.api.streams import kinds_sent, parts_of
from hcrm_central.store.engine import Principal
from hcrm_central.store.membership import place
from hcrm_core.wire import Message, SnapshotEnd, SnapshotHead, SnapshotKind
from hcrm_store.base import Exact, UtcInstant, new_id
from hcrm_store.kinds import columns_for, table_of

if TYPE_CHECKING:
    import psycopg

SUFFIX, UNFINISHED = ".ndjson.gz", ".part"
KEPT_SECONDS = 3600  # a replaced file serves those who are half-way through it; a part without an end is a dead one's
_BUFFER = 1 << 18
_ISO = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'  # the session speaks UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFile:
    """A whole file, as its name tells.

    Attributes:
        state: of database and rights when it was made (see snapshots.py).
        seq: it holds everything up to here.
        digest: of its bytes.
    """

    path: Path
    state: str
    seq: int
    digest: str

    @property
    def etag(self) -> str:
        return f'"{self.digest}"'


def files_in(folder: Path) -> list[SnapshotFile]:
    """The whole files of a folder, in no order."""
    return [_named(path) for path in folder.glob(f"*{SUFFIX}")]


def _named(path: Path) -> SnapshotFile:
    state, seq, digest = path.name.removesuffix(SUFFIX).split("-")
    return SnapshotFile(path=path, state=state, seq=int(seq), digest=digest)


def write_file(session: Session, folder: Path, *, head: SnapshotHead, state: str, principal: Principal) -> None:
    """Write a stream as the declared reader sees it in the session's snapshot."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    with _unfinished(folder) as path:
        with _packed(path) as lines:
            _write_lines(session, lines, head=head, principal=principal)
        with path.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()[:32]
        path.replace(folder / f"{state}-{head.seq}-{digest}{SUFFIX}")


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """A name for a file to be written; what was not renamed when the block ends is removed."""
    path = folder / f"{new_id().hex}{UNFINISHED}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _packed(path: Path) -> Iterator[IO[bytes]]:
    """A compressed file that only this user may read."""
    raw = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    packed = gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=1, mtime=0)
    # Collected first: a row at a time, compression would spend its time on being called.
    with raw, packed, io.BufferedWriter(packed, _BUFFER) as lines:
        yield lines


def _write_lines(session: Session, lines: IO[bytes], *, head: SnapshotHead, principal: Principal) -> None:
    area, site_id = parts_of(head.stream)
    _say(lines, head)
    for kind in kinds_sent(area, principal.role):
        names = list(dict.fromkeys(("id", "ver", *columns_for(kind, principal.role))))
        _say(lines, SnapshotKind(kind=kind, columns=names))
        _copy_rows(session, lines, kind=kind, names=names, site_id=site_id, principal=principal)
    found = sums_of(session, [head.stream], principal=principal)[head.stream]
    _say(lines, SnapshotEnd(rows=found.rows, digest=found.reduced))


def _say(lines: IO[bytes], message: Message) -> None:
    lines.write(message.model_dump_json().encode() + b"\n")


def _copy_rows(
    session: Session, lines: IO[bytes], *, kind: str, names: list[str], site_id: UUID | None, principal: Principal
) -> None:
    where, table = place(kind, sites=principal.site_ids), table_of(kind)
    rows = select(func.json_build_array(*(_as_sent(table.c[name]) for name in names))).select_from(where.source)
    wanted = rows.where(where.at([site_id] if site_id else []))
    compiled = wanted.compile(dialect=session.connection().dialect)
    cursor = cast_type("psycopg.Cursor[Any]", session.connection().connection.cursor())
    with cursor.copy(f"COPY ({compiled}) TO STDOUT", compiled.params) as copy:
        for row in copy:
            # COPY doubles backslashes and, JSON having escaped what else it would escape, does nothing more.
            lines.write(bytes(row).replace(b"\\\\", b"\\"))


def _as_sent(column: ColumnElement[object]) -> ColumnElement[object]:
    """A value as it travels in a Row's body, as far as JSON alone would write it otherwise."""
    if isinstance(column.type, Exact):
        return cast(column, Text)
    if isinstance(column.type, UtcInstant):
        return func.replace(func.to_char(column, _ISO), ".000000Z", "Z")
    return column


def tidy(folder: Path, *, most_bytes: int) -> None:
    """Remove what is replaced or half-written for long, and the longest unused beyond a total size.

    Args:
        folder: of all snapshot files.
        most_bytes: that may stay.
    """
    left, newest = most_bytes, set[Path]()
    for path, found in sorted(_seen(folder), key=lambda one: -one[1].st_mtime):
        replaced = path.suffix == UNFINISHED or path.parent in newest
        old = time.time() - found.st_mtime > KEPT_SECONDS
        left -= found.st_size
        if left < 0 or (replaced and old):
            with contextlib.suppress(OSError):  # another process was quicker, or somebody reads it (Windows)
                path.unlink()
        elif path.suffix != UNFINISHED:
            newest.add(path.parent)


def _seen(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.stat()
