"""Two people correct the same: nothing is lost, nothing resolves silently, and both end up seeing the same."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.intents import FieldEdit
from hcrm_core.terms import Channel, Eye, LensState, Outcome, RefractionMethod
from hcrm_desktop.cache import commands, corrections, queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import (
    ContestedExams,
    CustomerRecord,
    Delivery,
    ExamEntry,
    EyeRow,
    FieldChangeRow,
    UnsentItem,
)
from hcrm_store.base import new_id
from hcrm_store.people import Customer
from tests.factories import Clinic
from tests.sync.desk import NEXT_WEEK, TODAY, Desk, consider

DeskFor = Callable[[str], Desk]
Decide = Callable[..., Any]
EXAMINED_ON = date(2026, 5, 1)


def record_of(desk: Desk, customer_id: UUID) -> CustomerRecord:
    found: CustomerRecord = desk.ask(queries.customer_record, customer_id, today=TODAY)
    return found


def statuses(desk: Desk, clinic: Clinic) -> dict[UUID, str]:
    return {exam.id: exam.status.value for exam in record_of(desk, clinic.mine.customer_id).exams}


def counted(desk: Desk, clinic: Clinic) -> tuple[UUID, ...]:
    """Examinations that the case of the child's task is told of."""
    case = desk.ask(queries.task_case, clinic.mine.task_id, today=TODAY)
    return tuple(exam.id for exam in case.exams)


def disputes(desk: Desk, clinic: Clinic) -> list[ContestedExams]:
    found: list[ContestedExams] = desk.ask(queries.contested_exams, clinic.mine.customer_id)
    return found


def changes(desk: Desk, clinic: Clinic) -> list[FieldChangeRow]:
    found: list[FieldChangeRow] = desk.ask(queries.customer_changes, clinic.mine.customer_id)
    return found


def waiting(desk: Desk) -> list[UnsentItem]:
    found: list[UnsentItem] = desk.ask(queries.unsent_items)
    return found


def conflict(desk: Desk) -> UnsentItem:
    (item,) = waiting(desk)
    assert item.delivery is Delivery.CONFLICT
    return item


def sync(*desks: Desk) -> None:
    """Each in turn, past the undo window."""
    for desk in desks:
        desk.clock.advance(UNDO_WINDOW)
        desk.sync()


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


@pytest.fixture
def desks(desk_for: DeskFor) -> tuple[Desk, Desk]:
    """The assistant of a customer, and the manager."""
    return desk_for("assistant"), desk_for("manager")


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.long)], ids=["a then b", "b then a"])
def swapped(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


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


# ── who a customer is ────────────────────────────────────────────────────────────────────────────────────


def edit(desk: Desk, clinic: Clinic, values: dict[str, Any]) -> None:
    """As the form does: the base of each field is what is shown."""
    found = header(desk, clinic)
    bases = {"guardian.name": found.guardian_name, "guardian.phone": found.phone, "customer.name": found.name}
    bases |= {"customer.sex": found.sex, "guardian.relation": found.guardian_relation}
    bases |= {"customer.birth_date": found.birth_date.isoformat(), "customer.do_not_contact": found.do_not_contact}
    edits = [
        FieldEdit(
            row="customer" if field.startswith("customer") else "guardian",
            row_id=found.id if field.startswith("customer") else found.guardian_id,
            field=field.partition(".")[2],
            base=bases[field],
            value=value,
        )
        for field, value in values.items()
    ]
    corrections.edit_customer(desk.workspace, customer_id=found.id, edits=edits)


def header(desk: Desk, clinic: Clinic) -> Any:
    return record_of(desk, clinic.mine.customer_id).header


def shown(desk: Desk, clinic: Clinic) -> tuple[Any, ...]:
    found = header(desk, clinic)
    return (found.name, found.sex, found.birth_date, found.guardian_name, found.guardian_relation, found.phone)


def test_an_edit_shows_at_once_and_is_found_by_its_new_name_and_phone(desks: tuple[Desk, Desk], clinic: Clinic) -> None:
    desk, other = desks
    edit(desk, clinic, {"customer.name": "欧阳若曦"})
    edit(desk, clinic, {"guardian.phone": "138 0013 8000"})
    assert header(desk, clinic).delivery is Delivery.LOCAL
    for text in ("欧阳", "oyrx", "8000"):
        assert [hit.name for hit in desk.ask(queries.search_customers, text)] == ["欧阳若曦"], text
    sync(desk, desk, other)
    assert (header(other, clinic).name, header(other, clinic).phone) == ("欧阳若曦", "13800138000")
    assert shown(desk, clinic) == shown(other, clinic)
    assert header(desk, clinic).delivery is Delivery.ACCEPTED
    assert [hit.name for hit in other.ask(queries.search_customers, "oyrx")] == ["欧阳若曦"]


FIELDS = {
    "customer.name": ("王一", "王二"),
    "customer.sex": ("male", None),
    "customer.birth_date": ("2017-03-05", "2017-04-03"),
    "guardian.name": ("白妈妈", "黑爸爸"),
    "guardian.relation": ("父亲", "奶奶"),
    "guardian.phone": ("13800138001", "13800138002"),
}


def test_of_two_values_of_a_field_the_first_stays_and_the_second_is_asked(
    desks: tuple[Desk, Desk], clinic: Clinic, *, swapped: bool
) -> None:
    first, second = desks[::-1] if swapped else desks
    for desk, which in ((first, 0), (second, 1)):
        edit(desk, clinic, {field: values[which] for field, values in FIELDS.items()})
    sync(first, second, first)
    told = conflict(second).theirs
    assert {one.field: (one.theirs, one.mine) for one in told} == FIELDS
    assert {(one.by, one.site) for one in told} == {(f"员工{first.folder.name}", "城北院区")}
    assert all(one.at for one in told)
    assert shown(first, clinic) == shown(second, clinic)
    noted = {(f"{one.subject}.{one.field}", one.new, one.applied) for one in changes(first, clinic)}
    assert noted == {(field, value, value == values[0]) for field, values in FIELDS.items() for value in values}
    corrections.keep_mine(second.workspace, op_id=conflict(second).op_id)
    sync(second, first)
    assert waiting(second) == []
    assert shown(first, clinic) == shown(second, clinic)
    assert header(first, clinic).guardian_name == "黑爸爸"
    assert changes(first, clinic) == changes(second, clinic)


def test_keeping_theirs_settles_a_value_that_came_too_late(desks: tuple[Desk, Desk], clinic: Clinic) -> None:
    for desk, name in zip(desks, ("王一", "王二"), strict=True):
        edit(desk, clinic, {"customer.name": name})
    sync(*desks)
    op_id = conflict(desks[1]).op_id
    with pytest.raises(Rejected, match="both"):
        corrections.keep_both(desks[1].workspace, op_id=op_id)
    corrections.keep_theirs(desks[1].workspace, op_id=op_id)
    sync(*desks)
    assert waiting(desks[1]) == []
    assert header(desks[0], clinic).name == header(desks[1], clinic).name == "王一"


def test_different_fields_merge_and_the_same_value_is_no_conflict(
    desks: tuple[Desk, Desk], clinic: Clinic, *, swapped: bool
) -> None:
    first, second = desks[::-1] if swapped else desks
    edit(first, clinic, {"customer.name": "王一"})
    edit(first, clinic, {"customer.do_not_contact": True})
    edit(second, clinic, {"guardian.phone": "13800138000"})
    edit(second, clinic, {"customer.do_not_contact": True})
    sync(first, first, second, second, first)
    assert waiting(first) == waiting(second) == []
    assert shown(first, clinic) == shown(second, clinic)
    assert (header(first, clinic).name, header(first, clinic).phone) == ("王一", "13800138000")
    assert {(one.field, one.new, one.applied) for one in changes(second, clinic)} == {
        ("name", "王一", True),
        ("do_not_contact", "true", True),
        ("phone", "13800138000", True),
    }


def test_a_value_that_an_import_changed_has_no_author(desks: tuple[Desk, Desk], clinic: Clinic, store: Store) -> None:
    edit(desks[1], clinic, {"customer.name": "王二"})
    sync(desks[1], desks[0])
    edit(desks[0], clinic, {"customer.name": "王一"})
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).name = "台账里的名"
    sync(*desks)
    (theirs,) = conflict(desks[0]).theirs
    assert (theirs.theirs, theirs.by, theirs.at, theirs.site) == ("台账里的名", "", None, "")


def test_an_edit_of_an_edit_that_was_not_sent_yet_follows_it(desks: tuple[Desk, Desk], clinic: Clinic) -> None:
    for name in ("王一", "王二", "王三"):
        edit(desks[0], clinic, {"customer.name": name})
        desks[0].clock.advance(timedelta(seconds=2))
    assert header(desks[0], clinic).name == "王三"
    sync(desks[0], desks[0], desks[0], desks[1])
    assert header(desks[1], clinic).name == "王三"
    assert waiting(desks[0]) == []
    assert {one.new for one in changes(desks[1], clinic)} == {"王一", "王二", "王三"}


def test_nothing_that_anybody_entered_is_lost(desks: tuple[Desk, Desk], clinic: Clinic) -> None:
    """Two desks edit the same fields at cross purposes, each deciding for himself every time."""
    entered: set[tuple[str, str]] = set()
    for number, desk in zip(range(6), itertools.cycle(desks), strict=False):
        for field in ("customer.name", "guardian.phone"):
            value = f"王{'甲乙丙丁戊己'[number]}" if field == "customer.name" else f"1380013800{number}"
            entered.add((field.partition(".")[2], value))
            edit(desk, clinic, {field: value})
        if number % 3 == 2:
            sync(*desks, *desks)
        for item in waiting(desk):
            if item.delivery is Delivery.CONFLICT:
                corrections.keep_mine(desk.workspace, op_id=item.op_id)
        desk.clock.advance(timedelta(seconds=2))
    sync(*desks, *desks, *desks)
    for desk in desks:
        assert {(one.field, one.new) for one in changes(desk, clinic)} == entered
    assert shown(desks[0], clinic) == shown(desks[1], clinic)
    assert changes(desks[0], clinic) == changes(desks[1], clinic)


def test_who_gets_a_customer_gets_the_history_and_who_loses_him_loses_it(
    desk_for: DeskFor, desks: tuple[Desk, Desk], clinic: Clinic, store: Store
) -> None:
    edit(desks[0], clinic, {"customer.name": "王一"})
    edit(desks[0], clinic, {"guardian.phone": "13800138000"})
    sync(desks[0], desks[0])
    colleague = desk_for("assistant2")
    assert colleague.count("field_change") == 0
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).assistant_id = clinic.staff["assistant2"]
    sync(desks[0], colleague)
    assert desks[0].count("field_change") == 0
    assert {one.new for one in changes(colleague, clinic)} == {"王一", "13800138000"}


def test_an_optometrist_corrects_birth_date_and_sex_and_nothing_else(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("optometrist")
    edit(desk, clinic, {"customer.birth_date": "2017-03-05"})
    sync(desk)
    assert header(desk, clinic).birth_date == date(2017, 3, 5)
    for field, value in (("customer.name", "王一"), ("guardian.phone", "13800138000")):
        with pytest.raises(NotPermitted):
            edit(desk, clinic, {field: value})
    assert waiting(desk) == []


def test_what_cannot_be_is_refused_before_it_is_written_down(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("assistant")
    for field, value, code in (
        ("customer.name", "  ", "implausible:customer.name"),
        ("customer.name", "患者1号", "implausible:customer.name"),
        ("customer.birth_date", "2026-11-23", "implausible:customer.birth_date"),
        ("guardian.phone", "12345", "implausible:guardian.phone"),
        ("guardian.relation", "母亲", "nothing_changed"),
    ):
        with pytest.raises(Rejected) as told:
            edit(desk, clinic, {field: value})
        assert told.value.code == code
    assert waiting(desk) == []


def test_an_assistant_decides_nothing_about_examinations(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("assistant")
    with pytest.raises(NotPermitted):
        void(desk, clinic, clinic.mine.exam_id)
    with pytest.raises(NotPermitted):
        pick(desk, clinic, clinic.mine.exam_id, new_id())


# ── whose entries ────────────────────────────────────────────────────────────────────────────────────────


def test_a_colleague_at_the_same_computer_neither_reads_nor_decides_my_conflict(
    desks: tuple[Desk, Desk], clinic: Clinic
) -> None:
    for desk, name in zip(desks, ("王一", "王二"), strict=True):
        edit(desk, clinic, {"customer.name": name})
    sync(*desks)
    mine = conflict(desks[1])
    assert mine.body["edits"][0]["value"] == "王二"
    assert (mine.row_id, mine.customer_id) == (clinic.mine.customer_id, clinic.mine.customer_id)
    desks[1].sign_in("assistant2")
    (theirs,) = waiting(desks[1])
    assert (theirs.op_id, theirs.body, theirs.theirs, theirs.customer_id) == (mine.op_id, {}, (), None)
    for decide in (corrections.keep_mine, corrections.keep_theirs):
        with pytest.raises(Rejected):
            decide(desks[1].workspace, op_id=mine.op_id)


# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_closed_a_task_is_told_to_who_came_later(
    desks: tuple[Desk, Desk], clinic: Clinic, *, swapped: bool
) -> None:
    first, second = desks[::-1] if swapped else desks
    for desk in (first, second):
        commands.record_outcome(
            desk.workspace, task_id=clinic.mine.task_id, channel=Channel.PHONE, outcome=Outcome.DECLINED
        )
    sync(first, second)
    (theirs,) = conflict(second).theirs
    assert (theirs.field, theirs.mine, theirs.theirs) == ("state", "declined", "declined")
    assert (theirs.by, theirs.site) == (f"员工{first.folder.name}", "城北院区")
    with pytest.raises(Rejected) as told:
        corrections.keep_mine(second.workspace, op_id=conflict(second).op_id)
    assert told.value.code == "nothing_to_redo"
    corrections.keep_theirs(second.workspace, op_id=conflict(second).op_id)
    assert waiting(second) == []


def test_a_snooze_that_came_after_a_contact_is_told_whose(desks: tuple[Desk, Desk], clinic: Clinic) -> None:
    consider(desks[0].workspace, clinic.mine.task_id)
    commands.snooze_task(desks[1].workspace, task_id=clinic.mine.task_id, until=NEXT_WEEK)
    sync(*desks)
    (theirs,) = conflict(desks[1]).theirs
    assert (theirs.field, theirs.mine, theirs.theirs, theirs.by) == ("state", "snoozed", "snoozed", "员工assistant")


@pytest.mark.long
def test_a_snooze_that_came_after_a_snooze_has_no_author(desks: tuple[Desk, Desk], clinic: Clinic) -> None:
    for desk in desks:
        commands.snooze_task(desk.workspace, task_id=clinic.mine.task_id, until=NEXT_WEEK)
    sync(*desks)
    (theirs,) = conflict(desks[1]).theirs
    assert (theirs.field, theirs.by) == ("state", "")
