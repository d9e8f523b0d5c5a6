"""Load an extract: verify, then part by part, each part in one transaction of its own."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm_central.connectors.extract.feeds import FEEDS
from hcrm_central.connectors.extract.landing import Landing, driver_cursor
from hcrm_central.connectors.extract.manifest import (
    FORMAT,
    MANIFEST,
    VERSION,
    ExtractFile,
    Manifest,
    digest_of,
    read_manifest,
)
from hcrm_central.connectors.extract.organisation import codes_of, read_organisation, save_organisation
from hcrm_central.connectors.extract.reading import Codes, Read, read_feed
from hcrm_central.connectors.extract.report import (
    MOST_EXAMPLES,
    ExtractReport,
    FeedCounts,
    RowProblem,
    counted,
    remedy,
)
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.tables import ImportBatch, ImportProblem, Watermark
from hcrm_core.errors import Rejected
from hcrm_store.base import new_id
from hcrm_store.clock import Clock, business_date


def load_extract(engine: Engine, directory: Path, *, clock: Clock) -> ExtractReport:
    """Load an extract directory into the store.

    Loading the same extract again changes nothing. A load that was interrupted has finished parts and unfinished
    ones; loading again completes it.

    Args:
        engine: the jobs' engine.
        directory: the extract, as docs/extract.md describes it.
        clock: the time.

    Returns:
        What became of every row.

    Raises:
        Rejected: if the extract as a whole cannot be honoured: unfinished, damaged, of another version, older than
            what was loaded before, or while another load of the same source runs.
    """
    manifest = read_manifest(directory, now=clock.now())
    with _alone(engine, manifest):
        _refuse_older(engine, manifest)
        batch_id = _open_batch(engine, manifest, directory=directory, now=clock.now())
        _load_organisation(engine, manifest, directory=directory)
        counts: dict[str, FeedCounts] = {}
        problems: list[RowProblem] = []
        for part in manifest.parts():
            work = _Part(manifest=manifest, directory=directory, number=part, batch_id=batch_id)
            found, remarks = work.load(engine, told=len(problems))
            counts |= {name: counts.get(name, FeedCounts()) + one for name, one in found.items()}
            problems += remarks
        report = ExtractReport(
            batch_id=batch_id,
            source=manifest.source,
            as_of=manifest.as_of,
            feeds=counts,
            problems=counted(problems),
            examples=tuple(problems[:MOST_EXAMPLES]),
        )
        _close_batch(engine, report, now=clock.now())
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One part of an extract: files of some customers, loaded in one transaction."""

    manifest: Manifest
    directory: Path
    number: int
    batch_id: UUID

    def load(self, engine: Engine, *, told: int) -> tuple[dict[str, FeedCounts], list[RowProblem]]:
        """Read, check and write every feed.

        Args:
            engine: the jobs' engine.
            told: how many problems earlier parts had; they are numbered through.
        """
        with snapshot(engine) as session:
            codes = codes_of(session)
        files = self.manifest.files_of(self.number)
        reads = {name: self._read(files[name], codes=codes) for name in FEEDS if name in files}
        counts: dict[str, FeedCounts] = {}
        problems: list[RowProblem] = []
        with transaction(engine) as session:
            landing = Landing(
                cursor=driver_cursor(session), source=self.manifest.source.value, batch_id=self.batch_id, codes=codes
            )
            for name, read in reads.items():
                landed, orphans = landing.land(FEEDS[name], read.sound, file=files[name].name)
                problems += read.problems + orphans
                done = landed.created + landed.changed + landed.unchanged
                counts[name] = dataclasses.replace(landed, read=read.rows, quarantined=read.rows - done)
            _keep_problems(session, problems, batch_id=self.batch_id, told=told)
        return counts, problems

    def _read(self, file: ExtractFile, *, codes: Codes) -> Read:
        as_of = business_date(self.manifest.as_of)
        return read_feed(self.directory / file.name, file, FEEDS[file.feed], as_of=as_of, codes=codes)


@contextmanager
def _alone(engine: Engine, manifest: Manifest) -> Iterator[None]:
    """Two loads of one source never run at once: the older could overwrite the newer."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"key": f"load_extract:{manifest.source}"}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key):
            raise Rejected("load_running", f"another load of {manifest.source} runs; try again when it has finished")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)


def _refuse_older(engine: Engine, manifest: Manifest) -> None:
    with snapshot(engine) as session:
        loaded = session.scalar(
            select(func.max(Watermark.at)).where(Watermark.feed.startswith(f"{manifest.source}:", autoescape=True))
        )
    if loaded is not None and manifest.as_of < loaded:
        raise Rejected("older_extract", f"this extract is as of {manifest.as_of}; {loaded} was loaded already")


def _open_batch(engine: Engine, manifest: Manifest, *, directory: Path, now: datetime) -> UUID:
    batch = ImportBatch(
        id=new_id(),
        source=manifest.source.value,
        file_name=directory.name,
        file_sha256=digest_of(directory / MANIFEST),
        profile=f"{FORMAT} {VERSION}",
        started_at=now,
    )
    with transaction(engine) as session:
        session.add(batch)
    return batch.id


def _load_organisation(engine: Engine, manifest: Manifest, *, directory: Path) -> None:
    file = manifest.files_of(0).get("organisation")
    if file is None:
        return
    group = read_organisation(directory / file.name)
    with transaction(engine) as session:
        save_organisation(session, group)


def _keep_problems(session: Session, problems: list[RowProblem], *, batch_id: UUID, told: int) -> None:
    """Every remark, so that nothing that was set aside is forgotten."""
    rows = [
        {
            "batch_id": batch_id,
            "n": number,
            "sheet": one.file,
            "row": one.row,
            "column": one.column,
            "code": one.code,
            "severity": one.severity.value,
            "seen": one.seen,
            "remedy": remedy(one.code),
        }
        for number, one in enumerate(problems, told + 1)
    ]
    if rows:
        session.execute(insert(ImportProblem), rows)


def _close_batch(engine: Engine, report: ExtractReport, *, now: datetime) -> None:
    """Counts of the batch, and how far each feed has come."""
    counts = {name: dataclasses.asdict(one) for name, one in report.feeds.items()}
    with transaction(engine) as session:
        session.execute(
            update(ImportBatch).where(ImportBatch.id == report.batch_id).values(counts=counts, finished_at=now)
        )
        for name in report.feeds:
            mark = insert(Watermark).values(feed=f"{report.source}:{name}", at=report.as_of)
            session.execute(mark.on_conflict_do_update(index_elements=["feed"], set_={"at": mark.excluded.at}))
