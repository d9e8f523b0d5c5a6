"""What the centre sends, put into the cache. A page and its cursor belong to one transaction."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from hcrm_core.wire import Cursor, Json, Row, StreamPage
from hcrm_desktop.cache.tables import CACHE, CURSOR, KIND_TABLES
from hcrm_desktop.cache.values import from_wire

_IDS_A_STATEMENT = 500  # below SQLite's limit on bound values


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
        put(session, kind, [values_of(row, stream=page.stream) for row in by_kind[kind]])
        changed.add(kind)
    gone: dict[str, list[UUID]] = defaultdict(list)
    for tombstone in page.tombstones:
        gone[tombstone.kind].append(tombstone.id)
    for kind in gone.keys() & KIND_TABLES.keys():
        _bury(session, kind, gone[kind], stream=page.stream)
        changed.add(kind)
    _advance(session, page.stream, page.next)
    return changed


def purge(session: Session, streams: Collection[str]) -> set[str]:
    """Take streams out, rows and cursors. Returns the kinds that changed."""
    if not streams:  # asked at every page: nothing must cost nothing
        return set()
    session.execute(delete(CURSOR).where(CURSOR.c.stream.in_(streams)))
    return {
        kind
        for kind, table in KIND_TABLES.items()
        if session.execute(delete(table).where(table.c.stream.in_(streams))).rowcount  # type: ignore[attr-defined]
    }


def empty(session: Session) -> None:
    """Take everything out: another person works here, or another database answers."""
    for table in CACHE.sorted_tables:
        session.execute(delete(table))


def values_of(row: Row, *, stream: str) -> Json:
    """Column values of a row as it travelled."""
    values = from_wire(row.kind, row.body)
    return {**values, "id": row.id, "ver": row.ver, "stream": stream, "base": None, "delivery": None}


def put(session: Session, kind: str, rows: Sequence[Json]) -> None:
    """Insert rows, or replace them whole."""
    table = KIND_TABLES[kind]
    statement = insert(table)
    replaced = {column.name: statement.excluded[column.name] for column in table.columns if column.name != "id"}
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=replaced), rows)


def _bury(session: Session, kind: str, ids: Sequence[UUID], *, stream: str) -> None:
    """A row that meanwhile came in by another stream stays: the tombstone speaks of the stream it left."""
    table = KIND_TABLES[kind]
    for start in range(0, len(ids), _IDS_A_STATEMENT):
        some = ids[start : start + _IDS_A_STATEMENT]
        session.execute(delete(table).where(table.c.id.in_(some), table.c.stream == stream))


def _advance(session: Session, stream: str, cursor: Cursor) -> None:
    body = cursor.model_dump(mode="json")
    statement = insert(CURSOR).values(stream=stream, body=body)
    session.execute(statement.on_conflict_do_update(index_elements=["stream"], set_={"body": body}))
