"""What a study says beside verdicts: the golden cases of rates, projections, treatment and crossings."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from hcrm_core.curves.axial_length import HIGH_MYOPIA_MM
from hcrm_core.curves.picture import Mark, Scenario, Sign
from hcrm_core.curves.projection import Projection
from hcrm_core.curves.refraction import DEFINITIONS
from hcrm_core.eye.crossing import Crossing
from hcrm_core.eye.percentiles import Refused
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.facts.comparability import Obstacle
from hcrm_core.facts.growth import Refusal
from hcrm_core.facts.treatment import TreatmentGrowth
from hcrm_core.record import ExamRecord, OrderRecord
from hcrm_core.study import FAST_MM_A_YEAR, MYOPIA_D, EyeStudy, study
from hcrm_core.terms import ExamStatus, Eye, LensState, ProductKind, RefractionMethod, Sex, Source
from hcrm_store.references import references

TODAY, BIRTH = date(2026, 11, 22), date(2017, 9, 10)
SPRING, AUTUMN = date(2026, 4, 1), date(2026, 10, 1)


def exam(on: date, length: str | None = "24.00", *, se: str | None = "-2.00", **values: Any) -> ExamRecord:
    """Both eyes alike, a cycloplegic autorefraction unless said otherwise."""
    measured: dict[str, Any] = {"axial_length_mm": None if length is None else Decimal(length)}
    if se is not None:
        measured |= {"sphere": Decimal(se), "cylinder": Decimal(0)}
    told: dict[str, Any] = {
        "id": uuid4(),
        "examined_on": on,
        "method": RefractionMethod.AUTOREFRACTION,
        "cycloplegic": True,
        "lens_state": LensState.SPECTACLES,
        "washout_days": None,
        "device": "",
        "note": "",
        "examiner_name": "",
        "source": Source.WORKSTATION,
        "status": ExamStatus.FINAL,
        "od": EyeValues(eye=Eye.OD, **measured),
        "os": EyeValues(eye=Eye.OS, **measured),
    }
    return ExamRecord(**(told | values))


def order(product: ProductKind, on: date, *, eye: Eye = Eye.OD) -> OrderRecord:
    return OrderRecord(
        id=uuid4(),
        eye=eye,
        product=product,
        brand="",
        manufacturer="",
        model="",
        ordered_on=on,
        dispensed_on=on,
        ended_on=None,
        sphere=None,
        cylinder=None,
        axis=None,
        price=None,
        source=Source.SALES,
    )


def studied(*exams: ExamRecord, orders: tuple[OrderRecord, ...] = (), **child: Any) -> EyeStudy:
    told: dict[str, Any] = {"sex": Sex.FEMALE, "birth": BIRTH, "today": TODAY, "references": references()}
    return study(exams, orders=orders, **(told | child))


def test_the_rate_stands_half_way_through_its_interval_with_its_error() -> None:
    shown = studied(exam(SPRING, "24.00"), exam(AUTUMN, "24.20")).rate

    (point,) = shown.of(Eye.OD)
    assert (point.value, point.error) == (Decimal("0.40"), Decimal("0.17"))
    assert (point.since, point.on, point.mark) == (SPRING, AUTUMN, Mark.SOLID)
    assert shown.x_range[0] < point.x < shown.x_range[1]
    assert point.x == pytest.approx(8.81, abs=0.01), "between 8.56 and 9.06 years"


def test_the_rate_chart_shares_the_axis_and_names_its_sources() -> None:
    child = studied(exam(SPRING), exam(AUTUMN, "24.10"))

    assert child.rate.x_range == child.axial.x_range
    assert child.rate.reference == "Naduvilath 2023 v1"
    (mean,) = child.rate.means
    assert (mean.xs, mean.ys) == ((6.0, 10.5, 15.0), (0.58, 0.34, 0.13))
    assert child.rate.target is not None
    assert child.rate.target.source == "Yii 2023 refit v1 · CLEERE v1"
    assert child.axial.target is not None
    assert child.axial.target.source == "Yii 2023 refit v1"


def test_an_interval_too_short_is_a_sign_and_no_rate() -> None:
    shown = studied(exam(SPRING), exam(SPRING + timedelta(days=149), "24.20")).rate

    assert shown.points == ()
    assert [glyph.sign for glyph in shown.glyphs] == [Sign.TOO_EARLY]


def test_without_a_birth_date_a_rate_stands_on_the_calendar_beside_no_mean() -> None:
    child = studied(exam(SPRING), exam(AUTUMN, "24.20"), birth=None)

    assert len(child.rate.points) == 2
    assert (child.rate.means, child.rate.target, child.axial.target, child.axial.fans) == ((), None, None, ())
    assert set(child.projections[Eye.OD].values()) == {Refused(code="birth_unknown")}
    assert child.crossings[Eye.OD] == Refused(code="birth_unknown")
    assert child.axial_verdicts[Eye.OD].mean_per_year is None


def test_the_words_have_the_rate_and_the_mean_of_that_age() -> None:
    verdict = studied(exam(SPRING, "24.00"), exam(AUTUMN, "24.20")).axial_verdicts[Eye.OD]

    assert (verdict.growth.per_year, verdict.mean_per_year) == (Decimal("0.40"), Decimal("0.43"))


def test_under_an_ok_lens_refraction_never_shows_as_regression_and_the_child_stays_myopic() -> None:
    child = studied(
        exam(SPRING, "24.00", se="-3.00"),
        exam(AUTUMN, "24.10", se="-0.25", lens_state=LensState.OK_LENS),
        orders=(order(ProductKind.OK_LENS, date(2026, 4, 10)),),
    )

    assert child.refraction_growth[Eye.OD].refusal is Refusal.OK_WEAR
    assert child.comparability(*child.valid_exams, eye=Eye.OD).obstacles == (Obstacle.OK_WEAR,)
    assert isinstance(child.projections[Eye.OD][Scenario.UNTREATED], Projection)


def test_with_and_without_cycloplegia_are_never_compared() -> None:
    child = studied(exam(SPRING, se="-1.00"), exam(AUTUMN, se="-2.00", cycloplegic=False))

    assert child.refraction_growth[Eye.OD].refusal is Refusal.NOT_COMPARABLE
    assert child.comparability(*child.valid_exams, eye=Eye.OD).obstacles == (Obstacle.CYCLOPLEGIA_DIFFERS,)


def test_549_days_apart_is_a_rate_and_731_are_none() -> None:
    near = studied(exam(TODAY - timedelta(days=549)), exam(TODAY, "24.30")).axial_verdicts[Eye.OD].growth
    far = studied(exam(TODAY - timedelta(days=731)), exam(TODAY, "24.30")).axial_verdicts[Eye.OD].growth

    assert (near.interval_days, near.per_year) == (549, Decimal("0.20"))
    assert far.refusal is Refusal.NO_PAIR


def test_who_was_born_on_29_february_has_an_exact_age() -> None:
    child = studied(
        exam(date(2026, 2, 28)), exam(date(2027, 3, 1), "24.30"), birth=date(2016, 2, 29), today=date(2027, 3, 2)
    )

    first, last = child.axial.of(Eye.OD)
    assert first.x < 10
    assert last.x == 11.0
    assert isinstance(child.projections[Eye.OD][Scenario.UNTREATED], Projection)


def test_a_20_year_old_gets_no_childs_percentile_and_no_projection() -> None:
    child = studied(exam(SPRING), exam(AUTUMN, "24.05"), birth=date(2006, 9, 10))

    assert {point.percentile for point in child.axial.points} == {""}
    assert child.crossings[Eye.OD] == Refused(code="age_outside")
    assert set(child.projections[Eye.OD].values()) == {Refused(code="age_outside")}
    assert child.axial_verdicts[Eye.OD].mean_mm is None


def test_without_sex_there_is_no_percentile_but_growth_is_told() -> None:
    child = studied(exam(SPRING), exam(AUTUMN, "24.20"), sex=None)

    assert {point.percentile for point in child.axial.points} == {""}
    assert child.crossings[Eye.OD] == Refused(code="sex_unknown")
    assert child.axial_verdicts[Eye.OD].growth.change == Decimal("0.20")
    assert isinstance(child.projections[Eye.OD][Scenario.UNTREATED], Projection)


def test_one_eye_missing_is_fine() -> None:
    child = studied(exam(SPRING, os=None), exam(AUTUMN, "24.20", os=None))

    assert [point.eye for point in child.rate.points] == [Eye.OD]
    assert set(child.projections[Eye.OS].values()) == {Refused(code="length_unknown")}
    assert child.crossings[Eye.OS] == Refused(code="no_pair")
    assert child.treatment[Eye.OS] == Refused(code="no_treatment")
    assert {fan.eye for fan in child.axial.fans} == {Eye.OD}


@pytest.mark.parametrize(("se", "told"), [("-0.50", True), ("-0.49", False), ("+1.00", False)])
def test_myopia_begins_at_minus_half_a_diopter_under_cycloplegia(*, se: str, told: bool) -> None:
    found = studied(exam(AUTUMN, se=se)).projections[Eye.OD][Scenario.UNTREATED]

    assert isinstance(found, Projection) is told
    assert told or found == Refused(code="not_myopic")


def test_without_cycloplegia_nobody_is_called_myopic() -> None:
    found = studied(exam(AUTUMN, se="-3.00", cycloplegic=False)).projections[Eye.OD][Scenario.UNTREATED]

    assert found == Refused(code="refraction_unknown")


def test_slopes_before_and_under_a_treatment_stand_on_the_lengths_chart() -> None:
    child = studied(
        exam(date(2025, 4, 1), "24.00"),
        exam(SPRING, "24.40"),
        exam(date(2026, 5, 15), "24.40"),
        exam(date(2026, 11, 20), "24.45"),
        orders=(order(ProductKind.OK_LENS, date(2026, 4, 10)),),
    )

    found = child.treatment[Eye.OD]
    assert isinstance(found, TreatmentGrowth)
    before, after = child.axial.slopes
    assert (before.product, after.product) == (None, ProductKind.OK_LENS)
    assert (before.per_year, after.per_year) == (found.before.per_year, found.after.per_year)
    assert (before.mean, before.error) == (found.before.mean_per_year, found.before.error)
    assert before.start[0] < before.end[0] < after.start[0] < after.end[0]


def test_a_climb_is_told_of_each_eye() -> None:
    found = studied(exam(date(2025, 10, 1), "22.80"), exam(AUTUMN, "23.80")).crossings[Eye.OD]

    assert isinstance(found, Crossing)
    assert found.crossed
    assert found.reference == "Wuhan 2022 v1"


def test_the_reference_that_was_chosen_is_the_one_that_is_named() -> None:
    shipped = references()
    other = replace(shipped.axial_length, name="Another", version="3")
    chosen = replace(shipped, available=(*shipped.available, other)).choosing("Another v3")

    child = studied(exam(SPRING), exam(AUTUMN, "24.20"), references=chosen)
    assert child.axial.reference == "Another v3"
    crossing = child.crossings[Eye.OD]
    assert isinstance(crossing, Crossing)
    assert crossing.reference == "Another v3"


def test_the_lines_of_the_charts_are_those_of_the_definitions_file() -> None:
    lines = {(line.quantity, line.value) for line in references().lines}

    assert lines == {
        *(("refraction", value) for value in DEFINITIONS),
        ("axial_length", HIGH_MYOPIA_MM),
        ("growth_rate", FAST_MM_A_YEAR),
    }
    assert MYOPIA_D in DEFINITIONS


def test_sixty_examinations_are_one_study() -> None:
    exams = [exam(TODAY - timedelta(days=60 * (60 - n)), str(Decimal(20) + n * Decimal("0.05"))) for n in range(60)]

    child = studied(*exams)
    assert len(child.rate.of(Eye.OD)) == 57, "the first three days lie less than 150 days apart"
    assert child.rate.of(Eye.OD)[-1].value == child.axial_verdicts[Eye.OD].growth.per_year
