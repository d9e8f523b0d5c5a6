"""Corrections that people make at the workstation, and what they decide about conflicts.

As commands.py, each writes the outbox first. Raises besides: Rejected with ``nothing_changed``,
``implausible:<row>.<field>``, ``exam_unknown``, ``reason_needed``; about conflicts ``already_decided``,
``nothing_to_redo`` (what stands cannot be changed by entering it again), ``several_to_choose_from`` (pick one of them)
and ``not_both``.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from hcrm_core.corrections import accepted_value, editable, from_text, same
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.intents import KEPT_THEIRS, EditCustomer, FieldEdit, PickExam, VoidExam
from hcrm_core.terms import ExamStatus, Role
from hcrm_core.wire import Json, OperationKind, OperationResult, Theirs
from hcrm_desktop.cache import overlay
from hcrm_desktop.cache.commands import enter, intent_of, require_customer, require_role
from hcrm_desktop.cache.outbox import Intent, OpState
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.tables import CUSTOMER, EXAM, FIELD_CHANGE, OPERATION
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.clock import business_date

_OF_SEVERAL = frozenset({OperationKind.RECORD_EXAM, OperationKind.PICK_EXAM})
_UNSEEN = 0  # no row has this version: the centre answers with how things stand now


def edit_customer(workspace: Workspace, *, customer_id: UUID, edits: Sequence[FieldEdit]) -> Changes:
    """Correct who a customer is. `base` is what the form showed when it was opened; unchanged fields are left out."""
    require_customer(workspace, customer_id)
    allowed = editable(workspace.worker().role)
    if any((edit.row, edit.field) not in allowed for edit in edits):
        raise NotPermitted("this account may not correct this field", remedy="ask the customer's assistant")
    today = business_date(workspace.clock.now())
    accepted = [
        edit.model_copy(update={"value": accepted_value(edit.row, edit.field, edit.value, today=today)})
        for edit in edits
    ]
    changed = [edit for edit in accepted if not same(edit.value, edit.base)]
    if not changed:
        raise Rejected("nothing_changed", "every field is as it was")
    return enter(workspace, _edit(workspace, customer_id, changed))


def pick_exam(
    workspace: Workspace,
    *,
    customer_id: UUID,
    exam_id: UUID,
    rejected_ids: Collection[UUID],
    keep_all: bool = False,
    reason: str = "",
) -> Changes:
    """Of the corrections that the picker saw one counts from now on, or all do (`ContestedExams.rejected_by`)."""
    require_role(workspace.worker(), Role.OPTOMETRIST)
    require_customer(workspace, customer_id)
    body = PickExam(customer_id=customer_id, rejected_ids=list(rejected_ids), keep_all=keep_all, reason=reason)
    ver, _ = _exam(workspace, exam_id)
    return enter(workspace, _pick(workspace, body, exam_id=exam_id, base_ver=ver))


def void_exam(workspace: Workspace, *, customer_id: UUID, exam_id: UUID, reason: str) -> Changes:
    """An examination was entered in error; it stays readable."""
    require_role(workspace.worker(), Role.OPTOMETRIST)
    require_customer(workspace, customer_id)
    if not reason.strip():
        raise Rejected("reason_needed", "a void examination says why")
    ver, _ = _exam(workspace, exam_id)
    body = VoidExam(customer_id=customer_id, reason=reason)
    return enter(workspace, _void(workspace, body, exam_id=exam_id, base_ver=ver))


# ── conflicts ────────────────────────────────────────────────────────────────────────────────────────────


def keep_mine(workspace: Workspace, *, op_id: UUID) -> Changes:
    """What I entered shall count, now that I have seen what stands."""
    return _decide(workspace, op_id, build=_mine)


def keep_theirs(workspace: Workspace, *, op_id: UUID) -> Changes:
    """What stands shall count."""
    return _decide(workspace, op_id, build=_theirs)


def keep_both(workspace: Workspace, *, op_id: UUID) -> Changes:
    """They are two examinations: both count."""
    return _decide(workspace, op_id, build=_both)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conflict:
    """An entry that met somebody else's, and what stood in the way.

    Attributes:
        ver: of the row, when its author was told: what he decides now, he decides about that.
    """

    kind: OperationKind
    row_id: UUID
    customer_id: UUID
    body: Json
    ver: int
    theirs: list[Theirs]

    @property
    def other_exams(self) -> list[UUID]:
        """The examinations that stand against mine."""
        mine = {self.row_id}
        told = [UUID(one.theirs) for one in self.theirs if one.field == "exam" and one.theirs]
        seen = PickExam.model_validate(self.body).rejected_ids if self.kind is OperationKind.PICK_EXAM else []
        return [one for one in dict.fromkeys([*told, *seen]) if one not in mine]


def _decide(workspace: Workspace, op_id: UUID, *, build: Callable[[Workspace, _Conflict], Intent | None]) -> Changes:
    with workspace.exclusive():
        instead = build(workspace, _conflict(workspace, op_id))
        workspace.outbox.decide(op_id, instead=instead)
        workspace.relay()
    return Changes.of(*overlay.OVERLAID, "outbox")


def _conflict(workspace: Workspace, op_id: UUID) -> _Conflict:
    mine = OPERATION.c.account_id == workspace.worker().account_id
    waiting = (OPERATION.c.state == OpState.CONFLICT.value) & ~OPERATION.c.settled
    with workspace.read() as session:
        row = session.execute(select(OPERATION).where(OPERATION.c.op_id == op_id, mine, waiting)).first()
    if row is None:
        raise Rejected("already_decided", "this entry does not wait for a decision")
    result = OperationResult.model_validate(row.result)
    return _Conflict(
        kind=OperationKind(row.kind),
        row_id=row.row_id,
        customer_id=row.customer_id,
        body=row.body,
        ver=result.ver or 0,
        theirs=result.theirs,
    )


def _mine(workspace: Workspace, conflict: _Conflict) -> Intent:
    voided = any(one.field == "status" and one.theirs == ExamStatus.VOID for one in conflict.theirs)
    if conflict.kind is OperationKind.EDIT_CUSTOMER:
        return _edit(workspace, conflict.customer_id, _again(conflict))
    if conflict.kind is OperationKind.VOID_EXAM and not voided:
        body = VoidExam.model_validate(conflict.body)
        return _void(workspace, body, exam_id=conflict.row_id, base_ver=conflict.ver)
    if conflict.kind in _OF_SEVERAL and conflict.other_exams and not voided:
        return _pick_mine(workspace, conflict, keep_all=False)
    raise Rejected("nothing_to_redo", "what stands cannot be changed by entering it again")


def _theirs(workspace: Workspace, conflict: _Conflict) -> Intent | None:
    if conflict.kind is not OperationKind.RECORD_EXAM:
        return None
    others = conflict.other_exams
    if len(others) != 1:
        raise Rejected("several_to_choose_from", "more than one other correction stands: pick one of them")
    ver, status = _exam(workspace, others[0])
    if status is ExamStatus.VOID:
        void = VoidExam(customer_id=conflict.customer_id, reason=_why_void(workspace, others[0]) or KEPT_THEIRS)
        return _void(workspace, void, exam_id=conflict.row_id, base_ver=conflict.ver)
    if status is ExamStatus.FINAL:  # somebody picked it meanwhile
        return None
    pick = PickExam(customer_id=conflict.customer_id, rejected_ids=[conflict.row_id])
    return _pick(workspace, pick, exam_id=others[0], base_ver=ver if status is ExamStatus.CONTESTED else _UNSEEN)


def _both(workspace: Workspace, conflict: _Conflict) -> Intent:
    others = conflict.other_exams
    if conflict.kind not in _OF_SEVERAL or not others:
        raise Rejected("not_both", "both cannot count")
    if any(_exam(workspace, one)[1] is ExamStatus.VOID for one in others):
        raise Rejected("not_both", "one of them is void: both cannot count")
    return _pick_mine(workspace, conflict, keep_all=True)


def _again(conflict: _Conflict) -> list[FieldEdit]:
    """The fields that came too late, now in the knowledge of what stands."""
    edits = {f"{edit.row}.{edit.field}": edit for edit in EditCustomer.model_validate(conflict.body).edits}
    late = [(edits[one.field], one.theirs) for one in conflict.theirs]
    return [edit.model_copy(update={"base": from_text(text, field=edit.field)}) for edit, text in late]


# ── intents ──────────────────────────────────────────────────────────────────────────────────────────────


def _edit(workspace: Workspace, customer_id: UUID, edits: Iterable[FieldEdit]) -> Intent:
    with workspace.read() as session:
        ver = session.execute(select(CUSTOMER.c.ver).where(CUSTOMER.c.id == customer_id)).scalar()
    return intent_of(
        workspace,
        kind=OperationKind.EDIT_CUSTOMER,
        body=EditCustomer(edits=list(edits)),
        row_id=customer_id,
        customer_id=customer_id,
        base_ver=ver,
    )


def _pick_mine(workspace: Workspace, conflict: _Conflict, *, keep_all: bool) -> Intent:
    others = conflict.other_exams
    body = PickExam(customer_id=conflict.customer_id, rejected_ids=others, keep_all=keep_all)
    return _pick(workspace, body, exam_id=conflict.row_id, base_ver=conflict.ver)


def _pick(workspace: Workspace, body: PickExam, *, exam_id: UUID, base_ver: int) -> Intent:
    return intent_of(
        workspace,
        kind=OperationKind.PICK_EXAM,
        body=body,
        row_id=exam_id,
        customer_id=body.customer_id,
        base_ver=base_ver,
    )


def _void(workspace: Workspace, body: VoidExam, *, exam_id: UUID, base_ver: int) -> Intent:
    return intent_of(
        workspace,
        kind=OperationKind.VOID_EXAM,
        body=body,
        row_id=exam_id,
        customer_id=body.customer_id,
        base_ver=base_ver,
    )


def _exam(workspace: Workspace, exam_id: UUID) -> tuple[int, ExamStatus]:
    """Version and status of an examination, as they are here."""
    with workspace.read() as session:
        row = session.execute(select(EXAM.c.ver, EXAM.c.status).where(EXAM.c.id == exam_id)).first()
    if row is None:
        raise Rejected("exam_unknown", "this examination is not on this computer")
    return row.ver or 0, row.status or ExamStatus.FINAL


def _why_void(workspace: Workspace, exam_id: UUID) -> str | None:
    """The reason that was given for a void examination, if any."""
    voided = (FIELD_CHANGE.c.subject_id == exam_id) & (FIELD_CHANGE.c.new == ExamStatus.VOID.value)
    with workspace.read() as session:
        found = select(FIELD_CHANGE.c.reason).where(voided).order_by(FIELD_CHANGE.c.at.desc()).limit(1)
        reason: str | None = session.execute(found).scalar()
    return reason
