"""Growth before a treatment and under it, each beside its own age."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from hcrm_core.eye.age import add_months
from hcrm_core.eye.percentiles import Refused
from hcrm_core.facts.treatment import Length, TreatmentGrowth, treatment_growth
from hcrm_core.record import OrderRecord
from hcrm_core.terms import Eye, ProductKind, Source
from hcrm_store.references import axial_growth_reference

BIRTH, START = date(2016, 1, 1), date(2026, 1, 1)
BEFORE = ((date(2025, 1, 1), Decimal("24.00")), (date(2026, 1, 1), Decimal("24.40")))


def order(product: ProductKind, on: date, *, ended_on: date | None = None, eye: Eye = Eye.OD) -> OrderRecord:
    return OrderRecord(
        id=uuid4(),
        eye=eye,
        product=product,
        brand="",
        manufacturer="",
        model="",
        ordered_on=on,
        dispensed_on=on,
        ended_on=ended_on,
        sphere=None,
        cylinder=None,
        axis=None,
        price=None,
        source=Source.SALES,
    )


OK, FUNCTIONAL, PLAIN = ProductKind.OK_LENS, ProductKind.FUNCTIONAL, ProductKind.SINGLE_VISION


def told(*after: Length, orders: tuple[OrderRecord, ...], birth: date | None = BIRTH) -> TreatmentGrowth | Refused:
    return treatment_growth([*BEFORE, *after], orders=orders, eye=Eye.OD, birth=birth, mean=axial_growth_reference())


def test_each_slope_stands_beside_the_mean_of_its_own_age() -> None:
    found = told((date(2026, 2, 1), Decimal("24.42")), (date(2027, 2, 1), Decimal("24.60")), orders=(order(OK, START),))

    assert isinstance(found, TreatmentGrowth)
    assert (found.before.per_year, found.after.per_year) == (Decimal("0.40"), Decimal("0.18"))
    assert (found.before.mean_per_year, found.after.mean_per_year) == (Decimal("0.39"), Decimal("0.34"))
    assert found.slower_by == (Decimal("0.40") - Decimal("0.39")) - (Decimal("0.18") - Decimal("0.34"))
    assert (found.before.error, found.after.error) == (Decimal("0.08"), Decimal("0.08"))
    assert found.error == Decimal("0.11"), "both errors count"
    assert found.mean == "Naduvilath 2023 v1"


def test_growth_that_slows_only_with_age_is_no_effect() -> None:
    mean = axial_growth_reference()
    before = mean.per_year_between(Decimal(9), age_to=Decimal(10))
    after = mean.per_year_between(Decimal(10), age_to=Decimal(11))
    assert before is not None
    assert after is not None
    lengths = [
        (date(2025, 1, 1), Decimal(24)),
        (START, 24 + before),
        (date(2027, 1, 1), 24 + before + after),
    ]
    found = treatment_growth(lengths, orders=(order(FUNCTIONAL, START),), eye=Eye.OD, birth=BIRTH, mean=mean)

    assert isinstance(found, TreatmentGrowth)
    assert after < before
    assert found.slower_by is not None
    assert abs(found.slower_by) <= Decimal("0.01")


def test_more_readings_leave_less_open() -> None:
    days = [date(2026, 2, 1) + timedelta(days=91 * n) for n in range(5)]
    found = told(*((day, Decimal("24.40")) for day in days), orders=(order(OK, START),))

    assert isinstance(found, TreatmentGrowth)
    assert found.after.readings == 5
    assert found.after.error < Decimal("0.09")


def test_the_first_month_in_an_ok_lens_does_not_begin_a_slope() -> None:
    dip = (START + timedelta(days=29), Decimal("24.30"))
    month = (START + timedelta(days=30), Decimal("24.40"))
    late = (date(2026, 12, 1), Decimal("24.50"))

    found = told(dip, month, late, orders=(order(OK, START),))
    assert isinstance(found, TreatmentGrowth)
    assert (found.after.from_on, found.after.readings) == (month[0], 2)


@pytest.mark.parametrize(("days", "readings"), [(30, 2), (31, 1)])
def test_the_length_before_defocus_spectacles_begins_their_time(days: int, readings: int) -> None:
    start = date(2026, 1, 1) + timedelta(days=days)
    found = told((add_months(START, months=9), Decimal("24.5")), orders=(order(FUNCTIONAL, start),))

    if readings == 2:
        assert isinstance(found, TreatmentGrowth)
        assert found.after.readings == readings
    else:
        assert found == Refused(code="after_too_short")


@pytest.mark.parametrize(("day", "enough"), [(date(2026, 7, 31), False), (date(2026, 8, 1), True)])
def test_less_than_six_months_are_too_early_to_judge(*, day: date, enough: bool) -> None:
    found = told((date(2026, 2, 1), Decimal("24.4")), (day, Decimal("24.5")), orders=(order(OK, START),))

    assert isinstance(found, TreatmentGrowth) is enough
    assert enough or found == Refused(code="after_too_short")


def test_less_than_six_months_before_refuse_as_well() -> None:
    found = treatment_growth(
        [(date(2025, 8, 1), Decimal(24)), (START, Decimal("24.2")), (date(2027, 1, 1), Decimal("24.3"))],
        orders=(order(OK, START),),
        eye=Eye.OD,
        birth=BIRTH,
        mean=axial_growth_reference(),
    )
    assert found == Refused(code="before_too_short")


@pytest.mark.parametrize(
    "orders",
    [
        (),
        (order(PLAIN, START),),
        (order(OK, START, eye=Eye.OS),),
        (replace(order(OK, START), dispensed_on=None),),
    ],
)
def test_plain_spectacles_and_the_other_eye_are_no_treatment(orders: tuple[OrderRecord, ...]) -> None:
    assert told((date(2027, 1, 1), Decimal("24.6")), orders=orders) == Refused(code="no_treatment")


def test_a_former_treatment_is_what_the_latest_is_compared_with() -> None:
    orders = (order(FUNCTIONAL, date(2024, 12, 20)), order(OK, START), order(OK, date(2026, 12, 1)))
    after = ((date(2026, 2, 1), Decimal("24.42")), (date(2027, 2, 1), Decimal("24.60")))

    found = told(*after, orders=orders)
    assert isinstance(found, TreatmentGrowth)
    assert (found.before.product, found.after.product) == (FUNCTIONAL, OK)
    assert found.started_on == START


def test_what_was_measured_after_the_end_does_not_count() -> None:
    orders = (order(OK, START, ended_on=date(2026, 9, 1)),)
    after = ((date(2026, 2, 1), Decimal("24.42")), (date(2027, 2, 1), Decimal("24.60")))

    assert told(*after, orders=orders) == Refused(code="after_too_short")


@pytest.mark.parametrize("birth", [None, date(2025, 6, 1), date(2008, 1, 1)])
def test_without_a_mean_of_that_age_the_slopes_stand_alone(birth: date | None) -> None:
    found = told(
        (date(2026, 2, 1), Decimal("24.42")),
        (date(2027, 2, 1), Decimal("24.60")),
        orders=(order(OK, START),),
        birth=birth,
    )
    assert isinstance(found, TreatmentGrowth)
    assert (found.before.mean_per_year, found.slower_by) == (None, None)
