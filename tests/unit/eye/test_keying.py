"""Digits alone on the number block: what they mean, where they mean nothing, and when nothing can follow."""

from decimal import Decimal

import pytest

from hcrm_core.eye.keying import MYOPIC_D, PARSERS, is_complete, read_keyed, read_keyed_refraction, written_out
from hcrm_core.eye.plausibility import BOUNDS
from hcrm_core.eye.refraction import Refraction

MYOPE = Decimal("-3.00")


def value(text: str, *, name: str, last: Decimal | None = None) -> Decimal | int | None:
    read = read_keyed(text, name=name, last=last)
    assert read.refused is (read.value is None)
    return read.value


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("ucva", "45", "4.5"),
        ("ucva", "30", "3.0"),
        ("ucva", "53", "5.3"),
        ("ucva", "54", None),
        ("ucva", "29", None),
        ("ucva", "20", "5.3"),
        ("ucva", "21", None),
        ("ucva", "08", "4.9"),
        ("bcva", "10", "5.0"),
        ("bcva", "025", "4.4"),
        ("bcva", "485", None),  # a half line is written 4.85
        ("cylinder", "75", "-0.75"),
        ("cylinder", "25", "-0.25"),
        ("cylinder", "+75", "0.75"),
        ("cylinder", "60", None),  # no step of a lens
        ("axis", "175", "175"),
        ("axis", "181", None),
        ("axial_length_mm", "2431", "24.31"),
        ("axial_length_mm", "1500", "15.00"),
        ("axial_length_mm", "1499", None),
        ("axial_length_mm", "3500", "35.00"),
        ("axial_length_mm", "3501", None),
        ("axial_length_mm", "243", None),
        ("axial_length_mm", "24311", None),
        ("axial_length_mm", "24.31", "24.31"),
        ("k1", "4350", "43.50"),
        ("k1", "3000", "30.00"),
        ("k1", "2999", None),
        ("k2", "6000", "60.00"),
        ("k2", "6001", None),
        ("k1", "787", "42.88"),  # mm
        ("k1", "700", "48.21"),
        ("k1", "699", None),
        ("k1", "435", None),
        ("iop_mmhg", "15", "15.00"),
        ("iop_mmhg", "153", None),
        ("cct_um", "548", "548"),
        ("cct_um", "54", None),
    ],
)
def test_digits_alone_are_read_where_their_width_tells(name: str, text: str, read: str | None) -> None:
    assert value(text, name=name) == (None if read is None else Decimal(read))


@pytest.mark.parametrize(
    ("last", "read"),
    [
        ("-3.00", "-3.25"),
        ("-1.33", "-3.25"),
        ("-1.32", None),  # may turn to plus under cycloplegia
        ("0.00", None),
        ("1.50", None),
        (None, None),
    ],
)
def test_a_sphere_needs_no_sign_only_in_an_eye_known_to_be_myopic(last: str | None, read: str | None) -> None:
    known = None if last is None else Decimal(last)
    assert value("325", name="sphere", last=known) == (None if read is None else Decimal(read))
    assert value("-325", name="sphere", last=known) == Decimal("-3.25")
    assert value("+325", name="sphere", last=known) == Decimal("3.25")


def test_what_has_a_point_a_unit_or_no_step_is_left_to_the_notation() -> None:
    for text in ("3.25", "300度", "+0.75", "平光", "310", "0", "5", ""):
        assert written_out(text, name="sphere", last=MYOPE) == text


def test_the_reading_of_digits_never_contradicts_the_notation() -> None:
    """Where the notation reads digits alone by itself, this says the same, unless it adds the point or the sign."""
    for name, parse in PARSERS.items():
        for text in (f"{sign}{number}" for sign in ("", "-", "+") for number in range(10_000)):
            own, keyed = parse(text), read_keyed(text, name=name, last=MYOPE)
            if own.value is not None and not own.refused:
                assert keyed.value == own.value


def test_every_length_and_power_in_hundredths_is_read() -> None:
    for name in ("axial_length_mm", "k1", "k2"):
        low, high = (int(bound * 100) for bound in BOUNDS[name].hard)
        for number in range(1000, 10_000):
            assert value(str(number), name=name) == (Decimal(number) / 100 if low <= number <= high else None)


@pytest.mark.parametrize(
    ("name", "text", "last", "complete"),
    [
        ("ucva", "4", None, False),
        ("ucva", "45", None, True),
        ("ucva", "01", None, False),  # 0.12 and 0.15 are lines too
        ("ucva", "015", None, True),
        ("ucva", "03", None, True),
        ("ucva", "4.8", None, False),  # 4.85
        ("ucva", "4.85", None, True),
        ("sphere", "-3", None, False),
        ("sphere", "-75", None, False),
        ("sphere", "-325", None, True),  # −32.50 is no eye
        ("sphere", "-300", None, False),  # −30.00 may be one
        ("sphere", "-300", "-3.00", True),
        ("sphere", "-100", "-4.00", False),  # six diopters from −10.00
        ("sphere", "-100", "-3.99", True),
        ("sphere", "325", "-3.00", True),
        ("sphere", "325", None, False),  # unread
        ("sphere", "-75", "-1.49", True),  # −7.50 is more than six diopters away: nobody waits for it
        ("sphere", "75", "-1.50", False),
        ("sphere", "-3.2", None, False),
        ("sphere", "-3.25", None, True),
        ("sphere", "+1.50", None, True),
        ("sphere", "-310", "-3.00", False),
        ("cylinder", "50", None, False),
        ("cylinder", "50", "-0.50", True),
        ("cylinder", "50", "-2.00", False),  # three from −5.00
        ("cylinder", "50", "-1.99", True),
        ("cylinder", "25", "-0.50", False),
        ("axis", "1", None, False),
        ("axis", "18", None, False),
        ("axis", "19", None, True),
        ("axis", "180", None, True),
        ("axis", "181", None, False),
        ("axial_length_mm", "24", None, False),
        ("axial_length_mm", "2431", None, True),
        ("axial_length_mm", "1499", None, False),
        ("axial_length_mm", "24.3", None, False),
        ("axial_length_mm", "24.31", None, True),
        ("k1", "435", None, False),
        ("k1", "4350", None, True),
        ("k1", "787", None, True),
        ("k1", "7.87", None, False),  # radii have three places
        ("k1", "42.87", None, True),
        ("iop_mmhg", "6", None, False),
        ("iop_mmhg", "7", None, True),
        ("iop_mmhg", "15", None, True),
        ("cct_um", "54", None, False),
        ("cct_um", "548", None, True),
        ("cct_um", "349", None, False),
    ],
)
def test_a_text_is_complete_when_nothing_can_follow(name: str, text: str, last: str | None, *, complete: bool) -> None:
    assert is_complete(text, name=name, last=None if last is None else Decimal(last)) is complete


def test_no_complete_text_hides_a_longer_one_that_reads() -> None:
    """Of an eye without history, so that nothing is known that a digit could be judged by."""
    for name in ("axis", "axial_length_mm", "k1", "iop_mmhg", "cct_um", "sphere", "cylinder"):
        sign = "-" if name in ("sphere", "cylinder") else ""
        complete = (f"{sign}{n}" for n in range(1, 1000) if is_complete(f"{sign}{n}", name=name))
        for text in complete:
            longer = [read_keyed(f"{text}{digit}", name=name) for digit in range(10)]
            kept = [one.value for one in longer if not one.refused and one.value is not None]
            assert all(abs(one) > abs(BOUNDS[name].hard[0]) for one in kept), (name, text)


@pytest.mark.parametrize(
    ("text", "last", "lens"),
    [
        ("-325-75x5", None, ("-3.25", "-0.75", 5)),
        ("325/75*5", "-3.00", ("-3.25", "-0.75", 5)),
        ("325 75 175", "-3.00", ("-3.25", "-0.75", 175)),
        ("-3.25 -0.75 175", None, ("-3.25", "-0.75", 175)),
        ("-325/75x5", None, ("-3.25", "-0.75", 5)),
        ("S -3.25 C -0.75 A 5", None, ("-3.25", "-0.75", 5)),
        ("SPH:-3.25 CYL:-0.75 AX 5", None, ("-3.25", "-0.75", 5)),
        ("+1.00+0.50x90", None, ("1.50", "-0.50", 180)),
        ("25/-50x10", "-3.00", ("0.25", "-0.50", 10)),  # signs are written here
    ],
)
def test_a_whole_line_is_read(text: str, last: str | None, lens: tuple[str, str, int]) -> None:
    read = read_keyed_refraction(text, last=None if last is None else Decimal(last))
    sphere, cylinder, axis = lens
    assert read.value == Refraction(sphere=Decimal(sphere), cylinder=Decimal(cylinder), axis=axis)


@pytest.mark.parametrize("text", ["325/75*5", "R -3.25 -0.75 5", "-3.25 -0.75 181", "-3.25 -0.75 5 9"])
def test_a_line_that_leaves_a_question_fills_nothing(text: str) -> None:
    assert read_keyed_refraction(text).value is None or read_keyed_refraction(text).refused


def test_an_eye_known_to_be_myopic_is_one_that_drops_cannot_turn() -> None:
    assert Decimal("-0.41") - 2 * Decimal("0.46") == MYOPIC_D
