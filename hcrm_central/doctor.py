"""Whether the centre is well: one line a check, with what to do. No check names a customer."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hcrm_central.jobs.post import silence
from hcrm_central.jobs.runs import WHOLE
from hcrm_central.settings import Settings
from hcrm_central.store.migrate import current, head
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Device, HeldOperation, ScanRun, StreamEntry, Watermark
from hcrm_store.clock import Clock
from hcrm_store.references import laid_files, references_with

# Operational defaults, no clinical meaning.
SCAN_EVERY = timedelta(hours=26)  # a daily scan, and two hours for it to be late
SCAN_TAKES = timedelta(hours=1)
WORKER_BREATHES = timedelta(minutes=1)
FEED_EVERY = timedelta(days=2)
SYNC_EVERY = timedelta(days=1)
DISK_LOW, DISK_OUT = 5_000_000_000, 1_000_000_000  # bytes


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found, and what to do about it ("" if it is well)."""

    check: str
    level: Level
    said: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def examine(store: Store, settings: Settings, *, clock: Clock) -> list[Finding]:
    """Run every check. Without a database or its schema, the rest would only repeat that."""
    found = [_disk(settings), _references(settings), *_databases(store)]
    if all(finding.level is not Level.BAD for finding in found):
        found.append(_schema(store))
    if any(finding.level is Level.BAD for finding in found):
        return found
    with Session(store.jobs) as session:
        now = clock.now()
        return [
            *found,
            *_row_security(store),
            _scan(session, now),
            _worker(session, scan_at=settings.scan_at),
            *_feeds(session, now),
            _unstamped(session),
            _held(session),
            _workstations(session, now),
        ]


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else folder.anchor).free
    level = Level.BAD if free < DISK_OUT else Level.WARN if free < DISK_LOW else Level.OK
    remedy = "" if level is Level.OK else "free disk space: a full disk stops the database"
    return Finding(check="disk", level=level, said=f"{free / 1e9:.1f} GB are free", remedy=remedy)


def _references(settings: Settings) -> Finding:
    """The tables of percentiles, and every fault of a file that is left out."""
    files = laid_files(settings.reference_dir)
    faults = [f"{one.name}: {problem.field} ({problem.code})" for one in files for problem in one.problems]
    shown = references_with(settings.reference_dir, chosen=settings.reference)
    if settings.reference not in ("", shown.axial_length.label):
        faults.append(f"HCRM_REFERENCE names no table: {shown.axial_length.label} is shown")
    if not faults:
        return Finding(check="references", level=Level.OK, said=f"{shown.axial_length.label} is shown")
    return Finding(check="references", level=Level.WARN, said="; ".join(faults), remedy="see docs/record.md")


def _databases(store: Store) -> Iterator[Finding]:
    for duty, engine in (("service", store.service), ("jobs", store.jobs), ("owner", store.owner)):
        yield _database(duty, engine)


def _database(duty: str, engine: Engine) -> Finding:
    check = f"database as {duty}"
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
    except SQLAlchemyError as error:
        said = f"does not answer ({type(error).__name__})"
        return Finding(
            check=check, level=Level.BAD, said=said, remedy="start PostgreSQL, and check the HCRM_*DATABASE_URL"
        )
    return Finding(check=check, level=Level.OK, said=f"PostgreSQL {version} answers")


def _schema(store: Store) -> Finding:
    revision = current(store.jobs)
    if revision == head():
        return Finding(check="schema", level=Level.OK, said=f"revision {revision}")
    said = f"revision {revision or 'none'}, while this program needs {head()}"
    return Finding(check="schema", level=Level.BAD, said=said, remedy="run hcrm-central migrate")


def _row_security(store: Store) -> Iterator[Finding]:
    """The logins that work must be held by row security: otherwise every role sees every customer."""
    powers = text(
        "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT 1 FROM pg_tables WHERE tableowner = current_user"
        " AND schemaname = 'public') FROM pg_roles WHERE rolname = current_user"
    )
    for duty, engine in (("service", store.service), ("jobs", store.jobs)):
        with engine.connect() as connection:
            free = connection.execute(powers).scalar_one()
        yield Finding(
            check=f"row security as {duty}",
            level=Level.BAD if free else Level.OK,
            said="is not held by it" if free else "is held by it",
            remedy="give this duty a login that is no superuser and owns no table" if free else "",
        )


def _scan(session: Session, now: datetime) -> Finding:
    finished = session.scalar(select(func.max(ScanRun.finished_at)).where(ScanRun.kind.in_(WHOLE)))
    dead = session.scalar(
        select(func.count())
        .select_from(ScanRun)
        .where(
            ScanRun.finished_at.is_(None),
            ScanRun.kind.in_(WHOLE),
            ScanRun.started_at < now - SCAN_TAKES,
            ScanRun.started_at > (finished or datetime.min.replace(tzinfo=now.tzinfo)),
        )
    )
    said = f"last finished {finished:%Y-%m-%d %H:%M} UTC" if finished else "never finished"
    well = finished is not None and finished > now - SCAN_EVERY and not dead
    if dead:
        said += f", and {dead} after it did not finish"
    return Finding(
        check="scan", level=Level.OK if well else Level.WARN, said=said, remedy="" if well else "run hcrm-central scan"
    )


def _worker(session: Session, *, scan_at: time) -> Finding:
    silent = silence(session)
    if silent is not None and silent < WORKER_BREATHES:
        said = f"works, and scans at {scan_at:%H:%M} in Shanghai"
        return Finding(check="worker", level=Level.OK, said=said)
    said = "none has worked yet, or it was stopped" if silent is None else f"silent for {silent}"
    remedy = "run hcrm-central work as a service: without it segments and tasks change with a scan alone"
    return Finding(check="worker", level=Level.WARN, said=said, remedy=remedy)


def _feeds(session: Session, now: datetime) -> Iterator[Finding]:
    marks = session.scalars(select(Watermark).order_by(Watermark.feed)).all()
    if not marks:
        yield Finding(check="feeds", level=Level.WARN, said="nothing has come in yet", remedy="import or load data")
    for mark in marks:
        fresh = mark.at > now - FEED_EVERY
        yield Finding(
            check=f"feed {mark.feed}",
            level=Level.OK if fresh else Level.WARN,
            said=f"as of {mark.at:%Y-%m-%d %H:%M} UTC",
            remedy="" if fresh else "import or load what is new",
        )


def _unstamped(session: Session) -> Finding:
    n = session.scalar(select(func.count()).select_from(StreamEntry).where(StreamEntry.seq.is_(None))) or 0
    remedy = "run SELECT hcrm.stamp() in a transaction of its own, and report it: triggers were off" if n else ""
    return Finding(
        check="streams",
        level=Level.BAD if n else Level.OK,
        said=f"{n} changes that no workstation will see" if n else "every change is numbered",
        remedy=remedy,
    )


def _held(session: Session) -> Finding:
    waiting = select(func.count(), func.min(HeldOperation.at)).where(HeldOperation.decided_at.is_(None))
    n, since = session.execute(waiting).one()
    said = f"{n} since {since:%Y-%m-%d}" if n else "none"
    remedy = "a manager decides at a workstation, or run hcrm-central held" if n else ""
    return Finding(check="held operations", level=Level.WARN if n else Level.OK, said=said, remedy=remedy)


def _workstations(session: Session, now: datetime) -> Finding:
    late = select(func.count()).select_from(Device).where(Device.oldest_unsent_at < now - SYNC_EVERY, Device.unsent > 0)
    n = session.scalar(late.where(Device.revoked_at.is_(None))) or 0
    return Finding(
        check="workstations",
        level=Level.WARN if n else Level.OK,
        said=f"{n} with work unsent for over a day" if n else "none has old work unsent",
        remedy="start them and check their network" if n else "",
    )
