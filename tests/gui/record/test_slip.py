"""录入检查 by keyboard: units understood, problems beside the field, nothing lost."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Eye, LensState, RefractionMethod, Role
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.rows import CustomerRecord, Delivery
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.views.exam_entry.slip import ExamSlip, draft_key
from hcrm_desktop.views.record.study import study
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY, open_clinic, put
from tests.gui.record.filling import add_child, exam_rows

RIGHT = ("0.3", "1.0", "-3.25", "-0.50", "175", "24.31", "42.87", "43.50", "15", "548")
LEFT = ("0.4", "1.0", "300度", "-0.25", "5", "24.22", "42.75", "43.25", "16", "550")
KEYS_A_SLIP = 110  # half a minute at four keys a second


@pytest.fixture
def customer_id(workspace: Workspace) -> UUID:
    open_clinic(workspace, Role.OPTOMETRIST)
    return add_child(workspace)


OpenSlip = Callable[[], ExamSlip]


@pytest.fixture
def open_slip(qtbot: QtBot, workspace: Workspace, customer_id: UUID, desk_for: DeskFor) -> OpenSlip:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()

    def make() -> ExamSlip:
        desk = desk_for(Role.OPTOMETRIST)
        record = stored(workspace, customer_id)
        with workspace.read() as session:
            draft = queries.draft(session, draft_key(record))
        shown = study(record, today=TODAY)
        slip = ExamSlip(desk.tasks, desk.theme, desk.words, shown, draft=draft, parent=window)
        slip.open()
        qtbot.waitUntil(slip.isActiveWindow)
        return slip

    return make


def stored(workspace: Workspace, customer_id: UUID) -> CustomerRecord:
    with workspace.read() as session:
        found = queries.customer_record(session, customer_id, today=TODAY)
    assert found is not None
    return found


def kept(workspace: Workspace, customer_id: UUID) -> object:
    with workspace.read() as session:
        return queries.draft(session, draft_key(stored(workspace, customer_id)))


class Typist:
    """Types where the focus is, and counts."""

    def __init__(self) -> None:
        self.keys = 0

    def type(self, text: str) -> None:
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClicks(focus, text)
        self.keys += len(text)

    def enter(self, times: int = 1) -> None:
        for _ in range(times):
            focus = QApplication.focusWidget()
            assert focus is not None
            QTest.keyClick(focus, Qt.Key.Key_Return)
            self.keys += 1

    def save(self, slip: ExamSlip) -> None:
        QTest.keyClick(slip, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        self.keys += 1


def says(slip: ExamSlip) -> str:
    return "\n".join(label.text() for label in slip.findChildren(QLabel) if label.isVisible())


def test_both_eyes_are_entered_by_keyboard_in_half_a_minute(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    slip, typist = open_slip(), Typist()
    typist.type("1")  # 散瞳
    typist.enter()
    typist.enter(3)  # method, device and lens state stand as last time; days without lens do not apply
    for text in (*RIGHT, *LEFT):
        if text == "300度":
            QApplication.focusWidget().setText(text)  # type: ignore[union-attr] # keyClicks types no Chinese
            typist.keys += len(text)
        else:
            typist.type(text)
        typist.enter()

    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)

    entered = stored(workspace, customer_id).exams[-1]
    assert (entered.examined_on, entered.cycloplegic, entered.device) == (TODAY, True, "ARK-1")
    assert entered.method is RefractionMethod.AUTOREFRACTION
    assert entered.delivery is Delivery.LOCAL
    assert entered.od is not None
    assert entered.os is not None
    assert (entered.od.ucva, entered.od.sphere, entered.od.axial_length_mm) == (
        Decimal("4.5"),
        Decimal("-3.25"),
        Decimal("24.31"),
    )
    assert (entered.os.sphere, entered.os.axis, entered.os.cct_um) == (Decimal("-3.00"), 5, 550)
    assert typist.keys <= KEYS_A_SLIP
    qtbot.waitUntil(lambda: kept(workspace, customer_id) is None)


def test_enter_goes_down_the_right_eye_then_down_the_left(open_slip: OpenSlip) -> None:
    slip = open_slip()
    fields = slip._grid.fields()
    fields[0].setFocus()
    typist = Typist()

    passed = []
    for _ in fields:
        focus = QApplication.focusWidget()
        assert focus is not None
        passed.append(focus.accessibleName())
        typist.enter()

    assert passed[:3] == ["右眼 裸眼", "右眼 矫正", "右眼 球镜"]
    assert passed[9:11] == ["右眼 CCT", "左眼 裸眼"]
    assert QApplication.focusWidget() is slip._save
    slip.reject()


def test_what_was_understood_stands_beside_the_field(open_slip: OpenSlip) -> None:
    slip = open_slip()

    slip._grid.set_texts({place: "300度" for place in slip._grid.texts() if place[1] == "sphere"})

    assert "右 = −3.00 D；左 = −3.00 D" in says(slip)
    slip.reject()


def test_a_plus_cylinder_is_transposed_on_leaving_the_axis(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[2].setFocus()
    for text in ("-3.00", "+0.75", "10"):
        typist.type(text)
        typist.enter()

    texts = [field.text() for field in slip._grid.fields()[2:5]]  # type: ignore[attr-defined] # line edits

    assert texts == ["-2.25", "-0.75", "100"]
    slip.reject()


def test_an_impossible_value_is_refused_and_found(workspace: Workspace, customer_id: UUID, open_slip: OpenSlip) -> None:
    slip = open_slip()
    fields = slip._grid.fields()
    fields[5].setText("12")  # type: ignore[attr-defined]
    fields[0].setFocus()

    slip.save()

    assert QApplication.focusWidget() is fields[5]
    assert fields[5].property("state") == "error"
    assert "有 1 处不能保存" in says(slip)
    assert len(stored(workspace, customer_id).exams) == 2
    slip.reject()


def test_an_unusual_value_warns_and_is_kept(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    slip = open_slip()
    field = slip._grid.fields()[8]
    field.setText("28")  # type: ignore[attr-defined]
    assert field.property("state") == "warn"

    with qtbot.waitSignal(slip.recorded):
        slip.save()

    assert len(stored(workspace, customer_id).exams) == 3


def test_an_empty_slip_is_not_saved(workspace: Workspace, customer_id: UUID, open_slip: OpenSlip) -> None:
    slip = open_slip()

    slip.save()

    assert "至少填写一只眼的一项数值" in says(slip)
    assert len(stored(workspace, customer_id).exams) == 2
    slip.reject()


def test_saving_twice_records_once(qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip) -> None:
    slip = open_slip()
    slip._grid.fields()[5].setText("24.31")  # type: ignore[attr-defined]

    with qtbot.waitSignal(slip.recorded):
        slip.save()
        slip.save()

    assert len(stored(workspace, customer_id).exams) == 3


def test_what_was_typed_is_there_again_after_closing_or_a_crash(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    first = open_slip()
    first._state._lens.choose(LensState.OK_WASHOUT)
    first._state._washout.setValue(21)
    first._grid.fields()[5].setText("24.31")  # type: ignore[attr-defined]
    first.reject()
    qtbot.waitUntil(lambda: kept(workspace, customer_id) is not None)

    again = open_slip()

    assert again._grid.fields()[5].text() == "24.31"  # type: ignore[attr-defined]
    assert again._state.conditions().washout_days == 21
    assert "已恢复上次没保存的录入" in says(again)
    again._on_empty_clicked()
    qtbot.waitUntil(lambda: kept(workspace, customer_id) is None)
    assert again.reading().eyes == {}
    again.reject()


def test_the_curve_and_the_verdict_follow_what_is_typed(qtbot: QtBot, open_slip: OpenSlip) -> None:
    slip = open_slip()

    slip._grid.fields()[5].setText("24.45")  # type: ignore[attr-defined]

    qtbot.waitUntil(lambda: "24.45 mm" in slip._chart.accessibleDescription())
    assert "右眼8个月眼轴增长 0.45 mm" in slip._sentence.text()
    slip.reject()


def test_days_without_a_lens_are_asked_only_after_stopping_it(open_slip: OpenSlip) -> None:
    row = open_slip()._state
    row._washout.setValue(21)

    row._lens.choose(LensState.OK_LENS)
    assert not row._washout.isEnabled()
    assert row.conditions().washout_days is None

    row._lens.choose(LensState.OK_WASHOUT)
    assert row._washout.isEnabled()
    assert row.conditions().washout_days == 21


def test_drops_are_never_assumed(open_slip: OpenSlip) -> None:
    slip = open_slip()

    assert slip._state.conditions().cycloplegic is None
    assert slip._state.conditions().examined_on == date(2026, 11, 22)
    slip.reject()


def lengths(slip: ExamSlip, right: str, left: str) -> None:
    for field, text in (("OD.axial_length_mm", right), ("OS.axial_length_mm", left)):
        found = slip._grid.field(field)
        assert found is not None
        found.setText(text)


@pytest.fixture
def unequal(workspace: Workspace, customer_id: UUID) -> UUID:
    """The last examination found eyes of 24.40 and 24.10 mm."""
    right = exam_rows(customer_id, date(2026, 11, 1), length="24.40")
    put(workspace, *right[:2], right[2].model_copy(update={"body": {**right[2].body, "axial_length_mm": "24.10"}}))
    return customer_id


@pytest.mark.usefixtures("unequal")
@pytest.mark.parametrize(
    ("right", "left", "asks"),
    [
        ("24.12", "24.42", True),  # each continues the other's
        ("24.40", "24.10", False),
        ("24.65", "24.35", False),  # both grew
        ("24.19", "24.31", True),  # nearer to the other's by exactly 0.12 mm
        ("24.20", "24.31", False),  # only one eye is
        ("24.12", "", False),  # one eye alone says nothing
    ],
)
def test_eyes_that_continue_each_others_history_are_asked_about(
    open_slip: OpenSlip, right: str, left: str, *, asks: bool
) -> None:
    slip = open_slip()
    lengths(slip, right, left)
    assert ("左右是否填反" in says(slip)) is asks
    slip.reject()


@pytest.mark.usefixtures("unequal")
def test_one_key_exchanges_right_and_left(qtbot: QtBot, open_slip: OpenSlip) -> None:
    slip = open_slip()
    lengths(slip, "24.12", "24.42")
    QTest.keyClick(slip, Qt.Key.Key_X, Qt.KeyboardModifier.AltModifier)
    assert [slip._grid.texts()[eye, "axial_length_mm"] for eye in Eye] == ["24.42", "24.12"]
    assert "左右是否填反" not in says(slip)
    slip.reject()


@pytest.mark.parametrize(("typed", "asks"), [("-25.00", True), ("-25", False), ("-3.00", False), ("25.00度", False)])
def test_diopters_that_can_only_be_degrees_are_asked_about(open_slip: OpenSlip, typed: str, *, asks: bool) -> None:
    slip = open_slip()
    slip._grid.set_texts({(Eye.OD, "sphere"): typed})
    codes = {problem.code for problem in slip.reading().problems}
    assert ("degrees_assumed" in codes) is asks
    slip.reject()


def test_what_every_visit_needs_takes_sixty_keys(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    """Refraction and axial length of both eyes; ↓ passes over what was not measured. Half a minute at two keys and a
    half a second is 75 keys."""
    slip, typist = open_slip(), Typist()
    typist.type("1")
    typist.enter(4 + 2)  # to the right eye's sphere
    for eye in (("-325", "-50", "175", "24.31"), ("-300", "-25", "5", "24.22")):
        for text in eye:
            typist.type(text)
            typist.enter()
        typist.enter(0 if eye[0] == "-300" else 4 + 2)  # over the cornea and pressure to the left eye's sphere
    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)
    entered = stored(workspace, customer_id).exams[-1]
    assert entered.od is not None
    assert entered.os is not None
    assert (entered.od.sphere, entered.od.axial_length_mm) == (Decimal("-3.25"), Decimal("24.31"))
    assert (entered.os.sphere, entered.os.axis) == (Decimal("-3.00"), 5)
    assert typist.keys <= 60
