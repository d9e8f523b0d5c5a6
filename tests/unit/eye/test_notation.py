"""What clinics write is read as they mean it, and what is ambiguous is never guessed silently."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm_core.eye.notation import (
    format_acuity,
    format_diopters,
    parse_acuity,
    parse_axial_length,
    parse_axis,
    parse_corneal_thickness,
    parse_diopters,
    parse_intraocular_pressure,
    parse_keratometry,
    parse_refraction,
)
from hcrm_core.eye.refraction import Refraction
from hcrm_core.parsed import Parsed


def codes(parsed: Parsed[object]) -> list[str]:
    return [problem.code for problem in parsed.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-3.25", "-3.25"),
        ("-3.25DS", "-3.25"),
        ("-0.75 dc", "-0.75"),
        ("－4.75", "-4.75"),
        ("−1.00", "-1.00"),
        ("- 3.00", "-3.00"),
        ("+0.25", "0.25"),
        ("-5", "-5.00"),
        ("平光", "0.00"),
        ("PL", "0.00"),
        ("plano", "0.00"),
        ("0", "0.00"),
        ("±0.00", "0.00"),
        ("300度", "-3.00"),
        ("近视300度", "-3.00"),
        ("近视3.00", "-3.00"),
        ("近视310", "-3.10"),
        ("散光50度", "-0.50"),
        ("远视150度", "1.50"),
        ("+100度", "1.00"),
        ("-400", "-4.00"),
        ("－50", "-0.50"),
        ("+25", "0.25"),
        ("-25", "-0.25"),
        ("-24", "-24.00"),
    ],
)
def test_diopters_are_read_in_every_notation(text: str, value: str) -> None:
    parsed = parse_diopters(text)
    assert parsed.value == Decimal(value)
    assert parsed.problems == ()


@pytest.mark.parametrize("text", ["", "  ", "未测", "—", "/", "不详", "N/A"])
def test_a_word_for_unknown_is_nothing_and_no_problem(text: str) -> None:
    for parse in (parse_diopters, parse_refraction, parse_acuity, parse_axis, parse_axial_length, parse_keratometry):
        assert parse(text) == Parsed()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("300", "sign_missing"),
        ("25", "sign_missing"),
        ("±1.00", "sign_contradicts"),
        ("近视+300", "sign_contradicts"),
        ("远视-3.00", "sign_contradicts"),
        ("3.5度", "unit_unclear"),
        ("-99.00", "unit_unclear"),
        ("-310", "unit_unclear"),
        ("-25DS", "unit_unclear"),
        ("abc", "diopters_unreadable"),
        ("-3.2.5", "diopters_unreadable"),
        ("1e5", "diopters_unreadable"),
        ("9" * 500, "diopters_unreadable"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(text: str, code: str) -> None:
    parsed = parse_diopters(text)
    assert parsed.value is None
    assert codes(parsed) == [code]
    assert parsed.refused


def test_a_power_without_sign_is_kept_as_plus_with_a_warning() -> None:
    parsed = parse_diopters("0.25")
    assert (parsed.value, codes(parsed), parsed.refused) == (Decimal("0.25"), ["sign_assumed_plus"], False)


@pytest.mark.parametrize(
    ("text", "sphere", "cylinder", "axis"),
    [
        ("-3.25DS/-0.75DC×180", "-3.25", "-0.75", 180),
        ("-175/-100x180", "-1.75", "-1.00", 180),
        ("-3.75DS -1.00DC A180", "-3.75", "-1.00", 180),
        ("-3.75/-0.25*180", "-3.75", "-0.25", 180),
        ("-3.00-0.50x90", "-3.00", "-0.50", 90),
        ("300度/50度x10", "-3.00", "-0.50", 10),
        ("0/-75x170", "0.00", "-0.75", 170),
        ("+0.00DS -0.25DC A175", "0.00", "-0.25", 175),
        ("平光/-0.50×5", "0.00", "-0.50", 5),
        ("-3.00/-0.50×0", "-3.00", "-0.50", 180),
        ("+1.00/+0.50×90", "1.50", "-0.50", 180),
        ("-3.00/-0.50轴90", "-3.00", "-0.50", 90),
        ("－３．００／－０．５０×９０°", "-3.00", "-0.50", 90),
        ("-2.50DS", "-2.50", None, None),
        ("-3.00DS/-1.00DC", "-3.00", "-1.00", None),
        ("平光", "0.00", None, None),
    ],
)
def test_a_prescription_is_read_in_every_notation(
    text: str, sphere: str, cylinder: str | None, axis: int | None
) -> None:
    parsed = parse_refraction(text)
    expected = Refraction(sphere=Decimal(sphere), cylinder=Decimal(cylinder) if cylinder else None, axis=axis)
    assert parsed == Parsed(value=expected)


def test_a_signed_cylinder_shows_that_an_unsigned_sphere_is_plus() -> None:
    parsed = parse_refraction("25/-50x10")
    assert parsed.value == Refraction(sphere=Decimal("0.25"), cylinder=Decimal("-0.50"), axis=10)
    assert codes(parsed) == ["sign_assumed_plus"]


@pytest.mark.parametrize(
    "text", ["300/50x10", "-0.50DC×180", "-3.00/-0.50×181", "-3.00/-99×180", "x180", "-3.000.50x90", "-3.00/-0.50x1800"]
)
def test_half_a_prescription_is_refused_as_a_whole(text: str) -> None:
    parsed = parse_refraction(text)
    assert parsed.value is None
    assert parsed.refused


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("4.8", "4.8"), ("0.8", "4.9"), ("0.6", "4.8"), ("1.0", "5.0"), ("1.5", "5.2"), ("2.0", "5.3"), ("3.0", "3.0"),
        ("5.3", "5.3"), ("0.1", "4.0"), ("0.7", "4.85"), ("0.9", "4.95"), ("0.01", "3.0"), ("０．８", "4.9"),
        ("指数", "3"), ("CF/50cm", "3"), ("手动", "2"), ("光感", "1"), ("无光感", "0"),
    ],
)  # fmt: skip
def test_acuities_become_five_marks(text: str, mark: str) -> None:
    assert parse_acuity(text) == Parsed(value=Decimal(mark))


@pytest.mark.parametrize("text", ["2.01", "2.99", "5.31", "9.9", "0", "-1", "4.8.1", "四"])
def test_what_is_no_acuity_is_refused(text: str) -> None:
    assert parse_acuity(text).refused


@given(st.sampled_from([Decimal(n) / 10 for n in range(40, 54)] + [Decimal("4.85"), Decimal("4.95")]))
def test_an_acuity_as_shown_reads_back_as_itself(mark: Decimal) -> None:
    assert parse_acuity(format_acuity(mark)).value == mark


@given(st.integers(-2400, 2400))
def test_a_written_power_is_read_as_it_was(hundredths: int) -> None:
    value = Decimal(hundredths) / 100
    assert parse_diopters(format_diopters(value)) == Parsed(value=value)


@given(st.text(max_size=30))
def test_no_text_whatever_breaks_a_reader(text: str) -> None:
    for parse in (parse_diopters, parse_refraction, parse_acuity, parse_axis, parse_axial_length, parse_keratometry):
        parse(text)


def test_powers_are_written_with_a_sign() -> None:
    assert [format_diopters(Decimal(text)) for text in ("-3.25", "0.5", "-0.00")] == ["-3.25", "+0.50", "0.00"]


def test_half_lines_keep_their_second_place() -> None:
    assert [format_acuity(Decimal(text)) for text in ("4.90", "4.85", "5")] == ["4.9", "4.85", "5.0"]


@pytest.mark.parametrize(("text", "value"), [("15", 15), ("35.00mm", 35), ("24.365", "24.36"), ("24.36 毫米", "24.36")])
def test_axial_lengths_are_read_in_millimetres(text: str, value: object) -> None:
    assert parse_axial_length(text).value == Decimal(str(value))


@pytest.mark.parametrize("text", ["14.99", "35.01", "2.45", "2436", "-24", "24,36"])
def test_impossible_axial_lengths_are_refused(text: str) -> None:
    assert parse_axial_length(text).refused


def test_a_corneal_radius_becomes_a_power() -> None:
    parsed = parse_keratometry("7.80mm")
    assert (parsed.value, codes(parsed)) == (Decimal("43.27"), ["radius_converted"])


@pytest.mark.parametrize(("text", "refused"), [("30", False), ("60D", False), ("29.99", True), ("60.01", True)])
def test_corneal_powers_have_hard_bounds(*, text: str, refused: bool) -> None:
    assert parse_keratometry(text).refused is refused


@pytest.mark.parametrize(("text", "refused"), [("3", False), ("60mmHg", False), ("2.9", True), ("60.1", True)])
def test_pressures_have_hard_bounds(*, text: str, refused: bool) -> None:
    assert parse_intraocular_pressure(text).refused is refused


@pytest.mark.parametrize(("text", "refused"), [("350", False), ("800um", False), ("349", True), ("801", True)])
def test_corneal_thicknesses_have_hard_bounds(*, text: str, refused: bool) -> None:
    assert parse_corneal_thickness(text).refused is refused


@pytest.mark.parametrize(("text", "axis"), [("0", 180), ("1", 1), ("180°", 180), ("×90", 90), ("A5", 5)])
def test_axes_are_read(text: str, axis: int) -> None:
    assert parse_axis(text).value == axis


@pytest.mark.parametrize("text", ["181", "-5", "90.5", "N"])
def test_impossible_axes_are_refused(text: str) -> None:
    assert parse_axis(text).refused
