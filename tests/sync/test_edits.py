"""Two people correct the same customer, or call the same family: nothing is lost, and both end up seeing the same."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.intents import FieldEdit
from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.cache import commands, corrections, queries
from hcrm_desktop.cache.rows import Delivery
from hcrm_store.people import Customer
from tests.factories import Clinic
from tests.sync.correcting import changes, conflict, record_of, sync, waiting
from tests.sync.desk import NEXT_WEEK, Desk, consider

DeskFor = Callable[[str], Desk]


@pytest.fixture
def desks(desk_for: DeskFor) -> tuple[Desk, Desk]:
    """The assistant of a customer, and the manager."""
    return desk_for("assistant"), desk_for("manager")


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
    assert desks[1].ask(queries.sync_status).needs_person == 0
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
