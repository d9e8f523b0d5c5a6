"""Digests: the same number on both sides, over exactly the rows a reader is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, text, update

from hcrm_central.store import postgres
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.digest import MODULUS, row_digest, total
from hcrm_core.wire import Cursor, DigestRequest, DigestResponse, StreamDigest, StreamPage
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from hcrm_store.kinds import KINDS, REF_STREAM, Area, stream_key
from hcrm_store.organisation import Site
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.conftest import copied
from tests.factories import Clinic, Workstation


@pytest.fixture(scope="module")
def owner(postgres_server: postgres.PrivatePostgres, template_database: str) -> Iterator[Engine]:
    with copied(postgres_server, template_database) as store:
        yield store.owner


def ask(client: Workstation, streams: list[str] | None = None, *, epoch: UUID | None = None) -> DigestResponse:
    greeting = client.hello()
    asked = streams if streams is not None else [grant.key for grant in greeting.streams]
    request = DigestRequest(epoch=epoch or greeting.epoch, streams=asked)
    answer = client.post("/sync/digests", request.model_dump(mode="json"))
    assert answer.status_code == 200, answer.text
    return DigestResponse.model_validate(answer.json())


@dataclass(slots=True)
class Copy:
    """A workstation's copy, which keeps the stream that each row came in."""

    client: Workstation
    streams: dict[tuple[str, UUID], str] = field(default_factory=dict)

    def catch_up(self) -> "Copy":
        greeting = self.client.hello()
        for grant in greeting.streams:
            self.client.cursors.setdefault(grant.key, Cursor())
        more = True
        while more:
            answer = self.client.pull(epoch=greeting.epoch, limit=7)
            for page in answer.pages:
                self._take(page)
            more = any(page.more for page in answer.pages)
        return self

    def _take(self, page: StreamPage) -> None:
        for row in page.rows:
            self.client.held[row.kind, row.id] = row
            self.streams[row.kind, row.id] = page.stream
        for gone in page.tombstones:
            if self.streams.get((gone.kind, gone.id)) == page.stream:
                del self.client.held[gone.kind, gone.id], self.streams[gone.kind, gone.id]
        self.client.cursors[page.stream] = page.next

    def digests(self) -> dict[str, StreamDigest]:
        found: dict[str, list[int]] = {key: [] for key in self.client.cursors}
        for (kind, row_id), row in self.client.held.items():
            found[self.streams[kind, row_id]].append(row_digest(kind, row_id, ver=row.ver))
        return {
            key: StreamDigest(stream=key, seq=self.client.cursors[key].seq, rows=len(some), digest=total(some))
            for key, some in found.items()
        }


def as_told(answer: DigestResponse) -> dict[str, StreamDigest]:
    return {one.stream: one for one in answer.streams}


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.uuids(), st.integers(0, 2**31 - 1)), min_size=1))
def test_a_rows_digest_is_the_same_in_sql_and_in_python(owner: Engine, rows: list[tuple[str, UUID, int]]) -> None:
    asked = {f"{name}{n}": value for n, row in enumerate(rows) for name, value in zip("kiv", row, strict=True)}
    one = "hcrm.row_digest(CAST(:k{n} AS text), CAST(:i{n} AS uuid), CAST(:v{n} AS integer))"
    with owner.connect() as connection:
        found = connection.execute(text("SELECT " + ", ".join(one.format(n=n) for n in range(len(rows)))), asked).one()
    expected = [row_digest(kind, row_id, ver=ver) for kind, row_id, ver in rows]
    assert list(found) == expected
    assert all(0 <= digest < MODULUS for digest in found)


def test_every_role_computes_from_what_it_was_sent_what_the_centre_tells(client_for: SignIn, clinic: Clinic) -> None:
    for username in ("assistant", "optometrist", "manager", "executive", "admin"):
        copy = Copy(client_for(username)).catch_up()
        assert as_told(ask(copy.client)) == copy.digests(), username


def test_digests_follow_changes_deletes_and_customers_given_away(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    copies = {name: Copy(client_for(name)).catch_up() for name in ("assistant", "optometrist", "manager")}
    with transaction(store.jobs) as session:
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(assistant_id=None))
        session.execute(delete(FollowUp).where(FollowUp.id == clinic.colleagues.follow_up_id))
    told = {name: as_told(ask(copy.client)) for name, copy in copies.items()}
    assert told["assistant"][f"{clinic.north}:clinical"].rows == 0
    for name, copy in copies.items():
        assert told[name] != copy.digests(), name
        assert told[name] == copy.catch_up().digests(), name


def test_a_customer_who_moved_counts_in_one_stream_only_for_who_reads_both_sites(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    early = Copy(client_for("manager")).catch_up()
    with transaction(store.jobs) as session:
        session.execute(update(Customer).where(Customer.id == clinic.mine.customer_id).values(site_id=clinic.south))
    late = Copy(client_for("manager")).catch_up()
    told = as_told(ask(early.client))
    assert early.catch_up().digests() == told == late.digests()
    assert early.streams == late.streams
    assert late.streams["exam", clinic.mine.exam_id] == stream_key(Area.CLINICAL, clinic.south)


def test_a_family_with_children_at_two_sites_counts_once_for_each_reader(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    with transaction(store.jobs) as session:
        ids = [child.customer_id for child in (clinic.mine, clinic.far)]
        session.execute(update(Customer).where(Customer.id.in_(ids)).values(family_id=clinic.mine.family_id))
    for username in ("manager", "assistant", "far"):
        copy = Copy(client_for(username)).catch_up()
        assert ("guardian", clinic.mine.guardian_id) in copy.client.held, username
        assert as_told(ask(copy.client)) == copy.digests(), username


def test_what_is_not_granted_is_not_answered(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    answer = ask(
        client, [REF_STREAM, f"{clinic.south}:tasks", f"{clinic.north}:tasks", "nonsense", f"{new_id()}:tasks"]
    )
    assert [one.stream for one in answer.streams] == [REF_STREAM, f"{clinic.north}:tasks"]


def test_a_stream_without_a_single_row_has_the_digest_of_nothing(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, empty = client_for("manager"), new_id()
    with transaction(store.jobs) as session:
        session.add(Site(id=empty, code="empty", name="新院区"))
    key = stream_key(Area.CLINICAL, empty)
    assert ask(client, [key]).streams == [StreamDigest(stream=key, seq=0, rows=0, digest=0)]


def test_another_epoch_is_told_today_s_and_nothing_else(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    answer = ask(client, epoch=new_id())
    assert (answer.epoch, answer.streams) == (client.hello().epoch, [])
