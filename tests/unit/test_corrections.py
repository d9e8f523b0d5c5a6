"""What a correction meets, for every state of what it corrects and of what others made of it."""

from datetime import date
from uuid import UUID

import pytest

from hcrm_core.corrections import (
    ExamVersion,
    Value,
    accepted_value,
    as_text,
    contested_beside,
    family,
    from_text,
    meet,
    same,
    unjudged,
    with_derived,
)
from hcrm_core.errors import Rejected
from hcrm_core.terms import ExamStatus

TODAY = date(2026, 11, 22)
FINAL, AMENDED, VOID, CONTESTED = ExamStatus.FINAL, ExamStatus.AMENDED, ExamStatus.VOID, ExamStatus.CONTESTED
NAMES = "ABCDEFG"


def exam_id(name: str) -> UUID:
    return UUID(int=NAMES.index(name) + 1)


def versions(*told: str) -> list[ExamVersion]:
    """`B<A contested`: B corrects A and is contested."""
    found = []
    for one in told:
        who, status = one.split()
        name, _, former = who.partition("<")
        supersedes = exam_id(former) if former else None
        found.append(ExamVersion(id=exam_id(name), supersedes_id=supersedes, status=ExamStatus(status)))
    return found


def met(told: list[ExamVersion], *, corrects: str) -> tuple[ExamStatus, str]:
    meeting = meet(told, superseded=exam_id(corrects))
    return meeting.status, "".join(sorted(NAMES[one.id.int - 1] for one in meeting.rivals))


@pytest.mark.parametrize(
    ("told", "corrects", "status", "rivals"),
    [
        # nobody was here before
        (["A final"], "A", FINAL, ""),
        (["A final", "B final"], "A", FINAL, ""),
        (["A amended", "B<A final"], "B", FINAL, ""),
        # somebody was
        (["A amended", "B<A final"], "A", CONTESTED, "B"),
        (["A amended", "B<A contested", "C<A contested"], "A", CONTESTED, "BC"),
        (["A amended", "B<A amended", "C<B final"], "A", CONTESTED, "C"),
        (["A amended", "B<A amended", "C<B final"], "B", CONTESTED, "C"),
        # what was made of A is void: nothing stands in its place
        (["A amended", "B<A void"], "A", FINAL, ""),
        # somebody said that A is no examination of this child
        (["A void"], "A", CONTESTED, "A"),
        (["A amended", "B<A void", "C<A final"], "B", CONTESTED, "BC"),
        # a disputed one is corrected: it stays disputed
        (["A amended", "B<A contested", "C<A contested"], "B", CONTESTED, "C"),
        (["A void", "B<A contested"], "B", CONTESTED, ""),
        # B was not picked, C was
        (["A amended", "B<A amended", "C<A final"], "B", CONTESTED, "C"),
        # B and C are two examinations; only what became of B is in the way
        (["A amended", "B<A amended", "C<A final", "D<B final"], "B", CONTESTED, "D"),
        (["A amended", "B<A final", "C<A final"], "B", FINAL, ""),
        # a correction of A contests both of them: nobody knows which one it means
        (["A amended", "B<A final", "C<A final"], "A", CONTESTED, "BC"),
    ],
)
def test_a_correction_meets_what_stands_in_its_place(
    told: list[str], corrects: str, status: ExamStatus, rivals: str
) -> None:
    for order in (told, told[::-1]):
        assert met(versions(*order), corrects=corrects) == (status, rivals)


def test_a_family_is_what_is_connected_by_corrections() -> None:
    told = versions("A amended", "B<A amended", "C<A contested", "D<B contested", "E final", "F<E final")
    for name in "ABCD":
        assert {one.id for one in family(told, of=exam_id(name))} == {exam_id(one) for one in "ABCD"}
    assert {one.id for one in contested_beside(told, of=exam_id("D"))} == {exam_id("C")}
    assert family(told, of=exam_id("G")) == []


def test_a_correction_of_what_is_not_here_begins_a_family() -> None:
    told = versions("B<G final", "C<B final")
    assert {one.id for one in family(told, of=exam_id("C"))} == {exam_id("B"), exam_id("C")}


def test_corrections_in_a_circle_end() -> None:
    told = versions("A<B amended", "B<A final")
    assert meet(told, superseded=exam_id("A")).status is CONTESTED
    assert unjudged(told, picked=exam_id("A"), judged=[]) != []


def test_a_picker_must_have_seen_every_rival_and_every_later_correction() -> None:
    told = versions("A amended", "B<A contested", "C<A contested", "D<B contested")
    assert {one.id for one in unjudged(told, picked=exam_id("C"), judged=[exam_id("B")])} == {
        exam_id(o) for o in "BD"
    } - {exam_id("B")}
    later = versions("A amended", "B<A amended", "C<B final")
    assert [one.id for one in unjudged(later, picked=exam_id("B"), judged=[])] == [exam_id("C")]
    assert unjudged(later, picked=exam_id("B"), judged=[exam_id("C")]) == []


@pytest.mark.parametrize(
    ("row", "field", "value", "kept"),
    [
        ("customer", "name", "王（小）", "王"),
        ("guardian", "name", "白妈妈", "白妈妈"),
        ("guardian", "name", None, ""),
        ("guardian", "phone", "", None),
        ("customer", "sex", "", None),
        ("customer", "do_not_contact", False, False),
    ],
)
def test_a_value_is_kept_in_one_form(row: str, field: str, value: Value, kept: Value) -> None:
    assert accepted_value(row, field, value, today=TODAY) == kept


def test_a_field_that_nobody_edits_is_refused() -> None:
    with pytest.raises(Rejected, match="not edited"):
        accepted_value("customer", "site_id", "x", today=TODAY)


def test_a_childs_name_has_pinyin_and_a_guardians_has_none() -> None:
    assert with_derived("customer", "name", "单一")["name_pinyin"] == "shan yi"
    assert with_derived("guardian", "name", "单一") == {"name": "单一"}
    assert with_derived("guardian", "phone", None) == {"phone": None, "phone_tail": None}


def test_values_survive_the_history() -> None:
    for field, value in (("do_not_contact", True), ("do_not_contact", False), ("name", "true"), ("sex", None)):
        assert from_text(as_text(value), field=field) == value


def test_nothing_is_nothing_in_any_form() -> None:
    assert same(None, "")
    assert same(None, other=False)
    assert not same("", "x")
    assert not same(None, other=True)
