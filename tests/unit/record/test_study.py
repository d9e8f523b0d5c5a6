"""What a record says about growth: the golden cases."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from hcrm_core.curves.picture import Mark, Picture, joints
from hcrm_core.facts.growth import Growth, Refusal
from hcrm_core.study import EyeStudy, Pace, pace
from hcrm_core.terms import ExamStatus, Eye, LensState, ProductKind, Sex
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.views.record import study as records
from tests.gui.record.records import TODAY, both, exam, eye, full_record, header, order, record

SPRING, AUTUMN = date(2026, 4, 1), date(2026, 10, 1)


def study(customer: CustomerRecord, *, today: date) -> EyeStudy:
    return records.study(customer, today=today).eyes


def finite(picture: Picture) -> bool:
    low, high = picture.y_range
    return picture.x_range[0] < picture.x_range[1] and low < high


def test_refraction_under_an_ok_lens_is_never_joined_and_never_growth() -> None:
    worn = {"lens_state": LensState.OK_LENS}
    shown = study(
        record(
            both(SPRING, se=("-3.00", "-3.00"), length=("24.00", "24.00")),
            both(AUTUMN, se=("-0.25", "-0.25"), length=("24.20", "24.10"), **worn),
        ),
        today=TODAY,
    )

    assert shown.refraction_growth[Eye.OD].refusal is Refusal.OK_WEAR
    assert [point.mark for point in shown.refraction.of(Eye.OD)] == [Mark.SOLID, Mark.CROSSED]
    assert joints(shown.refraction.of(Eye.OD)) == []
    assert shown.axial_verdicts[Eye.OD].growth.change == Decimal("0.20"), "axial length stays comparable"
    assert len(joints(shown.axial.of(Eye.OD))) == 1


def test_refraction_with_and_without_cycloplegia_is_not_compared() -> None:
    shown = study(
        record(
            both(SPRING, se=("-1.00", "-1.00"), length=("24.00", "24.00")),
            both(AUTUMN, se=("-2.00", "-2.00"), length=("24.10", "24.10"), cycloplegic=False),
        ),
        today=TODAY,
    )

    assert shown.refraction_growth[Eye.OD].refusal is Refusal.NOT_COMPARABLE
    assert [point.mark for point in shown.refraction.of(Eye.OS)] == [Mark.SOLID, Mark.HOLLOW]
    assert joints(shown.refraction.of(Eye.OS)) == []
    assert not shown.comparable(*shown.valid_exams, eye=Eye.OD)


def test_comparable_refractions_are_joined_across_an_incomparable_one() -> None:
    shown = study(
        record(
            both(date(2025, 10, 1), se=("-1.00", "-1.00"), length=("23.80", "23.80")),
            both(SPRING, se=("-1.75", "-1.75"), length=("24.00", "24.00"), cycloplegic=False),
            both(AUTUMN, se=("-1.50", "-1.50"), length=("24.10", "24.10")),
        ),
        today=TODAY,
    )

    (pair,) = joints(shown.refraction.of(Eye.OD))
    assert [point.value for point in pair] == [Decimal("-1.00"), Decimal("-1.50")]


@pytest.mark.parametrize(
    ("sex", "birth", "refused"),
    [
        (None, date(2017, 9, 10), "sex_unknown"),
        (Sex.MALE, date(2006, 9, 10), "age_outside"),
        (Sex.MALE, None, "birth_unknown"),
        (Sex.MALE, date(2026, 9, 1), "birth_unknown"),  # born after an examination: then the birth date is wrong
    ],
)
def test_no_percentile_without_sex_or_outside_the_reference(sex: Sex | None, birth: date | None, refused: str) -> None:
    shown = study(
        record(
            both(SPRING, se=("-1.00", "-1.00"), length=("24.00", "24.00")),
            both(AUTUMN, se=("-1.50", "-1.50"), length=("24.20", "24.20")),
            header=header(sex=sex, birth_date=birth),
        ),
        today=TODAY,
    )

    assert shown.axial.refused == refused
    assert shown.axial.bands == ()
    assert {point.percentile for point in shown.axial.points} == {""}
    assert finite(shown.axial)
    assert all(shown.axial.x_range[0] <= point.x <= shown.axial.x_range[1] for point in shown.axial.points)


def test_percentiles_name_their_reference_and_bands_end_with_it() -> None:
    shown = study(full_record(), today=TODAY).axial

    assert shown.reference == "Wuhan 2022 v1"
    assert len(shown.bands) == 4
    assert all(6 <= x <= 15 for band in shown.bands for x in band.xs)
    assert shown.points[-1].percentile.startswith("P")


def test_one_eye_alone_is_told_of_alone() -> None:
    shown = study(
        record(exam(SPRING, eye(Eye.OD, se="-1.00", length="24.00")), exam(AUTUMN, eye(Eye.OD, length="24.20"))),
        today=TODAY,
    )

    assert shown.axial_verdicts[Eye.OD].growth.change == Decimal("0.20")
    assert (shown.axial_verdicts[Eye.OS].pace, shown.axial_verdicts[Eye.OS].readings) == (Pace.REFUSED, 0)
    assert shown.axial.of(Eye.OS) == ()


@pytest.mark.parametrize("count", [0, 1, 60])
def test_any_number_of_examinations_makes_a_finite_picture(count: int) -> None:
    days = [TODAY - timedelta(days=30 * (count - n)) for n in range(count)]
    shown = study(record(*(both(day, se=("-1.00", "-1.00"), length=("24.00", "24.00")) for day in days)), today=TODAY)

    assert finite(shown.axial)
    assert finite(shown.refraction)
    assert len(shown.axial.points) == 2 * count
    assert 2 <= len(shown.axial.x_ticks) <= 8
    assert 2 <= len(shown.axial.y_ticks) <= 8


def test_void_and_corrected_examinations_do_not_count() -> None:
    shown = study(
        record(
            both(SPRING, se=("-1.00", "-1.00"), length=("24.00", "24.00")),
            both(AUTUMN, se=("-9.00", "-9.00"), length=("29.00", "29.00"), status=ExamStatus.VOID),
            both(AUTUMN, se=("-9.00", "-9.00"), length=("29.00", "29.00"), status=ExamStatus.AMENDED),
        ),
        today=TODAY,
    )

    assert shown.axial_verdicts[Eye.OD].readings == 1
    assert len(shown.axial.points) == 2
    assert len(shown.refraction.points) == 2


@pytest.mark.parametrize(
    ("change", "per_year", "mean", "expected"),
    [
        ("-0.11", "-0.22", "0.20", Pace.SUSPECT),
        ("-0.10", "-0.20", "0.20", Pace.BELOW),
        ("0.06", "0.12", "0.30", Pace.STEADY),
        ("0.07", "0.14", "0.30", Pace.BELOW),
        ("0.19", "0.39", "0.25", Pace.LIKE),
        ("0.20", "0.40", "0.25", Pace.FAST),
        ("0.18", "0.36", "0.25", Pace.BELOW),
        ("0.19", "0.38", "0.13", Pace.LIKE),
        ("0.19", "0.38", "0.12", Pace.ABOVE),
        ("0.19", "0.38", None, Pace.UNCOMPARED),
    ],
)
def test_the_pace_turns_at_its_numbers(change: str, per_year: str, mean: str | None, expected: Pace) -> None:
    growth = Growth(change=Decimal(change), per_year=Decimal(per_year), interval_days=182)

    assert pace(growth, mean_mm=None if mean is None else Decimal(mean)) is expected


def test_a_change_within_five_months_is_no_growth() -> None:
    shown = study(
        record(
            both(AUTUMN - timedelta(days=149), se=("-1.00", "-1.00"), length=("24.00", "24.00")),
            both(AUTUMN, se=("-1.50", "-1.50"), length=("24.20", "24.20")),
        ),
        today=TODAY,
    )

    assert shown.axial_verdicts[Eye.OD].growth.refusal is Refusal.INTERVAL_TOO_SHORT


def test_ribbons_are_episodes_of_one_product_with_their_replacements() -> None:
    orders = (
        order(Eye.OD, ProductKind.SINGLE_VISION, date(2025, 1, 1)),
        order(Eye.OD, ProductKind.OK_LENS, date(2025, 6, 1)),
        order(Eye.OD, ProductKind.OK_LENS, date(2026, 6, 1), ended_on=date(2026, 9, 1)),
    )
    exams = (
        both(date(2024, 11, 1), se=("-1.00", "-1.00"), length=("24.00", "24.00")),
        both(AUTUMN, se=("-1.50", "-1.50"), length=("24.20", "24.20")),
    )

    frame, lens = study(record(*exams, orders=orders), today=TODAY).axial.ribbons

    assert (frame.product, lens.product) == (ProductKind.SINGLE_VISION, ProductKind.OK_LENS)
    assert frame.end == lens.start
    assert (len(frame.changes), len(lens.changes)) == (0, 1)
    assert lens.start < lens.changes[0] < lens.end < study(record(*exams), today=TODAY).axial.x_range[1]
