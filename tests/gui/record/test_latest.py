"""Why two examinations are not compared is said truly: what an OK lens does is not another method."""

from datetime import date

import pytest
from pytestqt.qtbot import QtBot

from hcrm_core.terms import LensState
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.record.latest import LatestSlip
from hcrm_desktop.views.record.study import study
from hcrm_desktop.views.words import Words
from tests.gui.record.records import TODAY, both, full_record, record

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
