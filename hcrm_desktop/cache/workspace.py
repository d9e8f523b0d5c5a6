"""A profile's opened files, its clock and who works there."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlcipher3 import dbapi2

from hcrm_core.errors import SignInRequired, StoreUnusable, SurroundingsFailed
from hcrm_core.wire import IncidentCode, Person
from hcrm_desktop.cache import files, incidents, keys, lease, meta, overlay, recovery, streams
from hcrm_desktop.cache.tables import CACHE, cache_version
from hcrm_store.clock import Clock

PERSON = "person"  # among what the outbox keeps: it must outlive the cache
LOG_BYTES, ALARMING_LOG_BYTES = 4 * 2**20, 64 * 2**20
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Workspace:
    """The opened files of one profile folder. Safe to share between threads.

    Attributes:
        folder: the profile folder.
        clock: the only clock.
        outbox: what was entered here.
        recovered: what came of a damaged outbox file at this opening; None if it was sound.
    """

    def __init__(
        self,
        folder: Path,
        key: bytes,
        *,
        clock: Clock,
        lock: files.FolderLock,
        used: bool,
        forget_key: Callable[[], None],
    ) -> None:
        """Use `open_workspace`."""
        self.folder, self.clock = folder, clock
        self._key, self._lock, self._forget_key = key, lock, forget_key
        self._one_writer = threading.RLock()
        self._erased = False
        self.outbox, self.recovered = recovery.open_outbox(folder, key, clock=clock, used=used)
        self._copy = recovery.OutboxCopy(folder, key, outbox=self.outbox, clock=clock)
        self._writer = self._opened_cache()
        self._readers = files.cache_readers(folder, key)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot of the cache, with the outbox beside it. Screens use `ask`.

        Raises:
            StoreUnusable: the cache was damaged and is built anew, or this workstation was emptied.
        """
        with self._watched(), Session(self._readers, info={lease.NOW: self.clock.now()}) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """The writing session on the cache, committed on leaving and rolled back on any error. Raises as `read`."""
        with self._one_writer, self._watched(), Session(self._writer) as session, session.begin():
            yield session

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else writes while the block runs: for an entry in the outbox and its effect in the cache."""
        with self._one_writer:
            yield

    def ask(self, query: Callable[..., T], *args: Any, **options: Any) -> T:
        """What screens ask: `query(session, *args, **options)`.

        Raises:
            Rejected: ``lease_over``: customers are hidden, and the query is not marked as showing none.
        """
        with self.read() as session:
            lease.require(session, query)
            return query(session, *args, **options)

    def person(self) -> Person | None:
        """Who is signed in."""
        body = self.outbox.kept(PERSON)
        return None if body is None else Person.model_validate(body)

    def worker(self) -> Person:
        """Who is signed in and may enter something.

        Raises:
            SignInRequired: nobody.
            Rejected: ``lease_over``: nothing can be entered while customers are hidden.
        """
        person = self.person()
        if person is None:
            raise SignInRequired("nobody is signed in", remedy="sign in")
        with self.read() as session:
            lease.require(session)
        return person

    def admit(self, person: Person) -> None:
        """Somebody signed in. What another person was sent is taken out before anything else happens."""
        with self.exclusive():
            self._own(person)
            self.outbox.keep(PERSON, person.model_dump(mode="json"))
            self.relay()

    def dismiss_person(self) -> None:
        """Nobody works here now. The cache stays, sealed, for the same person's return."""
        self.outbox.keep(PERSON, None)

    def relay(self) -> None:
        """Lay what was entered here over the cache again."""
        with self.write() as session:
            person = self.person()
            if person is None:
                overlay.lift(session)
            else:
                overlay.relay(session, self.outbox.laid(person.account_id), person=person)

    def restore(self) -> None:
        """After opening: make the cache agree with who is signed in and with what the outbox holds."""
        lease.pass_time(self.outbox, clock=self.clock)
        person = self.person()
        if person is not None:
            self._own(person)
        self.relay()

    def tend(self) -> None:
        """Keep the files well: to be called now and then, when nothing else is to be done. What fails waits."""
        if self._erased:
            return
        try:
            lease.pass_time(self.outbox, clock=self.clock)
            self._copy.refresh()
            self._shorten_log()
        except (DBAPIError, dbapi2.Error, OSError) as error:
            _log.warning("the files were not tended: %s", type(error).__name__)

    def close(self) -> None:
        """Close the files and give the folder free."""
        if not self._erased:
            self._copy.refresh(at_once=True)
        self._dispose()
        self._lock.release()

    def erase(self) -> bool:
        """Destroy the key, then delete the files. May be called again.

        Returns:
            whether nothing is left. What is left can be read by nobody any more.
        """
        self._erased = True
        try:
            self._forget_key()
            forgotten = True
        except (SurroundingsFailed, OSError) as error:
            _log.error("the key could not be destroyed: %s", type(error).__name__)
            forgotten = False
        self._dispose()
        return files.remove_all(self.folder) and forgotten

    # ── the cache's file ─────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Notice a cache that breaks while it is used."""
        if self._erased:
            raise StoreUnusable("this workstation was emptied", remedy="sign in at another one")
        try:
            yield
        except DBAPIError as error:
            if self._erased or not files.is_damage(error.orig) or not self._mend():
                raise
            raise StoreUnusable(
                "the local copy was damaged and is built anew", remedy="wait until it has been read again"
            ) from None

    def _mend(self) -> bool:
        """Begin a new cache, if this one is damaged. Returns whether it was."""
        with self._one_writer:
            if files.is_sound(self._writer):
                return False
            self._readers.dispose()
            self._writer.dispose()
            try:
                self._writer = self._opened_cache()
            except OSError:  # Windows: a query that still runs holds the file
                raise StoreUnusable(
                    "the local copy is damaged and still in use", remedy="start HCRM Desktop again"
                ) from None
            self._readers = files.cache_readers(self.folder, self._key)
            self.restore()
        return True

    def _opened_cache(self) -> Engine:
        """A cache of this release's shape; a damaged one is set aside, one of another shape makes way."""
        engine, path = files.cache_writer(self.folder, self._key), self.folder / files.CACHE_FILE
        if not files.is_sound(engine):
            engine.dispose()
            for former in self.folder.glob(f"{files.CACHE_FILE}.*.damaged*"):
                former.unlink()
            files.set_aside(path, clock=self.clock)
            incidents.note(self.outbox, IncidentCode.CACHE_REBUILT, clock=self.clock)
            engine = files.cache_writer(self.folder, self._key)
        elif _version(engine) not in (0, cache_version()):
            engine.dispose()
            files.remove(path)
            engine = files.cache_writer(self.folder, self._key)
        CACHE.create_all(engine)
        _set_version(engine, cache_version())
        return engine

    def _shorten_log(self) -> None:
        """What stands in the log goes into the file; readers that are at work are not waited for."""
        log = self.folder / f"{files.CACHE_FILE}-wal"
        if not log.exists() or log.stat().st_size < LOG_BYTES:
            return
        with self._one_writer, closing(self._writer.raw_connection()) as connection:
            for statement in ("busy_timeout=0", "wal_checkpoint(TRUNCATE)", "busy_timeout=5000"):
                connection.cursor().execute(f"PRAGMA {statement}").fetchall()
        if log.stat().st_size > ALARMING_LOG_BYTES:
            _log.warning("the log of the cache has grown to %d MB", log.stat().st_size // 2**20)

    def _dispose(self) -> None:
        self._readers.dispose()
        with self._one_writer:
            self._writer.dispose()
            self.outbox.close()

    def _own(self, person: Person) -> None:
        owner = str(person.account_id)
        with self.write() as session:
            if meta.read(session, meta.OWNER) != owner:
                streams.empty(session)
                meta.write(session, meta.OWNER, owner)


def open_workspace(
    folder: Path, key: bytes, *, clock: Clock, forget_key: Callable[[], None] | None = None
) -> Workspace:
    """Open (creating them at first) the files of a profile.

    A damaged or outdated cache is replaced by an empty one, which the next sync fills. A damaged outbox is put
    together again from its copy and what is left of it (`Workspace.recovered`), never replaced in silence.

    Args:
        folder: the profile folder; locked against a second workstation until `close()`.
        key: 32 bytes, see hcrm_desktop.cache.keys.
        forget_key: destroys the key wherever it is kept; by default keys.forget_key.

    Raises:
        StoreUnusable: locked by another program, wrong key, nothing left of the outbox, or written by a newer release.
    """
    lock = files.FolderLock(folder)
    try:
        used = files.check_key(folder, key)
        forget = forget_key or partial(keys.forget_key, folder)
        workspace = Workspace(folder, key, clock=clock, lock=lock, used=used, forget_key=forget)
        files.remember_key(folder, key)
    except BaseException:
        lock.release()
        raise
    try:
        workspace.restore()
    except BaseException:  # a full disk: what is left open would refuse the next attempt
        workspace.close()
        raise
    return workspace


def _version(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("PRAGMA user_version")).scalar_one())


def _set_version(engine: Engine, version: int) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"PRAGMA user_version={version}"))
