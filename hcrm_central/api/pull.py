"""Pull: what changed in each stream since the reader's cursor, from one snapshot.

Entries between cursor and head are joined with rows under row security: a row that is there is sent with the columns of
the reader's profile, one that is not is sent as a tombstone. While the first read of a stream runs (up to the head it
started from), the reader holds nothing that could be gone, so tombstones are left out.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import grants
from hcrm_central.api.sessions import SignedIn
from hcrm_central.api.streams import Head, kinds_sent, parts_of, standing
from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.membership import among, place
from hcrm_central.store.tables import StreamEntry
from hcrm_core.terms import Role
from hcrm_core.wire import Cursor, PullRequest, PullResponse, ResetReason, Row, StreamPage, Tombstone
from hcrm_store.kinds import columns_for, table_of

# Entries looked at for one page at most: an assistant sees few of a site's rows, and a page must still end.
MAX_SCANNED = 20_000


def pull(here: Centre, who: SignedIn, request: PullRequest) -> PullResponse:
    """One page of each stream asked for, together at most `request.limit` rows and tombstones."""
    granted = {grant.key: grant.profile for grant in grants(who.principal)}
    asked = [key for key in granted if key in request.cursors]
    with snapshot(here.store.service, who.principal) as session:
        now = standing(session, asked)
        if request.epoch != now.epoch:  # the reader must forget its cursors before they mean anything
            return PullResponse(epoch=now.epoch, pages=[], revoked=[])
        reader = _Reader(session, who.principal, limit=request.limit)
        pages = [
            reader.page(key, cursor=request.cursors[key], head=now.head(key), profile=granted[key]) for key in asked
        ]
    return PullResponse(epoch=now.epoch, pages=pages, revoked=sorted(set(request.cursors) - set(granted)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    seq: int
    kind: str
    row_id: UUID


class _Reader:
    """Reads pages of several streams out of one snapshot, until together they are full."""

    def __init__(self, session: Session, principal: Principal, *, limit: int) -> None:
        self._session, self._role, self._sites = session, principal.role, principal.site_ids
        self._left, self._few = limit, limit // 4

    def page(self, stream: str, *, cursor: Cursor, head: Head, profile: str) -> StreamPage:
        end, reset = head.seq, _reset_reason(cursor, head=head, profile=profile)
        if reset:
            start = Cursor(profile=profile)
            return StreamPage(stream=stream, rows=[], tombstones=[], next=start, head=end, more=end > 0, reset=reset)
        fresh_to = end if _begins(cursor) else cursor.fresh_to or 0
        rows, tombstones, seq = self._changes(stream, after=cursor.seq, head=end, fresh_to=fresh_to)
        reached = Cursor(seq=seq, fresh_to=fresh_to if seq < fresh_to else None, profile=profile)
        return page_of(stream, rows, tombstones=tombstones, reached=reached, head=end)

    def _changes(self, stream: str, *, after: int, head: int, fresh_to: int) -> tuple[list[Row], list[Tombstone], int]:
        """Rows and tombstones after a number, and the number they reach."""
        rows: list[Row] = []
        tombstones: list[Tombstone] = []
        seq, scanned = after, 0
        while seq < head and self._left > 0 and scanned < MAX_SCANNED:
            entries = self._entries(stream, after=seq)
            found = self._visible(stream, entries)
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

    def _visible(self, stream: str, entries: Sequence[_Entry]) -> dict[tuple[str, UUID], Row]:
        """The rows behind entries that row security shows, in the entries' order; one query a kind.

        A row that is in another stream by now is gone from this one, though this reader may see it there.
        """
        area, site_id = parts_of(stream)
        sent = kinds_sent(area, self._role)
        ids: dict[str, list[UUID]] = defaultdict(list)
        for entry in entries:
            ids[entry.kind].append(entry.row_id)
        found = {
            (kind, row.id): row
            for kind in ids.keys() & sent
            for row_site, row in placed_rows(
                self._session, kind, table_of(kind).c.id == among(ids[kind]), role=self._role, sites=self._sites
            )
            if row_site == site_id
        }
        keys = [(entry.kind, entry.row_id) for entry in entries]
        return {key: found[key] for key in keys if key in found}


def page_of(stream: str, rows: list[Row], *, tombstones: list[Tombstone], reached: Cursor, head: int) -> StreamPage:
    """A page. Not validated: every row of it would be, and thousands may make an answer."""
    return StreamPage.model_construct(
        stream=stream, rows=rows, tombstones=tombstones, next=reached, head=head, more=reached.seq < head
    )


def visible_rows(session: Session, kind: str, ids: Sequence[UUID], *, role: Role) -> Iterator[Row]:
    """The rows of a kind that row security shows, with the columns of a role's profile and no other."""
    table, names = table_of(kind), columns_for(kind, role)
    wanted = select(*_columns(kind, names)).where(table.c.id == among(ids))
    for found in session.execute(wanted).mappings():
        yield _row(kind, found, names=names)


def placed_rows(
    session: Session, kind: str, wanted: ColumnElement[bool], *, role: Role, sites: Sequence[UUID]
) -> Iterator[tuple[UUID | None, Row]]:
    """As `visible_rows` for any condition; each row with the site in whose stream this reader finds it."""
    names, where = columns_for(kind, role), place(kind, sites=sites)
    statement = select(*_columns(kind, names), where.site_id.label("found_at")).select_from(where.source).where(wanted)
    for found in session.execute(statement).mappings():
        yield found["found_at"], _row(kind, found, names=names)


def _columns(kind: str, names: Sequence[str]) -> list[ColumnElement[Any]]:
    return [table_of(kind).c[name] for name in dict.fromkeys(("id", "ver", *names))]


def _row(kind: str, found: RowMapping, *, names: Sequence[str]) -> Row:
    body = {name: found[name] for name in names}
    return Row.model_construct(kind=kind, id=found["id"], ver=found["ver"], body=body)  # as `page_of`


def _begins(cursor: Cursor) -> bool:
    """Whether the first read of a stream is to begin, with nothing held."""
    return cursor.seq == 0 and cursor.fresh_to is None


def _reset_reason(cursor: Cursor, *, head: Head, profile: str) -> ResetReason | None:
    if cursor.profile and cursor.profile != profile:
        return ResetReason.PROFILE_CHANGED
    if cursor.seq > head.seq:
        return ResetReason.CURSOR_AHEAD
    # Below `fresh_to` nothing was held that could be gone, so only what went away after it must still be known.
    forgotten = not _begins(cursor) and (cursor.fresh_to or cursor.seq) < head.floor
    return ResetReason.CURSOR_TOO_OLD if forgotten else None
