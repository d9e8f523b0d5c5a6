"""The curves: what is drawn, what is read out, and what stands for them in words."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Eye
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.curves import Curves
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.words import Words
from tests.gui.record.records import TODAY, exam, eye, full_record, header, record

Show = Callable[[CustomerRecord], Curves]


@pytest.fixture
def show(qtbot: QtBot, theme: Theme, tasks: Tasks, tmp_path: Path) -> Iterator[Show]:
    curves = Curves(tasks, theme, Words(theme), folder=tmp_path)
    qtbot.addWidget(curves)
    curves.resize(760, 920)
    curves.show()

    def shown(customer: CustomerRecord) -> Curves:
        curves.show_study(study(customer, today=TODAY).eyes)
        # The first time each chart is made in a turn of its own.
        qtbot.waitUntil(lambda: bool(curves.refraction.accessibleDescription()))
        curves.grab()  # painted now, so that a fault in drawing fails here
        return curves

    yield shown
    theme.choose("light")


def test_a_chart_is_told_in_words_for_those_who_cannot_see_it(show: Show) -> None:
    axial = show(full_record()).axial

    assert axial.accessibleName() == "眼轴 (mm)"
    assert "2026-11-14 右眼 24.25 mm P" in axial.accessibleDescription()
    assert "Wuhan 2022 v1" in axial.accessibleDescription()


def test_refraction_under_an_ok_lens_says_so_in_words(show: Show) -> None:
    assert (
        "2026-11-14 右眼 0.00 D 9.2岁 未散瞳 电脑验光 戴角塑，不比较"
        in show(full_record()).refraction.accessibleDescription()
    )


def test_arrow_keys_walk_through_the_values(qtbot: QtBot, show: Show) -> None:
    axial = show(full_record()).axial

    qtbot.keyClick(axial, Qt.Key.Key_Left)
    last = axial.readout.text()
    qtbot.keyClick(axial, Qt.Key.Key_Left)

    assert last.startswith("2026-11-14 左眼 23.96 mm")
    assert axial.readout.text().startswith("2026-11-14 右眼 24.25 mm")


def test_one_chart_shows_one_child_after_another_whatever_there_is(show: Show) -> None:
    one = exam(TODAY, eye(Eye.OD, length="24.00"))
    for customer in (full_record(), record(), record(one), record(one, header=header(sex=None)), full_record()):
        curves = show(customer)

    assert "24.25" in curves.axial.accessibleDescription()


def test_a_chart_without_values_says_what_is_missing(show: Show) -> None:
    curves = show(record())

    assert "还没有数据" in curves.axial.accessibleDescription()
    assert "还没有数据" in curves.refraction.accessibleDescription()


def test_a_single_examination_shows_no_change(show: Show) -> None:
    curves = show(record(exam(TODAY, eye(Eye.OD, se="-1.00", length="24.00"))))

    assert "只有一次检查" in curves.axial.accessibleDescription()


@pytest.mark.parametrize(("sex", "reason"), [(None, "性别未知")])
def test_missing_percentiles_are_explained(show: Show, sex: None, reason: str) -> None:
    curves = show(record(exam(TODAY, eye(Eye.OD, length="24.00")), header=header(sex=sex)))

    assert reason in curves.axial.accessibleDescription()


def test_another_theme_draws_the_same_values(show: Show, theme: Theme) -> None:
    curves = show(full_record())
    before = curves.axial.accessibleDescription()

    theme.choose("dark")
    curves.grab()

    assert curves.axial.accessibleDescription() == before
