"""A large stream read as one file: whole or not at all, exactly as by pages, and on from where a cut left it."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_core.digest import row_digest, total
from hcrm_core.errors import Unreachable
from hcrm_core.terms import Channel, Outcome, Role, TaskState
from hcrm_core.wire import Cursor, Person, Row, SnapshotEnd, SnapshotHead, SnapshotKind, StreamGrant
from hcrm_desktop.cache import commands, streams
from hcrm_desktop.cache.tables import KIND_TABLES, SNAPSHOT_PART, TASK
from hcrm_desktop.cache.values import from_wire, storing
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync import reading, snapshots
from hcrm_desktop.sync.client import ServerFailed, Sink, SnapshotAnswer
from hcrm_desktop.sync.session import Superseded
from hcrm_desktop.sync.snapshots import read_snapshot
from hcrm_store.base import new_id
from tests.fakes import SnapshotShelf
from tests.pages import put, row
from tests.sync.desk import NEXT_WEEK, Desk

STREAM, PROFILE, EPOCH = "north:tasks", "p1", new_id()
GRANT = StreamGrant(key=STREAM, profile=PROFILE)
WHO = Person(account_id=new_id(), staff_id=new_id(), name="李医助", role=Role.ASSISTANT, site_ids=[])
CHILD = new_id()


def task(row_id: UUID | None = None, *, ver: int = 1, **body: Any) -> Row:
    about = {"customer_id": str(CHILD), "sop_key": "recheck", "due_on": "2026-11-20", "anchor_on": "2026-05-01"}
    about["subject"] = uuid4().hex  # what no compression makes small
    return row("task", row_id or new_id(), ver=ver, **{**about, "state": "open", "attempts": 0, "priority": 2, **body})


def packed(*lines: Any) -> bytes:
    return gzip.compress(b"".join(line.encode() + b"\n" for line in lines), 1)


def lines_of(rows: Iterable[Row], *, seq: int = 40, **head: Any) -> list[str]:
    """A snapshot file, line by line."""
    held = list(rows)
    about = {"epoch": EPOCH, "stream": STREAM, "profile": PROFILE, "seq": seq} | head
    lines = [SnapshotHead(**about).model_dump_json()]
    for kind in dict.fromkeys(one.kind for one in held):
        mine = [one for one in held if one.kind == kind]
        columns = ["id", "ver", *(name for name in mine[0].body if name not in ("id", "ver"))]
        lines.append(SnapshotKind(kind=kind, columns=columns).model_dump_json())
        lines += [json.dumps([one.body[name] for name in columns]) for one in mine]
    digest = total(row_digest(one.kind, one.id, ver=one.ver) for one in held)
    return [*lines, SnapshotEnd(rows=len(held), digest=digest).model_dump_json()]


def file_of(*rows: Row, **head: Any) -> bytes:
    return packed(*lines_of(rows, **head))


@pytest.fixture
def here(workspace: Workspace) -> Workspace:
    workspace.admit(WHO)
    return workspace


Ask = Callable[..., SnapshotAnswer]


def read(workspace: Workspace, ask: Ask, *, told: list[float] | None = None) -> Cursor | None:
    progress = (told if told is not None else []).append
    return read_snapshot(workspace, ask, grant=GRANT, epoch=EPOCH, person=WHO, still=workspace.write, progress=progress)


def tasks(workspace: Workspace) -> dict[UUID, int]:
    with workspace.read() as session:
        return {found.id: found.ver for found in session.execute(select(TASK.c.id, TASK.c.ver))}


def cursor(workspace: Workspace) -> Cursor | None:
    with workspace.read() as session:
        return streams.cursors(session).get(STREAM)


def parts(workspace: Workspace) -> int:
    with workspace.read() as session:
        return session.execute(select(func.count()).select_from(SNAPSHOT_PART)).scalar_one()


# ── what a file brings ───────────────────────────────────────────────────────────────────────────────────────


def test_a_file_brings_its_rows_and_the_cursor(here: Workspace) -> None:
    rows = [task() for _ in range(5)]
    told: list[float] = []
    assert read(here, SnapshotShelf(file_of(*rows)), told=told) == Cursor(seq=40, profile=PROFILE)
    assert tasks(here) == {one.id: 1 for one in rows}
    assert cursor(here) == Cursor(seq=40, profile=PROFILE)
    assert parts(here) == 0
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] <= 1


def test_an_empty_stream_is_a_whole_file_too(here: Workspace) -> None:
    assert read(here, SnapshotShelf(file_of())) == Cursor(seq=40, profile=PROFILE)


def test_what_the_file_does_not_bring_goes_and_what_is_of_another_stream_stays(here: Workspace) -> None:
    gone, elsewhere, kept = new_id(), new_id(), new_id()
    put(here, task(gone), task(kept), stream=STREAM)
    put(here, task(elsewhere), stream="south:tasks")
    read(here, SnapshotShelf(file_of(task(kept, ver=2))))
    assert tasks(here) == {kept: 2, elsewhere: 1}


def test_a_row_that_is_newer_here_than_in_the_file_stays(here: Workspace) -> None:
    """The first look is younger than a file that was made for somebody else an hour ago."""
    known = new_id()
    put(here, task(known, ver=7), stream=STREAM)
    read(here, SnapshotShelf(file_of(task(known, ver=6))))
    assert tasks(here) == {known: 7}


def test_kinds_that_this_release_does_not_know_count_and_are_passed_over(here: Workspace) -> None:
    strange = Row(kind="hologram", id=new_id(), ver=1, body={"id": "", "ver": 1, "shine": 3})
    strange = strange.model_copy(update={"body": strange.body | {"id": str(strange.id)}})
    known = task()
    assert read(here, SnapshotShelf(file_of(strange, known))) is not None
    assert tasks(here) == {known.id: 1}


def test_entries_that_wait_are_laid_over_what_the_file_brings(here: Workspace) -> None:
    put(here, row("customer", CHILD, name="王小欣"))
    work = new_id()
    put(here, task(work), stream=STREAM)
    commands.record_outcome(here, task_id=work, channel=Channel.PHONE, outcome=Outcome.CONSIDERING, next_on=NEXT_WEEK)
    read(here, SnapshotShelf(file_of(task(work, ver=2, priority=1))))
    with here.read() as session:
        found = session.execute(select(TASK).where(TASK.c.id == work)).one()
    assert (found.state, found.priority, found.base["ver"]) == (TaskState.SNOOZED, 1, 2)


# ── cuts and kills ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction a thousand bytes and a hundred rows, so that a small file has many of either."""
    monkeypatch.setattr(snapshots, "PART_BYTES", 1000)
    monkeypatch.setattr(snapshots, "ROWS_A_TRANSACTION", 100)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("says_total", [True, False])
def test_a_cut_line_goes_on_where_it_was(here: Workspace, *, says_total: bool) -> None:
    rows = [task() for _ in range(800)]
    shelf = SnapshotShelf(file_of(*rows), says_total=says_total)
    shelf.cut_after = 9_500
    for _ in range(2):
        with pytest.raises(Unreachable):
            read(here, shelf)
    assert cursor(here) is None
    shelf.cut_after = None
    assert read(here, shelf) is not None
    assert shelf.asked == [0, 9_500, 19_000]
    assert len(tasks(here)) == 800


@pytest.mark.usefixtures("small_parts")
def test_another_file_behind_the_same_name_begins_anew(here: Workspace) -> None:
    shelf = SnapshotShelf(file_of(*[task() for _ in range(300)]))
    shelf.cut_after = 3_500
    with pytest.raises(Unreachable):
        read(here, shelf)
    rows = [task() for _ in range(300)]
    newer = SnapshotShelf(file_of(*rows, seq=44), etag='"two"')
    assert read(here, newer) == Cursor(seq=44, profile=PROFILE)
    assert newer.asked == [0]
    assert tasks(here).keys() == {one.id for one in rows}


class Killed(BaseException):
    """As if the power went: nothing may answer to it."""


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("writes", [0, 3, 14, 20, 30])
def test_a_kill_at_any_moment_loses_nothing_and_counts_nothing_half(here: Workspace, writes: int) -> None:
    former, rows = task(), [task() for _ in range(1_000)]
    put(here, former, stream=STREAM, next=Cursor(seq=0, fresh_to=3, profile=PROFILE))
    shelf = SnapshotShelf(file_of(*rows))
    left = iter(range(writes))

    @contextmanager
    def dying() -> Iterator[Session]:
        if next(left, None) is None:
            raise Killed
        with here.write() as session:
            yield session

    with pytest.raises(Killed):
        read_snapshot(here, shelf, grant=GRANT, epoch=EPOCH, person=WHO, still=dying, progress=lambda _: None)
    assert cursor(here) == Cursor(seq=0, fresh_to=3, profile=PROFILE)
    assert read(here, shelf) == Cursor(seq=40, profile=PROFILE)
    assert tasks(here).keys() == {one.id for one in rows}
    assert shelf.asked[1] == shelf.asked[0] or shelf.asked[1] >= min(1000 * (writes - 2), len(shelf.content) - 1)


@pytest.mark.usefixtures("small_parts")
def test_a_whole_file_kept_from_before_is_asked_for_again_by_its_last_byte(here: Workspace) -> None:
    """Whoever lost a customer meanwhile is served another file."""
    rows = [task() for _ in range(300)]
    shelf = SnapshotShelf(file_of(*rows))

    @contextmanager
    def leaving() -> Iterator[Session]:
        if parts(here) * 1000 >= len(shelf.content):
            raise Superseded("somebody else signed in")
        with here.write() as session:
            yield session

    with pytest.raises(Superseded):
        read_snapshot(here, shelf, grant=GRANT, epoch=EPOCH, person=WHO, still=leaving, progress=lambda _: None)
    assert read(here, shelf) is not None
    assert shelf.asked == [0, len(shelf.content) - 1]
    assert len(tasks(here)) == 300


def test_parts_go_with_their_stream_and_with_another_person(here: Workspace) -> None:
    shelf = SnapshotShelf(file_of(task()))
    shelf.cut_after = 50
    for forget in (
        lambda session: streams.purge(session, [STREAM]),
        streams.empty,
    ):
        with pytest.raises(Unreachable):
            read(here, shelf)
        assert parts(here) == 1
        with here.write() as session:
            forget(session)
        assert parts(here) == 0


def test_nothing_of_a_file_touches_the_disk_in_clear(here: Workspace) -> None:
    shelf = SnapshotShelf(file_of(task(subject="孩子的隐私")))
    shelf.cut_after = len(shelf.content) - 10
    with pytest.raises(Unreachable):
        read(here, shelf)
    for path in here.folder.iterdir():
        assert shelf.content[:20] not in path.read_bytes(), path.name


# ── files of no use ──────────────────────────────────────────────────────────────────────────────────────────


def changed(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


def with_line(place: int, line: str) -> bytes:
    lines = lines_of([task() for _ in range(3)])
    return packed(*lines[:place], line, *lines[place:])


BROKEN = {
    "nothing": b"",
    "no gzip": b"Bad gateway" * 100,
    "a gzip of nothing": gzip.compress(b""),
    "cut in the middle": file_of(*[task() for _ in range(200)])[:2000],
    "a flipped bit": changed(file_of(*[task() for _ in range(200)])),
    "no end": packed(*lines_of([task()])[:-1]),
    "another epoch": file_of(task(), epoch=new_id()),
    "another stream": file_of(task(), stream="south:tasks"),
    "another profile": file_of(task(), profile="p2"),
    "another format": packed(json.dumps({"format": 2}), *lines_of([task()])[1:]),
    "a line that is no JSON": with_line(3, "{]"),
    "a row that is none": with_line(3, '["x", 1]'),
    "a row without a version": with_line(3, json.dumps([str(new_id()), None, *[""] * 8])),
    "rows before their kind": with_line(1, json.dumps([str(new_id()), 1])),
    "one row more than is told": with_line(3, json.dumps([str(new_id()), 1, *[None] * 8])),
    "rows after the end": with_line(6, json.dumps([str(new_id()), 1])),
    "a kind without columns": with_line(1, json.dumps({"kind": "task", "columns": []})),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_of_no_use_is_left_for_the_pages_and_leaves_nothing(here: Workspace, content: bytes) -> None:
    assert read(here, SnapshotShelf(content)) is None
    assert tasks(here) == {}
    assert cursor(here) is None
    assert parts(here) == 0


def test_rows_that_do_not_add_up_take_the_whole_stream_with_them(here: Workspace) -> None:
    put(here, task(), stream=STREAM, next=Cursor(seq=0, fresh_to=9))
    assert read(here, SnapshotShelf(with_line(3, lines_of([task()])[2]))) is None
    assert tasks(here) == {}
    assert cursor(here) is None


def test_a_part_from_another_place_is_the_centres_fault(here: Workspace) -> None:
    def ask(stream: str, *, offset: int, etag: str | None, sink: Sink) -> SnapshotAnswer:
        answer = SnapshotAnswer(start=7, etag='"one"', total=100)
        sink(answer, b"x")
        return answer

    with pytest.raises(ServerFailed):
        read(here, ask)
    assert parts(here) == 0


# ── exactly as by pages ──────────────────────────────────────────────────────────────────────────────────────

_SAMPLES: dict[str, list[Any]] = {
    "UUID": [str(new_id()), str(new_id()).upper(), "no id", 5, None],
    "INSTANT": ["2026-11-22T01:02:03.123456Z", "2026-11-22T09:02:03+08:00", "2026-11-22T01:02:03", "soon", None],
    "DATE": ["2017-03-04", "2017-02-31", None],
    "EXACT": ["-3.25", "0", "1E+2", "NaN?", None],
    "BOOLEAN": [True, False, "yes", None],
    "INTEGER": [3, -1, 2**70, "3", None],
    "JSON": [{"键": [1, None, "x"]}, [], "text", None],
    "TEXT": ["城北院区", "", '"quoted"', 5, ["list"], None],
}


def samples(column: Any) -> list[Any]:
    name = type(column.type).__name__
    if name == "Enum":
        words = column.type.enum_class or list(column.type.enums)
        return [str(next(iter(words))), "a word of next year", None]
    kinds = {"Uuid": "UUID", "UtcInstant": "INSTANT", "Date": "DATE", "Exact": "EXACT", "Boolean": "BOOLEAN"}
    return _SAMPLES[kinds.get(name) or {"Integer": "INTEGER", "JSON": "JSON"}.get(name, "TEXT")]


def bodies(kind: str) -> list[dict[str, Any]]:
    """Rows of every sort of value, one after the other, and a column of a later release."""
    columns = [
        c for c in KIND_TABLES[kind].columns if c.name not in ("id", "ver", "stream", "extra", "base", "delivery")
    ]
    return [
        {"id": str(new_id()), "ver": 3}
        | {column.name: samples(column)[turn % len(samples(column))] for column in columns}
        | {"of_next_year": turn or None}
        for turn in range(12)
    ]


def raw(workspace: Workspace, kind: str) -> list[tuple[Any, ...]]:
    """What stands in the file, not what SQLAlchemy makes of it."""
    names = ", ".join(f'"{column.name}", typeof("{column.name}")' for column in KIND_TABLES[kind].columns)
    with workspace.read() as session:
        found = session.connection().exec_driver_sql(f'SELECT {names} FROM "{kind}" ORDER BY id')
        return [tuple(one) for one in found]


@pytest.mark.parametrize("kind", KIND_TABLES)
def test_a_row_is_stored_as_by_pages_and_as_sqlalchemy_would(here: Workspace, kind: str) -> None:
    sent = bodies(kind)
    table = KIND_TABLES[kind]
    with here.write() as session:
        for body in sent:
            values = from_wire(kind, body)
            session.execute(table.insert().values({**values, "stream": STREAM}))
    by_hand = raw(here, kind)
    with here.write() as session:
        session.execute(table.delete())
    rows = [Row(kind=kind, id=UUID(body["id"]), ver=3, body=body) for body in sent]
    put(here, *rows, stream=STREAM)
    assert raw(here, kind) == by_hand
    with here.write() as session:
        streams.purge(session, [STREAM])
    assert read(here, SnapshotShelf(file_of(*rows))) is not None
    assert raw(here, kind) == by_hand


def test_a_column_sent_twice_counts_as_it_was_sent_first() -> None:
    how = storing("family", ("id", "ver", "id"))
    assert str(new_id()) not in how.stored([str(CHILD), 1, str(new_id())], stream=STREAM)
    assert CHILD.hex in how.stored([str(CHILD), 1, str(new_id())], stream=STREAM)


# ── with the centre ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("username", ["manager", "assistant", "optometrist"])
def test_a_workstation_that_read_files_holds_what_pages_would_have_brought(
    desk_for: Callable[[str], Desk], monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    desk = desk_for(username)
    by_pages = {kind: raw(desk.workspace, kind) for kind in KIND_TABLES}
    with desk.workspace.write() as session:
        before = streams.cursors(session)
        streams.purge(session, list(before))
    read_as_files: dict[str, Cursor | None] = {}

    def noted(workspace: Workspace, ask: Ask, *, grant: StreamGrant, **options: Any) -> Cursor | None:
        read_as_files[grant.key] = read_snapshot(workspace, ask, grant=grant, **options)
        return read_as_files[grant.key]

    monkeypatch.setattr(reading, "LARGE", 1)
    monkeypatch.setattr(reading, "read_snapshot", noted)
    desk.sync()
    assert {kind: raw(desk.workspace, kind) for kind in KIND_TABLES} == by_pages
    with desk.workspace.read() as session:
        assert streams.cursors(session) == before
    assert len(read_as_files) >= 3
    assert None not in read_as_files.values()
