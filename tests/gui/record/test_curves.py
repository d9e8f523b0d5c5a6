"""The three charts together: one time axis, folding, projection, words, and paper."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.curves.picture import Quantity
from hcrm_core.terms import Eye, LensState
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.charts.eye_chart import EyeChart
from hcrm_desktop.charts.wishes import FILE, ChartWishes, load_wishes, save_wishes
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.curves import FOLDED_FIRST, ROOMY_PX, Curves
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.words import Words
from tests.gui.record.records import TODAY, both, full_record, record

Make = Callable[..., Curves]


@pytest.fixture
def make(qtbot: QtBot, theme: Theme, tasks: Tasks, tmp_path: Path) -> Iterator[Make]:
    def made(customer: CustomerRecord | None = None, *, height: int = ROOMY_PX) -> Curves:
        curves = Curves(tasks, theme, Words(theme), folder=tmp_path)
        qtbot.addWidget(curves)
        theme.dress(curves)
        curves.resize(760, height)
        curves.show()
        show(qtbot, curves, customer or full_record())
        return curves

    yield made
    theme.choose("light")


def show(qtbot: QtBot, curves: Curves, customer: CustomerRecord) -> None:
    curves.show_study(study(customer, today=TODAY).eyes)
    qtbot.waitUntil(lambda: not curves.is_drawing)
    curves.grab()


def windows(curves: Curves) -> set[tuple[float, float]]:
    return {chart._window for chart in curves.charts.values()}


def plot(chart: EyeChart) -> QWidget:
    assert chart._canvas is not None
    viewport: QWidget = chart._canvas.widget.viewport()
    return viewport


def text(curves: Curves) -> str:
    return curves._text.toPlainText()


def test_three_charts_stand_on_one_time_axis(make: Make) -> None:
    curves = make()

    assert list(curves.charts) == [Quantity.AXIAL_LENGTH, Quantity.REFRACTION, Quantity.GROWTH_RATE]
    assert len(windows(curves)) == 1


def test_a_chart_that_is_moved_takes_the_others_with_it_and_zero_resets(qtbot: QtBot, make: Make) -> None:
    curves = make()
    (before,) = windows(curves)

    qtbot.keyClick(curves.refraction, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(curves.refraction, Qt.Key.Key_Plus)

    (moved,) = windows(curves)
    assert moved[1] - moved[0] < before[1] - before[0]
    assert moved[1] < before[1]
    qtbot.keyClick(curves.axial, Qt.Key.Key_0)
    assert windows(curves) == {before}


def test_a_double_click_shows_everything_again(qtbot: QtBot, make: Make) -> None:
    curves = make()
    (before,) = windows(curves)
    curves.axial.zoom(0.5, around=before[0])

    qtbot.mouseDClick(plot(curves.axial), Qt.MouseButton.LeftButton)

    assert windows(curves) == {before}


def test_a_drag_moves_the_charts(qtbot: QtBot, make: Make) -> None:
    curves = make()
    (before,) = windows(curves)
    there = plot(curves.axial)

    qtbot.mousePress(there, Qt.MouseButton.LeftButton, pos=QPoint(200, 40))
    qtbot.mouseMove(there, QPoint(260, 40))
    QTest.mouseRelease(there, Qt.MouseButton.LeftButton, pos=QPoint(260, 40))

    (moved,) = windows(curves)
    assert moved[0] < before[0]
    assert moved[1] - moved[0] == pytest.approx(before[1] - before[0])


def wheel(target: QWidget, *, held: Qt.KeyboardModifier) -> None:
    event = QWheelEvent(
        QPointF(200, 40),
        QPointF(200, 40),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        held,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, event)


@pytest.mark.parametrize(
    ("focused", "control", "zooms"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_a_wheel_scrolls_the_page_until_the_chart_is_meant(
    make: Make,
    focused: bool,  # noqa: FBT001
    control: bool,  # noqa: FBT001
    zooms: bool,  # noqa: FBT001
) -> None:
    curves = make()
    (before,) = windows(curves)
    (curves.axial if focused else curves._print_button).setFocus()

    held = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    wheel(plot(curves.axial), held=held)

    assert (windows(curves) != {before}) is zooms


def test_nothing_is_moved_or_zoomed_out_of_reach(make: Make) -> None:
    curves = make()
    (before,) = windows(curves)
    span = before[1] - before[0]

    curves.axial.pan(100 * span)
    curves.axial.zoom(0.0001, around=before[0])
    curves.axial.pan(-100 * span)

    (far,) = windows(curves)
    assert far[0] >= before[0] - span - 1e-9
    assert far[1] - far[0] == pytest.approx(0.5)


def test_the_point_read_out_comes_into_sight(qtbot: QtBot, make: Make) -> None:
    curves = make()
    first = curves.axial._picture.points[0] if curves.axial._picture else None
    assert first is not None
    curves.axial.zoom(0.2, around=first.x + 3)

    with qtbot.waitSignal(curves.pointed):
        for _ in range(40):
            qtbot.keyClick(curves.axial, Qt.Key.Key_Left)

    (window,) = windows(curves)
    assert window[0] <= first.x <= window[1]
    assert curves.axial.readout.text().startswith("2023-09-02 右眼 23.12 mm")


def test_a_touch_reads_a_point_out(qtbot: QtBot, make: Make) -> None:
    curves = make()
    canvas = curves.axial._canvas
    assert canvas is not None
    assert curves.axial._picture is not None
    point = curves.axial._picture.points[4]
    scene = canvas._view.mapViewToScene(QPointF(point.x, float(point.value)))

    qtbot.mouseClick(plot(curves.axial), Qt.MouseButton.LeftButton, pos=canvas.widget.mapFromScene(scene))

    assert f"{point.value:.2f} mm" in curves.axial.readout.text()


# ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_low_window_opens_the_first_chart_alone_and_a_high_one_all(make: Make) -> None:
    low, high = make(height=ROOMY_PX - 1), make(height=ROOMY_PX)

    assert tuple(one for one, chart in low.charts.items() if chart.is_folded) == FOLDED_FIRST
    assert not [chart for chart in high.charts.values() if chart.is_folded]


def test_what_a_person_folds_stays_folded(make: Make, tmp_path: Path) -> None:
    curves = make()
    assert not (tmp_path / FILE).exists(), "nobody wished anything yet"

    curves.refraction.fold_button.click()

    assert make().refraction.is_folded
    assert not make().rate.is_folded


def test_a_folded_chart_is_drawn_when_it_is_unfolded(make: Make) -> None:
    curves = make(height=500)
    assert curves.refraction.height() <= curves.refraction.head_height + 2

    curves.refraction.fold_button.click()

    assert "2026-11-14" in curves.refraction.accessibleDescription()


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"projected": "third", "folded": []}', '{"projected": null}'])
def test_damaged_wishes_do_not_stop_the_work(tmp_path: Path, kept: str) -> None:
    (tmp_path / FILE).write_text(kept, encoding="utf-8")

    assert load_wishes(tmp_path) == ChartWishes()


def test_wishes_are_kept_and_hold_nothing_of_a_patient(tmp_path: Path) -> None:
    wishes = ChartWishes(projected=Eye.OS, folded=(Quantity.GROWTH_RATE,))

    save_wishes(tmp_path, wishes=wishes)

    assert load_wishes(tmp_path) == wishes
    assert json.loads((tmp_path / FILE).read_text()) == {"projected": "OS", "folded": ["growth_rate"]}


# ── projection ───────────────────────────────────────────────────────────────────────────────────────────────


def choose(curves: Curves, row: int) -> None:
    curves._projection.setCurrentIndex(row)
    curves._projection.activated.emit(row)


def test_no_projection_is_shown_until_somebody_asks_and_then_for_one_eye(qtbot: QtBot, make: Make) -> None:
    curves = make()
    assert curves.axial._picture is not None
    assert not curves.axial._picture.fans

    choose(curves, 2)
    qtbot.waitUntil(lambda: not curves.is_drawing)

    assert {fan.eye for fan in curves.axial._picture.fans} == {Eye.OS}
    assert len(windows(curves)) == 1
    assert "预测是范围，不是定数" in " ".join(curves.axial._legend.texts)
    assert load_wishes(curves._folder or Path()).projected is Eye.OS


def test_a_projection_in_words_is_two_bounds_and_never_one_number(qtbot: QtBot, make: Make) -> None:
    curves = make()

    choose(curves, 1)
    qtbot.waitUntil(lambda: not curves.is_drawing)

    lines = [line for line in curves._told.told(curves._pictures[Quantity.AXIAL_LENGTH]).splitlines() if "岁在" in line]
    assert lines
    assert all("–" in line and "之间" in line for line in lines)


# ── words and paper ──────────────────────────────────────────────────────────────────────────────────────────


def test_growth_stands_beside_the_mean_in_words(make: Make) -> None:
    sentence = make()._sentence.text()

    assert "右眼" in sentence
    assert "眼轴增长 0.22 mm（同龄近视儿童平均 " in sentence


def test_too_early_to_judge_is_said(make: Make) -> None:
    days = (date(2026, 8, 1), date(2026, 11, 1))
    curves = make(record(*(both(day, se=("-1.00", "-1.00"), length=("24.00", "23.90")) for day in days)))

    assert "间隔不足 150 天" in curves._sentence.text()


def test_the_text_tells_all_charts_to_those_who_cannot_see_them(qtbot: QtBot, make: Make) -> None:
    curves = make()

    qtbot.mouseClick(curves._text_button, Qt.MouseButton.LeftButton)

    assert curves._text.isVisible()
    assert curves._text.hasFocus()
    for part in (
        "眼轴 (mm)",
        "等效球镜 (D)",
        "眼轴增长速度 (mm/年)",
        "2025-05-10 散瞳",
        "戴角塑，不比较",
        "Wuhan 2022",
    ):
        assert part in text(curves), part


def test_a_change_of_device_is_told_with_its_name(make: Make) -> None:
    exams = [
        both(day, se=("-1.00", "-1.00"), length=("24.00", "23.90"), device=device, lens_state=LensState.NONE)
        for day, device in ((date(2025, 8, 1), "IOLMaster"), (date(2026, 8, 1), "Lenstar"))
    ]

    assert "2026-08-01 换设备 Lenstar" in text(make(record(*exams)))


def test_what_is_shown_goes_on_paper_as_vectors(qtbot: QtBot, make: Make, tmp_path: Path) -> None:
    curves, path = make(), tmp_path / "curves.pdf"

    with qtbot.waitSignal(curves.said) as said:
        curves.print_to(str(path))

    written = path.read_bytes()
    assert said.args == ["已导出：curves.pdf"]
    assert written.startswith(b"%PDF-")
    assert b"/Subtype /Image" not in written
    assert b"/FontFile" in written


def test_a_place_that_cannot_be_written_is_told_in_words(qtbot: QtBot, make: Make, tmp_path: Path) -> None:
    curves = make()

    with qtbot.waitSignal(curves.said) as said:
        curves.print_to(str(tmp_path / "missing" / "curves.pdf"))

    assert said.args is not None
    assert "写不进去" in said.args[0]


@pytest.mark.parametrize("size", [(600, 420), (780, 560), (1280, 940)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_and_something_is_drawn(theme: Theme, make: Make, size: tuple[int, int], scheme: str) -> None:
    curves = make(height=size[1])
    theme.choose(scheme)
    curves.resize(*size)
    image = curves.grab().toImage()

    assert colours(image) > 8
    cut = [one.text() for one in curves.findChildren(QLabel) if one.isVisible() and one.text() and is_cut(one)]
    assert cut == []


def is_cut(label: QLabel) -> bool:
    if label.wordWrap():
        return label.heightForWidth(label.width()) > label.height() + 1
    return label.sizeHint().width() > label.width() + 1


def colours(image: QImage) -> int:
    small = image.scaled(120, 80)
    return len({small.pixel(x, y) for x in range(small.width()) for y in range(small.height())})
