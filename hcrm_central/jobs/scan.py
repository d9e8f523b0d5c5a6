"""The scan: facts, memberships and tasks of everybody, of some, or of what a rule touches; in one transaction.

It can be run at any time, twice, by two processes or after a crash: what it finds done stays done, and what a crash
left half-way was rolled back. Who holds the lock of the lease's row is the only one who writes, and loses it with his
connection: a writer that was cut off cannot commit any more.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.calling import Fate
from hcrm_central.jobs.computing import Facts, Work, compute
from hcrm_central.jobs.dealing import Dealer
from hcrm_central.jobs.membership import SegmentCount, classify, note
from hcrm_central.jobs.nights import everything
from hcrm_central.jobs.quarantine import quarantined
from hcrm_central.jobs.rulebook import read_rulebook
from hcrm_central.jobs.runs import RunKind, begin_run, drop_run, finish_run
from hcrm_central.jobs.scope import Scope
from hcrm_central.jobs.standing_in import away, stand_in
from hcrm_central.jobs.tasks import keep_ledger
from hcrm_central.jobs.touched import touched
from hcrm_central.store.engine import transaction
from hcrm_store.clock import Clock, business_date


class Step(StrEnum):
    """How far a scan is, for whoever watches it."""

    LEASED = "leased"
    FACTS = "facts"
    MEMBERSHIPS = "memberships"
    TASKS = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SopCount:
    """`proposed` = `created` + `merged` + `reopened` + `already_there` + all `suppressed`.

    Merged are those of the new tasks that are said in one contact with another one.
    """

    proposed: int
    created: int
    reopened: int
    already_there: int
    merged: int
    suppressed: dict[str, int]

    @property
    def adds_up(self) -> bool:
        kept = self.created + self.reopened + self.already_there + self.merged
        return self.proposed == kept + sum(self.suppressed.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What a run did. `expected` = `seen` + the quarantined.

    Attributes:
        edition: of the facts that it computed for everybody; "" if it did not.
        changed: customers whose facts are others than before.
        segments: by key, see `SegmentCount`.
        sops: by key.
        closed: tasks closed, by reason.
        assigned: customers without an assistant who were given one.
        lent: customers who went to a colleague because their assistant is away.
        returned: customers who came back.
        failed: rules and SOPs that could not be used.
    """

    run_id: UUID
    scanned_for: date
    edition: str
    expected: int
    seen: int
    changed: int
    quarantined: tuple[UUID, ...]
    segments: dict[str, SegmentCount]
    sops: dict[str, SopCount]
    closed: dict[str, int]
    held: int
    woken: int
    escalated: int
    spread: int
    assigned: int
    lent: int
    returned: int
    failed: tuple[str, ...]

    @property
    def created(self) -> int:
        """Tasks that are new in the ledger."""
        return sum(count.created + count.merged for count in self.sops.values())

    @property
    def totals(self) -> dict[str, int | bool]:
        """The run in a line. `proposed`: what triggers call for and the ledger did not have; what was brought back
        counts as created."""
        counts = self.sops.values()
        return {
            "expected": self.expected,
            "seen": self.seen,
            "changed": self.changed,
            "quarantined": len(self.quarantined),
            "proposed": sum(count.proposed - count.already_there for count in counts),
            "created": sum(count.created + count.reopened for count in counts),
            "merged": sum(count.merged for count in counts),
            "suppressed": sum(sum(count.suppressed.values()) for count in counts),
            "adds_up": self.adds_up,
        }

    @property
    def adds_up(self) -> bool:
        """Whether every customer and every task is accounted for."""
        everybody = self.expected == self.seen + len(self.quarantined) and self.changed <= self.seen
        segments = all(count.adds_up for count in self.segments.values())
        return everybody and segments and all(count.adds_up for count in self.sops.values())

    def as_json(self) -> dict[str, Any]:
        """Plain values; ids and counts only."""
        return asdict(self) | {
            "run_id": str(self.run_id),
            "scanned_for": self.scanned_for.isoformat(),
            "quarantined": [str(one) for one in self.quarantined],
            "created": self.created,
            "totals": self.totals,
            "adds_up": self.adds_up,
        }


def _nothing_to_settle(_session: Session, _report: ScanReport) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a run is for.

    Attributes:
        kind: as its row tells it.
        take: asked once the lease is held and before anything is read; None: somebody else has done it.
        settle: told in the same transaction what was done.
    """

    kind: RunKind
    take: Callable[[Session], Work | None]
    settle: Callable[[Session, ScanReport], None] = _nothing_to_settle


def _unwatched(_: Step) -> None:
    return None


def scan(
    engine: Engine, *, clock: Clock, on: date | None = None, progress: Callable[[Step], None] = _unwatched
) -> ScanReport:
    """Scan the whole library for one business date. A second scan waits until the first has finished.

    Args:
        engine: the jobs' engine.
        clock: tells the time.
        on: the business date, today's if None.
        progress: is told each step as it begins.
    """
    return _always(engine, Errand(kind=RunKind.ASKED, take=everything), clock=clock, on=on, progress=progress)


def rescan(engine: Engine, customer_ids: Sequence[UUID], *, clock: Clock) -> ScanReport:
    """Facts, segments and tasks of these customers alone. Unknown ids are passed over."""
    work = Work(scope=Scope(only=customer_ids))
    return _always(engine, Errand(kind=RunKind.CUSTOMERS, take=lambda _: work), clock=clock)


def reevaluate(
    engine: Engine, *, clock: Clock, rules: Collection[str] = (), parameters: Collection[str] = ()
) -> ScanReport:
    """Segments and tasks that these rules or parameters touch, over the facts as they are."""
    kind = RunKind.RULE if rules else RunKind.PARAMETER
    errand = Errand(kind=kind, take=lambda session: touched_by(session, rules=rules, parameters=parameters))
    return _always(engine, errand, clock=clock)


def touched_by(session: Session, *, rules: Collection[str] = (), parameters: Collection[str] = ()) -> Work:
    """What a change of these touches, for everybody whose rows can be computed."""
    scope = touched(session, rules=rules, parameters=parameters)
    return Work(scope=replace(scope, aside=quarantined(session)), facts=Facts.KNOWN)


def perform(
    engine: Engine,
    errand: Errand,
    *,
    clock: Clock,
    on: date | None = None,
    progress: Callable[[Step], None] = _unwatched,
) -> ScanReport | None:
    """Do an errand, after whoever is at work; None if that one had done it.

    The run's row is written before the work, so a run that died is seen: it never got a `finished_at`.
    """
    scanned_for = on or business_date(clock.now())
    run_id = begin_run(engine, kind=errand.kind, scanned_for=scanned_for, at=clock.now())
    with transaction(engine) as session:
        fence = _lease(session)
        progress(Step.LEASED)
        work = errand.take(session)
        if work is None:
            drop_run(session, run_id)
            return None
        report = _carry_out(engine, session, work, run_id=run_id, on=scanned_for, clock=clock, progress=progress)
        errand.settle(session, report)
        finish_run(session, run_id, fence=fence, at=clock.now(), counts=report.as_json())
    return report


def _always(
    engine: Engine,
    errand: Errand,
    *,
    clock: Clock,
    on: date | None = None,
    progress: Callable[[Step], None] = _unwatched,
) -> ScanReport:
    report = perform(engine, errand, clock=clock, on=on, progress=progress)
    assert report is not None, "such an errand always finds work"
    return report


def _lease(session: Session) -> int:
    """Wait for the lease, which is no fault however long it takes; its number tells writers apart."""
    session.execute(text("SET LOCAL lock_timeout = 0"))
    fence: int = session.execute(text("UPDATE scan_lease SET fence = fence + 1 RETURNING fence")).scalar_one()
    session.execute(text("SET LOCAL lock_timeout = '15s'"))
    make_room(session)
    return fence


def make_room(session: Session) -> None:
    """Give this transaction the memory of the one run that holds the lease, which a hundred questions may not have.

    Groups of customers are few, but PostgreSQL expects many, and would sort everybody rather than hash them.
    """
    for name, value in {"work_mem": "256MB", "hash_mem_multiplier": "8"}.items():
        session.execute(text(f"SET LOCAL {name} = '{value}'"))


def _carry_out(
    engine: Engine,
    session: Session,
    work: Work,
    *,
    run_id: UUID,
    on: date,
    clock: Clock,
    progress: Callable[[Step], None],
) -> ScanReport:
    at = clock.now()
    progress(Step.FACTS)
    found = compute(engine, session, work, at=at)
    scope = replace(work.scope, aside=found.quarantined)
    rulebook = read_rulebook(session, on=on)
    progress(Step.MEMBERSHIPS)
    if work.facts is Facts.COMPUTED:  # whoever is looked at anew is looked at whole
        note(session, scope=scope)
    segments = classify(session, rulebook, scope=scope)
    progress(Step.TASKS)
    dealer = Dealer(session, away=away(session, on=on))
    ledger = keep_ledger(session, rulebook, dealer=dealer, scope=scope, at=at)
    assigned = dealer.write(session, at=at)
    moves = stand_in(session, dealer=dealer, on=on, at=at)
    return ScanReport(
        run_id=run_id,
        scanned_for=on,
        edition=work.edition,
        expected=found.expected,
        seen=found.seen,
        changed=found.changed,
        quarantined=found.quarantined,
        segments=segments,
        sops={key: _sop_count(fates) for key, fates in ledger.fates.items()},
        closed=dict(ledger.closed),
        held=ledger.held,
        woken=ledger.woken,
        escalated=ledger.escalated,
        spread=ledger.spread,
        assigned=assigned,
        lent=moves.lent,
        returned=moves.returned,
        failed=rulebook.failed,
    )


def _sop_count(fates: dict[Fate, int]) -> SopCount:
    told = (Fate.CREATED, Fate.REOPENED, Fate.ALREADY_THERE, Fate.MERGED)
    return SopCount(
        proposed=sum(fates.values()),
        created=fates.get(Fate.CREATED, 0),
        reopened=fates.get(Fate.REOPENED, 0),
        already_there=fates.get(Fate.ALREADY_THERE, 0),
        merged=fates.get(Fate.MERGED, 0),
        suppressed={fate.value: many for fate, many in fates.items() if fate not in told},
    )
