"""A damaged or lost outbox file: put together again from its copy and what is left; nothing is sent by itself."""

import os
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text

from hcrm_central.store.opening import Store
from hcrm_core.errors import Rejected, StoreUnusable
from hcrm_core.terms import Channel, Outcome, Role
from hcrm_core.wire import IncidentCode, OperationKind, Person
from hcrm_desktop.cache import commands, files, incidents, queries, recovery
from hcrm_desktop.cache.outbox import UNDO_WINDOW, Intent, OpState, entry_digest
from hcrm_desktop.cache.recovery import COPY_AFTER, COPY_AFTER_CHANGES, COPY_FILE, HALF, READY
from hcrm_desktop.cache.rows import Delivery
from hcrm_desktop.cache.tables import OPERATION
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.sync.desk import KEY, Desk, central_count, consider

PAGE = 4096
DeskFor = Callable[[str], Desk]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "profile"


@pytest.fixture
def person() -> Person:
    return Person(account_id=new_id(), staff_id=new_id(), name="李医助", role=Role.ASSISTANT, site_ids=[])


def enter(workspace: Workspace, person: Person, *, note: str = "再想想") -> UUID:
    body = {"customer_id": str(new_id()), "channel": "phone", "outcome": "considering", "note": note}
    intent = Intent(
        account_id=person.account_id,
        kind=OperationKind.RECORD_FOLLOW_UP,
        row_id=new_id(),
        customer_id=new_id(),
        base_ver=None,
        body=body,
    )
    return workspace.outbox.add([intent])[0].op_id


def items(workspace: Workspace) -> dict[UUID, Delivery]:
    with workspace.read() as session:
        return {item.op_id: item.delivery for item in queries.unsent_items(session)}


def noticed(workspace: Workspace) -> list[IncidentCode]:
    return [incident.code for incident in incidents.waiting(workspace.outbox)]


def lose_page(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.seek(PAGE * number)
        file.write(os.urandom(PAGE))


# ── the copy ─────────────────────────────────────────────────────────────────────────────────────────────────


def age(folder: Path) -> float:
    return (folder / COPY_FILE).stat().st_mtime_ns


def test_a_copy_is_made_at_first_after_fifty_changes_after_five_minutes_and_at_the_end(
    folder: Path, clock: FakeClock, person: Person
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    workspace.tend()
    at_first = age(folder)
    for _ in range(COPY_AFTER_CHANGES - 1):
        enter(workspace, person)
    workspace.tend()
    assert age(folder) == at_first
    enter(workspace, person)
    workspace.tend()
    first = age(folder)
    assert first > at_first
    enter(workspace, person)
    workspace.tend()
    assert age(folder) == first
    clock.advance(COPY_AFTER)
    workspace.tend()
    second = age(folder)
    assert second > first
    clock.advance(COPY_AFTER)
    workspace.tend()
    assert age(folder) == second  # nothing has changed
    enter(workspace, person)
    workspace.close()
    assert age(folder) > second


def test_a_copy_is_sealed_and_holds_everything(folder: Path, clock: FakeClock, person: Person) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    entered = [enter(workspace, person, note="孩子说的话") for _ in range(30)]
    workspace.close()
    content = (folder / COPY_FILE).read_bytes()
    assert not content.startswith(b"SQLite format 3")
    assert "孩子说的话".encode() not in content
    with closing(files.connect(folder / COPY_FILE, KEY)) as copy:
        assert [UUID(row[0]) for row in copy.execute("SELECT op_id FROM operation ORDER BY position")] == entered
    assert not list(folder.glob("*.new*"))


def test_an_entry_taken_back_is_out_of_the_copy_at_once(folder: Path, clock: FakeClock, person: Person) -> None:
    """Put back from the copy, it would be sent."""
    workspace = open_workspace(folder, KEY, clock=clock)
    enter(workspace, person)
    clock.advance(COPY_AFTER)
    workspace.tend()
    workspace.outbox.withdraw_last(person.account_id)
    workspace.tend()
    with closing(files.connect(folder / COPY_FILE, KEY)) as copy:
        assert copy.execute("SELECT count(*) FROM operation").fetchone() == (0,)
    workspace.close()


def test_a_copy_that_cannot_be_made_stops_nothing(
    folder: Path, clock: FakeClock, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    enter(workspace, person)
    (folder / recovery.NEW_COPY).mkdir()
    clock.advance(COPY_AFTER)
    workspace.tend()
    assert "copy of the outbox file was not made" in caplog.text
    (folder / recovery.NEW_COPY).rmdir()
    workspace.tend()
    assert (folder / COPY_FILE).exists()
    workspace.close()


# ── recovery ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("harm", ["first page", "emptied", "removed", "another key"])
def test_a_copy_takes_the_place_of_a_file_that_cannot_be_opened(
    folder: Path, clock: FakeClock, person: Person, harm: str
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    workspace.admit(person)
    entered, device = enter(workspace, person), workspace.outbox.device()
    workspace.close()
    path = folder / files.OUTBOX_FILE
    if harm == "first page":
        lose_page(path, 0)
    elif harm == "emptied":
        path.write_bytes(b"")
    elif harm == "removed":
        path.unlink()
    else:
        open_workspace(folder.with_name("other"), bytes(32), clock=clock).close()
        path.write_bytes((folder.with_name("other") / files.OUTBOX_FILE).read_bytes())
    reopened = open_workspace(folder, KEY, clock=clock)
    assert items(reopened) == {entered: Delivery.LOCAL}
    assert (reopened.person(), reopened.outbox.device()) == (person, device)
    assert reopened.recovered is not None
    assert reopened.recovered.from_copy
    assert noticed(reopened) == [IncidentCode.OUTBOX_RESTORED]
    reopened.close()
    again = open_workspace(folder, KEY, clock=clock)
    assert again.recovered is None
    again.close()


def test_what_only_the_damaged_file_tells_waits_for_who_entered_it(
    folder: Path, clock: FakeClock, person: Person
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    workspace.admit(person)
    old = [enter(workspace, person) for _ in range(10)]
    clock.advance(COPY_AFTER)
    workspace.tend()
    new = [enter(workspace, person, note="记" * 300) for _ in range(30)]
    workspace._dispose()  # as a kill leaves it: no last copy
    workspace._lock.release()
    pages = (folder / files.OUTBOX_FILE).stat().st_size // PAGE
    for page in range(pages // 2, pages // 2 + 3):
        lose_page(folder / files.OUTBOX_FILE, page)

    reopened = open_workspace(folder, KEY, clock=clock)
    found = items(reopened)
    assert {op_id for op_id, delivery in found.items() if delivery is Delivery.LOCAL} == set(old)
    review = [op_id for op_id, delivery in found.items() if delivery is Delivery.REVIEW]
    assert reopened.recovered is not None
    assert len(review) == reopened.recovered.review > 3
    assert set(review) <= set(new)
    assert len(review) + reopened.recovered.unreadable == len(new)
    assert (folder / reopened.recovered.aside).exists()
    clock.advance(UNDO_WINDOW)
    offered = reopened.outbox.offer(account_id=person.account_id, expected_n=1)
    assert {operation.op_id for operation in offered} == set(old)

    commands.release_recovered(reopened, op_id=review[0])
    commands.drop_recovered(reopened, op_id=review[1])
    for decided in review[:2]:
        with pytest.raises(Rejected, match="decision"):
            commands.release_recovered(reopened, op_id=decided)
    assert items(reopened)[review[0]] is Delivery.LOCAL
    assert review[1] not in items(reopened)
    reopened.outbox.reoffer(1)  # the centre was restored: what waits for a person waits on
    assert items(reopened)[review[2]] is Delivery.REVIEW
    reopened.close()


def test_nobody_decides_about_a_colleagues_recovered_entry(folder: Path, clock: FakeClock, person: Person) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    entered = enter(workspace, person)
    set_state(workspace, entered, OpState.REVIEW)
    workspace.admit(person.model_copy(update={"account_id": new_id()}))
    for command in (commands.release_recovered, commands.drop_recovered):
        with pytest.raises(Rejected):
            command(workspace, op_id=entered)
    workspace.admit(person)
    commands.release_recovered(workspace, op_id=entered)
    workspace.close()


def set_state(workspace: Workspace, op_id: UUID, state: OpState) -> None:
    with workspace.outbox._engine.begin() as connection:
        connection.execute(OPERATION.update().where(OPERATION.c.op_id == op_id).values(state=state.value))


def test_an_entry_that_does_not_read_as_it_was_written_is_counted_and_not_shown(
    folder: Path, clock: FakeClock, person: Person
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    entered = [enter(workspace, person) for _ in range(3)]
    with workspace.outbox._engine.begin() as connection:
        altered = OPERATION.update().where(OPERATION.c.op_id == entered[1])
        connection.execute(altered.values(body={"customer_id": str(new_id()), "note": "anders"}))
        connection.execute(text("CREATE TABLE big (x TEXT)"))
        connection.execute(text("INSERT INTO big VALUES (zeroblob(40000))"))
    workspace._dispose()
    workspace._lock.release()
    pages = (folder / files.OUTBOX_FILE).stat().st_size // PAGE
    lose_page(folder / files.OUTBOX_FILE, pages - 2)
    reopened = open_workspace(folder, KEY, clock=clock)
    assert reopened.recovered is not None
    assert (reopened.recovered.from_copy, reopened.recovered.review, reopened.recovered.unreadable) == (False, 2, 1)
    assert items(reopened) == dict.fromkeys([entered[0], entered[2]], Delivery.REVIEW)
    reopened.close()


def test_the_digest_is_of_what_was_entered_and_not_of_what_became_of_it(
    folder: Path, clock: FakeClock, person: Person
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    enter(workspace, person)
    clock.advance(UNDO_WINDOW)
    workspace.outbox.offer(account_id=person.account_id, expected_n=1)
    with workspace.outbox._engine.connect() as connection:
        row = dict(connection.execute(select(OPERATION)).mappings().one())
    assert row["digest"] == entry_digest(row)
    for name in ("kind", "row_id", "account_id", "op_id"):
        assert entry_digest(row | {name: str(new_id())}) != row["digest"]
    assert entry_digest(row | {"captured_at": row["captured_at"] + timedelta(microseconds=1)}) != row["digest"]
    assert entry_digest(row | {"body": {}}) != row["digest"]
    workspace.close()


@pytest.mark.parametrize("killed_at", ["half", "ready", "aside"])
def test_a_kill_during_the_recovery_loses_nothing(
    folder: Path, clock: FakeClock, person: Person, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    entered = enter(workspace, person)
    workspace.close()
    lose_page(folder / files.OUTBOX_FILE, 0)

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> Path:
        raise Killed

    def aside_then_die(path: Path, *, clock: FakeClock) -> Path:
        files_set_aside(path, clock=clock)
        raise Killed

    files_set_aside = files.set_aside
    with monkeypatch.context() as patched:
        if killed_at == "half":
            patched.setattr(incidents, "note", die)
        elif killed_at == "ready":
            patched.setattr(files, "set_aside", die)
        else:
            patched.setattr(files, "set_aside", aside_then_die)
        with pytest.raises(Killed):
            open_workspace(folder, KEY, clock=clock)
    reopened = open_workspace(folder, KEY, clock=clock)
    assert items(reopened) == {entered: Delivery.LOCAL}
    assert noticed(reopened) == [IncidentCode.OUTBOX_RESTORED]
    assert list(folder.glob("outbox.db.*.damaged"))
    assert not (folder / HALF).exists()
    assert not (folder / READY).exists()
    reopened.close()


def test_without_file_and_copy_it_is_told(folder: Path, clock: FakeClock, person: Person) -> None:
    workspace = open_workspace(folder, KEY, clock=clock)
    enter(workspace, person)
    workspace.close()
    lose_page(folder / files.OUTBOX_FILE, 0)
    lose_page(folder / COPY_FILE, 0)
    with pytest.raises(StoreUnusable, match="damaged"):
        open_workspace(folder, KEY, clock=clock)
    open_workspace(folder, KEY, clock=clock).close()


# ── with the centre ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_copy_older_than_what_was_sent_has_no_effect_twice(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    call(desk, clinic)
    desk.clock.advance(COPY_AFTER)
    desk.workspace.tend()
    copied = (desk.folder / COPY_FILE).read_bytes()
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    before = central_count(store, FollowUp)
    desk.workspace.close()
    (desk.folder / COPY_FILE).write_bytes(copied)
    (desk.folder / files.OUTBOX_FILE).unlink()
    desk.workspace = open_workspace(desk.folder, KEY, clock=desk.clock)
    assert list(items(desk.workspace).values()) == [Delivery.LOCAL]  # it was sent long ago
    desk.sync()
    desk.sync()
    assert central_count(store, FollowUp) == before
    assert items(desk.workspace) == {}


def test_what_the_damaged_file_knows_of_answers_is_believed(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    call(desk, clinic)
    desk.clock.advance(COPY_AFTER)
    desk.workspace.tend()
    call(desk, clinic, note="第二次")
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    call(desk, clinic, note="第三次")
    with desk.workspace.outbox._engine.begin() as connection:
        connection.execute(text("CREATE TABLE big (x TEXT)"))
        connection.execute(text("INSERT INTO big VALUES (zeroblob(40000))"))
    desk.workspace._dispose()
    desk.workspace._lock.release()
    path = desk.folder / files.OUTBOX_FILE
    lose_page(path, path.stat().st_size // PAGE - 2)
    desk.workspace = open_workspace(desk.folder, KEY, clock=desk.clock)
    assert list(items(desk.workspace).values()) == [Delivery.REVIEW]  # the third; the others are at the centre
    before = central_count(store, FollowUp)
    (third,) = items(desk.workspace)
    commands.release_recovered(desk.workspace, op_id=third)
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    assert central_count(store, FollowUp) == before + 1


def call(desk: Desk, clinic: Clinic, *, note: str = "第一次") -> None:
    desk.clock.advance(timedelta(minutes=1))
    commands.record_follow_up(
        desk.workspace,
        customer_id=clinic.mine.customer_id,
        channel=Channel.PHONE,
        outcome=Outcome.CONSIDERING,
        note=note,
    )


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────

VERSION_1 = """
CREATE TABLE operation (
    position INTEGER NOT NULL, op_id CHAR(32) NOT NULL, account_id CHAR(32) NOT NULL, kind TEXT NOT NULL,
    row_id CHAR(32) NOT NULL, customer_id CHAR(32), base_ver INTEGER, body JSON NOT NULL,
    captured_at VARCHAR(32) NOT NULL, state TEXT NOT NULL, n INTEGER, offered_at VARCHAR(32),
    answered_at VARCHAR(32), result JSON, settled BOOLEAN DEFAULT 0 NOT NULL, PRIMARY KEY (position), UNIQUE (op_id));
CREATE INDEX ix_operation_state ON operation (state);
CREATE TABLE device (one INTEGER DEFAULT '1' NOT NULL, id CHAR(32) NOT NULL, secret TEXT NOT NULL, PRIMARY KEY (one));
CREATE TABLE kept ("key" TEXT NOT NULL, body JSON NOT NULL, PRIMARY KEY ("key"));
CREATE TABLE draft ("key" TEXT NOT NULL, body JSON NOT NULL, saved_at VARCHAR(32) NOT NULL, PRIMARY KEY ("key"));
PRAGMA user_version=1;
"""


def test_an_outbox_of_the_first_release_is_brought_forward(folder: Path, clock: FakeClock) -> None:
    open_workspace(folder, KEY, clock=clock).close()
    files.remove(folder / files.OUTBOX_FILE)
    (folder / files.OUTBOX_FILE).touch()
    op_id, account_id, device_id = new_id(), new_id(), new_id()
    with closing(files.connect(folder / files.OUTBOX_FILE, KEY)) as former:
        former.executescript(VERSION_1)
        former.execute("INSERT INTO device VALUES (1, ?, 'secret')", (device_id.hex,))
        former.execute(
            "INSERT INTO operation (op_id, account_id, kind, row_id, body, captured_at, state)"
            " VALUES (?, ?, 'task.snooze', ?, '{\"until\": \"2026-12-01\"}', '2026-11-21T01:00:00+00:00', 'local')",
            (op_id.hex, account_id.hex, new_id().hex),
        )
    workspace = open_workspace(folder, KEY, clock=clock)
    assert workspace.recovered is None
    assert workspace.outbox.device().id == device_id
    (offered,) = workspace.outbox.offer(account_id=account_id, expected_n=5)
    assert (offered.op_id, offered.n, offered.body) == (op_id, 5, {"until": "2026-12-01"})
    with workspace.outbox._engine.connect() as connection:
        row = dict(connection.execute(select(OPERATION)).mappings().one())
    assert row["digest"] == entry_digest(row)
    workspace.close()
    again = open_workspace(folder, KEY, clock=clock)
    assert items(again) == {op_id: Delivery.SENDING}
    again.close()
