"""What the centre sends, put into the cache. A page and its cursor belong to one transaction."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from hcrm_core.digest import MODULUS, row_digest
from hcrm_core.wire import Cursor, Json, Row, StreamDigest, StreamPage
from hcrm_desktop.cache.tables import CACHE, CURSOR, KIND_TABLES, SNAPSHOT_PART
from hcrm_desktop.cache.values import storing
from hcrm_store.kinds import KINDS

_IDS_A_STATEMENT = 500  # below SQLite's limit on bound values
_VERSIONS_A_READ = 1_000  # a few milliseconds: neither the screens nor the writer wait for a digest
Reader = Callable[[], AbstractContextManager[Session]]


def cursors(session: Session) -> dict[str, Cursor]:
    """How far each stream was read."""
    return {row.stream: Cursor.model_validate(row.body) for row in session.execute(select(CURSOR))}


def apply_page(session: Session, page: StreamPage) -> set[str]:
    """Put one page and its cursor into the cache.

    Kinds that this release does not know are passed over: a release that knows them has another cache
    version, and reads everything anew.

    Returns:
        the kinds that changed.
    """
    changed = purge(session, [page.stream]) if page.reset else set()
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in page.rows:
        by_kind[row.kind].append(row)
    for kind in by_kind.keys() & KIND_TABLES.keys():
        _put_sent(session, kind, by_kind[kind], stream=page.stream)
        changed.add(kind)
    gone: dict[str, list[UUID]] = defaultdict(list)
    for tombstone in page.tombstones:
        gone[tombstone.kind].append(tombstone.id)
    for kind in gone.keys() & KIND_TABLES.keys():
        bury(session, kind, gone[kind], stream=page.stream)
        changed.add(kind)
    advance(session, page.stream, page.next)
    return changed


def purge(session: Session, streams: Collection[str]) -> set[str]:
    """Take streams out, rows and cursors. Returns the kinds that changed."""
    if not streams:  # asked at every page: nothing must cost nothing
        return set()
    for table in (CURSOR, SNAPSHOT_PART):
        session.execute(delete(table).where(table.c.stream.in_(streams)))
    return {
        kind
        for kind, table in KIND_TABLES.items()
        if session.execute(delete(table).where(table.c.stream.in_(streams))).rowcount  # type: ignore[attr-defined]
    }


def kinds_of(stream: str) -> list[str]:
    """The kinds whose rows a stream carries."""
    area = stream.rpartition(":")[2]
    return [kind for kind, (of, _) in KINDS.items() if of.value == area]


def digests(read: Reader, seqs: Mapping[str, int]) -> dict[str, StreamDigest]:
    """What is held of streams that were read up to these numbers, to be compared with the centre's.

    A row that waiting entries changed counts with the version it came in; one that is only here does not count.
    Read in slices: nothing may be pulled meanwhile, but everything else goes on.
    """
    rows, sums = Counter[str](), Counter[str]()
    for kind in KIND_TABLES:
        for stream, row_id, ver in _versions(read, kind):
            rows[stream] += 1
            sums[stream] += row_digest(kind, row_id, ver=ver)
    return {
        stream: StreamDigest(stream=stream, seq=seq, rows=rows[stream], digest=sums[stream] % MODULUS)
        for stream, seq in seqs.items()
    }


def _versions(read: Reader, kind: str) -> Iterator[tuple[str, UUID, int]]:
    """Stream, id and version, as the centre sent them, of every row of a kind."""
    table, last = KIND_TABLES[kind], UUID(int=0)
    columns = (table.c.stream, table.c.id, table.c.ver, table.c.base)
    held = select(*columns).where(table.c.stream.is_not(None)).order_by(table.c.id)
    while True:
        with read() as session:
            rows = session.execute(held.where(table.c.id > last).limit(_VERSIONS_A_READ)).all()
        for row in rows:
            yield row.stream, row.id, row.ver if row.base is None else row.base["ver"]
        if len(rows) < _VERSIONS_A_READ:
            return
        last = rows[-1].id


def empty(session: Session) -> None:
    """Take everything out: another person works here, or another database answers."""
    for table in CACHE.sorted_tables:
        session.execute(delete(table))


def put(session: Session, kind: str, rows: Sequence[Json]) -> None:
    """Insert rows, or replace them whole."""
    table = KIND_TABLES[kind]
    statement = insert(table)
    replaced = {column.name: statement.excluded[column.name] for column in table.columns if column.name != "id"}
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=replaced), rows)


def _put_sent(session: Session, kind: str, rows: Sequence[Row], *, stream: str) -> None:
    """Insert rows as they travelled, or replace them whole."""
    by_columns: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        values = (str(row.id), row.ver, *row.body.values())
        by_columns["id", "ver", *row.body].append(values)
    for names, travelled in by_columns.items():
        how = storing(kind, names)
        stored = [how.stored(values, stream=stream) for values in travelled]
        session.connection().exec_driver_sql(how.statement, stored)


def bury(session: Session, kind: str, ids: Sequence[UUID], *, stream: str) -> None:
    """A row that meanwhile came in by another stream stays: the tombstone speaks of the stream it left."""
    table = KIND_TABLES[kind]
    for start in range(0, len(ids), _IDS_A_STATEMENT):
        some = ids[start : start + _IDS_A_STATEMENT]
        session.execute(delete(table).where(table.c.id.in_(some), table.c.stream == stream))


def advance(session: Session, stream: str, cursor: Cursor) -> None:
    """A stream was read so far."""
    body = cursor.model_dump(mode="json")
    statement = insert(CURSOR).values(stream=stream, body=body)
    session.execute(statement.on_conflict_do_update(index_elements=["stream"], set_={"body": body}))
