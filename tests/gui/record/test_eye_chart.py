"""The canvas shows exactly what a picture says: what may be compared is joined, what is unknown is not drawn."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from hcrm_core.curves.picture import Mark, Picture, joints
from hcrm_core.terms import Eye, LensState, ProductKind, Sex
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.charts.canvas import Canvas
from hcrm_desktop.charts.eye_chart import EyeChart
from hcrm_desktop.charts.layers import DENSE, SIZE, SMALL
from hcrm_desktop.charts.legend import Legend
from hcrm_desktop.theme import LIGHT, Theme
from hcrm_desktop.views.record.chart_words import CurveWords
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.words import Words
from tests.gui.record.records import TODAY, both, exam, eye, full_record, order, record, without


def pictures(customer: CustomerRecord) -> tuple[Picture, Picture]:
    """Axial length and refraction."""
    studied = study(customer, today=TODAY).eyes
    return studied.axial, studied.refraction


@pytest.fixture
def words(theme: Theme) -> CurveWords:
    return CurveWords(Words(theme))


@pytest.fixture
def chart(qtbot: QtBot, theme: Theme, words: CurveWords) -> EyeChart:
    made = EyeChart(theme, words.axial_length())
    qtbot.addWidget(made)
    made.resize(380, 300)
    made.show()
    return made


def canvas_of(chart: EyeChart) -> Canvas:
    assert chart._canvas is not None
    return chart._canvas


def labels(chart: EyeChart) -> list[str]:
    return [label.toPlainText() for label in canvas_of(chart)._labels if label.isVisible()]


def test_readings_under_ok_wear_are_crossed_and_joined_to_nothing() -> None:
    _, refraction = pictures(full_record())
    crossed = [point for point in refraction.points if point.mark is Mark.CROSSED]
    joined = {point.exam_id for pair in joints(refraction.of(Eye.OD)) for point in pair}
    assert len(crossed) == 6
    assert not joined & {point.exam_id for point in crossed}


def test_readings_with_and_without_cycloplegia_are_never_joined() -> None:
    _, refraction = pictures(full_record())
    marks = {frozenset(point.mark for point in pair) for pair in joints(refraction.of(Eye.OD))}
    assert marks == {frozenset({Mark.SOLID})}


def test_axial_lengths_are_joined_whatever_was_worn() -> None:
    axial, _ = pictures(full_record())
    assert len(joints(axial.of(Eye.OD))) == len(axial.of(Eye.OD)) - 1


def test_the_curve_of_an_eye_holds_the_joined_points_and_no_others(chart: EyeChart) -> None:
    axial, _ = pictures(full_record())
    chart.show_picture(axial)
    xs, ys = canvas_of(chart).layers.lines[Eye.OD].getData()
    assert len(xs) == 2 * len(joints(axial.of(Eye.OD)))
    assert (xs[0], ys[0]) == (axial.points[0].x, float(axial.points[0].value))


@pytest.mark.parametrize(
    "customer",
    [
        pytest.param(record(), id="no examination"),
        pytest.param(record(both(TODAY, se=("-1.00", "-1.25"), length=("24.00", "23.90"))), id="one examination"),
        pytest.param(record(exam(TODAY, eye(Eye.OS, se="-2.00"))), id="no axial length"),
        pytest.param(record(exam(TODAY, None, eye(Eye.OS, length="23.40"))), id="one eye"),
        pytest.param(without(full_record(), sex=None), id="sex unknown"),
        pytest.param(without(full_record(), birth_date=None), id="birth date unknown"),
        pytest.param(without(full_record(), birth_date=date(2006, 1, 1)), id="grown up"),
        pytest.param(without(full_record(), birth_date=date(2026, 11, 1)), id="born after an examination"),
    ],
)
def test_every_record_can_be_drawn(qtbot: QtBot, theme: Theme, words: CurveWords, customer: CustomerRecord) -> None:
    for said, picture in zip((words.axial_length(), words.refraction()), pictures(customer), strict=True):
        made = EyeChart(theme, said)
        qtbot.addWidget(made)
        made.resize(380, 300)
        made.show_picture(picture)
        assert not made.grab().isNull()
        assert made.accessibleDescription()


def test_percentiles_name_their_reference_and_vanish_when_sex_is_unknown(chart: EyeChart) -> None:
    chart.show_picture(pictures(full_record())[0])
    assert "P50" in labels(chart)
    assert "Wuhan 2022" in " ".join(chart._legend.texts)
    chart.show_picture(pictures(without(full_record(), sex=None))[0])
    assert not [text for text in labels(chart) if text.startswith("P")]
    assert not canvas_of(chart).layers.fills[0].isVisible()
    assert "性别未知" in " ".join(chart._legend.texts)


@pytest.mark.parametrize(("sex", "age", "shown"), [(Sex.MALE, 6, True), (Sex.MALE, 15, True), (Sex.FEMALE, 16, False)])
def test_percentiles_are_drawn_inside_the_ages_of_the_reference_only(sex: Sex, age: int, shown: bool) -> None:  # noqa: FBT001
    birth = date(TODAY.year - age, TODAY.month, TODAY.day)
    customer = record(both(TODAY, se=("-1.00", "-1.00"), length=("24.00", "24.00")))
    axial, _ = pictures(without(customer, sex=sex, birth_date=birth))
    assert bool(axial.bands) is shown
    assert axial.refused == ("" if shown else "age_outside")


def test_the_next_child_takes_nothing_from_the_one_before(chart: EyeChart) -> None:
    chart.show_picture(pictures(full_record())[0])
    widget = canvas_of(chart).widget
    chart.show_picture(pictures(record(exam(TODAY, None, eye(Eye.OS, length="23.40"))))[0])
    canvas = canvas_of(chart)
    assert canvas.widget is widget
    assert len(canvas.layers.dots[Eye.OD].points()) == 0
    assert len(canvas.layers.dots[Eye.OS].points()) == 1
    assert not any(bars.isVisible() for bars in canvas.feet.bars.values())
    assert not [text for text in labels(chart) if "角塑" in text]


def test_many_points_are_drawn_small_enough_to_tell_apart(chart: EyeChart) -> None:
    days = [date(2022, 1, 1) + timedelta(days=30 * n) for n in range(DENSE + 1)]
    many = record(*(both(on, se=("-1.00", "-1.00"), length=("24.00", "23.90")) for on in days))
    chart.show_picture(pictures(many)[0])
    assert canvas_of(chart).layers.dots[Eye.OD].opts["size"] == SMALL
    few = record(*(both(on, se=("-1.00", "-1.00"), length=("24.00", "23.90")) for on in days[:-1]))
    chart.show_picture(pictures(few)[0])
    assert canvas_of(chart).layers.dots[Eye.OD].opts["size"] == SIZE


def test_ribbons_end_with_the_picture_and_show_each_new_lens_inside_it() -> None:
    first, later = date(2024, 1, 1), date(2026, 11, 20)
    customer = record(
        both(date(2024, 3, 1), se=("-1.00", "-1.00"), length=("24.00", "23.90"), lens_state=LensState.OK_LENS),
        both(date(2025, 3, 1), se=("-1.00", "-1.00"), length=("24.10", "24.00"), lens_state=LensState.OK_LENS),
        orders=tuple(order(Eye.OD, ProductKind.OK_LENS, on) for on in (later, date(2025, 1, 1), first)),
    )
    axial, _ = pictures(customer)
    (ribbon,) = axial.ribbons
    assert axial.x_range[0] <= ribbon.start < ribbon.end <= axial.x_range[1]
    assert len(ribbon.changes) == 1  # the lens of November 2026 lies beyond the picture


def test_a_lens_dispensed_in_the_future_is_not_worn_yet() -> None:
    orders = (order(Eye.OD, ProductKind.OK_LENS, TODAY + timedelta(days=30)),)
    assert pictures(record(orders=orders))[0].ribbons == ()


def test_arrow_keys_walk_through_the_points_and_stop_at_the_ends(qtbot: QtBot, chart: EyeChart) -> None:
    axial, _ = pictures(full_record())
    chart.show_picture(axial)
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    assert chart.readout.text() == "2026-11-14 左眼 23.96 mm P59 9.2岁"
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    assert "2026-11-14 左眼" in chart.readout.text()
    for _ in axial.points:
        qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.readout.text().startswith("2023-09-02 右眼 23.12 mm")


def test_a_picture_without_points_has_nothing_to_walk_through(qtbot: QtBot, chart: EyeChart) -> None:
    chart.show_picture(pictures(record())[0])
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.readout.text() == ""


def test_only_a_point_within_reach_is_read_out(chart: EyeChart) -> None:
    axial, _ = pictures(full_record())
    chart.show_picture(axial)
    canvas = canvas_of(chart)
    place = canvas._view.mapViewToScene(QPointF(axial.points[0].x, float(axial.points[0].value)))
    assert canvas.nearest(place) is axial.points[0]
    assert canvas.nearest(place - QPointF(500, 500)) is None


def test_names_of_lines_keep_their_distance(chart: EyeChart) -> None:
    chart.show_picture(pictures(full_record())[0])
    chart.grab()  # lays out
    shown = [label for label in canvas_of(chart)._labels if label.isVisible() and label.toPlainText().startswith("P")]
    places = sorted(label.pos().y() for label in shown)
    view = canvas_of(chart)._view
    low, high = view.viewRange()[1]
    assert len(places) > 2
    assert all((after - before) / (high - low) * view.height() > 12 for before, after in pairwise(places))


def test_lines_across_the_plot_are_opaque_and_in_the_colour_of_the_theme(chart: EyeChart) -> None:
    """A translucent line takes six times as long to paint, at every step of a pan."""
    picture = pictures(record())[1]
    chart.show_picture(picture)
    image = chart.grab().toImage()
    ink = QColor(LIGHT.grid).rgb()
    wide = [y for y in range(image.height()) if sum(image.pixel(x, y) == ink for x in range(image.width())) > 200]
    assert len(wide) >= len(picture.y_ticks) - 1


def test_the_legend_takes_a_second_line_when_it_must(qtbot: QtBot, theme: Theme, words: CurveWords) -> None:
    legend = Legend(theme, words.refraction())
    qtbot.addWidget(legend)
    legend.show_picture(pictures(full_record())[1])
    assert legend.heightForWidth(900) == legend.line
    assert legend.heightForWidth(200) >= 2 * legend.line
