"""A profile's opened files, its clock and who works there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hcrm_core.errors import SignInRequired, StoreUnusable
from hcrm_core.wire import Person
from hcrm_desktop.cache import files, meta, overlay, streams
from hcrm_desktop.cache.outbox import Outbox
from hcrm_desktop.cache.tables import CACHE, cache_version
from hcrm_store.clock import Clock

PERSON = "person"  # among what the outbox keeps: it must outlive the cache


class Workspace:
    """The opened files of one profile folder. Safe to share between threads.

    Attributes:
        folder: the profile folder.
        clock: the only clock.
        outbox: what was entered here.
    """

    def __init__(self, folder: Path, key: bytes, *, clock: Clock, lock: files.FolderLock, used: bool) -> None:
        """Use `open_workspace`."""
        self.folder, self.clock = folder, clock
        self._lock = lock
        self._one_writer = threading.RLock()
        self.outbox = Outbox(_sound_outbox(folder, key, clock=clock, used=used), clock=clock)
        self._writer = _sound_cache(folder, key, clock=clock)
        self._readers = files.cache_readers(folder, key)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot of the cache, with the outbox beside it."""
        with Session(self._readers) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """The writing session on the cache, committed on leaving and rolled back on any error."""
        with self._one_writer, Session(self._writer) as session, session.begin():
            yield session

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else writes while the block runs: for an entry in the outbox and its effect in the cache."""
        with self._one_writer:
            yield

    def person(self) -> Person | None:
        """Who is signed in."""
        body = self.outbox.kept(PERSON)
        return None if body is None else Person.model_validate(body)

    def worker(self) -> Person:
        """Who is signed in.

        Raises:
            SignInRequired: nobody.
        """
        person = self.person()
        if person is None:
            raise SignInRequired("nobody is signed in", remedy="sign in")
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
        person = self.person()
        if person is not None:
            self._own(person)
        self.relay()

    def close(self) -> None:
        """Close the files and give the folder free."""
        self._readers.dispose()
        with self._one_writer:
            self._writer.dispose()
            self.outbox.close()
        self._lock.release()

    def _own(self, person: Person) -> None:
        owner = str(person.account_id)
        with self.write() as session:
            if meta.read(session, meta.OWNER) != owner:
                streams.empty(session)
                meta.write(session, meta.OWNER, owner)


def open_workspace(folder: Path, key: bytes, *, clock: Clock) -> Workspace:
    """Open (creating them at first) the files of a profile.

    A damaged or outdated cache is replaced by an empty one, which the next sync fills; a damaged outbox is
    never replaced in silence.

    Args:
        folder: the profile folder; locked against a second workstation until `close()`.
        key: 32 bytes, see hcrm_desktop.cache.keys.

    Raises:
        StoreUnusable: locked by another program, wrong key, damaged outbox, or written by a newer release.
    """
    lock = files.FolderLock(folder)
    try:
        used = files.check_key(folder, key)
        workspace = Workspace(folder, key, clock=clock, lock=lock, used=used)
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


def _sound_outbox(folder: Path, key: bytes, *, clock: Clock, used: bool) -> Engine:
    lost = used and files.is_lost(folder / files.OUTBOX_FILE)
    engine = files.outbox_engine(folder, key)
    if lost or not files.is_sound(engine):
        engine.dispose()
        aside = files.set_aside(folder / files.OUTBOX_FILE, clock=clock)
        Outbox(files.outbox_engine(folder, key), clock=clock).close()  # told once: the next start goes on with it
        raise StoreUnusable(
            f"the file of unsent entries is damaged or empty; it was kept as {aside.name}",
            remedy="start HCRM Desktop again to go on with an empty one, and give the kept file to your administrator:"
            " entries of the last days that the centre does not show may be in it",
        )
    version = _version(engine)
    if version > files.OUTBOX_VERSION:
        engine.dispose()
        raise StoreUnusable(
            f"the file of unsent entries has version {version}, which this release does not know",
            remedy="install the newer release that wrote it",
        )
    _set_version(engine, files.OUTBOX_VERSION)
    return engine


def _sound_cache(folder: Path, key: bytes, *, clock: Clock) -> Engine:
    engine, path = files.cache_writer(folder, key), folder / files.CACHE_FILE
    if not files.is_sound(engine):
        engine.dispose()
        files.set_aside(path, clock=clock)
        engine = files.cache_writer(folder, key)
    elif _version(engine) not in (0, cache_version()):
        engine.dispose()
        files.remove(path)
        engine = files.cache_writer(folder, key)
    CACHE.create_all(engine)
    _set_version(engine, cache_version())
    return engine


def _version(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("PRAGMA user_version")).scalar_one())


def _set_version(engine: Engine, version: int) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"PRAGMA user_version={version}"))
