"""What becomes of examinations that are corrected, picked among and voided. Nothing is overwritten but the status."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from hcrm_central.operations.changes import note, signed, theirs_of_change
from hcrm_central.operations.intent import Effect, Intent
from hcrm_core.corrections import (
    STANDING,
    ExamVersion,
    Meeting,
    contested_beside,
    family,
    meet,
    superseded_ids,
    unjudged,
)
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.intents import PickExam, RecordExam, VoidExam
from hcrm_core.terms import ExamStatus, Role
from hcrm_core.wire import Theirs
from hcrm_store.clinical import Exam
from hcrm_store.people import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version(ExamVersion):
    """One of a customer's examinations as it is now."""

    ver: int
    examiner_id: UUID | None
    created_at: datetime


def supersede(intent: Intent, customer: Customer, body: RecordExam) -> Meeting:
    """Let a correction take the place of what it corrects, or contest whatever stands there."""
    if body.supersedes_id is None:
        return Meeting(status=ExamStatus.FINAL, rivals=())
    if not body.amend_reason.strip():
        raise Rejected("amend_reason_needed", "a correction says why")
    exams = _locked(intent, customer)
    former = _known(exams, body.supersedes_id)
    meeting = meet(exams.values(), superseded=former.id)
    if former.status in STANDING:
        _become(intent, customer, former, status=ExamStatus.AMENDED, reason=body.amend_reason)
    for rival in meeting.rivals:
        if rival.status is ExamStatus.FINAL:
            _become(intent, customer, exams[rival.id], status=ExamStatus.CONTESTED, reason=body.amend_reason)
    return meeting


def met(intent: Intent, customer: Customer, meeting: Meeting) -> tuple[Theirs, ...]:
    """What a correction met, with whose it is."""
    exams = _read(intent, customer)
    return _told(intent, (exams[rival.id] for rival in meeting.rivals), decided=frozenset({ExamStatus.VOID}))


def pick_exam(intent: Intent) -> Effect:
    """Of several corrections a clinician picks the one that counts, or says that all of them do."""
    _require_optometrist(intent)
    body = intent.body(PickExam)
    customer = intent.customer(body.customer_id)
    exams = _locked(intent, customer)
    picked = _known(exams, intent.operation.row_id)
    related = {one.id for one in family(exams.values(), of=picked.id)} - {picked.id}
    rejected = [_known({one: exams[one] for one in related}, one) for one in dict.fromkeys(body.rejected_ids)]
    unseen = unjudged(exams.values(), picked=picked.id, judged=body.rejected_ids)
    reached = not unseen and _is_reached(picked, rejected, keep_all=body.keep_all)
    moved_on = not reached and (bool(unseen) or picked.ver != intent.operation.base_ver)
    if moved_on or reached:
        theirs = _instead_of_pick(intent, exams, picked=picked, unseen=unseen) if moved_on else ()
        return _effect("exam:picked", customer, ver=picked.ver, conflict=moved_on, theirs=theirs)
    if picked.status is ExamStatus.VOID:
        raise Rejected("exam_void", "this examination was entered in error")
    _settle(intent, customer, rejected, body=body, superseded=superseded_ids(exams.values()))
    _become(intent, customer, picked, status=ExamStatus.FINAL, reason=body.reason)
    return _effect("exam:picked", customer, ver=_read(intent, customer)[picked.id].ver)


def void_exam(intent: Intent) -> Effect:
    """An examination was entered in error. The last one left of a dispute is not disputed any more."""
    _require_optometrist(intent)
    body = intent.body(VoidExam)
    customer = intent.customer(body.customer_id)
    if not body.reason.strip():
        raise Rejected("void_reason_needed", "a void examination says why")
    exams = _locked(intent, customer)
    exam = _known(exams, intent.operation.row_id)
    if exam.status is ExamStatus.VOID or exam.ver != intent.operation.base_ver:
        theirs = (_status_of(intent, exam, mine=ExamStatus.VOID),)
        return _effect("exam:voided", customer, ver=exam.ver, conflict=True, theirs=theirs)
    _become(intent, customer, exam, status=ExamStatus.VOID, reason=body.reason)
    left = contested_beside(exams.values(), of=exam.id)
    if exam.status is ExamStatus.CONTESTED and len(left) == 1:
        _become(intent, customer, exams[left[0].id], status=ExamStatus.FINAL, reason=body.reason)
    return _effect("exam:voided", customer, ver=_read(intent, customer)[exam.id].ver)


def _effect(
    action: str, customer: Customer, *, ver: int, conflict: bool = False, theirs: tuple[Theirs, ...] = ()
) -> Effect:
    return Effect(action=action, kind="exam", customer_id=customer.id, ver=ver, conflict=conflict, theirs=theirs)


def _require_optometrist(intent: Intent) -> None:
    if intent.principal.role is not Role.OPTOMETRIST:
        raise NotPermitted("only an optometrist decides about examinations", remedy="ask an optometrist")


def _locked(intent: Intent, customer: Customer) -> dict[UUID, _Version]:
    """A customer's examinations, while nobody else corrects any of them."""
    every = select(Exam.id).where(Exam.customer_id == customer.id).order_by(Exam.id)
    intent.session.execute(every.with_for_update())
    return _read(intent, customer)  # a statement of its own: it sees what was waited for


def _read(intent: Intent, customer: Customer) -> dict[UUID, _Version]:
    columns = (Exam.id, Exam.supersedes_id, Exam.status, Exam.ver, Exam.examiner_id, Exam.created_at)
    found = intent.session.execute(select(*columns).where(Exam.customer_id == customer.id).order_by(Exam.id))
    return {row.id: _Version(**row) for row in found.mappings()}


def _known(exams: dict[UUID, _Version], exam_id: UUID) -> _Version:
    if exam_id not in exams:
        raise Rejected("exam_unknown", "this customer has no such examination")
    return exams[exam_id]


def _become(intent: Intent, customer: Customer, exam: _Version, *, status: ExamStatus, reason: str) -> None:
    """Change a status, and say who did and why."""
    if exam.status is status:
        return
    note(
        intent,
        customer,
        subject="exam",
        subject_id=exam.id,
        field="status",
        old=exam.status.value,
        new=status.value,
        reason=reason,
    )
    changed = update(Exam).where(Exam.customer_id == customer.id, Exam.id == exam.id)
    intent.session.execute(changed.values(status=status))


def _settle(
    intent: Intent, customer: Customer, rejected: Iterable[_Version], *, body: PickExam, superseded: set[UUID]
) -> None:
    """What was not picked. What is void or was itself corrected stays so."""
    status = ExamStatus.FINAL if body.keep_all else ExamStatus.AMENDED
    for exam in rejected:
        if exam.status is not ExamStatus.VOID and exam.id not in superseded:
            _become(intent, customer, exam, status=status, reason=body.reason)


def _is_reached(picked: _Version, rejected: Iterable[_Version], *, keep_all: bool) -> bool:
    """Whether somebody else picked the same."""
    wanted = {ExamStatus.FINAL} if keep_all else {ExamStatus.AMENDED, ExamStatus.VOID}
    return picked.status is ExamStatus.FINAL and all(one.status in wanted for one in rejected)


def _instead_of_pick(
    intent: Intent, exams: dict[UUID, _Version], *, picked: _Version, unseen: Iterable[ExamVersion]
) -> tuple[Theirs, ...]:
    """What stands instead: what somebody else picked, or a correction that came in meanwhile."""
    if picked.status is ExamStatus.VOID:
        return (_status_of(intent, picked, mine=ExamStatus.FINAL),)
    counting = [exams[one.id] for one in unseen]
    counting += [
        exams[one.id]
        for one in family(exams.values(), of=picked.id)
        if one.status is ExamStatus.FINAL and exams[one.id] not in counting
    ]
    return _told(intent, counting, decided=frozenset({ExamStatus.FINAL}))


def _told(intent: Intent, exams: Iterable[_Version], *, decided: frozenset[ExamStatus]) -> tuple[Theirs, ...]:
    """Other examinations: by whoever decided their state, where that is what stands in the way, or by the examiner."""
    return tuple(_theirs(intent, exam, was_decided=exam.status in decided) for exam in exams)


def _theirs(intent: Intent, exam: _Version, *, was_decided: bool) -> Theirs:
    theirs = Theirs(field="exam", mine=str(intent.operation.row_id), theirs=str(exam.id))
    decision = _status_of(intent, exam, mine=exam.status)
    if was_decided and decision.at is not None:
        return theirs.model_copy(update={"by": decision.by, "at": decision.at, "site": decision.site})
    return signed(intent.session, theirs, by_id=exam.examiner_id, at=exam.created_at)


def _status_of(intent: Intent, exam: _Version, *, mine: ExamStatus) -> Theirs:
    return theirs_of_change(
        intent.session,
        subject_id=exam.id,
        field="status",
        mine=mine.value,
        theirs=exam.status.value,
        shown_as="status",
    )
