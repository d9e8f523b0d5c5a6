"""What stands at the foot of the charts, and the one time axis they share."""

from datetime import date, timedelta

import pytest

from hcrm_core.curves.picture import Sign
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.views.record import study as records
from tests.gui.record.records import TODAY, both, exam, eye, full_record, order, record

SPRING, AUTUMN = date(2026, 4, 1), date(2026, 10, 1)
VALUES = {"se": ("-1.00", "-1.00"), "length": ("24.00", "23.90")}


def study(customer: CustomerRecord) -> EyeStudy:
    return records.study(customer, today=TODAY).eyes


def test_all_charts_of_a_child_share_one_time_axis() -> None:
    shown = study(record(exam(SPRING, eye(Eye.OD, se="-1.00")), exam(AUTUMN, eye(Eye.OD, length="24.00"))))

    assert shown.axial.x_range == shown.refraction.x_range


def test_drops_are_signed_only_where_they_were_recorded() -> None:
    days = [SPRING, SPRING + timedelta(days=60), AUTUMN]
    exams = [both(day, cycloplegic=given, **VALUES) for day, given in zip(days, (True, False, None), strict=True)]

    glyphs = study(record(*exams)).refraction.glyphs

    assert [(glyph.sign, glyph.on) for glyph in glyphs] == [(Sign.CYCLOPLEGIA, SPRING)]


def test_another_device_is_signed_and_an_unknown_one_is_no_change() -> None:
    devices = ["IOLMaster", "", "IOLMaster", "Lenstar"]
    days = [SPRING + timedelta(days=40 * number) for number in range(len(devices))]
    exams = [both(day, device=device, **VALUES) for day, device in zip(days, devices, strict=True)]

    glyphs = study(record(*exams)).axial.glyphs

    assert [(glyph.sign, glyph.on, glyph.device) for glyph in glyphs] == [(Sign.DEVICE, days[-1], "Lenstar")]


@pytest.mark.parametrize(("pause", "expected"), [(28, 0), (29, 1)])
def test_wash_out_follows_the_last_lens_unless_another_follows_within_it(pause: int, expected: int) -> None:
    ended = date(2026, 3, 1)
    orders = (
        order(Eye.OD, ProductKind.OK_LENS, date(2025, 1, 1), ended_on=ended),
        order(Eye.OD, ProductKind.OK_LENS, ended + timedelta(days=pause)),
    )
    exams = (both(date(2025, 1, 1), **VALUES), both(AUTUMN, **VALUES))

    washouts = study(record(*exams, orders=orders)).refraction.washouts

    assert len(washouts) == expected
    assert all(one.eye is Eye.OD and 0.07 < one.end - one.start < 0.08 for one in washouts)


def test_axial_lengths_carry_their_measurement_error_and_refractions_none() -> None:
    shown = study(full_record())

    assert {str(point.error) for point in shown.axial.points} == {"0.06"}
    assert {point.error for point in shown.refraction.points} == {None}


def test_bands_reach_over_all_ages_of_the_reference_so_that_the_chart_may_be_moved() -> None:
    bands = study(full_record()).axial.bands

    assert {(band.xs[0], band.xs[-1]) for band in bands} == {(6.0, 15.0)}


def test_a_band_is_read_between_its_points_and_not_beyond_its_ends() -> None:
    median = study(full_record()).axial.bands[3]

    low, high = median.at(6.25)
    assert low == high == pytest.approx((median.low[0] + median.low[1]) / 2)
    assert median.at(3.0) == (median.low[0], median.high[0])
    assert median.at(30.0) == (median.low[-1], median.high[-1])
