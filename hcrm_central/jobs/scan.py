"""The daily scan: facts, memberships and tasks of everybody, in one transaction under one lease.

It can be run at any time, twice, by two processes or after a crash: what it finds done stays done, and what a
crash left half-way was rolled back.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from hcrm_central.jobs.dealing import Dealer
from hcrm_central.jobs.facts import compute_facts
from hcrm_central.jobs.membership import SegmentCount, classify
from hcrm_central.jobs.rulebook import read_rulebook
from hcrm_central.jobs.scope import Scope
from hcrm_central.jobs.tasks import Fate, keep_ledger
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.tables import ScanRun
from hcrm_store.base import new_id
from hcrm_store.clock import Clock, business_date
from hcrm_store.people import Customer


class Step(StrEnum):
    """How far a scan is, for whoever watches it."""

    LEASED = "leased"
    FACTS = "facts"
    MEMBERSHIPS = "memberships"
    TASKS = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SopCount:
    """`proposed` = `created` + `reopened` + `already_there` + all `suppressed`."""

    proposed: int
    created: int
    reopened: int
    already_there: int
    suppressed: dict[str, int]

    @property
    def adds_up(self) -> bool:
        return self.proposed == self.created + self.reopened + self.already_there + sum(self.suppressed.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What a scan did. `expected` = `seen` + the quarantined.

    Attributes:
        segments: by key, see `SegmentCount`.
        sops: by key.
        closed: tasks closed, by reason.
        assigned: customers without an assistant who were given one.
        failed: rules and SOPs that could not be used.
    """

    run_id: UUID
    scanned_for: date
    expected: int
    seen: int
    quarantined: tuple[UUID, ...]
    segments: dict[str, SegmentCount]
    sops: dict[str, SopCount]
    closed: dict[str, int]
    held: int
    woken: int
    assigned: int
    failed: tuple[str, ...]

    @property
    def created(self) -> int:
        """Tasks that are new in the ledger."""
        return sum(count.created for count in self.sops.values())

    @property
    def adds_up(self) -> bool:
        """Whether every customer and every task is accounted for."""
        everybody = self.expected == self.seen + len(self.quarantined)
        segments = all(count.adds_up for count in self.segments.values())
        return everybody and segments and all(count.adds_up for count in self.sops.values())

    def as_json(self) -> dict[str, Any]:
        """Plain values; ids and counts only."""
        return asdict(self) | {
            "run_id": str(self.run_id),
            "scanned_for": self.scanned_for.isoformat(),
            "quarantined": [str(one) for one in self.quarantined],
            "created": self.created,
            "adds_up": self.adds_up,
        }


def _unwatched(_: Step) -> None:
    return None


def scan(
    engine: Engine, *, clock: Clock, on: date | None = None, progress: Callable[[Step], None] = _unwatched
) -> ScanReport:
    """Scan the whole library for one business date.

    A second scan waits until the first has finished. The run's row is written before the work, so a scan that
    died is seen: it never got a `finished_at`.

    Args:
        engine: the jobs' engine.
        clock: tells the time.
        on: the business date, today's if None.
        progress: is told each step as it begins.
    """
    scanned_for = on or business_date(clock.now())
    run_id = _begin(engine, scanned_for, clock=clock)
    with transaction(engine) as session:
        # Waiting for another scan is no fault, however long it takes.
        session.execute(text("SET LOCAL lock_timeout = 0"))
        session.execute(text("UPDATE scan_lease SET fence = fence + 1"))
        session.execute(text("SET LOCAL lock_timeout = '15s'"))
        progress(Step.LEASED)
        report = _scan(engine, session, run_id=run_id, on=scanned_for, clock=clock, progress=progress)
        finished = {"finished_at": clock.now(), "counts": report.as_json()}
        session.execute(update(ScanRun).where(ScanRun.id == run_id).values(**finished))
    return report


def _begin(engine: Engine, scanned_for: date, *, clock: Clock) -> UUID:
    run_id = new_id()
    with transaction(engine) as session:
        session.add(ScanRun(id=run_id, scanned_for=scanned_for, started_at=clock.now(), counts={}))
    return run_id


def _scan(
    engine: Engine, session: Session, *, run_id: UUID, on: date, clock: Clock, progress: Callable[[Step], None]
) -> ScanReport:
    at = clock.now()
    progress(Step.FACTS)
    with snapshot(engine) as reader:
        expected = reader.scalar(select(func.count()).select_from(Customer)) or 0
        found = compute_facts(reader, session, None, at=at)
    rulebook = read_rulebook(session, on=on)
    progress(Step.MEMBERSHIPS)
    scope = Scope(aside=found.quarantined)
    segments = classify(session, rulebook, scope=scope)
    progress(Step.TASKS)
    dealer = Dealer(session)
    ledger = keep_ledger(session, rulebook, dealer=dealer, scope=scope, at=at)
    return ScanReport(
        run_id=run_id,
        scanned_for=on,
        expected=expected,
        seen=found.computed,
        quarantined=found.quarantined,
        segments=segments,
        sops={key: _sop_count(fates) for key, fates in ledger.fates.items()},
        closed=dict(ledger.closed),
        held=ledger.held,
        woken=ledger.woken,
        assigned=dealer.write(session, at=at),
        failed=rulebook.failed,
    )


def _sop_count(fates: dict[Fate, int]) -> SopCount:
    told = (Fate.CREATED, Fate.REOPENED, Fate.ALREADY_THERE)
    return SopCount(
        proposed=sum(fates.values()),
        created=fates.get(Fate.CREATED, 0),
        reopened=fates.get(Fate.REOPENED, 0),
        already_there=fates.get(Fate.ALREADY_THERE, 0),
        suppressed={fate.value: many for fate, many in fates.items() if fate not in told},
    )
