"""The outbox: what was entered at this workstation, in order, until the centre has answered for each entry.

Numbers are given when an entry is first offered to the centre, counted from the number the centre expects. So an
entry that was withdrawn before it was sent leaves no gap, and after a restore, a lost reply or a cloned folder
the centre's count is simply taken over. `op_id` never changes: it is what makes a second delivery harmless.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Update,
    and_,
    delete,
    event,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from hcrm_core.errors import Rejected
from hcrm_core.wire import (
    MAX_PUSH_OPERATIONS,
    Decided,
    Decision,
    Json,
    Operation,
    OperationKind,
    OperationResult,
    ResultStatus,
)
from hcrm_desktop.cache.tables import DEVICE, DRAFT, KEPT, OPERATION, OUTBOX
from hcrm_store.base import new_id
from hcrm_store.clock import Clock

# How long an entry stays here before it is sent, so that it can be taken back without asking "are you sure".
UNDO_WINDOW = timedelta(seconds=6)
# What is taken back by entering it again is sent at once.
_NOT_UNDONE = frozenset({OperationKind.EDIT_CUSTOMER, OperationKind.PICK_EXAM, OperationKind.VOID_EXAM})
# How long accepted entries are kept: a centre restored from a backup is offered them again.
KEPT_FOR = timedelta(days=30)
WITHDRAWN_COUNTS = 1_000  # as many changes: the copy is made anew at once
DECIDED = "decided"  # in the result of a held entry: wire.Decided


class OpState(StrEnum):
    LOCAL = "local"
    SENDING = "sending"  # offered; whether it arrived is not known yet
    ACCEPTED = "accepted"
    HELD = "held"
    CONFLICT = "conflict"
    REVIEW = "review"  # read from a damaged file: never sent before a person says so


_ANSWERS = {
    ResultStatus.APPLIED: OpState.ACCEPTED,
    ResultStatus.DUPLICATE: OpState.ACCEPTED,
    ResultStatus.HELD: OpState.HELD,
    ResultStatus.CONFLICT: OpState.CONFLICT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the outbox."""

    op_id: UUID
    account_id: UUID
    kind: OperationKind
    row_id: UUID
    customer_id: UUID | None
    base_ver: int | None
    body: Json
    captured_at: datetime
    state: OpState
    result_ver: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is to be entered."""

    account_id: UUID
    kind: OperationKind
    row_id: UUID
    customer_id: UUID
    base_ver: int | None
    body: Json


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """By what the centre knows this workstation. The secret leaves the file only inside a request."""

    id: UUID
    secret: str


class Outbox:
    """`outbox.db`. Every method is one transaction; a commit has reached the disk when the method returns.

    Attributes:
        uncopied: transactions that the copy beside the file lacks (recovery.py).
    """

    def __init__(self, engine: Engine, *, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self.uncopied = 0
        event.listen(engine, "commit", self._note_commit)
        OUTBOX.create_all(engine)
        with engine.begin() as connection:
            if connection.execute(select(DEVICE.c.id)).first() is None:
                _make_device(connection)

    # ── entries ──────────────────────────────────────────────────────────────────────────────────────────

    def add(self, intents: Iterable[Intent]) -> list[Entry]:
        """Write entries down, all or none. When this returns, no crash can lose them."""
        with self._engine.begin() as connection:
            return [self._written(connection, intent) for intent in intents]

    def decide(self, op_id: UUID, *, instead: Intent | None) -> Entry | None:
        """A person decided about a conflict: it is settled, and what he wants instead is written down, both or neither.

        Raises:
            Rejected: ``already_decided``.
        """
        open_conflict = and_(OPERATION.c.op_id == op_id, OPERATION.c.state == OpState.CONFLICT.value)
        with self._engine.begin() as connection:
            settled = update(OPERATION).where(open_conflict, ~OPERATION.c.settled).values(settled=True)
            if connection.execute(settled).rowcount == 0:
                raise Rejected("already_decided", "this entry does not wait for a decision")
            return None if instead is None else self._written(connection, instead)

    def _written(self, connection: Connection, intent: Intent) -> Entry:
        values = {
            "op_id": new_id(),
            "account_id": intent.account_id,
            "kind": intent.kind.value,
            "row_id": intent.row_id,
            "customer_id": intent.customer_id,
            "base_ver": intent.base_ver,
            "body": intent.body,
            "captured_at": self._clock.now(),
            "state": OpState.LOCAL.value,
        }
        values["digest"] = entry_digest(values)
        return _entry(connection.execute(insert(OPERATION).values(values).returning(OPERATION)).one())

    def latest(self, account_id: UUID) -> Entry | None:
        """What this account entered last."""
        mine = select(OPERATION).where(OPERATION.c.account_id == account_id).order_by(OPERATION.c.position.desc())
        with self._engine.connect() as connection:
            row = connection.execute(mine.limit(1)).first()
        return None if row is None else _entry(row)

    def withdraw_last(self, account_id: UUID) -> Entry:
        """Take back the latest entry, and all that was entered together with it, if none was offered to the centre.

        Raises:
            Rejected: ``nothing_to_undo`` or ``already_sent``.
        """
        latest = select(OPERATION).where(OPERATION.c.account_id == account_id).order_by(OPERATION.c.position.desc())
        with self._engine.begin() as connection:
            row = connection.execute(latest.limit(1)).first()
            if row is None:
                raise Rejected("nothing_to_undo", "nothing was entered")
            if connection.scalar(select(func.count()).where(_with(row), OPERATION.c.offered_at.is_not(None))):
                raise Rejected("already_sent", "the latest entry was sent already")
            connection.execute(delete(OPERATION).where(_with(row)))
            self.uncopied += WITHDRAWN_COUNTS  # put back from the copy, it would be sent
            return _entry(row)

    def laid(self, account_id: UUID) -> list[Entry]:
        """Entries whose effect the cache must show itself, in order."""
        wanted = and_(OPERATION.c.account_id == account_id, ~OPERATION.c.settled)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(_in_order(wanted))]

    def next_due(self, account_id: UUID) -> datetime | None:
        """When the first entry may be sent; None if there is none."""
        waiting = _in_order(and_(_unanswered(), OPERATION.c.account_id == account_id)).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(waiting).first()
        return None if row is None else row.captured_at + _undo_window(row)

    def first_due(self, account_id: UUID) -> UUID | None:
        """The entry that is the next to be sent and could be sent now; None if there is none."""
        waiting = _in_order(and_(_unanswered(), OPERATION.c.account_id == account_id)).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(waiting).first()
        return None if row is None or self._may_be_undone(row) else row.op_id

    def unsent(self) -> tuple[int, datetime | None]:
        """How many entries the centre has not answered for, and when the oldest was made."""
        counted = select(func.count(), func.min(OPERATION.c.captured_at)).where(_unanswered())
        with self._engine.connect() as connection:
            count, oldest = connection.execute(counted).one()
        return count, oldest

    # ── conversation with the centre ─────────────────────────────────────────────────────────────────────

    def rewind(self, expected_n: int) -> None:
        """Take the centre's count: what was offered but did not arrive is offered again."""
        lost = and_(OPERATION.c.state == OpState.SENDING.value, OPERATION.c.n >= expected_n)
        self._update(lost, state=OpState.LOCAL.value, n=None)

    def was_forgotten(self, expected_n: int) -> bool:
        """Whether the centre counts less than it has answered for: it was restored, even if it does not say so."""
        answered = and_(OPERATION.c.answered_at.is_not(None), OPERATION.c.n >= expected_n)
        with self._engine.connect() as connection:
            return connection.execute(select(OPERATION.c.op_id).where(answered).limit(1)).first() is not None

    def reoffer(self, expected_n: int) -> None:
        """After a restore of the centre: what it has forgotten is offered again."""
        unknown = or_(OPERATION.c.n >= expected_n, OPERATION.c.n.is_(None))
        forgotten = and_(OPERATION.c.state.not_in([OpState.LOCAL.value, OpState.REVIEW.value]), unknown)
        self._update(forgotten, state=OpState.LOCAL.value, n=None, answered_at=None, result=None, settled=False)

    def offer(
        self, *, account_id: UUID, expected_n: int, limit: int = MAX_PUSH_OPERATIONS, at_once: bool = False
    ) -> list[Operation]:
        """The next operations to push, numbered. Those whose receipt is still missing come first.

        Args:
            at_once: also those that could still be undone.
        """
        with self._engine.begin() as connection:
            unanswered = select(OPERATION).where(OPERATION.c.state == OpState.SENDING.value).order_by(OPERATION.c.n)
            asked = list(connection.execute(unanswered.limit(limit)))
            next_n = max([expected_n, *(row.n + 1 for row in asked)])
            for row in self._ripe(connection, account_id=account_id, limit=limit - len(asked), at_once=at_once):
                numbered = {"n": next_n, "state": OpState.SENDING.value, "offered_at": self._clock.now()}
                changed = update(OPERATION).where(OPERATION.c.position == row.position).values(numbered)
                asked.append(connection.execute(changed.returning(OPERATION)).one())
                next_n += 1
        return [_operation(row) for row in asked]

    def _ripe(self, connection: Connection, *, account_id: UUID, limit: int, at_once: bool) -> list[Row[Any]]:
        """Entries past their undo window, as far as order allows. A clock set back must not keep them here."""
        waiting = and_(OPERATION.c.state == OpState.LOCAL.value, OPERATION.c.account_id == account_id)
        ripe: dict[UUID, Row[Any]] = {}
        for row in connection.execute(_in_order(waiting).limit(limit)):
            if (not at_once and self._may_be_undone(row)) or row.row_id in ripe:
                break  # a second change of a row waits to learn the version that the first one made
            ripe[row.row_id] = row
        return list(ripe.values())

    def _may_be_undone(self, row: Row[Any]) -> bool:
        return row.offered_at is None and timedelta() <= self._clock.now() - row.captured_at < _undo_window(row)

    def answer(self, results: Iterable[OperationResult], *, at: datetime) -> int:
        """Keep the receipts. Returns how many were news.

        Args:
            at: when the centre answered, by its own clock.
        """
        news = 0
        with self._engine.begin() as connection:
            for result in results:
                offered = and_(OPERATION.c.op_id == result.op_id, OPERATION.c.state == OpState.SENDING.value)
                values = {"state": _ANSWERS[result.status].value, "answered_at": at}
                body = result.model_dump(mode="json", exclude={"row"})
                news += connection.execute(update(OPERATION).where(offered).values(**values, result=body)).rowcount
                if result.ver is not None:
                    connection.execute(_seen(result))
        return news

    def decided(self, decisions: Iterable[Decided]) -> int:
        """A supervisor decided about held entries. Said again and again by the centre, it is news once.

        Returns:
            how many were news.
        """
        news = 0
        with self._engine.begin() as connection:
            for decision in decisions:
                held = and_(OPERATION.c.op_id == decision.op_id, OPERATION.c.state == OpState.HELD.value)
                row = connection.execute(select(OPERATION).where(held)).first()
                if row is not None and DECIDED not in (row.result or {}):
                    values = _after_decision(row.result or {}, decision)
                    connection.execute(update(OPERATION).where(held).values(values))
                    news += 1
        return news

    def to_surrender(self, limit: int) -> dict[UUID, tuple[Json, UUID]]:
        """What the centre does not have, of all accounts, for a workstation that is emptied: by `op_id`, as it would be
        sent (also what this release does not understand) and with who entered it."""
        missing = or_(_unanswered(), and_(OPERATION.c.state == OpState.REVIEW.value, ~OPERATION.c.settled))
        with self._engine.connect() as connection:
            rows = connection.execute(_in_order(missing).limit(limit)).all()
        return {row.op_id: (_as_json(row), row.account_id) for row in rows}

    def surrendered(self, op_ids: Sequence[UUID], *, reason: str) -> None:
        """The centre keeps them for a person."""
        values = {"state": OpState.HELD.value, "answered_at": self._clock.now(), "result": {"reason": reason}}
        self._update(OPERATION.c.op_id.in_(op_ids), **values)

    def accepted(self) -> list[UUID]:
        """Accepted entries whose effect was not pulled yet."""
        wanted = and_(OPERATION.c.state == OpState.ACCEPTED.value, ~OPERATION.c.settled)
        with self._engine.connect() as connection:
            return list(connection.execute(select(OPERATION.c.op_id).where(wanted)).scalars())

    def settle(self, op_ids: Sequence[UUID], *, now: datetime) -> None:
        """Their effect is in the cache as the centre's own rows; and forget what is older than anybody asks for.

        Args:
            now: the centre's present. This computer's clock may be a year ahead, and what was forgotten is gone.
        """
        old = and_(OPERATION.c.settled, OPERATION.c.answered_at < now - KEPT_FOR)
        if op_ids:
            self._update(OPERATION.c.op_id.in_(op_ids), settled=True)
        with self._engine.begin() as connection:
            connection.execute(delete(OPERATION).where(old))

    def dismiss(self, op_id: UUID) -> None:
        """A person has read that an entry is held or came too late."""
        answered = OPERATION.c.state.in_([OpState.HELD.value, OpState.CONFLICT.value])
        self._update(and_(OPERATION.c.op_id == op_id, answered), settled=True)

    def review(self, op_id: UUID, *, account_id: UUID, counts: bool) -> None:
        """Who entered what was read from a damaged file says whether it counts: it is sent, or kept without effect.

        Raises:
            Rejected: ``already_decided``, also for what somebody else entered.
        """
        waiting = and_(OPERATION.c.op_id == op_id, OPERATION.c.state == OpState.REVIEW.value, ~OPERATION.c.settled)
        dropped = {"settled": True, "answered_at": self._clock.now()}
        decided = {"state": OpState.LOCAL.value} if counts else dropped
        mine = update(OPERATION).where(waiting, OPERATION.c.account_id == account_id).values(decided)
        with self._engine.begin() as connection:
            if connection.execute(mine).rowcount == 0:
                raise Rejected("already_decided", "this entry does not wait for this person's decision")

    # ── this device, and what must outlive the cache ─────────────────────────────────────────────────────

    def device(self) -> DeviceIdentity:
        with self._engine.connect() as connection:
            row = connection.execute(select(DEVICE)).one()
        return DeviceIdentity(row.id, row.secret)

    def become_new_device(self) -> None:
        """The centre saw two of us (a copied or restored folder): take another identity and offer again."""
        with self._engine.begin() as connection:
            connection.execute(delete(DEVICE))
            _make_device(connection)
            connection.execute(update(OPERATION).values(n=None))  # the centre counts a new device from one
            sending = OPERATION.c.state == OpState.SENDING.value
            connection.execute(update(OPERATION).where(sending).values(state=OpState.LOCAL.value))

    def keep(self, key: str, body: Json | None) -> None:
        """Remember something; None forgets it."""
        with self._engine.begin() as connection:
            connection.execute(delete(KEPT).where(KEPT.c.key == key))
            if body is not None:
                connection.execute(insert(KEPT).values(key=key, body=body))

    def kept(self, key: str) -> Json | None:
        with self._engine.connect() as connection:
            return connection.execute(select(KEPT.c.body).where(KEPT.c.key == key)).scalar()

    def save_draft(self, key: str, body: Json) -> None:
        values = {"body": body, "saved_at": self._clock.now()}
        statement = upsert(DRAFT).values(key=key, **values).on_conflict_do_update(index_elements=["key"], set_=values)
        with self._engine.begin() as connection:
            connection.execute(statement)

    def drop_draft(self, key: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(DRAFT).where(DRAFT.c.key == key))

    def close(self) -> None:
        self._engine.dispose()

    def _note_commit(self, _: Connection) -> None:
        self.uncopied += 1

    def _update(self, where: ColumnElement[bool], **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(OPERATION).where(where).values(values))


def entry_digest(values: Mapping[str, Any]) -> str:
    """What tells whether an entry reads as it was written. Of what the person entered, not of what became of it."""
    entered = [str(values[name]) for name in ("kind", "row_id", "account_id", "op_id")]
    entered += [values["captured_at"].astimezone(UTC).isoformat(), json.dumps(values["body"], sort_keys=True)]
    return hashlib.sha256(json.dumps(entered).encode()).hexdigest()


def _seen(result: OperationResult) -> Update:
    """Later entries about the same row were made in the knowledge of this one."""
    row_id = select(OPERATION.c.row_id).where(OPERATION.c.op_id == result.op_id).scalar_subquery()
    later = and_(OPERATION.c.row_id == row_id, OPERATION.c.offered_at.is_(None), OPERATION.c.base_ver < result.ver)
    return update(OPERATION).where(later).values(base_ver=result.ver)


def _after_decision(result: Json, decision: Decided) -> Json:
    """Columns of a held entry when a supervisor has decided: applied, it is as good as accepted at once."""
    told = result | {DECIDED: decision.model_dump(mode="json")}
    if decision.decision is Decision.DISMISS:
        return {"result": told}
    return {"state": OpState.ACCEPTED.value, "result": told | {"ver": decision.ver}}


def _with(row: Row[Any]) -> ColumnElement[bool]:
    """An entry, and what its person entered together with it."""
    together_id = row.body.get("together_id")
    if together_id is None:
        return and_(OPERATION.c.position == row.position)
    mine = OPERATION.c.account_id == row.account_id
    return and_(mine, OPERATION.c.body["together_id"].as_string() == together_id)


def _undo_window(row: Row[Any]) -> timedelta:
    return timedelta() if OperationKind(row.kind) in _NOT_UNDONE else UNDO_WINDOW


def _unanswered() -> ColumnElement[bool]:
    return OPERATION.c.state.in_([OpState.LOCAL.value, OpState.SENDING.value])


def _in_order(where: ColumnElement[bool]) -> Any:
    return select(OPERATION).where(where).order_by(OPERATION.c.position)


def _make_device(connection: Connection) -> None:
    connection.execute(insert(DEVICE).values(one=1, id=new_id(), secret=secrets.token_urlsafe(32)))


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        op_id=row.op_id,
        account_id=row.account_id,
        kind=OperationKind(row.kind),
        row_id=row.row_id,
        customer_id=row.customer_id,
        base_ver=row.base_ver,
        body=row.body,
        captured_at=row.captured_at,
        state=OpState(row.state),
        result_ver=(row.result or {}).get("ver"),
    )


def _as_json(row: Row[Any]) -> Json:
    """As wire.Operation would be, but not judged."""
    names = {"op_id": str(row.op_id), "row_id": str(row.row_id), "captured_at": row.captured_at.isoformat()}
    return {"n": row.position, "kind": row.kind, "base_ver": row.base_ver, "body": row.body, **names}


def _operation(row: Row[Any]) -> Operation:
    return Operation(
        n=row.n,
        op_id=row.op_id,
        kind=OperationKind(row.kind),
        row_id=row.row_id,
        base_ver=row.base_ver,
        body=row.body,
        captured_at=row.captured_at,
    )
