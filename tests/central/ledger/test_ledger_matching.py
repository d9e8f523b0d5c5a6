"""Certain or apart: nothing in between is joined, and a phone alone is a family."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from hcrm_central.connectors.ledger.matching import Known, match
from hcrm_central.connectors.ledger.records import PersonDraft
from hcrm_core.people import PersonName, Phone
from hcrm_core.terms import Sex

SITE = uuid4()
PHONE, BIRTH, NUMBER = "13800001234", date(2014, 5, 6), "330106201405060027"


def known(name: str = "王欣怡", *, mark: str = "", **other: Any) -> Known:
    facts: dict[str, Any] = {"birth_date": BIRTH, "sex": Sex.FEMALE, "phones": {PHONE}, "site_id": SITE}
    return Known(id=uuid4(), name=PersonName(name=name, mark=mark), **(facts | other))


def person(name: str = "王欣怡", *, mark: str = "", phone: str | None = PHONE, **other: Any) -> PersonDraft:
    facts: dict[str, Any] = {"birth_date": BIRTH, "sex": Sex.FEMALE}
    found = Phone(digits=phone) if phone else None
    return PersonDraft(name=PersonName(name=name, mark=mark), phone=found, **(facts | other))


@pytest.mark.parametrize(
    ("row", "there"),
    [
        (person(), known()),
        (person(mark="小"), known()),
        (person(birth_date=None), known()),
        (person(), known(birth_date=None)),
        (person(birth_date=None, sex=None), known(sex=None)),
        (person(birth_date=None, mark="小"), known(mark="小")),
        (person(phone=None, national_id=NUMBER), known(national_ids={NUMBER}, phones=set())),
        (person(mark="小", phone="13900001234", national_id=NUMBER), known(national_ids={NUMBER})),
    ],
)
def test_certain_matches_are_joined(row: PersonDraft, there: Known) -> None:
    assert match(row, among=[there], site_id=SITE).certain is there


@pytest.mark.parametrize(
    ("row", "there", "reason"),
    [
        (person(phone=None), known(), "same_birth_date"),
        (person(phone="13900001234"), known(), "same_birth_date"),
        (person(birth_date=None, mark="小"), known(), "namesake_mark"),
        (person(birth_date=date(2014, 5, 7)), known(), "other_birth_date"),
        (person(sex=Sex.MALE), known(), "other_sex"),
        (person("王欣宜", national_id=NUMBER), known(national_ids={NUMBER}), "same_national_id"),
        (person(birth_date=None, phone=None, sex=None), known(), "same_name"),
        (person(), known(site_id=uuid4()), "other_site"),
        (person(national_id="330106201405060108"), known(national_ids={NUMBER}), "same_phone"),
    ],
)
def test_what_only_looks_alike_is_left_apart_and_listed(row: PersonDraft, there: Known, reason: str) -> None:
    found = match(row, among=[there], site_id=SITE)
    assert found.certain is None
    assert [doubt.known for doubt in found.doubts] == [there]
    assert reason in found.doubts[0].reasons


@pytest.mark.parametrize(
    "row",
    [
        person(phone="13900001234", birth_date=date(2010, 1, 1)),
        person(phone=None, sex=Sex.MALE, birth_date=None),
    ],
)
def test_namesakes_who_contradict_are_not_even_listed(row: PersonDraft) -> None:
    assert match(row, among=[known()], site_id=SITE).doubts == ()


def test_two_who_answer_to_name_and_phone_are_one_too_many() -> None:
    twins = [known(birth_date=None), known(birth_date=None, mark="小")]
    found = match(person(birth_date=None), among=twins, site_id=SITE)
    assert found.certain is None
    assert len(found.doubts) == 2


def test_a_bare_name_that_several_have_says_nothing() -> None:
    row = person(birth_date=None, phone=None, sex=None)
    assert match(row, among=[known(), known()], site_id=SITE).doubts == ()


def test_a_birth_date_decides_between_two_with_the_same_name_and_phone() -> None:
    elder, younger = known(), known(birth_date=date(2016, 1, 1), mark="小")
    assert match(person(), among=[elder, younger], site_id=SITE).certain is elder
