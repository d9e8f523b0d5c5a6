"""The display for child and parents: one child, first name only, whatever the screen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.curves.picture import Quantity
from hcrm_core.facts.growth import Growth
from hcrm_core.study import Pace
from hcrm_core.terms import Eye, Role
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.education import education
from hcrm_desktop.theme import LIGHT, Theme
from hcrm_desktop.views.display.defocus import blurred, circle_px, classroom
from hcrm_desktop.views.display.drawings import RateBars
from hcrm_desktop.views.display.pages import CurvesPage, SightPage
from hcrm_desktop.views.display.strip import DisplayStrip
from hcrm_desktop.views.display.telling import Sentences, Telling, telling, uncorrected
from hcrm_desktop.views.display.window import DisplayWindow
from hcrm_desktop.views.display.wishes import DisplayWishes, chosen, load_wishes, save_wishes
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.words import Words
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY
from tests.gui.record.filling import add_child
from tests.gui.record.records import both, full_record, header, record

LANDSCAPE, PORTRAIT, LAPTOP, LARGER = QSize(1920, 1080), QSize(1080, 1920), QSize(1366, 768), QSize(1280, 720)
SCREENS = [LANDSCAPE, PORTRAIT, LAPTOP, LARGER]  # the last: 1080p at 150 %
CANARIES = (
    "阚宜宁",
    "13800138999",
    "阚守仁",
    "育才小学",
    "请先打给奶奶",
    "周验光",
    "李医助",
    "阚子轩",
    "妈妈周六有空",
    "6800",
)


def child(**values: object) -> CustomerRecord:
    """A child whose record is full of what the display must not know."""
    full = full_record()
    head = header(
        name="阚宜宁",
        phone="13800138999",
        guardian_name="阚守仁",
        note="请先打给奶奶",
        **values,
    )
    siblings = ((head.siblings[0][0], "阚子轩"),)
    exams = tuple(replace(exam, note="请先打给奶奶") for exam in full.exams)
    return replace(full, header=replace(head, siblings=siblings), exams=exams)


def told(customer: CustomerRecord | None = None) -> Telling:
    return telling(study(customer or child(), today=TODAY))


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> Iterator[DisplayWindow]:
    made = DisplayWindow(education(), Words(theme), parent=None, idle_minutes=3)
    qtbot.addWidget(made)
    yield made
    made.close()


def show(window: DisplayWindow, size: QSize = LANDSCAPE, customer: CustomerRecord | None = None) -> None:
    window.resize(size)
    window.show()
    window.tell(told(customer))
    QApplication.processEvents()


def texts(root: QWidget) -> list[str]:
    """Everything that is written, said to a screen reader, or shown in a tip."""
    found = [root.windowTitle()]
    for widget in [root, *root.findChildren(QWidget)]:
        found += [widget.accessibleName(), widget.accessibleDescription(), widget.toolTip(), widget.statusTip()]
        if isinstance(widget, QLabel | QAbstractButton):
            found.append(widget.text())
        if isinstance(widget, RateBars):
            found += [text for _, name, value, _ in widget.rows for text in (name, value)]
    return found


def page_texts(window: DisplayWindow, number: int) -> str:
    window.go(number)
    return "\n".join(texts(window.pages[number]))


# ── whose data ───────────────────────────────────────────────────────────────────────────────────────────────


def test_no_page_knows_a_surname_a_phone_a_note_or_anybody_else(window: DisplayWindow) -> None:
    show(window)

    written = "\n".join(texts(window))

    assert "宜宁的故事" in written
    assert [canary for canary in CANARIES if canary in written] == []
    assert "阚" not in written


def test_a_child_whose_given_name_cannot_be_told_is_called_a_child(window: DisplayWindow) -> None:
    show(window, customer=replace(child(), header=replace(child().header, name="某")))

    assert "小朋友的故事" in page_texts(window, 0)


def test_the_neutral_screen_keeps_nothing_of_the_child(window: DisplayWindow) -> None:
    show(window)
    window.blank()
    QApplication.sendPostedEvents(None, 52)  # deferred deletions

    assert not window.tells
    assert "宜宁" not in "\n".join(texts(window))
    assert window.findChildren(CurvesPage) == []
    assert "城北院区" in "\n".join(texts(window))


def test_after_a_pause_the_display_turns_neutral(qtbot: QtBot, window: DisplayWindow) -> None:
    show(window)
    window._idle.setInterval(0)
    with qtbot.waitSignal(window.turned):
        window._idle.start()

    assert not window.tells


def test_the_pause_is_as_long_as_wished(window: DisplayWindow) -> None:
    window.wait_for(5)

    assert window._idle.interval() == 5 * 60_000


# ── every screen ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SCREENS, ids=lambda size: f"{size.width()}x{size.height()}")
def test_nothing_written_is_cut_off(window: DisplayWindow, size: QSize) -> None:
    show(window, size)

    for number in range(len(window.pages)):
        window.go(number)
        QApplication.processEvents()
        assert clipped(window.pages[number]) == []
        assert window.width() == size.width()


def clipped(root: QWidget) -> list[str]:
    """Labels with less room than their text needs, and what sticks out at the side of a page that is moved."""
    shown = [label for label in root.findChildren(QLabel) if label.isVisible() and label.text()]
    cut = [label.text() for label in shown if label.wordWrap() and label.height() < label.heightForWidth(label.width())]
    insides = [(area.widget(), area.viewport()) for area in root.findChildren(QScrollArea) if area.isVisible()]
    return cut + ["wide" for inside, seen in insides if inside is not None and inside.width() > seen.width()]


@pytest.mark.parametrize("size", SCREENS, ids=lambda size: f"{size.width()}x{size.height()}")
def test_what_is_touched_is_large_enough_for_a_finger(window: DisplayWindow, size: QSize) -> None:
    show(window, size)
    for number in range(len(window.pages)):
        window.go(number)
        buttons = [one for one in window.findChildren(QAbstractButton) if one.isVisible() and one.text()]
        assert all(min(one.width(), one.height()) >= 44 for one in buttons)


def test_at_full_hd_no_text_is_smaller_than_20_px(window: DisplayWindow) -> None:
    show(window)

    assert window.theme.tokens.size_small == 20
    for number in range(len(window.pages)):
        window.go(number)
        QApplication.processEvents()
        shown = [label for label in window.findChildren(QLabel) if label.isVisible() and label.text()]
        assert [label.text() for label in shown if label.fontInfo().pixelSize() < 20] == []


def test_cards_lie_below_each_other_on_an_upright_screen(window: DisplayWindow) -> None:
    show(window, PORTRAIT)
    window.go(4)
    QApplication.processEvents()
    page = window.pages[4]
    titles = {card.title for card in education().cards}
    cards = [label for label in page.findChildren(QLabel) if label.text() in titles]

    assert len({label.mapTo(page, QPoint(0, 0)).x() for label in cards}) == 1


def test_the_display_is_light_though_the_workstation_is_dark(window: DisplayWindow, theme: Theme) -> None:
    theme.choose("dark")
    show(window)
    theme.choose("light")

    assert window.theme.tokens.bg == LIGHT.bg
    assert window.grab().toImage().pixelColor(3, 3) == QColor(LIGHT.bg)


# ── turning pages ────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_and_a_swipe_turn_the_page(window: DisplayWindow) -> None:
    show(window)
    QTest.keyClick(window, Qt.Key.Key_PageDown)
    assert window.place.startswith("2 / 6")

    QTest.mousePress(window, Qt.MouseButton.LeftButton, pos=QPoint(900, 12))
    QTest.mouseRelease(window, Qt.MouseButton.LeftButton, pos=QPoint(700, 12))
    assert window.place.startswith("3 / 6")

    QTest.mousePress(window, Qt.MouseButton.LeftButton, pos=QPoint(900, 12))
    QTest.mouseRelease(window, Qt.MouseButton.LeftButton, pos=QPoint(860, 12))
    assert window.place.startswith("3 / 6")


def test_a_finger_on_a_card_turns_the_page_sideways_and_moves_a_long_one_up(window: DisplayWindow) -> None:
    show(window, LAPTOP)
    window.go(4)
    QApplication.processEvents()
    area = window.pages[4].findChildren(QScrollArea)[0]
    label = area.findChildren(QLabel)[0]
    start = label.rect().center()

    QTest.mousePress(label, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(label, start - QPoint(0, 60))
    QTest.mouseRelease(label, Qt.MouseButton.LeftButton, pos=start - QPoint(0, 60))
    assert area.verticalScrollBar().value() > 0
    assert window.place.startswith("5 / 6")

    QTest.mousePress(label, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseRelease(label, Qt.MouseButton.LeftButton, pos=start - QPoint(200, 0))
    assert window.place.startswith("6 / 6")


def test_beyond_the_last_page_nothing_happens(window: DisplayWindow) -> None:
    show(window)
    window.go(5)
    window.on()

    assert window.place.startswith("6 / 6")


def test_a_key_blanks_at_once_and_escape_closes(window: DisplayWindow) -> None:
    show(window)
    QTest.keyClick(window, Qt.Key.Key_F8)
    assert not window.tells

    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_story_tells_growth_beside_the_mean_without_alarm(window: DisplayWindow) -> None:
    show(window)
    story = page_texts(window, 0)

    assert "第一次检查：2023年9月2日，那时 5 岁 11 个月" in story
    assert "2024年3月起：单光眼镜" in story
    assert "2025年5月起：角膜塑形镜" in story
    assert "右眼：2026年5月到2026年11月，眼轴长了 0.22 mm。同龄近视孩子同样这么久平均长" in story
    assert "过快" not in "\n".join(texts(window))


@pytest.mark.parametrize(
    ("pace", "change", "said"),
    [
        (Pace.STEADY, "0.06", "基本没有变化"),
        (Pace.FAST, "0.30", "长了 0.30 mm"),
        (Pace.SUSPECT, "-0.11", "再测一次"),
    ],
)
def test_each_pace_has_its_plain_words(pace: Pace, change: str, said: str) -> None:
    whole = told()
    verdict = whole.eyes.axial_verdicts[Eye.OD]
    growth = replace(verdict.growth, change=Decimal(change))
    verdicts = {**whole.eyes.axial_verdicts, Eye.OD: replace(verdict, growth=growth, pace=pace)}

    sentence = Sentences(education(), replace(whole, eyes=replace(whole.eyes, axial_verdicts=verdicts))).growth()[0]

    assert said in sentence


def test_a_growth_that_cannot_be_told_yet_is_said_to_be_early() -> None:
    whole = told(record(both(date(2026, 10, 1), se=("-1.00", "-1.00"), length=("24.00", "24.00"))))

    assert whole.eyes.axial_verdicts[Eye.OD].growth.refusal is not None
    assert Growth().change is None
    assert "下次检查以后再比较" in Sentences(education(), whole).growth()[0]


@pytest.mark.parametrize(
    ("days", "said", "far"),
    [(None, "还没有约", ""), (-1, "另约一个时间", ""), (0, "下次检查", "就是今天"), (1, "下次检查", "还有 1 天")],
)
def test_the_next_visit_is_told_as_it_lies(days: int | None, said: str, far: str) -> None:
    next_on = None if days is None else TODAY + timedelta(days=days)
    say = Sentences(education(), replace(told(), next_on=next_on))

    assert said in say.next_visit()
    assert say.days_until() == far


def test_options_stand_with_absolute_numbers_and_their_sources(window: DisplayWindow) -> None:
    show(window)
    options = page_texts(window, 4)

    assert "研究里 12–24 个月，眼轴比对照组少长 0.18–0.35 mm" in options
    assert "香港，24 个月：0.34 mm（Lam 2020. BJO 104:363 (PMC7041503)）" in options
    assert not any(word in options for word in ("最好", "最佳", "元", "%的效果", "优于"))


def test_a_lens_wearer_is_asked_for_lens_and_case(window: DisplayWindow) -> None:
    show(window)
    assert "塑形镜、镜盒和护理液" in page_texts(window, 5)


def test_a_record_without_an_examination_has_all_pages(window: DisplayWindow) -> None:
    show(window, customer=record())

    assert len(window.pages) == 6
    assert "今天是第一次认识" in page_texts(window, 0)
    assert clipped(window.pages[0]) == []


# ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_blur_circle_is_pupil_times_defocus() -> None:
    assert circle_px(-3.0, width=960) == pytest.approx(22.0, abs=0.01)  # 0.012 rad of a field of 30°
    assert circle_px(0.0, width=960) == 0
    assert circle_px(2.0, width=960) == 0  # who is far-sighted may accommodate


def test_more_diopters_leave_less_contrast() -> None:
    scene = classroom(education().board)

    assert contrast(scene) > contrast(blurred(scene, diopters=-1)) > contrast(blurred(scene, diopters=-4))
    assert blurred(scene, diopters=0) == scene


def contrast(scene: QImage) -> int:
    """How much neighbours differ along a line through the board."""
    line = [scene.pixelColor(x, 105).lightness() for x in range(210, 870)]
    return sum(abs(one - other) for one, other in pairwise(line))


def test_the_simulation_starts_at_the_eye_that_sees_better(window: DisplayWindow) -> None:
    customer = record(both(date(2026, 10, 1), se=("-3.00", "-2.00"), length=("24.00", "24.00")))
    show(window, customer=customer)
    page = window.pages[3]

    assert isinstance(page, SightPage)
    assert page.slider.value() == 8
    assert "近视 200 度（−2.00 D）" in page_texts(window, 3)


def test_a_refraction_under_a_shaping_lens_is_no_uncorrected_one(window: DisplayWindow) -> None:
    show(window)  # wears OK lenses

    assert uncorrected(told().eyes) is None
    assert "度数是镜片的效果" in page_texts(window, 3)


def test_the_chart_shows_the_picture_of_the_record_and_one_fan_at_a_time(window: DisplayWindow) -> None:
    show(window)
    window.go(1)
    page = window.pages[1]
    assert isinstance(page, CurvesPage)

    page.show_quantity(Quantity.REFRACTION)

    assert page.charts[Quantity.REFRACTION].isVisible()
    assert not page.charts[Quantity.AXIAL_LENGTH].isVisible()


# ── in step with the record ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def page(qtbot: QtBot, desk_for: DeskFor, workspace: Workspace) -> Iterator[RecordPage]:
    desk = desk_for(Role.OPTOMETRIST)
    made = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words, folder=desk.profile)
    desk.theme.dress(made)
    qtbot.addWidget(made)
    made.resize(1182, 720)
    made.show()
    yield made
    made.display.put_away()


def open_child(qtbot: QtBot, page: RecordPage, workspace: Workspace, *, name: str) -> None:
    page.show_customer(add_child(workspace, name=name))
    page.activateWindow()
    page.setFocus()
    qtbot.waitUntil(page.isActiveWindow)
    qtbot.waitUntil(lambda: name in "\n".join(label.text() for label in page.findChildren(QLabel)))


def test_f9_shows_the_child_and_the_strip_says_which_page(qtbot: QtBot, page: RecordPage, workspace: Workspace) -> None:
    open_child(qtbot, page, workspace, name="王欣怡")
    QTest.keyClick(page, Qt.Key.Key_F9)

    display = page.display.display
    assert display is not None
    assert display.tells
    assert "展示屏：1 / 6  欣怡的故事" in strip_text(page.display)

    press(page.display, "下一页")
    assert display.place.startswith("2 / 6")
    assert "2 / 6" in strip_text(page.display)


def test_the_point_that_is_read_out_in_the_record_is_ringed_on_the_display(
    qtbot: QtBot, page: RecordPage, workspace: Workspace
) -> None:
    open_child(qtbot, page, workspace, name="王欣怡")
    QTest.keyClick(page, Qt.Key.Key_F9)
    display, shown = page.display.display, page.study()
    assert display is not None
    assert shown is not None
    display.go(1)
    point = shown.eyes.axial.points[-1]

    page._curves.pointed.emit(point)

    curves = display.pages[1]
    assert isinstance(curves, CurvesPage)
    assert "24.20 mm" in curves.charts[Quantity.AXIAL_LENGTH].readout.text()


def test_another_child_is_not_shown_until_f9(qtbot: QtBot, page: RecordPage, workspace: Workspace) -> None:
    open_child(qtbot, page, workspace, name="王欣怡")
    QTest.keyClick(page, Qt.Key.Key_F9)
    display = page.display.display
    assert display is not None

    open_child(qtbot, page, workspace, name="赵晨曦")

    assert not display.tells
    QTest.keyClick(page, Qt.Key.Key_F9)
    assert "晨曦的故事" in "\n".join(texts(display))
    assert "欣怡" not in "\n".join(texts(display))


def test_leaving_the_record_turns_the_display_neutral(qtbot: QtBot, page: RecordPage, workspace: Workspace) -> None:
    open_child(qtbot, page, workspace, name="王欣怡")
    QTest.keyClick(page, Qt.Key.Key_F9)
    display = page.display.display
    assert display is not None

    page.hide()

    assert not display.tells


def test_a_closed_display_takes_its_strip_along(qtbot: QtBot, page: RecordPage, workspace: Workspace) -> None:
    open_child(qtbot, page, workspace, name="王欣怡")
    QTest.keyClick(page, Qt.Key.Key_F9)

    press(page.display, "关闭展示")

    assert page.display.display is None
    assert page.display.isHidden()


def test_the_display_closes_when_its_screen_is_unplugged(qtbot: QtBot, page: RecordPage, workspace: Workspace) -> None:
    open_child(qtbot, page, workspace, name="王欣怡")
    QTest.keyClick(page, Qt.Key.Key_F9)

    page.display._on_screen_removed(page.screen())

    assert page.display.display is None


def test_on_the_only_screen_escape_gives_the_record_back(qtbot: QtBot, page: RecordPage, workspace: Workspace) -> None:
    open_child(qtbot, page, workspace, name="王欣怡")
    QTest.keyClick(page, Qt.Key.Key_F9)
    display = page.display.display
    assert display is not None
    assert display.isFullScreen()
    qtbot.waitUntil(display.isActiveWindow)

    QTest.keyClick(display, Qt.Key.Key_Escape)

    assert page.display.display is None
    assert page.isVisible()


def test_the_menu_offers_every_screen_and_pause_and_keeps_the_choice(page: RecordPage, workspace: Workspace) -> None:
    page.display._fill_menu()
    entries = [action.text() for action in page.display._menu.actions() if action.text()]
    assert len(entries) == len(QApplication.screens()) + 4

    page.display._menu.actions()[-1].trigger()

    assert load_wishes(workspace.folder).idle_minutes == 10


def strip_text(strip: DisplayStrip) -> str:
    return "\n".join(label.text() for label in strip.findChildren(QLabel) if label.parent() is strip)


def press(strip: DisplayStrip, text: str) -> None:
    next(one for one in strip.findChildren(QAbstractButton) if one.text() == text).click()


# ── where ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_display_takes_the_wished_screen_then_another_then_its_own() -> None:
    assert chosen(["A", "B", "C"], own="A", wished="C") == "C"
    assert chosen(["A", "B"], own="A", wished="gone") == "B"
    assert chosen(["A"], own="A", wished="") == "A"


def test_every_clinical_card_names_its_sources() -> None:
    say = Sentences(education(), told())

    assert all(say.evidence(card)[1] for card in education().cards)


def test_screen_and_pause_are_remembered(tmp_path: Path) -> None:
    save_wishes(tmp_path, wishes=DisplayWishes(screen="B", idle_minutes=10))

    assert load_wishes(tmp_path) == DisplayWishes(screen="B", idle_minutes=10)
    (tmp_path / "display.json").write_text("{", encoding="utf-8")
    assert load_wishes(tmp_path) == DisplayWishes()
    assert load_wishes(None) == DisplayWishes()
