"""Names, phones and identity numbers as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.people import (
    NationalId,
    PersonName,
    Phone,
    check_digit,
    parse_name,
    parse_national_id,
    parse_phone,
    pinyin_of,
    relation_in,
    says_same_as_above,
)
from hcrm_core.terms import Sex

VALID_ID = "33010620150305290" + check_digit("33010620150305290")


@pytest.mark.parametrize(
    ("text", "name", "mark"),
    [
        ("　薛 辉思 ", "薛辉思", ""),
        ("余梓（小）", "余梓", "小"),
        ("刘嘉(大)", "刘嘉", "大"),
        ("Tom   Li", "Tom Li", ""),
        ("上官豪鸿", "上官豪鸿", ""),
        ("买买提·吐尔逊", "买买提·吐尔逊", ""),
        ("Mary-Ann O'Neill Jr.", "Mary-Ann O'Neill Jr.", ""),
    ],
)
def test_a_name_loses_spaces_and_its_namesake_mark(text: str, name: str, mark: str) -> None:
    assert parse_name(text).value == PersonName(name=name, mark=mark)


@pytest.mark.parametrize("text", ["测试", "TEST", "张三1", "（小）", "王" * 51, "---", "="])
def test_what_is_no_name_is_refused(text: str) -> None:
    assert parse_name(text).refused


@pytest.mark.parametrize("text", ["同上", "见上", "张三、李四", "备注：以下转院", "合计：", "王欣怡(女)", "王欣怡★"])
def test_a_cell_that_holds_more_or_other_than_a_name_makes_nobody(text: str) -> None:
    assert parse_name(text).refused


@pytest.mark.parametrize(
    ("text", "digits", "relation"),
    [
        ("13800001234", "13800001234", ""),
        ("+8617603336537", "17603336537", ""),
        ("86 138 0000 1234", "13800001234", ""),
        ("184-2315-9425", "18423159425", ""),
        ("170 6256 0952", "17062560952", ""),
        ("１８７６９１５２４６０", "18769152460", ""),
        ("17170226407(妈妈)", "17170226407", "母亲"),
        ("13800001234（舅舅）", "13800001234", ""),
        ("13800001234.0", "13800001234", ""),
        ("0571-88881234", "057188881234", ""),
    ],
)
def test_phones_are_digits_and_keep_whose_they_are(text: str, digits: str, relation: str) -> None:
    assert parse_phone(text).value == Phone(digits=digits, relation=relation)


def test_of_two_phones_the_first_is_taken_and_said() -> None:
    parsed = parse_phone("13800001234/13900001234")
    assert parsed.value == Phone(digits="13800001234")
    assert [problem.code for problem in parsed.problems] == ["several_phones"]


@pytest.mark.parametrize("text", ["1380000", "同上", "138000012345", "12345678901", "abc", "1380000123x"])
def test_what_cannot_be_dialled_is_refused(text: str) -> None:
    assert parse_phone(text).refused


def test_the_tail_is_the_last_four_digits() -> None:
    assert Phone(digits="13800001234").tail == "1234"


def test_ditto_marks_are_recognised() -> None:
    assert [text for text in ("同上", " 同上 ", "〃", "13800001234", "") if says_same_as_above(text)] == [
        "同上",
        " 同上 ",
        "〃",
    ]


@pytest.mark.parametrize(
    ("text", "relation"), [("白妈妈", "母亲"), ("吴爸爸", "父亲"), ("李女士", ""), ("外婆", "外婆")]
)
def test_relations_are_read_where_they_are_said(text: str, relation: str) -> None:
    assert relation_in(text) == relation


def test_an_identity_number_tells_birth_and_sex() -> None:
    assert parse_national_id(VALID_ID).value == NationalId(number=VALID_ID, birth_date=date(2015, 3, 5), sex=Sex.FEMALE)


def test_a_check_character_may_be_x_in_either_case() -> None:
    body = next(text for text in (f"3301062015030529{n}" for n in range(10)) if check_digit(text) == "X")
    assert parse_national_id(body + "x") == parse_national_id(body + "X")
    assert not parse_national_id(body + "X").refused


def test_one_wrong_digit_is_noticed() -> None:
    wrong = VALID_ID[:16] + str((int(VALID_ID[16]) + 1) % 10) + VALID_ID[17]
    assert [problem.code for problem in parse_national_id(wrong).problems] == ["national_id_check"]


@pytest.mark.parametrize("text", ["3.301062011110696e+17", "3.30106201111069E+17", "330106201111069600.0"])
def test_a_number_that_a_spreadsheet_rounded_still_tells_the_birth_date(text: str) -> None:
    parsed = parse_national_id(text)
    assert parsed.value == NationalId(number=None, birth_date=date(2011, 11, 6), sex=None)
    assert [problem.code for problem in parsed.problems] == ["national_id_digits_lost"]


@pytest.mark.parametrize("text", ["33010620150230290X", "1234", "3.3E+17", "1E+999999", "九"])
def test_other_identity_numbers_are_refused(text: str) -> None:
    assert parse_national_id(text).refused


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("王欣怡", ("wang xin yi", "wxy")),
        ("曾杰立", ("zeng jie li", "zjl")),
        ("单雄信", ("shan xiong xin", "sxx")),
        ("欧阳杰烨", ("ou yang jie ye", "oyjy")),
        ("令狐冲", ("ling hu chong", "lhc")),
        ("任煊", ("ren xuan", "rx")),
        ("吕绿", ("lv lv", "ll")),
        ("Tom Li", ("tom li", "tl")),
        ("", ("", "")),
    ],
)
def test_names_sort_and_search_by_pinyin(name: str, expected: tuple[str, str]) -> None:
    assert pinyin_of(name) == expected


@given(st.text(max_size=40))
def test_no_text_whatever_breaks_a_reader(text: str) -> None:
    parse_name(text)
    parse_phone(text)
    parse_national_id(text)
    pinyin_of(text)
