"""The outbox file opened: as it is, brought forward, or put together again from its copy and what is left of it.

Nothing comes back by itself that a person could have taken back: what only a damaged file tells waits for a person.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlcipher3 import dbapi2

from hcrm_core.errors import StoreUnusable
from hcrm_core.wire import IncidentCode, Json
from hcrm_desktop.cache import files, incidents
from hcrm_desktop.cache.outbox import OpState, Outbox, entry_digest
from hcrm_desktop.cache.tables import OPERATION
from hcrm_store.clock import Clock

COPY_FILE = "outbox.db.copy"
NEW_COPY, HALF, READY = "outbox.db.copy.new", "outbox.db.half", "outbox.db.ready"
COPY_AFTER_CHANGES, COPY_AFTER = 50, timedelta(minutes=5)
OUTBOX_VERSION = 2  # steps are forward-only: an outbox is never rebuilt
_WAYS = (  # each tree of pages tells where entries are, from either end, as far as it can be read
    "SELECT position FROM operation ORDER BY position",
    "SELECT position FROM operation ORDER BY position DESC",
    "SELECT position FROM operation INDEXED BY ix_operation_state ORDER BY state",
    "SELECT position FROM operation INDEXED BY ix_operation_state ORDER BY state DESC",
    "SELECT position FROM operation INDEXED BY sqlite_autoindex_operation_1 ORDER BY op_id",
    "SELECT position FROM operation INDEXED BY sqlite_autoindex_operation_1 ORDER BY op_id DESC",
)
_BECAME = ("state", "n", "base_ver", "offered_at", "answered_at", "result", "settled")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What came of a damaged outbox file.

    Attributes:
        from_copy: whether there was a sound copy.
        review: entries that only the damaged file tells of: a person says whether they count.
        unreadable: entries of which it tells only that they were there.
        aside: the name of the damaged file now.
    """

    from_copy: bool
    review: int
    unreadable: int
    aside: str


def open_outbox(folder: Path, key: bytes, *, clock: Clock, used: bool) -> tuple[Outbox, Recovered | None]:
    """Open the outbox file, making it at first.

    Args:
        used: whether the folder was used before, so that the file should be there.

    Returns:
        the outbox, and what was recovered if it was damaged or lost.

    Raises:
        StoreUnusable: nothing of it can be read and there is no copy, or a newer release wrote it.
    """
    path = folder / files.OUTBOX_FILE
    if (folder / READY).exists():  # a recovery was cut off at its last step
        _swap(folder, clock=clock)
    lost = used and files.is_lost(path)
    engine = files.outbox_engine(folder, key)
    if lost or not files.is_sound(engine):
        engine.dispose()
        return _put_together(folder, key, clock=clock)
    return _outbox(engine, clock=clock), None


# ── the copy ─────────────────────────────────────────────────────────────────────────────────────────────────


class OutboxCopy:
    """The copy beside the outbox file, made anew after some changes or some time."""

    def __init__(self, folder: Path, key: bytes, *, outbox: Outbox, clock: Clock) -> None:
        self._folder, self._key, self._outbox, self._clock = folder, key, outbox, clock
        self._made_at = clock.now()

    def refresh(self, *, at_once: bool = False) -> None:
        """Make the copy anew if it lacks enough. A full disk leaves the former one.

        Args:
            at_once: whatever it lacks.
        """
        lacking = self._outbox.uncopied
        age = self._clock.now() - self._made_at
        due = at_once or lacking >= COPY_AFTER_CHANGES or not timedelta() <= age < COPY_AFTER
        if (not lacking or not due) and (self._folder / COPY_FILE).exists():
            return
        try:
            _write_copy(self._folder, self._key)
        except (OSError, dbapi2.Error) as error:
            _log.warning("the copy of the outbox file was not made: %s", type(error).__name__)
            return
        self._outbox.uncopied -= lacking
        self._made_at = self._clock.now()


def _write_copy(folder: Path, key: bytes) -> None:
    """One snapshot of the file, whatever is written meanwhile; it appears whole or not at all."""
    half = folder / NEW_COPY
    files.remove(half)
    half.touch(mode=0o600)
    with closing(files.connect(folder / files.OUTBOX_FILE, key)) as source, closing(files.connect(half, key)) as copy:
        source.backup(copy)
        if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise dbapi2.DatabaseError("the copy is not sound")
    files.force_to_disk(half)
    half.replace(folder / COPY_FILE)
    files.force_to_disk(folder)


# ── recovery ─────────────────────────────────────────────────────────────────────────────────────────────────


def _put_together(folder: Path, key: bytes, *, clock: Clock) -> tuple[Outbox, Recovered]:
    """A new file from the copy and from what is left. The damaged one is touched last, so that a kill loses nothing."""
    entries, unreadable = ([], 0) if files.is_lost(folder / files.OUTBOX_FILE) else _left(folder, key)
    from_copy = _begin_with_copy(folder, key)
    if not from_copy and not entries:
        _give_up(folder, key, clock=clock)
    engine = files.outbox_engine(folder, key, name=HALF)
    outbox = _outbox(engine, clock=clock)
    with engine.begin() as connection:
        review = sum(_take_in(connection, entry) for entry in entries)
    count = max(1, review + unreadable)
    incidents.note(outbox, IncidentCode.OUTBOX_RESTORED, clock=clock, count=count)
    outbox.close()
    files.force_to_disk(folder / HALF)
    (folder / HALF).replace(folder / READY)
    aside = _swap(folder, clock=clock)
    _log.error("the outbox file was put together again: %d to review, %d unreadable", review, unreadable)
    recovered = Recovered(from_copy=from_copy, review=review, unreadable=unreadable, aside=aside.name)
    return _outbox(files.outbox_engine(folder, key), clock=clock), recovered


def _swap(folder: Path, *, clock: Clock) -> Path:
    """The new file takes the place of the damaged one. Returns where that is now."""
    aside = files.set_aside(folder / files.OUTBOX_FILE, clock=clock)
    (folder / READY).replace(folder / files.OUTBOX_FILE)
    files.force_to_disk(folder)
    return aside


def _give_up(folder: Path, key: bytes, *, clock: Clock) -> None:
    """Nothing is left: told once, and the next start goes on with an empty file."""
    aside = files.set_aside(folder / files.OUTBOX_FILE, clock=clock)
    _outbox(files.outbox_engine(folder, key), clock=clock).close()
    raise StoreUnusable(
        f"the file of unsent entries is damaged or empty; it was kept as {aside.name}",
        remedy="start HCRM Desktop again to go on with an empty one, and give the kept file to your administrator:"
        " entries of the last days that the centre does not show may be in it",
    )


def _begin_with_copy(folder: Path, key: bytes) -> bool:
    """Begin the new file: from the copy, if there is a sound one, or else empty. Returns which."""
    half, copy = folder / HALF, folder / COPY_FILE
    files.remove(half)
    if files.is_lost(copy):
        return False
    shutil.copyfile(copy, half)
    engine = files.outbox_engine(folder, key, name=HALF)
    try:
        sound = files.is_sound(engine)
    finally:
        engine.dispose()
    if not sound:
        files.remove(half)
    return sound


def _left(folder: Path, key: bytes) -> tuple[list[Json], int]:
    """What can be read of the damaged file, entry by entry, and how many others it tells of."""
    path, entries, unreadable = folder / files.OUTBOX_FILE, list[Json](), 0
    positions = {position for way in _WAYS for position in _as_far_as_readable(path, key, way)}
    engine = files.outbox_engine(folder, key)
    for position in sorted(positions):
        entry = _sound_entry(engine, position)
        entries += [] if entry is None else [entry]
        unreadable += entry is None
    engine.dispose()
    return entries, unreadable


# A connection that met a damaged page reads nothing more, so none is used again after an error.


def _as_far_as_readable(path: Path, key: bytes, statement: str) -> Iterator[int]:
    try:
        with closing(files.connect(path, key)) as connection:
            cursor = connection.execute(statement)
            while (row := cursor.fetchone()) is not None:
                yield row[0]
    except dbapi2.Error:
        return


def _sound_entry(engine: Engine, position: int) -> Json | None:
    """An entry that reads as it was written."""
    wanted = select(OPERATION).where(OPERATION.c.position == position)
    try:
        with engine.connect() as connection:
            entry = dict(connection.execute(wanted).mappings().one())
        sound = entry["digest"] == entry_digest(entry)
    except (SQLAlchemyError, ValueError, TypeError):
        engine.dispose()
        return None
    return entry if sound else None


def _take_in(connection: Connection, entry: Json) -> bool:
    """An entry of the damaged file: what became of it is believed, but none is sent on its word alone.

    Returns:
        whether a person must look at it.
    """
    mine, answered = OPERATION.c.op_id == entry["op_id"], entry["answered_at"] is not None
    if connection.execute(select(OPERATION.c.op_id).where(mine)).first() is not None:
        if answered:
            connection.execute(update(OPERATION).where(mine).values({name: entry[name] for name in _BECAME}))
        return False
    values = {name: value for name, value in entry.items() if name != "position"} | {"n": None}
    if not answered:
        values |= {"state": OpState.REVIEW.value, "offered_at": None}
    connection.execute(insert(OPERATION).values(values))
    return not answered


# ── versions of the file ─────────────────────────────────────────────────────────────────────────────────────


def _outbox(engine: Engine, *, clock: Clock) -> Outbox:
    try:
        with engine.begin() as connection:
            _bring_forward(connection)
    except StoreUnusable:
        engine.dispose()
        raise
    return Outbox(engine, clock=clock)


def _bring_forward(connection: Connection) -> None:
    version = int(connection.execute(text("PRAGMA user_version")).scalar_one())
    if version > OUTBOX_VERSION:
        raise StoreUnusable(
            f"the file of unsent entries has version {version}, which this release does not know",
            remedy="install the newer release that wrote it",
        )
    if version == 1:
        _add_digests(connection)
    connection.execute(text(f"PRAGMA user_version={OUTBOX_VERSION}"))


def _add_digests(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE operation ADD COLUMN digest TEXT DEFAULT '' NOT NULL"))
    for entry in connection.execute(select(OPERATION)).mappings().all():
        mine = OPERATION.c.position == entry["position"]
        connection.execute(update(OPERATION).where(mine).values(digest=entry_digest(dict(entry))))
