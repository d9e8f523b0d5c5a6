"""Pull: what changed in each stream since the reader's cursor, from one snapshot.

Entries between cursor and head are joined with rows under row security: a row that is there is sent with the columns of
the reader's profile, one that is not is sent as a tombstone. While the first read of a stream runs (up to the head it
started from), the reader holds nothing that could be gone, so tombstones are left out.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import epoch_of, grants
from hcrm_central.api.sessions import SignedIn
from hcrm_central.store.engine import snapshot
from hcrm_central.store.tables import Stream, StreamEntry
from hcrm_core.terms import Role
from hcrm_core.wire import Cursor, PullRequest, PullResponse, ResetReason, Row, StreamPage, Tombstone
from hcrm_store.kinds import columns_for, table_of

# Entries looked at for one page at most: an assistant sees few of a site's rows, and a page must still end.
MAX_SCANNED = 20_000


def pull(here: Centre, who: SignedIn, request: PullRequest) -> PullResponse:
    """One page of each stream asked for, together at most `request.limit` rows and tombstones."""
    granted = {grant.key: grant.profile for grant in grants(who.principal)}
    with snapshot(here.store.service, who.principal) as session:
        epoch = epoch_of(session)
        if request.epoch != epoch:  # the reader must forget its cursors before they mean anything
            return PullResponse(epoch=epoch, pages=[], revoked=[])
        reader = _Reader(session=session, role=who.principal.role, limit=request.limit)
        asked = [key for key in granted if key in request.cursors]
        pages = [reader.page(key, cursor=request.cursors[key], profile=granted[key]) for key in asked]
    return PullResponse(epoch=epoch, pages=pages, revoked=sorted(set(request.cursors) - set(granted)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    seq: int
    kind: str
    row_id: UUID


class _Reader:
    """Reads pages of several streams out of one snapshot, until together they are full."""

    def __init__(self, *, session: Session, role: Role, limit: int) -> None:
        self._session, self._role = session, role
        self._left, self._few = limit, limit // 4

    def page(self, stream: str, *, cursor: Cursor, profile: str) -> StreamPage:
        head = self._session.scalar(select(Stream.seq).where(Stream.key == stream)) or 0
        reset = _reset_reason(cursor, head=head, profile=profile)
        if reset:
            start = Cursor(profile=profile)
            return StreamPage(stream=stream, rows=[], tombstones=[], next=start, head=head, more=head > 0, reset=reset)
        first_read = cursor.seq == 0 and cursor.fresh_to is None
        fresh_to = head if first_read else cursor.fresh_to or 0
        rows, tombstones, seq = self._changes(stream, after=cursor.seq, head=head, fresh_to=fresh_to)
        reached = Cursor(seq=seq, fresh_to=fresh_to if seq < fresh_to else None, profile=profile)
        return StreamPage(stream=stream, rows=rows, tombstones=tombstones, next=reached, head=head, more=seq < head)

    def _changes(self, stream: str, *, after: int, head: int, fresh_to: int) -> tuple[list[Row], list[Tombstone], int]:
        """Rows and tombstones after a number, and the number they reach."""
        rows: list[Row] = []
        tombstones: list[Tombstone] = []
        seq, scanned = after, 0
        while seq < head and self._left > 0 and scanned < MAX_SCANNED:
            entries = self._entries(stream, after=seq)
            found = self._visible(entries)
            gone = [entry for entry in entries if entry.seq > fresh_to and (entry.kind, entry.row_id) not in found]
            rows += found.values()
            tombstones += [Tombstone(kind=entry.kind, id=entry.row_id) for entry in gone]
            seq = entries[-1].seq if len(entries) == self._left else head
            scanned += len(entries)
            self._left -= len(found) + len(gone)
            if self._left < self._few:  # fuller would take many small steps
                break
        return rows, tombstones, seq

    def _entries(self, stream: str, *, after: int) -> list[_Entry]:
        columns = (StreamEntry.seq, StreamEntry.kind, StreamEntry.row_id)
        wanted = select(*columns).where(StreamEntry.stream == stream, StreamEntry.seq > after)
        found = self._session.execute(wanted.order_by(StreamEntry.seq).limit(self._left))
        return [_Entry(seq=seq or 0, kind=kind, row_id=row_id) for seq, kind, row_id in found]

    def _visible(self, entries: Sequence[_Entry]) -> dict[tuple[str, UUID], Row]:
        """The rows behind entries that row security shows, in the entries' order; one query a kind."""
        ids: dict[str, list[UUID]] = defaultdict(list)
        for entry in entries:
            ids[entry.kind].append(entry.row_id)
        found = {
            (kind, row.id): row
            for kind, wanted in ids.items()
            for row in visible_rows(self._session, kind, wanted, role=self._role)
        }
        keys = [(entry.kind, entry.row_id) for entry in entries]
        return {key: found[key] for key in keys if key in found}


def visible_rows(session: Session, kind: str, ids: Sequence[UUID], *, role: Role) -> Iterator[Row]:
    """The rows of a kind that row security shows, with the columns of a role's profile and no other."""
    table, names = table_of(kind), columns_for(kind, role)
    columns = [table.c[name] for name in dict.fromkeys(("id", "ver", *names))]
    wanted = select(*columns).where(table.c.id == any_(literal(list(ids), ARRAY(Uuid()))))
    for found in session.execute(wanted).mappings():
        yield Row(kind=kind, id=found["id"], ver=found["ver"], body={name: found[name] for name in names})


def _reset_reason(cursor: Cursor, *, head: int, profile: str) -> ResetReason | None:
    if cursor.profile and cursor.profile != profile:
        return ResetReason.PROFILE_CHANGED
    return ResetReason.CURSOR_AHEAD if cursor.seq > head else None
