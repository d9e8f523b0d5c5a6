"""The two files of a profile, under SQLCipher, and the lock that keeps a second workstation out.

`outbox.db` is small and precious: every commit reaches the disk. `cache.db` is disposable: it can be pulled again.
The key is raw (32 bytes), so opening costs no key derivation, and never stands in an address or an exception.
"""

import contextlib
import hashlib
import hmac
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from sqlcipher3 import dbapi2

from hcrm_core.errors import StoreUnusable
from hcrm_desktop.cache.tables import OUTBOX_SCHEMA
from hcrm_store.clock import Clock

OUTBOX_FILE, CACHE_FILE, KEY_CHECK = "outbox.db", "cache.db", "key.check"
KEY_BYTES = 32
READERS = 4
_COMPANIONS = ("", "-wal", "-shm")
_DAMAGED = ("malformed", "not a database")
_WAITING = ("busy_timeout=5000", "temp_store=MEMORY")


class FolderLock:
    """Held for as long as a workstation uses a profile folder; the system releases it when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            StoreUnusable: if another workstation holds it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = (folder / "lock").open("a+b")
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise StoreUnusable(
                "HCRM Desktop is already open with this profile", remedy="go to the window that is open, or close it"
            ) from None

    def release(self) -> None:
        self._file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def check_key(folder: Path, key: bytes) -> bool:
    """Tell a wrong key from a damaged file, which SQLCipher cannot.

    Returns:
        whether the folder was used before.

    Raises:
        StoreUnusable: if the folder was written with another key.
    """
    path = folder / KEY_CHECK
    if not path.exists():
        return False
    # The check itself may be damaged: a key that opens the outbox is right, whatever else is written.
    if not hmac.compare_digest(path.read_bytes(), _digest(key)) and not _opens(folder, key):
        raise StoreUnusable(
            "the key does not open this profile", remedy="use the passphrase or key that this profile was made with"
        )
    return True


def remember_key(folder: Path, key: bytes) -> None:
    """Note by which key the files were made; to be called when they are there."""
    path = folder / KEY_CHECK
    if path.exists() and path.read_bytes() == _digest(key):
        return
    half = path.with_suffix(".new")
    half.write_bytes(_digest(key))
    half.replace(path)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(b"hcrm-desktop key check" + key).hexdigest().encode()


def _opens(folder: Path, key: bytes) -> bool:
    if is_lost(folder / OUTBOX_FILE):
        return False
    engine = outbox_engine(folder, key)
    try:
        return is_sound(engine)
    finally:
        engine.dispose()


def outbox_engine(folder: Path, key: bytes, *, name: str = OUTBOX_FILE) -> Engine:
    """The one writing connection on the outbox; a commit has reached the disk when it returns."""
    # Every commit goes on into the file itself: SQLite takes a damaged log for the end of the log, without a word.
    pragmas = ("synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=1")
    engine = _engine(folder / name, key, pragmas=pragmas, begin="BEGIN IMMEDIATE")
    return engine.execution_options(schema_translate_map={OUTBOX_SCHEMA: None})


def cache_writer(folder: Path, key: bytes) -> Engine:
    """The one writing connection on the cache. No foreign keys: parent and child come in different pages."""
    pragmas = ("synchronous=NORMAL", "foreign_keys=OFF", "cache_size=-32000")
    return _engine(folder / CACHE_FILE, key, pragmas=pragmas, begin="BEGIN IMMEDIATE")


def cache_readers(folder: Path, key: bytes) -> Engine:
    """Reading connections on the cache, with the outbox beside it."""

    def prepare(connection: Any) -> None:
        attach = f"ATTACH DATABASE ? AS {OUTBOX_SCHEMA} KEY \"x'{key.hex()}'\""
        connection.execute(attach, (_address(folder / OUTBOX_FILE),))

    pragmas = ("cache_size=-16000", "query_only=ON")
    return _engine(folder / CACHE_FILE, key, pragmas=pragmas, begin="BEGIN", size=READERS, prepare=prepare)


def is_sound(engine: Engine) -> bool:
    """Whether a file opens with its key and its pages agree with each other."""
    try:
        with engine.connect() as connection:
            return connection.execute(text("PRAGMA quick_check(1)")).scalar() == "ok"
    except DBAPIError:
        return False


def is_lost(path: Path) -> bool:
    """Whether a file that should be there is gone, or nothing is left in it."""
    return not path.exists() or path.stat().st_size == 0


def set_aside(path: Path, *, clock: Clock) -> Path:
    """Rename a file and its companions, so that nothing is lost and a new one can be made.

    Returns:
        the new path.
    """
    aside = path.with_name(f"{path.name}.{clock.now():%Y%m%d-%H%M%S}.damaged")
    for companion in _COMPANIONS:
        source = path.with_name(path.name + companion)
        if source.exists():
            source.replace(aside.with_name(aside.name + companion))
    return aside


def remove(path: Path) -> None:
    """Delete a file and its companions."""
    for companion in _COMPANIONS:
        path.with_name(path.name + companion).unlink(missing_ok=True)


def remove_all(folder: Path) -> bool:
    """Delete everything that a workstation keeps in its folder, copies and damaged files too, but not the lock.

    Returns:
        whether nothing is left; a file that another program holds open may be.
    """
    mine = [path for path in folder.glob("*") if path.name.startswith((OUTBOX_FILE, CACHE_FILE, KEY_CHECK))]
    for path in mine:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return not any(path.exists() for path in mine)


def is_damage(error: BaseException | None) -> bool:
    """Whether the driver says that a file is not what it was."""
    return isinstance(error, dbapi2.DatabaseError) and any(word in str(error) for word in _DAMAGED)


def connect(path: Path, key: bytes, *, pragmas: tuple[str, ...] = ()) -> Any:
    """A connection of the driver's own on a file that is there: one that was deleted does not come back empty."""
    # isolation_level None: the driver must not begin transactions of its own.
    connection = dbapi2.connect(_address(path), uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)
    # The key comes first, or the file "is not a database"; the log would go to stderr.
    for pragma in ("cipher_log_level=NONE", f"key=\"x'{key.hex()}'\"", *pragmas):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def force_to_disk(path: Path) -> None:
    """Return when the file, or the names in the folder, would survive a power cut."""
    if path.is_dir() and os.name == "nt":  # Windows has no such thing for a folder
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _address(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=rw"


def _engine(
    path: Path,
    key: bytes,
    *,
    pragmas: tuple[str, ...],
    begin: str,
    size: int = 1,
    prepare: Callable[[Any], None] | None = None,
) -> Engine:
    def opened() -> Any:
        connection = connect(path, key, pragmas=("journal_mode=WAL", "secure_delete=ON", *_WAITING, *pragmas))
        if prepare is not None:
            prepare(connection)
        return connection

    path.touch(mode=0o600)
    engine = create_engine(
        "sqlite://",
        module=dbapi2,
        creator=opened,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,  # patient data must not come into an exception or a log
    )
    # IMMEDIATE for writers: a transaction that reads first and writes later can fail at once with "busy".
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine
