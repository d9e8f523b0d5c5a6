"""The fault model: four workstations, one centre, and everything that can go wrong between them.

Rules are what people, jobs, networks and power cuts do, in any order that Hypothesis finds. Whatever they did, once
everything is mended (`teardown`), these promises hold:

1. **Liveness**: after a few cycles every workstation is quiet, and nothing waits in an outbox.
2. **Exactly once**: each entry that a person was told is saved has one receipt. What it means is in the centre once,
   or it is held there once for a supervisor, or it is a conflict that its author is told of.
3. **No surprise**: what somebody might do when he did it counts, though he may not do it any more. An entry is held
   only where its author had no right even then, or a wrong clock, a deleted row or a restored history gives a reason.
4. **Nothing more, nothing less**: each cache is what SQL under row security shows that person: the same rows, each in
   its stream, the same columns, the same values; and the digests of both sides say so too. (After a restore that was
   kept secret, versions are compared, not values: two changes may have been counted as the same version.)
5. **The screen tells the truth**: what waits is shown; what the workstation says of an entry is what the centre says.

Rules call the real client (SyncEngine, Workspace over SQLCipher files) and the real application over PostgreSQL. Only
the line between them is ours (line.py).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from uuid import UUID

from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy.orm import Session

from hcrm_core.terms import Outcome, Role
from hcrm_core.wire import OperationKind, ResultStatus
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from tests.sync.model.centre import BACKUP, BEGINNING, MOMENT, Centre
from tests.sync.model.line import Fault, Line
from tests.sync.model.promises import (
    Broken,
    allowed,
    cached,
    made_by,
    require_attempts,
    require_equal,
    require_once,
    require_shown,
    require_told,
)
from tests.sync.model.station import Entered, Point, SkewedClock, Station

DESKS = ("assistant", "assistant2", "optometrist", "manager")
PATHS = ("/sync/hello", "/sync/push", "/sync/pull")
SITES = ("north", "south")
HANDS = ("assistant", "assistant2", "far", "nobody", "optometrist", "optometrist2", *SITES)
JOBS = (
    "a task is made",
    "tasks are closed",
    "the customer is changed",
    *(f"undo of an import deletes a {kind}" for kind in ("task", "follow_up", "visit", "lens_order", "recheck_plan")),
)
LEASE = timedelta(days=7)
MOST_ROUNDS = 6  # of cycles, until everybody is quiet

desks = st.sampled_from(DESKS)
customers = st.integers(0, 2)
some = st.integers(0, 3)
outcomes = st.sampled_from([Outcome.NO_ANSWER, Outcome.CONSIDERING, Outcome.BOOKED, Outcome.SATISFIED])
points = st.none() | st.sampled_from([Point.ENTERED])


class SyncMachine(RuleBasedStateMachine):
    """See the module. `stage` gives the centre and the folders that every run begins with."""

    centre: ClassVar[Centre]
    app: ClassVar[FastAPI]
    portal: ClassVar[BlockingPortal]
    templates: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.centre.put_back(BEGINNING)
        self.began_at = self.centre.clock.at
        self.folder = TemporaryDirectory(prefix="hcrm-model-")
        self.stations = {name: self._station(name) for name in DESKS}
        self.entered: dict[UUID, Entered] = {}
        self.backed_up_at: datetime | None = None
        self.notes = 0
        self.restored_in_silence = False
        self.reasons_to_hold: set[UUID] = set()  # entries, and customers of whom something was deleted
        self.changes_of_rights: set[UUID] = set()  # accounts and customers
        self.is_history_lost = False  # by a restore, or a lease that ended: what was somebody's right is not known

    def _station(self, name: str) -> Station:
        line = Line(portal=self.portal, app=self.app)
        return Station(
            username=name,
            last=name,
            folder=Path(self.folder.name) / name,
            template=self.templates / name,
            line=line,
            clock=SkewedClock(self.centre.clock),
        )

    # ── people work ──────────────────────────────────────────────────────────────────────────────────────

    @rule(desk=desks, nth=some, outcome=outcomes, dying=points)
    def somebody_records_an_outcome(self, desk: str, *, nth: int, outcome: Outcome, dying: Point | None = None) -> None:
        self._work(desk, lambda at, note: at.contact(nth, outcome, note=note, dying=dying))

    @rule(desk=desks, nth=some)
    def somebody_snoozes_a_task(self, desk: str, *, nth: int) -> None:
        self._work(desk, lambda at, note: at.snooze(nth, note=note))

    @rule(desk=desks, nth=some, dying=points)
    def somebody_records_a_follow_up(self, desk: str, *, nth: int, dying: Point | None = None) -> None:
        self._work(desk, lambda at, note: at.follow_up(nth, note=note, dying=dying))

    @rule(nth=some, dying=points)
    def the_optometrist_enters_an_exam(self, nth: int, *, dying: Point | None = None) -> None:
        self._work("optometrist", lambda at, note: at.examine(nth, note=note, dying=dying))

    def _work(self, desk: str, enter: Callable[[Station, str], bool]) -> None:
        station, self.notes = self.stations[desk], self.notes + 1
        before = len(self.entered)
        self.centre.clock.advance(MOMENT)
        told = enter(station, f"记录{self.notes}")
        self._adopt(station)
        if told and len(self.entered) == before:
            raise Broken("said to be saved, and not in the outbox")
        require_shown(station)

    def _adopt(self, station: Station) -> None:
        """What is in the outbox counts from now on, whether a person was told or the process died before."""
        for entry in station.entered():
            is_new = self.entered.setdefault(entry.op_id, entry) is entry
            if is_new and (station.clock.wrong_by or not self._may_do(entry)):
                self.reasons_to_hold.add(entry.op_id)

    def _may_do(self, entry: Entered) -> bool:
        """Whose the customer is; tasks are worked on by assistants and managers, exams are made by optometrists."""
        author = next(name for name, account in self.centre.clinic.accounts.items() if account == entry.account_id)
        if not self.centre.may_work_with(author, entry.customer_id):
            return False
        is_examiner = self.centre.principal(author).role is Role.OPTOMETRIST
        if entry.kind in (OperationKind.RECORD_OUTCOME, OperationKind.SNOOZE_TASK):
            return not is_examiner
        return is_examiner or entry.kind is not OperationKind.RECORD_EXAM

    # ── workstations and the centre talk ─────────────────────────────────────────────────────────────────

    @rule(desk=desks, later=st.booleans())
    def a_desk_syncs(self, desk: str, *, later: bool = True) -> None:
        """At once, while what was entered may still be undone; or later."""
        self._sync(desk, later=later)

    @rule(desk=desks, fault=st.sampled_from(Fault), path=st.sampled_from(PATHS))
    def a_desk_syncs_over_a_bad_line(self, desk: str, *, fault: Fault, path: str) -> None:
        self.stations[desk].line.trouble[path] = fault
        self._sync(desk)

    @rule(desk=desks, nth=some, fault=st.sampled_from(Fault))
    def somebody_works_over_a_bad_line(self, desk: str, *, nth: int, fault: Fault) -> None:
        self.somebody_records_an_outcome(desk, nth=nth, outcome=Outcome.NO_ANSWER)
        self.a_desk_syncs_over_a_bad_line(desk, fault=fault, path="/sync/push")

    @rule(desk=desks, point=st.sampled_from(Point))
    def a_desk_dies_during_a_sync(self, desk: str, *, point: Point) -> None:
        self._sync(desk, dying=point)

    @precondition(lambda self: any(station.line.under_way for station in self.stations.values()))
    @rule()
    def late_requests_arrive(self) -> None:
        for station in self.stations.values():
            station.line.arrive_late()

    @rule(desk=desks, who=desks)
    def somebody_signs_in_at_a_desk(self, desk: str, *, who: str) -> None:
        station = self.stations[desk]
        station.line.answers.clear()  # of the person before: no proxy gives them to somebody else
        station.sign_in(who)
        self._sync(desk)

    def _sync(self, desk: str, *, later: bool = True, dying: Point | None = None) -> None:
        station = self.stations[desk]
        if later:
            self.centre.clock.advance(UNDO_WINDOW)
        if station.is_signed_out:
            station.sign_in(station.last)
        station.sync(dying=dying)
        require_shown(station)

    # ── the centre's own doings ──────────────────────────────────────────────────────────────────────────

    @rule(customer=customers, job=st.sampled_from(JOBS))
    def a_job_runs(self, customer: int, *, job: str) -> None:
        customer_id = self.centre.customers()[customer]
        match job:
            case "a task is made":
                self.centre.make_task(customer_id)
            case "tasks are closed":
                self.centre.close_tasks(customer_id)
            case "the customer is changed":
                self.centre.change_customer(customer_id)
            case _:
                self.reasons_to_hold.add(customer_id)
                spared = {row_id for entry in self.entered.values() for row_id in made_by(entry)}
                self.centre.delete_row(job.rpartition(" ")[2], customer_id, spared=spared)

    @rule(customer=customers, to=st.sampled_from(HANDS))
    def a_customer_is_given_to(self, customer: int, *, to: str) -> None:
        customer_id, clinic = self.centre.customers()[customer], self.centre.clinic
        self.changes_of_rights.add(customer_id)
        if to in ("north", "south"):
            self.centre.move_customer(customer_id, self._site(to))
        elif to.startswith("optometrist"):
            self.centre.assign(customer_id, optometrist_id=clinic.staff[to])
        else:
            self.centre.assign(customer_id, assistant_id=clinic.staff.get(to))

    @rule(who=desks, role=st.sampled_from([Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER]))
    def an_account_gets_a_role(self, who: str, *, role: Role) -> None:
        self.centre.change_role(who, role)
        self.changes_of_rights.add(self.centre.clinic.accounts[who])

    @rule(who=desks, site=st.sampled_from(SITES))
    def staff_moves_to_a_site(self, who: str, *, site: str) -> None:
        self.centre.move_staff(who, self._site(site))
        self.changes_of_rights.add(self.centre.clinic.accounts[who])

    @rule(who=desks, allowed=st.booleans(), door=st.sampled_from(["account", "desk", "site"]))
    def a_door_is_closed_or_opened(self, who: str, *, allowed: bool, door: str) -> None:
        """The account is out of use, the workstation is blocked, the southern site is closed; or not any more."""
        match door:
            case "account":
                self.centre.set_active(who, active=allowed)
            case "desk":
                self.centre.block(self.stations[who].device_id, blocked=not allowed)
            case _:
                self.centre.set_open(self.centre.clinic.south, opened=allowed)

    @rule()
    def a_backup_is_made(self) -> None:
        self.centre.back_up()
        self.backed_up_at = self.centre.clock.at

    @precondition(lambda self: self.backed_up_at is not None)
    @rule(in_silence=st.booleans())
    def the_centre_is_restored(self, *, in_silence: bool = False) -> None:
        """Whoever restores gives the database a new epoch. If he does not, digests must find what differs."""
        self.centre.put_back(BACKUP)
        self.is_history_lost = True
        self.restored_in_silence |= in_silence
        if not in_silence:
            self.centre.renew_epoch()

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────

    @rule(by=st.sampled_from([timedelta(minutes=45), timedelta(days=1)]))
    def time_passes(self, by: timedelta) -> None:
        self.centre.clock.advance(by)
        self.is_history_lost |= self.centre.clock.at - self.began_at > LEASE - timedelta(days=1)

    @rule(desk=desks, days=st.sampled_from([-366, 0, 366]))
    def a_clock_is_set_wrong_or_right(self, desk: str, *, days: int) -> None:
        self.stations[desk].clock.wrong_by = timedelta(days=days)

    # ── everything is mended, and the promises are looked at ─────────────────────────────────────────────

    def teardown(self) -> None:
        try:
            self._mend()
            self._come_to_rest()
            if self.restored_in_silence:
                for station in self._used():
                    station.verify()
                self._come_to_rest()
            self._look()
        finally:
            self.close()

    def close(self) -> None:
        for station in self.stations.values():
            station.close()
        self.folder.cleanup()
        self.centre.clock.at = self.began_at

    def _mend(self) -> None:
        for name in DESKS:
            self.centre.set_active(name, active=True)
        for station in self._used():
            station.clock.wrong_by = timedelta()
            station.line.mend()
            self.centre.block(station.device_id, blocked=False)
        self.centre.clock.advance(UNDO_WINDOW)

    def _come_to_rest(self) -> None:
        for _ in range(MOST_ROUNDS):
            moved = [self._cycled(station) for station in self._used()]
            if not any(moved):
                return
        raise Broken(f"no rest after {MOST_ROUNDS} rounds")

    def _cycled(self, station: Station) -> bool:
        """Whether a cycle did anything, or could not. Whoever has something unsent at a desk comes back to it."""
        owner = self._owner(station)
        if station.last != owner or station.is_signed_out:
            station.sign_in(owner)
        report = station.sync()
        waits = bool(station.workspace.outbox.unsent()[0])
        return report is None or report.pushed + report.pulled > 0 or report.stuck is not None or waits

    def _owner(self, station: Station) -> str:
        states, names = station.states(), {account: name for name, account in self.centre.clinic.accounts.items()}
        waiting = [
            names[entry.account_id] for entry in station.entered() if states[entry.op_id] in ("local", "sending")
        ]
        return waiting[0] if waiting else station.username

    def _look(self) -> None:
        with Session(self.centre.store.jobs) as session:
            receipts = {op_id: require_once(session, entry) for op_id, entry in self.entered.items()}
            applied = [self.entered[op_id] for op_id, status in receipts.items() if status is ResultStatus.APPLIED]
            require_attempts(session, applied)
        for op_id, status in receipts.items():
            self._require_reason(self.entered[op_id], status)
        for station in self._used():
            require_told(station, receipts)
            with station.bare() as session:
                held = cached(session)
            may = allowed(self.centre.store, self.centre.principal(station.last))
            require_equal(held, may, by_version=self.restored_in_silence)
            if different := station.verify():
                raise Broken(f"digests differ: {different}")

    def _require_reason(self, entry: Entered, status: ResultStatus) -> None:
        reasons = self.reasons_to_hold | (self.changes_of_rights if self.is_history_lost else set())
        if status is ResultStatus.HELD and not reasons & {entry.op_id, entry.account_id, entry.customer_id}:
            raise Broken(f"{entry.kind} {entry.op_id} is held without a reason")

    def _used(self) -> list[Station]:
        return [station for station in self.stations.values() if station.is_used]

    def _site(self, name: str) -> UUID:
        return self.centre.clinic.north if name == "north" else self.centre.clinic.south
