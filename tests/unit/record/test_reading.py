"""What a slip understands and what it refuses."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hcrm_core.errors import Severity
from hcrm_core.eye.keying import PARSERS
from hcrm_core.terms import Eye, LensState, RefractionMethod
from hcrm_desktop.cache.rows import ExamRow
from hcrm_desktop.views.exam_entry.reading import (
    Conditions,
    SlipReading,
    entry_of,
    minus_cylinder,
    read_slip,
)
from hcrm_desktop.views.exam_entry.remarks import Remarks
from tests.gui.record.records import TODAY, exam, eye, header


def conditions(on: date = TODAY) -> Conditions:
    return Conditions(
        examined_on=on,
        cycloplegic=True,
        method=RefractionMethod.AUTOREFRACTION,
        lens_state=LensState.SPECTACLES,
        washout_days=None,
        device="",
    )


def texts(**right: str) -> dict[tuple[Eye, str], str]:
    return {(one, name): right.get(name, "") if one is Eye.OD else "" for one in Eye for name in PARSERS}


def read(on: date = TODAY, previous: ExamRow | None = None, **right: str) -> SlipReading:
    return read_slip(texts(**right), conditions(on), head=header(), previous=previous, today=TODAY)


def codes(reading: SlipReading) -> set[str]:
    return {problem.code for problem in reading.problems}


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("sphere", "300度", Decimal("-3.00")),
        ("sphere", "-325", Decimal("-3.25")),
        ("sphere", "－3.25", Decimal("-3.25")),
        ("ucva", "0.8", Decimal("4.9")),
        ("ucva", "4.9", Decimal("4.9")),
        ("axis", "0", 180),
        ("k1", "7.80mm", Decimal("43.27")),
        ("cct_um", "548", 548),
        ("axial_length_mm", "24.31", Decimal("24.31")),
    ],
)
def test_values_are_understood_in_the_units_people_write(name: str, typed: str, value: Any) -> None:
    assert getattr(read(**{name: typed}).eyes[Eye.OD], name) == value


def test_a_plus_cylinder_is_kept_as_the_same_lens_with_a_minus_cylinder() -> None:
    right = read(sphere="-3.00", cylinder="+0.75", axis="10").eyes[Eye.OD]

    assert (right.sphere, right.cylinder, right.axis) == (Decimal("-2.25"), Decimal("-0.75"), 100)


def test_a_cylinder_is_transposed_on_the_slip_only_once_its_axis_is_there() -> None:
    assert minus_cylinder(texts(sphere="-3.00", cylinder="+0.75"), Eye.OD, previous=None) is None
    assert minus_cylinder(texts(sphere="-3.00", cylinder="-0.75", axis="10"), Eye.OD, previous=None) is None
    assert minus_cylinder(texts(sphere="-3.00", cylinder="+0.75", axis="10"), Eye.OD, previous=None) is not None


def test_an_empty_slip_measures_nothing_and_has_no_problem() -> None:
    assert read() == SlipReading(eyes={}, problems=())


def test_an_eye_without_a_value_is_left_out_of_the_examination() -> None:
    entry = entry_of(read(axial_length_mm="24.31"), conditions(), head=header())

    assert entry.od is not None
    assert entry.os is None


def test_all_problems_of_all_fields_come_together() -> None:
    reading = read(on=TODAY + timedelta(days=1), sphere="300", axial_length_mm="12", k1="44", k2="43", iop_mmhg="x")

    assert codes(reading) == {"date_ahead", "sign_missing", "out_of_range", "k_order", "number_unreadable"}
    assert reading.refused


@pytest.mark.parametrize(
    ("day", "code"),
    [(TODAY, set()), (TODAY + timedelta(days=1), {"date_ahead"}), (date(2017, 9, 9), {"date_before_birth"})],
)
def test_an_examination_lies_between_birth_and_today(day: date, code: set[str]) -> None:
    assert codes(read(on=day, iop_mmhg="15")) == code


@pytest.mark.parametrize(
    ("length", "code"),
    [("23.90", set()), ("23.89", {"axial_shorter"}), ("24.30", set()), ("24.31", {"axial_jump"})],
)
def test_an_axial_length_is_held_against_the_last_one(length: str, code: set[str]) -> None:
    last = exam(TODAY - timedelta(days=100), eye(Eye.OD, length="24.00"))

    reading = read(previous=last, axial_length_mm=length)

    assert codes(reading) == code
    assert not reading.refused, "unusual is worth a look, not a refusal"


def test_a_sphere_without_a_cylinder_asks_for_the_cylinder() -> None:
    (problem,) = read(sphere="-3.00").problems

    assert (problem.code, problem.field, problem.severity) == ("cylinder_blank", "OD.cylinder", Severity.HINT)


def test_a_field_with_a_problem_of_its_own_is_not_called_empty() -> None:
    assert codes(read(sphere="300", cylinder="-0.50", axis="90")) == {"sign_missing"}


def test_every_problem_has_a_sentence_without_holes(qapp: object) -> None:
    reading = read(
        on=TODAY + timedelta(days=1), ucva="5.2", bcva="4.0", sphere="+9", cylinder="-5", axial_length_mm="27", k1="50"
    )

    for problem in reading.problems:
        sentence = Remarks().sentence(problem)
        assert sentence != "请核对这个值", problem.code
        assert "{" not in sentence
