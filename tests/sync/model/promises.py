"""What must be true whatever happened: the promises of docs/sync.md, each a function that raises when it is broken."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func, select
from sqlalchemy.orm import Session

from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import HeldOperation, Receipt
from hcrm_core.terms import Role
from hcrm_core.wire import OperationKind, ResultStatus
from hcrm_desktop.cache.outbox import OpState
from hcrm_desktop.cache.tables import KIND_TABLES
from hcrm_store.care import FollowUp
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.journeys import Task
from hcrm_store.kinds import KINDS, Area, columns_for, stream_key, table_of
from tests.sync.model.station import Entered, Station

_OF_CUSTOMERS = frozenset({Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER})
_BOOKKEEPING = frozenset({"id", "ver", "stream", "base", "delivery"})
_STATES = {
    ResultStatus.APPLIED: OpState.ACCEPTED,
    ResultStatus.CONFLICT: OpState.CONFLICT,
    ResultStatus.HELD: OpState.HELD,
}


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One row as a reader holds it, or may."""

    stream: str
    values: Mapping[str, Any]


Rows = dict[tuple[str, UUID], Seen]


# ── nothing is shown that should not be, and everything that should ──────────────────────────────────────


def allowed(store: Store, principal: Principal) -> Rows:
    """What a person may hold: rows that row security shows him, standing in streams of his sites, with his columns."""
    found: Rows = {}
    with snapshot(store.service, principal) as session:
        children = session.execute(select(table_of("customer"))).mappings().all()
        for kind, (area, _) in KINDS.items():
            names = columns_for(kind, principal.role)
            for row in session.execute(select(table_of(kind))).mappings() if names else ():
                site_id = None if area is Area.REF else _site_of(row, children, principal=principal)
                if area is Area.REF or _is_granted(principal, site_id):
                    values = {name: row[name] for name in (*names, "ver")}
                    found[kind, row["id"]] = Seen(stream_key(area, site_id), values)
    return found


def _site_of(row: RowMapping, children: Sequence[RowMapping], *, principal: Principal) -> UUID | None:
    """The past of a customer is where he is. A family is wherever it has a child; a reader finds it at the first."""
    if "customer_id" in row:
        return next((child["site_id"] for child in children if child["id"] == row["customer_id"]), None)
    if "assistant_id" in row:
        return UUID(str(row["site_id"]))
    family_id = row.get("family_id", row["id"])
    sites = {child["site_id"] for child in children if child["family_id"] == family_id} & {*principal.site_ids}
    return UUID(min(map(str, sites), default=str(row["site_id"])))


def _is_granted(principal: Principal, site_id: UUID | None) -> bool:
    return principal.role in _OF_CUSTOMERS and site_id in principal.site_ids


def cached(session: Session) -> Rows:
    """What a cache holds: every value that is not unknown."""
    return {
        (kind, row["id"]): Seen(row["stream"], {name: row[name] for name in row if name not in _BOOKKEEPING - {"ver"}})
        for kind, table in KIND_TABLES.items()
        for row in session.execute(select(table)).mappings()
    }


def require_equal(held: Rows, may: Rows, *, by_version: bool = False) -> None:
    """The cache is what the reader may see: row by row, column by column, each in its stream."""
    if surplus := held.keys() - may.keys():
        raise Broken(f"holds what is gone or not his: {_named(surplus)}")
    if missing := may.keys() - held.keys():
        raise Broken(f"lacks what is his: {_named(missing)}")
    for key, seen in held.items():
        _require_same(key, seen, may[key], only={"ver"} if by_version else seen.values.keys() - {"id"})


def _require_same(key: tuple[str, UUID], seen: Seen, may: Seen, *, only: Iterable[str]) -> None:
    if seen.stream != may.stream:
        raise Broken(f"{key} came by {seen.stream} and belongs to {may.stream}")
    for name in only:
        value, wanted = seen.values[name], may.values.get(name)
        if value != wanted:
            raise Broken(f"{key}: {name} is {value!r} and should be {wanted!r}")


def _named(keys: Iterable[tuple[str, UUID]]) -> str:
    return ", ".join(f"{kind} {row_id}" for kind, row_id in sorted(keys, key=str)[:4])


# ── nothing that was entered is lost, or counts twice ────────────────────────────────────────────────────


def require_once(session: Session, entry: Entered) -> ResultStatus:
    """An entry has one receipt, and its effect is there once: as rows, or as a held operation, never as both."""
    receipt = session.scalar(select(Receipt).where(Receipt.op_id == entry.op_id))
    if receipt is None:
        raise Broken(f"{entry.kind} {entry.op_id} never arrived")
    status = ResultStatus(receipt.result["status"])
    held = _count(session, HeldOperation, op_id=entry.op_id, decided_at=None)
    if held != (status is ResultStatus.HELD):
        raise Broken(f"{entry.kind} {entry.op_id} is {status} and held {held} times")
    happened = status is not ResultStatus.HELD
    for model, where in _effects(entry):
        if _count(session, model, **where) != happened:
            raise Broken(f"{entry.kind} {entry.op_id} is {status}, its {model.__tablename__} does not agree")
    return status


def _effects(entry: Entered) -> list[tuple[Any, dict[str, Any]]]:
    match entry.kind:
        case OperationKind.RECORD_OUTCOME:
            return [(FollowUp, {"id": UUID(entry.body["follow_up_id"]), "note": entry.body["note"]})]
        case OperationKind.RECORD_FOLLOW_UP:
            return [(FollowUp, {"id": entry.row_id, "note": entry.body["note"]})]
        case OperationKind.RECORD_EXAM:
            eyes = [(EyeMeasurement, {"id": UUID(eye["id"]), "exam_id": entry.row_id}) for eye in entry.body["eyes"]]
            return [(Exam, {"id": entry.row_id, "note": entry.body["note"]}), *eyes]
    return []


def made_by(entry: Entered) -> set[UUID]:
    """The rows that an entry makes."""
    return {where["id"] for _, where in _effects(entry)}


def require_attempts(session: Session, applied: Collection[Entered]) -> None:
    """A task counts as many contacts as were applied to it: once each, on top of none in the beginning."""
    made: dict[UUID, int] = {}
    for entry in applied:
        if entry.kind is OperationKind.RECORD_OUTCOME:
            made[entry.row_id] = made.get(entry.row_id, 0) + 1
    for task_id, attempts in session.execute(select(Task.id, Task.attempts)):
        if attempts != made.get(task_id, 0):
            raise Broken(f"task {task_id} counts {attempts} contacts of {made.get(task_id, 0)}")


def _count(session: Session, model: Any, **where: Any) -> int:
    return session.scalar(select(func.count()).select_from(model).filter_by(**where)) or 0


# ── what a person is told is true ────────────────────────────────────────────────────────────────────────


def require_told(station: Station, receipts: Mapping[UUID, ResultStatus]) -> None:
    """The workstation says of each entry what the centre says."""
    for op_id, state in station.states().items():
        if state is not _STATES[receipts[op_id]]:
            raise Broken(f"{op_id} is {receipts[op_id]} at the centre and {state} at the workstation")


def require_shown(station: Station) -> None:
    """What was entered and not sent is shown to whoever entered it, as long as the customer is shown."""
    person = station.workspace.person()
    if person is None:
        return
    states = station.states()
    with station.workspace.read() as session:
        held = {kind: _ids(session, kind) for kind in ("customer", "task", "follow_up", "exam")}
        for entry in station.entered():
            if entry.account_id != person.account_id or states[entry.op_id] not in (OpState.LOCAL, OpState.SENDING):
                continue
            about = held["customer"] if entry.kind is not OperationKind.RECORD_OUTCOME else held["task"]
            subject = entry.row_id if entry.kind is OperationKind.RECORD_OUTCOME else entry.customer_id
            for model, where in _effects(entry)[:1]:
                if subject in about and where["id"] not in held[model.__tablename__]:
                    raise Broken(f"{entry.kind} {entry.op_id} waits and is not shown")


def _ids(session: Session, kind: str) -> set[UUID]:
    return set(session.scalars(select(KIND_TABLES[kind].c.id)))
