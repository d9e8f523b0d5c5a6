"""Why two examinations are not compared is said truly: what an OK lens does is not another method."""

from datetime import date

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Eye, LensState
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.latest import LatestSlip
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.words import Words
from tests.gui.record.records import TODAY, both, exam, eye, full_record, record

BEFORE, LATER = date(2026, 5, 1), date(2026, 11, 1)


def pair(**later: object) -> CustomerRecord:
    """Two examinations, the later one under other conditions if given."""
    first = both(BEFORE, se=("-1.00", "-1.25"), length=("23.90", "23.80"))
    return record(first, both(LATER, se=("-1.50", "-1.50"), length=("24.00", "23.90"), **later))


@pytest.mark.parametrize(
    ("customer", "said", "unsaid"),
    [
        pytest.param(full_record(), "治疗效果", "条件不同", id="both under an OK lens"),
        pytest.param(pair(lens_state=LensState.OK_LENS), "治疗效果", "条件不同", id="the later under an OK lens"),
        pytest.param(pair(cycloplegic=False), "条件不同", "治疗效果", id="other cycloplegia"),
        pytest.param(pair(), "散瞳 · 电脑验光", "不比较", id="comparable"),
    ],
)
def test_the_slip_says_why_refractions_are_not_compared(
    qtbot: QtBot, theme: Theme, customer: CustomerRecord, said: str, unsaid: str
) -> None:
    slip = LatestSlip(Words(theme))
    qtbot.addWidget(slip)
    slip.show_study(study(customer, today=TODAY).eyes)
    assert said in slip._conditions.text()
    assert unsaid not in slip._conditions.text()


@pytest.fixture
def slip(qtbot: QtBot, theme: Theme) -> LatestSlip:
    made = LatestSlip(Words(theme))
    qtbot.addWidget(made)
    return made


def derived(slip: LatestSlip, eye: Eye = Eye.OD) -> list[str]:
    return [cell.text() for cell in slip._derived._cells[eye]]


def test_what_follows_from_the_values_stands_below_them_with_its_source(slip: LatestSlip) -> None:
    slip.show_study(study(pair(), today=TODAY).eyes)
    slip.show()

    assert derived(slip) == ["−1.50", "0.00", "0.00", "43.18", "7.816", "3.07"]
    assert slip._derived.isVisible()
    tips = {cell.text(): cell.toolTip() for cell in slip._derived.findChildren(QLabel) if cell.toolTip()}
    assert "Chen 2025、Mu 2022" in tips["AL/CR"]
    assert "1.3375" in tips["平均K"]
    assert "337.5 / K" in tips["半径"]
    assert "cos 2θ" in tips["J0"]
    assert tips["3.07"] == tips["AL/CR"]


@pytest.mark.parametrize(
    ("lens", "said"),
    [(LensState.OK_LENS, "AL/CR 不算：角塑改变了角膜"), (LensState.UNKNOWN, "AL/CR 不算：不知道是否戴角塑")],
)
def test_no_ratio_is_told_of_a_cornea_that_an_ok_lens_may_shape(slip: LatestSlip, lens: LensState, said: str) -> None:
    slip.show_study(study(pair(lens_state=lens), today=TODAY).eyes)
    assert derived(slip)[-1] == "—"
    assert slip._derived._note.text() == said


def test_where_nothing_follows_there_is_no_line(slip: LatestSlip) -> None:
    slip.show_study(study(record(exam(TODAY, eye(Eye.OD, length="24.00"))), today=TODAY).eyes)
    slip.show()
    assert not slip._derived.isVisible()


def test_an_eye_that_was_not_measured_leaves_its_line_empty(slip: LatestSlip) -> None:
    slip.show_study(study(pair(), today=TODAY).eyes)
    slip.show_study(study(record(exam(TODAY, eye(Eye.OD, se="-1.00"))), today=TODAY).eyes)
    assert derived(slip)[:4] == ["−1.00", "0.00", "0.00", "—"]
    assert derived(slip, Eye.OS) == ["—"] * 6
    assert slip._derived._note.text() == ""
