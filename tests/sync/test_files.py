"""The two local files: sealed, one workstation at a time, and never lost with each other."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hcrm_core.errors import StoreUnusable
from hcrm_core.terms import Role
from hcrm_core.wire import IncidentCode, OperationKind, Person
from hcrm_desktop.cache import files, incidents, keys, queries, tables
from hcrm_desktop.cache.outbox import Intent
from hcrm_desktop.cache.recovery import COPY_FILE
from hcrm_desktop.cache.workspace import LOG_BYTES, Workspace, open_workspace
from hcrm_store.base import new_id
from tests.fakes import FakeClock, MemoryKeyring
from tests.pages import put, row
from tests.sync.desk import KEY

Opener = Callable[[], Workspace]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "profile"


@pytest.fixture
def person() -> Person:
    return Person(account_id=new_id(), staff_id=new_id(), name="李医助", role=Role.ASSISTANT, site_ids=[])


def enter(workspace: Workspace, person: Person, *, note: str = "孩子说的话") -> UUID:
    intent = Intent(
        account_id=person.account_id,
        kind=OperationKind.RECORD_FOLLOW_UP,
        row_id=new_id(),
        customer_id=new_id(),
        base_ver=None,
        body={"customer_id": str(new_id()), "channel": "phone", "outcome": "considering", "note": note},
    )
    return workspace.outbox.add([intent])[0].op_id


def unsent(workspace: Workspace) -> list[UUID]:
    with workspace.read() as session:
        return [item.op_id for item in queries.unsent_items(session)]


def damage(path: Path) -> None:
    """Overwrite the first page, as a failing disk does."""
    with path.open("r+b") as file:
        file.write(os.urandom(4096))


def test_the_files_are_sealed(folder: Path, clock: FakeClock, person: Person) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    workspace.admit(person)
    enter(workspace, person)
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not content.startswith(b"SQLite format 3"), path
        assert "孩子说的话".encode() not in content, path
        assert "李医助".encode() not in content, path
        assert KEY not in content, path
    workspace.close()


def test_a_wrong_key_is_told_and_touches_nothing(folder: Path, clock: FakeClock) -> None:
    open_workspace(folder, KEY, clock=clock).close()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(StoreUnusable, match="key does not open"):
        open_workspace(folder, bytes(32), clock=clock)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    open_workspace(folder, KEY, clock=clock).close()


def test_a_second_workstation_is_kept_out_until_the_first_closes(folder: Path, clock: FakeClock) -> None:
    first = open_workspace(folder, KEY, clock=clock)
    with pytest.raises(StoreUnusable, match="already open"):
        open_workspace(folder, KEY, clock=clock)
    first.close()
    open_workspace(folder, KEY, clock=clock).close()


@pytest.mark.parametrize("size", [0, 4096])
def test_a_damaged_cache_is_set_aside_and_the_entries_stay(
    folder: Path, clock: FakeClock, person: Person, size: int
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    workspace.admit(person)
    entered = enter(workspace, person)
    workspace.close()
    if size:
        damage(folder / "cache.db")
    else:
        (folder / "cache.db").write_bytes(b"")
    reopened = open_workspace(folder, KEY, clock=clock)
    assert unsent(reopened) == [entered]
    assert reopened.person() == person
    reopened.close()
    assert len(list(folder.glob("cache.db.*.damaged"))) == (1 if size else 0)


def test_a_damaged_outbox_without_a_copy_is_told_kept_and_not_in_the_way_of_the_next_start(
    folder: Path, clock: FakeClock, person: Person
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    enter(workspace, person)
    workspace.close()
    damage(folder / "outbox.db")
    (folder / COPY_FILE).unlink()
    with pytest.raises(StoreUnusable, match="damaged") as told:
        open_workspace(folder, KEY, clock=clock)
    (kept,) = folder.glob("outbox.db.*.damaged")
    assert kept.name in str(told.value)
    assert kept.stat().st_size > 4096
    again = open_workspace(folder, KEY, clock=clock)
    assert unsent(again) == []
    again.close()


def test_a_lost_outbox_without_a_copy_is_told_once(folder: Path, clock: FakeClock, person: Person) -> None:
    """A disk that was full or switched off may leave nothing of a file."""
    workspace = open_workspace(folder, KEY, clock=clock)
    enter(workspace, person)
    workspace.close()
    (folder / COPY_FILE).unlink()
    (folder / "outbox.db").write_bytes(b"")
    with pytest.raises(StoreUnusable, match="empty"):
        open_workspace(folder, KEY, clock=clock)
    open_workspace(folder, KEY, clock=clock).close()
    (folder / COPY_FILE).unlink()
    (folder / "outbox.db").unlink()
    with pytest.raises(StoreUnusable, match="empty"):
        open_workspace(folder, KEY, clock=clock)
    open_workspace(folder, KEY, clock=clock).close()


@pytest.mark.parametrize("left", [b"", b"0123", b"\xff" * 64, b"f" * 64])
def test_a_damaged_key_check_locks_nobody_out(folder: Path, clock: FakeClock, person: Person, left: bytes) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    entered = enter(workspace, person)
    workspace.close()
    (folder / "key.check").write_bytes(left)
    with pytest.raises(StoreUnusable, match="key does not open"):
        open_workspace(folder, bytes(32), clock=clock)
    reopened = open_workspace(folder, KEY, clock=clock)
    assert unsent(reopened) == [entered]
    reopened.close()
    with pytest.raises(StoreUnusable, match="key does not open"):
        open_workspace(folder, bytes(32), clock=clock)


def flipped(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def overwritten(content: bytes, chance: random.Random) -> bytes:
    place, noise = chance.randrange(len(content)), chance.randbytes(512)
    return (content[:place] + noise + content[place + len(noise) :])[: len(content)]


@pytest.mark.parametrize("name", ["outbox.db", "outbox.db-wal", "cache.db", "cache.db-wal"])
def test_whatever_breaks_in_a_file_after_a_kill_no_entry_is_lost_in_silence(
    folder: Path, tmp_path: Path, clock: FakeClock, person: Person, name: str
) -> None:
    """Files as a kill leaves them, logs and all; then one of them is damaged at random."""
    workspace = open_workspace(folder, KEY, clock=clock)
    workspace.admit(person)
    entered = [enter(workspace, person) for _ in range(20)]
    chance = random.Random(name)
    for trial, harm in enumerate([flipped, cut, overwritten] * 4):
        broken = tmp_path / f"{trial}"
        shutil.copytree(folder, broken)
        (broken / name).write_bytes(harm((broken / name).read_bytes(), chance))
        assert kept_or_told(broken, clock) in (entered, "told"), (trial, harm.__name__)
    workspace.close()


def kept_or_told(folder: Path, clock: FakeClock) -> list[UUID] | str:
    try:
        workspace = open_workspace(folder, KEY, clock=clock)
    except StoreUnusable:
        return "told"
    kept = unsent(workspace)
    workspace.close()
    return kept if workspace.recovered is None else "told"


def test_a_cache_of_another_shape_is_built_anew(folder: Path, clock: FakeClock) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    with workspace.write() as session:
        session.execute(text("DROP TABLE task"))
        session.execute(text("PRAGMA user_version=1"))
    workspace.close()
    reopened = open_workspace(folder, KEY, clock=clock)
    with reopened.read() as session:
        assert session.execute(tables.TASK.select()).all() == []
    reopened.close()


def test_an_outbox_of_a_newer_release_is_refused_untouched(folder: Path, clock: FakeClock) -> None:
    open_workspace(folder, KEY, clock=clock).close()
    engine = files.outbox_engine(folder, KEY)
    with engine.begin() as connection:
        connection.execute(text("PRAGMA user_version=99"))
    engine.dispose()
    with pytest.raises(StoreUnusable, match="version 99"):
        open_workspace(folder, KEY, clock=clock)


def test_readers_cannot_write(folder: Path, clock: FakeClock) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    with workspace.read() as session, pytest.raises(Exception, match="readonly"):
        session.execute(tables.TASK.delete())
    workspace.close()


def test_a_commit_of_the_outbox_waits_for_the_disk(folder: Path) -> None:
    folder.mkdir()
    engine = files.outbox_engine(folder, KEY)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


WRITER = """
import os, sys
from pathlib import Path
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_store.clock import SystemClock
from tests.sync.test_files import KEY, enter
from hcrm_core.wire import Person
workspace = open_workspace(Path(sys.argv[1]), KEY, clock=SystemClock())
person = Person.model_validate_json(sys.argv[2])
workspace.admit(person)
while True:
    print(enter(workspace, person), flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(folder: Path, clock: FakeClock, person: Person) -> None:
    arguments = [sys.executable, "-c", WRITER, str(folder), person.model_dump_json()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [UUID(process.stdout.readline().strip()) for _ in range(25)]
        process.kill()
        acknowledged += [UUID(line.strip()) for line in process.stdout if line.endswith("\n")]
    reopened = open_workspace(folder, KEY, clock=clock)
    kept = unsent(reopened)
    reopened.close()
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) - len(acknowledged) in (0, 1)  # written, and killed before it could be said


# ── while it runs ────────────────────────────────────────────────────────────────────────────────────────────


def spoil(path: Path) -> None:
    """Every page of a cache that is open, but for the first."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


@pytest.mark.parametrize("noticed_by", ["reader", "writer"])
def test_a_cache_that_breaks_while_it_is_used_is_built_anew_without_a_restart(
    folder: Path, clock: FakeClock, person: Person, noticed_by: str
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    workspace.admit(person)
    entered = enter(workspace, person)
    put(workspace, *(row("customer", new_id(), name="王小明") for _ in range(2000)))
    workspace._readers.dispose()
    with workspace._writer.connect() as connection:
        connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    workspace._writer.dispose()
    spoil(folder / "cache.db")
    use = workspace.read if noticed_by == "reader" else workspace.write
    with pytest.raises(StoreUnusable, match="built anew"), use() as session:
        session.execute(text("SELECT sum(length(name)) FROM customer")).scalar()
    with workspace.read() as session:
        assert session.execute(tables.CUSTOMER.select()).all() == []
    assert unsent(workspace) == [entered]
    assert workspace.person() == person
    assert [incident.code for incident in incidents.waiting(workspace.outbox)] == [IncidentCode.CACHE_REBUILT]
    put(workspace, row("customer", new_id(), name="王小明"))
    workspace.close()
    open_workspace(folder, KEY, clock=clock).close()
    assert len(list(folder.glob("cache.db.*.damaged"))) == 1


def test_an_error_that_is_no_damage_rebuilds_nothing(folder: Path, clock: FakeClock) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    with pytest.raises(DBAPIError, match="no such table"), workspace.write() as session:
        session.execute(text("SELECT * FROM what_is_not_there"))
    assert incidents.waiting(workspace.outbox) == []
    workspace.close()


def test_a_long_log_is_written_back_when_there_is_time(folder: Path, clock: FakeClock) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    with workspace.read() as session:  # a reader keeps the log from being written back
        session.execute(tables.CUSTOMER.select()).all()
        for _ in range(4):
            put(workspace, *(row("customer", new_id(), name="王" * 300, note="记" * 300) for _ in range(1000)))
        workspace.tend()
        assert (folder / "cache.db-wal").stat().st_size > LOG_BYTES
    workspace.tend()
    assert (folder / "cache.db-wal").stat().st_size == 0
    workspace.close()


# ── erased ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_erasing_destroys_the_key_first_and_leaves_nothing(folder: Path, clock: FakeClock, person: Person) -> None:
    store = MemoryKeyring.named()
    key = keys.key_from_keyring(folder, store=store)
    seen: list[bool] = []

    def forget() -> None:
        seen.append((folder / "outbox.db").exists())
        keys.forget_key(folder, store=store)

    workspace = open_workspace(folder, key, clock=clock, forget_key=forget)
    workspace.admit(person)
    enter(workspace, person)
    clock.advance(timedelta(minutes=5))
    workspace.tend()
    (folder / "outbox.db.20260101-000000.damaged").write_bytes(b"old")
    (folder / "cache.db.20260101-000000.damaged").write_bytes(b"old")
    assert workspace.erase()
    assert seen == [True]
    assert [path.name for path in folder.iterdir()] == ["lock"]
    assert workspace.erase()
    workspace.tend()
    for use in (workspace.read, workspace.write):
        with pytest.raises(StoreUnusable, match="emptied"), use():
            pass
    with pytest.raises(DBAPIError):
        workspace.person()
    assert [path.name for path in folder.iterdir()] == ["lock"]
    workspace.close()
    assert keys.key_from_keyring(folder, store=store) != key


def test_erasing_goes_on_when_a_file_is_held_or_gone_or_the_key_store_is_locked(
    folder: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise keys.NoKeyStore("the key store refused", remedy="unlock it")

    workspace = open_workspace(folder, KEY, clock=clock, forget_key=locked)
    (folder / "key.check").unlink()
    unlink = Path.unlink

    def held(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "cache.db":
            raise PermissionError("another program uses it")
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", held)
        assert not workspace.erase()
    assert {path.name for path in folder.iterdir()} == {"cache.db", "lock"}
    assert not workspace.erase()  # the key is still there
    assert {path.name for path in folder.iterdir()} == {"lock"}
    workspace.close()


@pytest.mark.parametrize("origin", ["passphrase", "file"])
def test_a_key_is_forgotten_wherever_it_comes_from(folder: Path, tmp_path: Path, origin: str) -> None:
    key_file = tmp_path / "key"
    if origin == "passphrase":
        former = keys.key_from_passphrase(folder, passphrase="geheim")
        keys.forget_key(folder)
        keys.forget_key(folder)
        assert keys.key_from_passphrase(folder, passphrase="geheim") != former
    else:
        former = keys.key_from_file(folder, key_file=key_file)
        keys.forget_key(folder, key_file=key_file)
        keys.forget_key(folder, key_file=key_file)
        assert not key_file.exists()
