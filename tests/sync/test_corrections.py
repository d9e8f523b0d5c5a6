"""Two people correct one examination: nothing is lost, nothing resolves silently, and both see the same."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.terms import Eye, LensState, RefractionMethod
from hcrm_desktop.cache import commands, corrections, queries
from hcrm_desktop.cache.rows import ContestedExams, Delivery, ExamEntry, EyeRow
from hcrm_store.base import new_id
from tests.factories import Clinic
from tests.sync.correcting import changes, conflict, record_of, sync, waiting
from tests.sync.desk import TODAY, Desk

DeskFor = Callable[[str], Desk]
Decide = Callable[..., Any]
EXAMINED_ON = date(2026, 5, 1)


def statuses(desk: Desk, clinic: Clinic) -> dict[UUID, str]:
    return {exam.id: exam.status.value for exam in record_of(desk, clinic.mine.customer_id).exams}


def counted(desk: Desk, clinic: Clinic) -> tuple[UUID, ...]:
    """Examinations that the case of the child's task is told of."""
    case = desk.ask(queries.task_case, clinic.mine.task_id, today=TODAY)
    return tuple(exam.id for exam in case.exams)


def disputes(desk: Desk, clinic: Clinic) -> list[ContestedExams]:
    found: list[ContestedExams] = desk.ask(queries.contested_exams, clinic.mine.customer_id)
    return found


def correct(desk: Desk, clinic: Clinic, *, sphere: str, former: UUID | None = None) -> UUID:
    """Correct the child's examination; returns the correction."""
    entry = ExamEntry(
        customer_id=clinic.mine.customer_id,
        examined_on=EXAMINED_ON,
        method=RefractionMethod.AUTOREFRACTION,
        cycloplegic=True,
        lens_state=LensState.NONE,
        od=EyeRow(eye=Eye.OD, sphere=Decimal(sphere)),
        supersedes_id=former or clinic.mine.exam_id,
        amend_reason=f"抄错，应为 {sphere}",
    )
    commands.record_exam(desk.workspace, entry=entry)
    latest = desk.workspace.outbox.latest(desk.workspace.worker().account_id)
    assert latest is not None
    return latest.row_id


def void(desk: Desk, clinic: Clinic, exam_id: UUID, *, reason: str = "不是这位孩子的") -> None:
    corrections.void_exam(desk.workspace, customer_id=clinic.mine.customer_id, exam_id=exam_id, reason=reason)


def pick(desk: Desk, clinic: Clinic, picked: UUID, *rejected: UUID, **options: Any) -> None:
    corrections.pick_exam(
        desk.workspace, customer_id=clinic.mine.customer_id, exam_id=picked, rejected_ids=rejected, **options
    )


@pytest.fixture
def eyes(desk_for: DeskFor) -> tuple[Desk, Desk]:
    """Two optometrists of one site."""
    return desk_for("optometrist"), desk_for("optometrist2")


# ── two corrections of one examination ───────────────────────────────────────────────────────────────────


def contested(eyes: tuple[Desk, Desk], clinic: Clinic) -> tuple[UUID, UUID]:
    """Both corrected off line; the first to arrive was applied, the second met it."""
    first, second = eyes
    former, late = correct(first, clinic, sphere="-3.00"), correct(second, clinic, sphere="-3.50")
    sync(first, second, first)
    return former, late


def test_two_corrections_are_both_kept_and_neither_counts(
    eyes: tuple[Desk, Desk], clinic: Clinic, *, swapped: bool
) -> None:
    first, second = eyes[::-1] if swapped else eyes
    former, late = contested((first, second), clinic)
    expected = {clinic.mine.exam_id: "amended", former: "contested", late: "contested"}
    assert statuses(first, clinic) == statuses(second, clinic) == expected
    assert counted(eyes[0], clinic) == ()  # whose customer it is
    assert waiting(first) == []
    (theirs,) = conflict(second).theirs
    assert (theirs.field, theirs.mine, theirs.theirs) == ("exam", str(late), str(former))
    assert (theirs.by, theirs.site) == (f"员工{first.folder.name}", "城北院区")
    assert theirs.at is not None
    for desk in (first, second):
        (dispute,) = disputes(desk, clinic)
        assert dispute.of is not None
        assert dispute.of.id == clinic.mine.exam_id
        spheres = {exam.id: exam.od.sphere for exam in dispute.exams if exam.od}
        assert spheres == {former: Decimal("-3.00"), late: Decimal("-3.50")}


DECISIONS: dict[str, tuple[Decide, dict[str, str]]] = {
    "mine": (corrections.keep_mine, {"former": "amended", "late": "final"}),
    "theirs": (corrections.keep_theirs, {"former": "final", "late": "amended"}),
    "both": (corrections.keep_both, {"former": "final", "late": "final"}),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_picked_correction_counts_for_everybody(
    eyes: tuple[Desk, Desk], clinic: Clinic, decision: str, *, swapped: bool
) -> None:
    first, second = eyes[::-1] if swapped else eyes
    former, late = contested((first, second), clinic)
    decide, expected = DECISIONS[decision]
    decide(second.workspace, op_id=conflict(second).op_id)
    after = {clinic.mine.exam_id: "amended", former: expected["former"], late: expected["late"]}
    assert statuses(second, clinic) == after  # at once, before the centre knows
    sync(second, first)
    assert statuses(first, clinic) == statuses(second, clinic) == after
    assert disputes(first, clinic) == disputes(second, clinic) == []
    assert waiting(second) == []
    noted = {(one.subject_id, one.old, one.new) for one in changes(first, clinic)}
    assert noted >= {(former, "final", "contested"), (clinic.mine.exam_id, "final", "amended")}
    assert noted >= {(row, "contested", status) for row, status in after.items() if row != clinic.mine.exam_id}


def test_a_decision_is_made_once(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    contested(eyes, clinic)
    op_id = conflict(eyes[1]).op_id
    corrections.keep_mine(eyes[1].workspace, op_id=op_id)
    for decide in (corrections.keep_mine, corrections.keep_theirs, corrections.keep_both):
        with pytest.raises(Rejected) as told:
            decide(eyes[1].workspace, op_id=op_id)
        assert told.value.code == "already_decided"
    assert len(waiting(eyes[1])) == 1


def test_two_people_who_pick_differently_are_told(eyes: tuple[Desk, Desk], clinic: Clinic, *, swapped: bool) -> None:
    first, second = eyes[::-1] if swapped else eyes
    former, late = contested(eyes, clinic)
    corrections.keep_theirs(eyes[1].workspace, op_id=conflict(eyes[1]).op_id)  # picks `former`
    pick(eyes[0], clinic, late, former)
    sync(first, second, first)
    loser_wants, stands = (former, late) if second is eyes[1] else (late, former)
    item = conflict(second)
    assert [(one.field, one.theirs) for one in item.theirs] == [("exam", str(stands))]
    assert item.theirs[0].by == f"员工{first.folder.name}"
    assert statuses(first, clinic) == statuses(second, clinic)
    corrections.keep_mine(second.workspace, op_id=item.op_id)
    sync(second, first)
    assert statuses(first, clinic)[loser_wants] == "final"
    assert statuses(first, clinic)[stands] == "amended"
    assert statuses(first, clinic) == statuses(second, clinic)


@pytest.mark.long
def test_two_people_who_pick_the_same_agree(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    former, late = contested(eyes, clinic)
    corrections.keep_mine(eyes[1].workspace, op_id=conflict(eyes[1]).op_id)
    pick(eyes[0], clinic, late, former)
    sync(*eyes, *eyes)
    assert waiting(eyes[0]) == waiting(eyes[1]) == []
    assert statuses(eyes[0], clinic) == statuses(eyes[1], clinic)
    assert statuses(eyes[0], clinic)[late] == "final"


def test_a_pick_that_has_not_seen_a_third_correction_does_not_count(
    desk_for: DeskFor, eyes: tuple[Desk, Desk], clinic: Clinic
) -> None:
    former, late = contested(eyes, clinic)
    third_desk = eyes[0]
    third = correct(third_desk, clinic, sphere="-4.00")
    corrections.keep_mine(eyes[1].workspace, op_id=conflict(eyes[1]).op_id)
    sync(third_desk, eyes[1], third_desk)
    assert {one.theirs for one in conflict(third_desk).theirs} == {str(former), str(late)}
    assert {one.theirs for one in conflict(eyes[1]).theirs} == {str(third)}
    (dispute,) = disputes(eyes[1], clinic)
    assert {exam.id for exam in dispute.exams} == {former, late, third}
    pick(eyes[1], clinic, third, *dispute.rejected_by(third))
    sync(eyes[1], third_desk)
    expected = {clinic.mine.exam_id: "amended", former: "amended", late: "amended", third: "final"}
    assert statuses(third_desk, clinic) == statuses(eyes[1], clinic) == expected


@pytest.mark.long
@pytest.mark.parametrize("decide", [corrections.keep_mine, corrections.keep_theirs])
def test_what_was_picked_meanwhile_is_not_picked_otherwise_unseen(
    eyes: tuple[Desk, Desk], clinic: Clinic, decide: Decide
) -> None:
    former, late = contested(eyes, clinic)
    picked, rejected = (former, late) if decide is corrections.keep_mine else (late, former)
    pick(eyes[0], clinic, picked, rejected)
    sync(*eyes)
    stale = conflict(eyes[1])
    decide(eyes[1].workspace, op_id=stale.op_id)
    sync(eyes[1], eyes[0])
    assert [one.theirs for one in conflict(eyes[1]).theirs] == [str(picked)]
    assert statuses(eyes[0], clinic)[picked] == "final"
    corrections.keep_mine(eyes[1].workspace, op_id=conflict(eyes[1]).op_id)  # now that he has seen it
    sync(eyes[1], eyes[0])
    assert statuses(eyes[0], clinic) == statuses(eyes[1], clinic)
    assert statuses(eyes[0], clinic)[rejected] == "final"


@pytest.mark.long
def test_of_several_other_corrections_theirs_must_be_picked(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    contested(eyes, clinic)
    correct(eyes[0], clinic, sphere="-4.00")
    sync(eyes[0])
    with pytest.raises(Rejected) as told:
        corrections.keep_theirs(eyes[0].workspace, op_id=conflict(eyes[0]).op_id)
    assert told.value.code == "several_to_choose_from"
    assert conflict(eyes[0]).op_id


def test_a_correction_of_a_disputed_one_takes_its_place_in_the_dispute(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    former, late = contested(eyes, clinic)
    better = correct(eyes[0], clinic, sphere="-3.25", former=former)
    assert statuses(eyes[0], clinic)[better] == "contested"  # foreseen
    sync(*eyes)
    expected = {clinic.mine.exam_id: "amended", former: "amended", late: "contested", better: "contested"}
    assert statuses(eyes[0], clinic) == statuses(eyes[1], clinic) == expected
    assert [one.theirs for one in conflict(eyes[0]).theirs] == [str(late)]


def test_of_a_dispute_the_last_one_that_is_not_void_stands(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    former, late = contested(eyes, clinic)
    void(eyes[0], clinic, former)
    assert statuses(eyes[0], clinic)[late] == "final"  # foreseen
    sync(*eyes)
    expected = {clinic.mine.exam_id: "amended", former: "void", late: "final"}
    assert statuses(eyes[0], clinic) == statuses(eyes[1], clinic) == expected


@pytest.mark.long
def test_one_after_the_other_is_no_conflict(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    former = correct(eyes[0], clinic, sphere="-3.00")
    sync(*eyes)
    late = correct(eyes[1], clinic, sphere="-3.50", former=former)
    sync(eyes[1], eyes[0])
    expected = {clinic.mine.exam_id: "amended", former: "amended", late: "final"}
    assert statuses(eyes[0], clinic) == statuses(eyes[1], clinic) == expected
    assert waiting(eyes[0]) == waiting(eyes[1]) == []


# ── void ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_correction_of_what_was_voided_meanwhile_waits_for_a_clinician(
    eyes: tuple[Desk, Desk], clinic: Clinic
) -> None:
    void(eyes[0], clinic, clinic.mine.exam_id)
    late = correct(eyes[1], clinic, sphere="-3.50")
    sync(*eyes, eyes[0])
    assert statuses(eyes[0], clinic) == {clinic.mine.exam_id: "void", late: "contested"}
    (theirs,) = conflict(eyes[1]).theirs
    assert (theirs.theirs, theirs.by) == (str(clinic.mine.exam_id), "员工optometrist")
    with pytest.raises(Rejected, match="cannot count"):
        corrections.keep_both(eyes[1].workspace, op_id=conflict(eyes[1]).op_id)


@pytest.mark.parametrize(("decide", "status"), [(corrections.keep_mine, "final"), (corrections.keep_theirs, "void")])
def test_a_correction_of_a_void_examination_counts_or_is_void_too(
    eyes: tuple[Desk, Desk], clinic: Clinic, decide: Decide, status: str
) -> None:
    void(eyes[0], clinic, clinic.mine.exam_id)
    late = correct(eyes[1], clinic, sphere="-3.50")
    sync(*eyes)
    decide(eyes[1].workspace, op_id=conflict(eyes[1]).op_id)
    sync(eyes[1], eyes[0])
    assert statuses(eyes[0], clinic) == statuses(eyes[1], clinic) == {clinic.mine.exam_id: "void", late: status}
    assert waiting(eyes[1]) == []
    reasons = {one.subject_id: one.reason for one in changes(eyes[0], clinic) if one.new == "void"}
    assert set(reasons.values()) == {"不是这位孩子的"}


def test_what_was_corrected_meanwhile_is_not_voided_unseen(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    late = correct(eyes[0], clinic, sphere="-3.00")
    void(eyes[1], clinic, clinic.mine.exam_id)
    assert record_of(eyes[1], clinic.mine.customer_id).exams[0].delivery is Delivery.LOCAL
    sync(*eyes)
    assert statuses(eyes[1], clinic) == {clinic.mine.exam_id: "amended", late: "final"}
    (theirs,) = conflict(eyes[1]).theirs
    assert (theirs.field, theirs.mine, theirs.theirs, theirs.by) == ("status", "void", "amended", "员工optometrist")
    corrections.keep_mine(eyes[1].workspace, op_id=conflict(eyes[1]).op_id)
    sync(eyes[1], eyes[0])
    assert statuses(eyes[0], clinic) == {clinic.mine.exam_id: "void", late: "final"}


@pytest.mark.long
def test_what_is_void_already_needs_no_second_void(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    for desk in eyes:
        void(desk, clinic, clinic.mine.exam_id, reason=f"{desk.folder.name}的理由")
    sync(*eyes)
    item = conflict(eyes[1])
    assert [(one.theirs, one.by) for one in item.theirs] == [("void", "员工optometrist")]
    with pytest.raises(Rejected) as told:
        corrections.keep_mine(eyes[1].workspace, op_id=item.op_id)
    assert told.value.code == "nothing_to_redo"
    corrections.keep_theirs(eyes[1].workspace, op_id=item.op_id)
    assert waiting(eyes[1]) == []


@pytest.mark.long
def test_an_examination_entered_and_voided_off_line_is_both(eyes: tuple[Desk, Desk], clinic: Clinic) -> None:
    late = correct(eyes[0], clinic, sphere="-3.00")
    void(eyes[0], clinic, late)
    sync(eyes[0], eyes[0], eyes[1])
    assert statuses(eyes[1], clinic) == {clinic.mine.exam_id: "amended", late: "void"}
    assert waiting(eyes[0]) == []


def test_an_assistant_decides_nothing_about_examinations(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("assistant")
    with pytest.raises(NotPermitted):
        void(desk, clinic, clinic.mine.exam_id)
    with pytest.raises(NotPermitted):
        pick(desk, clinic, clinic.mine.exam_id, new_id())
