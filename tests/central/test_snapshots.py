"""Snapshots: what a pull would bring, as a file that is made once, read in parts, and never older than its rights."""

import asyncio
import gzip
import json
import os
import stat
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, update

from hcrm_central.api import snapshot_files, snapshots
from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Incarnation
from hcrm_core.digest import row_digest, total
from hcrm_core.wire import Cursor, Json, SnapshotEnd, SnapshotHead, SnapshotKind
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.journeys import Task
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, add_child

ROLES = ("assistant", "optometrist", "manager", "executive")
AWKWARD = '反斜杠 \\ \\n \\\\ "引号"\n换行\t制表 \u2028 😀 \x7f'


class Read:
    """A snapshot file, read."""

    def __init__(self, content: bytes) -> None:
        self.rows: dict[tuple[str, UUID], Json] = {}
        lines: list[Any] = [json.loads(line) for line in gzip.decompress(content).split(b"\n")[:-1]]
        self.head, self.end = SnapshotHead.model_validate(lines[0]), SnapshotEnd.model_validate(lines[-1])
        for line in lines[1:-1]:
            if isinstance(line, dict):
                kind = SnapshotKind.model_validate(line)
                assert kind.columns[:2] == ["id", "ver"]
            else:
                body = dict(zip(kind.columns, line, strict=True))
                self.rows[kind.kind, UUID(body["id"])] = body


def fetch(client: Workstation, stream: str, **headers: str) -> httpx.Response:
    return client.http.get(f"/sync/snapshots/{stream}", headers=client.headers | headers)


def read(client: Workstation, stream: str) -> Read:
    answer = fetch(client, stream)
    assert answer.status_code == 200, answer.text
    return Read(answer.content)


def granted(client: Workstation) -> list[str]:
    return [grant.key for grant in client.hello().streams]


def pulled(client: Workstation, stream: str) -> tuple[dict[tuple[str, UUID], Json], Cursor]:
    """The rows of one stream as pages bring them, each with id and version."""
    client.cursors, client.held, more = {stream: Cursor()}, {}, True
    while more:
        answer = client.pull(epoch=client.hello().epoch)
        client.take(answer)
        more = answer.pages[0].more
    rows = {key: {**row.body, "id": str(row.id), "ver": row.ver} for key, row in client.held.items()}
    return rows, client.cursors[stream]


@pytest.fixture
def files(settings: Settings) -> Callable[[], list[Path]]:
    return lambda: sorted(settings.snapshot_dir.glob("*/*"))


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The streams whose files were made, in order."""
    made: list[str] = []
    write = snapshot_files.write_file

    def noting(*args: Any, head: SnapshotHead, **options: Any) -> None:
        made.append(head.stream)
        write(*args, head=head, **options)

    monkeypatch.setattr(snapshots, "write_file", noting)
    return made


@pytest.mark.parametrize("username", ROLES)
def test_a_snapshot_holds_value_by_value_what_pages_bring(
    client_for: SignIn, clinic: Clinic, store: Store, username: str
) -> None:
    with transaction(store.jobs) as session:
        session.execute(update(Exam).where(Exam.id == clinic.mine.exam_id).values(note=AWKWARD, washout_days=0))
        session.execute(update(EyeMeasurement).values(ucva=Decimal("4.9"), axial_length_mm=None))
        session.execute(update(Task).values(evidence=[{"fact": "度数", "value": -3.25, "path": "a\\b", "none": None}]))
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(note=AWKWARD))
    client = client_for(username)
    for stream in granted(client):
        found = read(client, stream)
        rows, cursor = pulled(client, stream)
        assert found.rows == rows, stream
        assert (found.head.stream, found.head.seq, found.head.profile) == (stream, cursor.seq, cursor.profile)
        assert found.head.epoch == client.hello().epoch
        digests = (row_digest(kind, row_id, ver=row["ver"]) for (kind, row_id), row in rows.items())
        assert (found.end.rows, found.end.digest) == (len(rows), total(digests))


def test_what_changes_after_the_file_is_brought_by_the_pull_that_follows_it(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, stream = client_for("assistant"), f"{clinic.north}:tasks"
    found = read(client, stream)
    with transaction(store.jobs) as session:
        session.execute(update(Task).where(Task.id == clinic.mine.task_id).values(attempts=7))
        session.execute(delete(FollowUp).where(FollowUp.id == clinic.mine.follow_up_id))
    client.cursors = {stream: Cursor(seq=found.head.seq, profile=found.head.profile)}
    page = client.pull(epoch=client.hello().epoch).pages[0]
    assert [row.id for row in page.rows] == [clinic.mine.task_id]
    assert [gone.id for gone in page.tombstones] == [clinic.mine.follow_up_id]


def test_a_stream_that_is_not_granted_is_refused(client_for: SignIn, clinic: Clinic) -> None:
    for username, stream in (
        ("assistant", f"{clinic.south}:tasks"),
        ("executive", f"{clinic.north}:people"),
        ("manager", "nonsense"),
        ("manager", f"{new_id()}:clinical"),
        ("manager", f"{clinic.north}:secrets"),
    ):
        answer = fetch(client_for(username), stream)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), stream


def test_a_hundred_who_ask_at_once_share_one_making_and_keep_nobody_waiting(
    client_for: SignIn, clinic: Clinic, making: list[str]
) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"

    async def crowd() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=client.http.base_url, timeout=60, limits=limits) as http:
            asking = (http.get(f"/sync/snapshots/{stream}", headers=client.headers) for _ in range(100))
            return await asyncio.gather(*asking)

    answers = asyncio.run(crowd())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["etag"] for answer in answers}) == len({answer.content for answer in answers}) == 1
    assert making == [stream]


def test_managers_share_a_file_and_everybody_else_has_his_own(
    client_for: SignIn, clinic: Clinic, making: list[str]
) -> None:
    stream = f"{clinic.north}:people"
    for username in ("manager", "manager", "assistant", "assistant2", "assistant", "optometrist", "optometrist2"):
        fetch(client_for(username), stream)
    assert len(making) == 5
    fetch(client_for("assistant"), "ref")
    fetch(client_for("assistant2"), "ref")
    assert making[5:] == ["ref"]


def test_a_little_news_leaves_the_file_and_much_makes_it_anew(
    client_for: SignIn, clinic: Clinic, store: Store, making: list[str]
) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"
    with transaction(store.jobs) as session:
        for number in range(10, 20):
            add_child(session, site_id=clinic.north, assistant=None, optometrist=None, number=number)
    first = fetch(client, stream)
    with transaction(store.jobs) as session:
        session.execute(update(Exam).where(Exam.id == clinic.mine.exam_id).values(note="news"))
    assert fetch(client, stream).headers["etag"] == first.headers["etag"]
    with transaction(store.jobs) as session:
        session.execute(update(EyeMeasurement).values(axis=90))
    again = fetch(client, stream)
    assert Read(again.content).head.seq > Read(first.content).head.seq
    assert len(making) == 2


def test_whoever_lost_a_customer_is_never_sent_him_from_an_older_file(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    with transaction(store.jobs) as session:
        for number in range(10, 40):
            add_child(
                session, site_id=clinic.north, number=number,
                assistant=clinic.staff["assistant"], optometrist=clinic.staff["optometrist"],
            )  # fmt: skip
    streams = [f"{clinic.north}:{area}" for area in ("tasks", "people", "clinical")]
    clients = {name: client_for(name) for name in ("assistant", "optometrist")}
    for client in clients.values():
        assert any(clinic.mine.phone in str(read(client, stream).rows) for stream in streams)
    with transaction(store.jobs) as session:
        nobody = {Customer.assistant_id: None, Customer.optometrist_id: None}
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(nobody))
    for stream in streams:
        assert str(clinic.mine.customer_id) not in str(read(clients["assistant"], stream).rows)
        assert clinic.mine.phone not in str(read(clients["optometrist"], stream).rows)


def test_a_child_who_left_a_family_takes_its_phone_from_older_files(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    stream = f"{clinic.north}:people"
    client = client_for("assistant")
    assert clinic.mine.phone in str(read(client, stream).rows)
    with transaction(store.jobs) as session:
        other = {Customer.family_id: clinic.colleagues.family_id}
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(other))
    assert clinic.mine.phone not in str(read(client, stream).rows)


def test_another_epoch_or_a_forgotten_past_makes_the_file_anew(
    client_for: SignIn, clinic: Clinic, store: Store, making: list[str]
) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:tasks"
    first = read(client, stream)
    with transaction(store.jobs) as session:
        session.execute(update(Incarnation).values(epoch=new_id()))
    assert read(client, stream).head.epoch != first.head.epoch
    with transaction(store.jobs) as session:
        session.execute(update(Task).where(Task.id == clinic.mine.task_id).values(attempts=1))
    with store.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE stream SET tomb_floor = seq")
    assert read(client, stream).head.seq > first.head.seq
    assert len(making) == 3


def test_a_file_is_read_on_from_where_it_broke_off(client_for: SignIn, clinic: Clinic) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"
    whole = fetch(client, stream)
    half = len(whole.content) // 2
    rest = fetch(client, stream, **{"Range": f"bytes={half}-", "If-Range": whole.headers["etag"]})
    assert (rest.status_code, whole.headers["accept-ranges"]) == (206, "bytes")
    assert rest.headers["content-range"] == f"bytes {half}-{len(whole.content) - 1}/{len(whole.content)}"
    assert whole.content[:half] + rest.content == whole.content


def test_of_another_file_no_part_is_sent_but_the_whole(client_for: SignIn, clinic: Clinic) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"
    answer = fetch(client, stream, **{"Range": "bytes=100-", "If-Range": '"another"'})
    assert answer.status_code == 200
    assert Read(answer.content).end.rows > 0


def test_beyond_the_end_there_is_nothing(client_for: SignIn, clinic: Clinic) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"
    size = len(fetch(client, stream).content)
    answer = fetch(client, stream, Range=f"bytes={size}-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")


def test_who_is_half_way_through_a_file_may_finish_it_though_a_newer_one_is_there(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    slow, quick = client_for("manager"), client_for("manager")
    stream = f"{clinic.north}:clinical"
    begun = fetch(slow, stream)
    with transaction(store.jobs) as session:
        session.execute(update(EyeMeasurement).values(axis=90))
    assert fetch(quick, stream).headers["etag"] != begun.headers["etag"]
    rest = fetch(slow, stream, **{"Range": "bytes=50-", "If-Range": begun.headers["etag"]})
    assert (rest.status_code, begun.content[:50] + rest.content) == (206, begun.content)


def test_a_file_is_not_compressed_twice(client_for: SignIn, clinic: Clinic) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"
    answer = fetch(client, stream, **{"Accept-Encoding": "gzip"})
    assert (answer.headers["content-type"], answer.headers["content-encoding"]) == (snapshots.MEDIA_TYPE, "identity")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content[:2] == b"\x1f\x8b"


def test_files_are_for_the_service_alone(
    client_for: SignIn, clinic: Clinic, settings: Settings, files: Callable[[], list[Path]]
) -> None:
    fetch(client_for("manager"), f"{clinic.north}:clinical")
    (file,) = files()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (settings.snapshot_dir, file.parent, file)]
    assert modes == [0o700, 0o700, 0o600]
    assert str(clinic.north) not in str(file.relative_to(settings.snapshot_dir))


def test_a_making_that_fails_leaves_nothing_and_the_next_one_succeeds(
    client_for: SignIn, clinic: Clinic, files: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(snapshot_files, "_copy_rows", full)
        assert fetch(client, stream).status_code == 500
    assert files() == []
    assert Read(fetch(client, stream).content).end.rows > 0


def test_what_is_replaced_or_half_written_for_long_is_removed(
    client_for: SignIn, clinic: Clinic, store: Store, files: Callable[[], list[Path]]
) -> None:
    client, stream = client_for("manager"), f"{clinic.north}:clinical"
    fetch(client, stream)
    (replaced,) = files()
    dead = replaced.parent / f"dead{snapshot_files.UNFINISHED}"
    dead.write_bytes(b"half")
    long_ago = time.time() - 2 * snapshot_files.KEPT_SECONDS
    for path in (replaced, dead):
        os.utime(path, (long_ago, long_ago))
    with transaction(store.jobs) as session:
        session.execute(update(EyeMeasurement).values(axis=90))
    fetch(client, stream)
    (left,) = files()
    assert left not in (replaced, dead)


def test_files_together_stay_below_their_bound(
    client_for: SignIn, clinic: Clinic, app: FastAPI, files: Callable[[], list[Path]]
) -> None:
    client = client_for("manager")
    streams = [f"{clinic.north}:clinical", f"{clinic.south}:clinical", f"{clinic.north}:people"]
    for age, stream in enumerate(streams):
        fetch(client, stream)
        newest = max(files(), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (time.time() - 100 + age, time.time() - 100 + age))
    kept = files()
    snapshot_files.tidy(kept[0].parent.parent, most_bytes=max(path.stat().st_size for path in kept))
    assert len(files()) < len(kept)
    assert fetch(client, streams[0]).status_code == 200
