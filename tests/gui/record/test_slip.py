"""录入检查 by keyboard: units understood, problems beside the field, nothing lost."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.eye.keying import PARSERS
from hcrm_core.terms import Eye, LensState, RefractionMethod, Role
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.rows import CustomerRecord, Delivery, EyeRow
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.views.exam_entry.reading import LENS
from hcrm_desktop.views.exam_entry.slip import ExamSlip, draft_key
from hcrm_desktop.views.record.study import study
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY, child_rows, open_clinic, put
from tests.gui.record.filling import add_child, exam_rows
from tests.gui.record.typist import Typist

# The same values with points and signs and without, as a number block has them.
RIGHT = ("03", "10", "325", "50", "175", "2431", "4287", "4350", "15", "548")
LEFT = ("04", "10", "300", "25", "5", "2422", "4275", "4325", "16", "550")
RIGHT_SIGNED = ("0.3", "1.0", "-3.25", "-0.50", "175", "24.31", "42.87", "43.50", "15", "548")
LEFT_SIGNED = ("0.4", "1.0", "-3.00", "-0.25", "5", "24.22", "42.75", "43.25", "16", "550")
KEYS_A_SLIP = 75  # half a minute at two and a half keys a second


@pytest.fixture
def customer_id(workspace: Workspace) -> UUID:
    open_clinic(workspace, Role.OPTOMETRIST)
    return add_child(workspace)


OpenSlip = Callable[[], ExamSlip]
OpenSlipOf = Callable[[UUID], ExamSlip]


@pytest.fixture
def open_slip_of(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> OpenSlipOf:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()

    def make(customer_id: UUID) -> ExamSlip:
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


@pytest.fixture
def open_slip(customer_id: UUID, open_slip_of: OpenSlipOf) -> OpenSlip:
    return partial(open_slip_of, customer_id)


def stored(workspace: Workspace, customer_id: UUID) -> CustomerRecord:
    with workspace.read() as session:
        found = queries.customer_record(session, customer_id, today=TODAY)
    assert found is not None
    return found


def kept(workspace: Workspace, customer_id: UUID) -> object:
    with workspace.read() as session:
        return queries.draft(session, draft_key(stored(workspace, customer_id)))


def says(slip: ExamSlip) -> str:
    return "\n".join(label.text() for label in slip.findChildren(QLabel) if label.isVisible())


def check_entered(workspace: Workspace, customer_id: UUID) -> None:
    """The twenty values."""
    entered = stored(workspace, customer_id).exams[-1]
    assert (entered.examined_on, entered.cycloplegic) == (TODAY, True)
    assert entered.method is RefractionMethod.AUTOREFRACTION
    assert entered.delivery is Delivery.LOCAL
    assert entered.od == eye_row(Eye.OD, "4.5 5.0 -3.25 -0.50 175 24.31 42.87 43.50 15 548")
    assert entered.os == eye_row(Eye.OS, "4.6 5.0 -3.00 -0.25 5 24.22 42.75 43.25 16 550")


def eye_row(eye: Eye, values: str) -> EyeRow:
    read = dict(zip(PARSERS, map(Decimal, values.split()), strict=True))
    whole = {name: int(read.pop(name)) for name in ("axis", "cct_um")}
    return EyeRow(eye=eye, **read, **whole)  # type: ignore[arg-type] # by name


def test_twenty_values_are_entered_in_seventy_five_keys(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    slip, typist = open_slip(), Typist()
    typist.type("1")  # drops; method, device and lens stand as last time
    typist.fill(*RIGHT, *LEFT)

    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)

    check_entered(workspace, customer_id)
    assert stored(workspace, customer_id).exams[-1].device == "ARK-1"
    assert typist.keys <= KEYS_A_SLIP
    assert typist.keys == 61
    qtbot.waitUntil(lambda: kept(workspace, customer_id) is None)


def test_a_first_visit_takes_no_more(qtbot: QtBot, workspace: Workspace, open_slip_of: OpenSlipOf) -> None:
    """Nothing is known of the child: signs are written, and powers that may be longer end with Enter."""
    newcomer = new_child(workspace)
    slip, typist = open_slip_of(newcomer), Typist()
    typist.type("1")
    typist.type("1")  # the lens is not known yet: none is worn
    typist.fill(*RIGHT[:2], "-325", *RIGHT[3:], *LEFT[:2], "-300", *LEFT[3:])
    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)
    check_entered(workspace, newcomer)
    assert typist.keys <= KEYS_A_SLIP
    assert typist.keys == 66


def new_child(workspace: Workspace) -> UUID:
    """Of whom nothing was measured yet."""
    open_clinic(workspace, Role.OPTOMETRIST)
    newcomer = new_id()
    put(workspace, *child_rows("陈新", id=newcomer))
    return newcomer


def test_points_signs_and_enter_after_every_value_work_as_ever(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    slip, typist = open_slip(), Typist()
    typist.type("1")
    typist.enter()  # meant for the box that was left already
    for text in (*RIGHT_SIGNED, *LEFT_SIGNED[:2]):
        typist.type(text)
        typist.enter()
    paste("300度")
    for text in ("", *LEFT_SIGNED[3:]):
        typist.type(text)
        typist.enter()

    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)

    check_entered(workspace, customer_id)


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

    texts = [field.text() for field in slip._grid.fields()[2:5]]

    assert texts == ["-2.25", "-0.75", "100"]
    slip.reject()


def test_an_impossible_value_is_refused_and_found(workspace: Workspace, customer_id: UUID, open_slip: OpenSlip) -> None:
    slip = open_slip()
    fields = slip._grid.fields()
    fields[5].setText("12")
    fields[0].setFocus()

    slip.save()

    assert QApplication.focusWidget() is fields[5]
    assert fields[5].property("state") == "error"
    assert "有 1 处不能保存" in says(slip)
    assert len(stored(workspace, customer_id).exams) == 2
    slip.reject()


def test_an_unusual_value_is_asked_about_in_place_and_saved_by_the_same_key(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    slip, typist = open_slip(), Typist()
    field = slip._grid.fields()[8]
    field.setText("28")
    assert field.property("state") == "warn"

    typist.save(slip)

    assert "有 1 处少见，请核对。没有错就仍然保存（再按 Ctrl+S）" in says(slip)
    assert "右眼 眼压：少见，通常 10–21，请核对" in says(slip)
    assert typist.focus() is field
    assert len(stored(workspace, customer_id).exams) == 2
    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)
    assert len(stored(workspace, customer_id).exams) == 3


def test_a_confirmation_holds_for_the_doubts_that_were_asked_about(
    workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[8].setText("28")
    typist.save(slip)
    slip._grid.fields()[8].setText("29")
    assert "仍然保存" not in says(slip)

    typist.save(slip)

    assert "仍然保存" in says(slip)
    assert len(stored(workspace, customer_id).exams) == 2
    slip._grid.fields()[8].setText("18")
    assert "仍然保存" not in says(slip)
    slip.reject()


def test_a_radius_is_converted_without_asking(qtbot: QtBot, open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[6].setText("787")
    assert "42.88" in says(slip)
    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)


def test_an_impossible_value_cannot_be_confirmed(workspace: Workspace, customer_id: UUID, open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[8].setText("61")
    typist.save(slip)
    typist.save(slip)
    assert "有 1 处不能保存" in says(slip)
    assert len(stored(workspace, customer_id).exams) == 2
    slip.reject()


def test_an_empty_slip_is_not_saved(workspace: Workspace, customer_id: UUID, open_slip: OpenSlip) -> None:
    slip = open_slip()

    slip.save()

    assert "至少填写一只眼的一项数值" in says(slip)
    assert len(stored(workspace, customer_id).exams) == 2
    slip.reject()


def test_saving_twice_records_once(qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip) -> None:
    slip = open_slip()
    slip._grid.fields()[5].setText("24.31")

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
    first._grid.fields()[5].setText("24.31")
    first.reject()
    qtbot.waitUntil(lambda: kept(workspace, customer_id) is not None)

    again = open_slip()

    assert again._grid.fields()[5].text() == "24.31"
    assert again._state.conditions().washout_days == 21
    assert "已恢复上次没保存的录入" in says(again)
    again._on_empty_clicked()
    qtbot.waitUntil(lambda: kept(workspace, customer_id) is None)
    assert again.reading().eyes == {}
    again.reject()


def test_the_curve_and_the_verdict_follow_what_is_typed(qtbot: QtBot, open_slip: OpenSlip) -> None:
    slip = open_slip()

    slip._grid.fields()[5].setText("24.45")

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


def powers(slip: ExamSlip, right: str, left: str) -> None:
    for place in slip._grid.texts():
        if place[1] in ("k1", "k2"):
            slip._grid._fields[place].setText(right if place[0] is Eye.OD else left)


@pytest.fixture
def steep_left(workspace: Workspace, customer_id: UUID) -> UUID:
    """The last examination found corneas of 42.00 and 43.00 D, spectacles worn."""
    head, right, left = exam_rows(customer_id, date(2026, 11, 1), length="24.20")
    measured = [
        one.model_copy(update={"body": {**one.body, "k1": power, "k2": power}})
        for one, power in ((right, "42.00"), (left, "43.00"))
    ]
    put(workspace, head, *measured)
    return customer_id


@pytest.mark.usefixtures("steep_left")
@pytest.mark.parametrize(
    ("right", "left", "lens", "asks"),
    [
        ("43.00", "42.00", LensState.SPECTACLES, True),
        ("42.75", "42.25", LensState.SPECTACLES, True),  # nearer to the other's by exactly 0.50 D
        ("42.74", "42.25", LensState.SPECTACLES, False),
        ("42.00", "43.00", LensState.SPECTACLES, False),
        ("43.00", "42.00", LensState.OK_LENS, False),  # a flattened cornea tells nothing
        ("43.00", "42.00", LensState.UNKNOWN, False),
        ("43.00", "", LensState.SPECTACLES, False),
    ],
)
def test_corneas_that_continue_each_others_history_are_asked_about(
    open_slip: OpenSlip, right: str, left: str, lens: LensState, *, asks: bool
) -> None:
    slip = open_slip()
    slip._state._lens.choose(lens)
    powers(slip, right, left)
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


def test_refraction_and_axial_length_take_forty_keys(
    qtbot: QtBot, workspace: Workspace, customer_id: UUID, open_slip: OpenSlip
) -> None:
    """What every visit needs; ↓ passes over what was not measured."""
    slip, typist = open_slip(), Typist()
    typist.type("1")
    typist.down(2)
    typist.fill("325", "50", "175", "2431")
    typist.down(4 + 2)
    typist.fill("300", "25", "5", "2422")
    with qtbot.waitSignal(slip.recorded):
        typist.save(slip)
    entered = stored(workspace, customer_id).exams[-1]
    assert entered.od is not None
    assert entered.os is not None
    assert (entered.od.sphere, entered.od.axial_length_mm) == (Decimal("-3.25"), Decimal("24.31"))
    assert (entered.os.sphere, entered.os.axis) == (Decimal("-3.00"), 5)
    assert typist.keys == 35


def paste(text: str) -> None:
    QApplication.clipboard().setText(text)
    QTest.keyClick(Typist().focus(), Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)


def lens_texts(slip: ExamSlip, eye: Eye = Eye.OD) -> list[str]:
    return [slip._grid.texts()[eye, name] for name in LENS]


@pytest.mark.parametrize("line", ["-3.25 -0.75   5", "S -3.25 C -0.75 A 5", "325/75*5", "-3.25DS/-0.75DC×5"])
def test_a_whole_line_of_an_autorefractor_is_pasted(open_slip: OpenSlip, line: str) -> None:
    slip, typist = open_slip(), Typist()
    typist.type("1")
    typist.down(2)
    paste(line)
    assert lens_texts(slip) == ["-3.25", "-0.75", "5"]
    assert typist.focus().accessibleName() == "右眼 眼轴"
    slip.reject()


@pytest.mark.parametrize("line", ["-325-75x5", "325/75*5", "-3.25 -0.75 5", "-300-75x5", "-3.25,-0.75,5"])
def test_a_whole_line_is_typed_in_one_go(open_slip: OpenSlip, line: str) -> None:
    slip, typist = open_slip(), Typist()
    typist.type("1")
    typist.down(2)
    typist.type(line)
    typist.enter()
    sphere = "-3.00" if line.startswith("-300") else "-3.25"
    assert lens_texts(slip) == [sphere, "-0.75", "5"]
    slip.reject()


def test_what_is_not_a_line_stays_where_it_was_pasted(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    typist.type("1")
    typist.down(2)
    paste("L -3.25 -0.75 5")
    assert lens_texts(slip) == ["L -3.25 -0.75 5", "", ""]
    assert "读不懂" in says(slip)
    slip.reject()


def test_digits_are_shown_as_they_were_understood(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[2].setFocus()
    typist.type("75")
    assert "右 = −0.75 D" in says(slip)  # still in the field: 750 may follow
    typist.enter()
    assert slip._grid.fields()[2].text() == "-0.75"
    slip.reject()


def test_a_sphere_without_sign_is_refused_in_an_eye_of_which_nothing_is_known(
    workspace: Workspace, open_slip_of: OpenSlipOf
) -> None:
    newcomer = new_child(workspace)
    slip = open_slip_of(newcomer)
    slip._grid.set_texts({(Eye.OD, "sphere"): "325"})
    assert "没有正负号" in says(slip)
    assert slip.reading().refused
    slip.reject()


def test_backspace_goes_back_into_the_field_that_was_left_by_itself(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[5].setFocus()
    typist.type("2431")
    assert typist.focus() is slip._grid.fields()[6]
    typist.press(Qt.Key.Key_Backspace)
    assert typist.focus() is slip._grid.fields()[5]
    typist.press(Qt.Key.Key_Backspace)  # 24.3: a deletion completes nothing
    assert typist.focus() is slip._grid.fields()[5]
    typist.type("5")
    assert slip._grid.fields()[5].text() == "24.35"
    assert typist.focus() is slip._grid.fields()[6]
    slip.reject()


def test_a_pressure_that_was_left_by_itself_may_still_have_decimals(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[8].setFocus()
    typist.type("15.3")
    typist.enter()
    typist.type("548")
    assert [field.text() for field in slip._grid.fields()[8:10]] == ["15.3", "548"]
    slip.reject()


def test_enter_is_forgiven_once(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[5].setFocus()
    typist.type("2431")
    typist.enter()
    assert typist.focus() is slip._grid.fields()[6]
    typist.enter()
    assert typist.focus() is slip._grid.fields()[7]
    slip.reject()


def test_a_value_that_cannot_be_is_not_left_by_itself(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._grid.fields()[5].setFocus()
    typist.type("1431")
    assert typist.focus() is slip._grid.fields()[5]
    slip.reject()


def test_a_digit_answers_a_box_and_passes_over_what_is_known(open_slip: OpenSlip) -> None:
    slip, typist = open_slip(), Typist()
    slip._state._lens.choose(LensState.UNKNOWN)
    typist.type("2")
    assert slip._state.conditions().cycloplegic is False
    assert typist.focus() is slip._state._lens
    typist.type("4")  # stopped wearing an OK lens: since when?
    assert typist.focus() is slip._state._washout
    slip.reject()
