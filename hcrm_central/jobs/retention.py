"""Forgetting in time: entries of rows that are gone for long, tokens that nobody can use any more, old incidents.

A stream's entry outlives its row, so that readers learn of its end. After `TOMBSTONES_KEPT` everybody who works has
read it: the entry is removed, and `stream.tomb_floor` remembers up to which number. Who stands below has to read that
stream anew (hcrm_central.api.pull). A mark a day turns numbers into ages.
"""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Engine, cast, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm_central.jobs.runs import forget_runs
from hcrm_central.store.engine import transaction
from hcrm_central.store.membership import stands
from hcrm_central.store.tables import DeviceIncident, Share, Stream, StreamEntry, StreamMark, Token
from hcrm_store.clock import Clock, business_date
from hcrm_store.kinds import KINDS, stream_key, table_of

TOMBSTONES_KEPT = timedelta(days=180)
TOKENS_KEPT = timedelta(days=60)  # longer than any refresh token lives
INCIDENTS_KEPT = timedelta(days=90)  # the fleet page counts those of a week


@dataclass(frozen=True, slots=True, kw_only=True)
class TidyReport:
    """What was forgotten.

    Attributes:
        marked: streams whose number of today was noted.
        entries: of rows that are gone, by stream.
        tokens: expired or revoked long ago. Pages that were shared as long ago go with them.
    """

    marked: int
    entries: dict[str, int]
    tokens: int
    incidents: int  # that workstations told of long ago
    runs: int  # of a few customers

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def tidy(engine: Engine, *, clock: Clock) -> TidyReport:
    """Mark where the streams stand today, and forget what is old enough. A second time does nothing more.

    Args:
        engine: the jobs'.
        clock: tells the time.
    """
    now = clock.now()
    today = business_date(now)
    with transaction(engine) as session:
        marked = _mark(session, today)
        old = (Token.expires_at < now - TOKENS_KEPT) | (Token.revoked_at < now - TOKENS_KEPT)
        tokens = len(session.scalars(delete(Token).where(old).returning(Token.hash)).all())
        session.execute(delete(Share).where(Share.expires_at < now - TOKENS_KEPT))
        told_long_ago = DeviceIncident.received_at < now - INCIDENTS_KEPT
        runs = forget_runs(session, now=now)
        incidents = len(session.scalars(delete(DeviceIncident).where(told_long_ago).returning(DeviceIncident.id)).all())
        marks = _marks_of_age(session, today - TOMBSTONES_KEPT)
    entries = {mark.stream: _forget(engine, mark) for mark in marks}
    forgotten = {key: many for key, many in entries.items() if many}
    return TidyReport(marked=marked, entries=forgotten, tokens=tokens, incidents=incidents, runs=runs)


def tidy_daily(engine: Engine, *, clock: Clock) -> TidyReport | None:
    """As `tidy`, unless it was done today."""
    with Session(engine) as session:
        done = session.scalar(select(StreamMark.stream).where(StreamMark.on == business_date(clock.now())).limit(1))
    return None if done else tidy(engine, clock=clock)


def _mark(session: Session, today: date) -> int:
    standing = select(Stream.key, cast(literal(today), Date), Stream.seq)
    marked = insert(StreamMark).from_select(["stream", "on_date", "seq"], standing).on_conflict_do_nothing()
    return len(session.scalars(marked.returning(StreamMark.stream)).all())


def _marks_of_age(session: Session, day: date) -> list[StreamMark]:
    """The last mark of each stream up to a day."""
    last = select(StreamMark.stream, func.max(StreamMark.on)).where(StreamMark.on <= day).group_by(StreamMark.stream)
    return list(session.scalars(select(StreamMark).where(tuple_(StreamMark.stream, StreamMark.on).in_(last))))


def _forget(engine: Engine, mark: StreamMark) -> int:
    """Remove a stream's entries of gone rows up to a mark. A transaction a stream: its counter is locked meanwhile."""
    with transaction(engine) as session:
        removed = [seq for kind in _kinds(mark.stream) for seq in _remove(session, kind, mark=mark)]
        if removed:
            floor = func.greatest(Stream.tomb_floor, max(removed))
            session.execute(update(Stream).where(Stream.key == mark.stream).values(tomb_floor=floor))
        older = (StreamMark.stream == mark.stream, StreamMark.on < mark.on)
        session.execute(delete(StreamMark).where(*older))
    return len(removed)


def _remove(session: Session, kind: str, *, mark: StreamMark) -> list[int]:
    row = table_of(kind)
    here = select(row.c.id).where(row.c.id == StreamEntry.row_id, stands(kind, site_id=_site(mark.stream)))
    gone = (StreamEntry.stream == mark.stream, StreamEntry.kind == kind, StreamEntry.seq <= mark.seq, ~here.exists())
    removed = session.scalars(delete(StreamEntry).where(*gone).returning(StreamEntry.seq))
    return [seq for seq in removed if seq is not None]


def _kinds(stream: str) -> list[str]:
    return [kind for kind, (area, _) in KINDS.items() if stream_key(area, _site(stream)) == stream]


def _site(stream: str) -> UUID | None:
    site_id, _, area = stream.partition(":")
    return UUID(site_id) if area else None
