"""What ledger rows become."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hcrm_central.connectors.ledger import LedgerReport
from hcrm_central.store.tables import ImportBatch, ImportProblem, MatchReview, SourceRecord, Watermark
from hcrm_core.people import check_digit
from hcrm_core.terms import (
    Channel,
    ExamStatus,
    Eye,
    LensState,
    Outcome,
    ProductKind,
    RefractionMethod,
    Sex,
    Source,
    VisitState,
)
from hcrm_store.care import FollowUp, LensOrder, RecheckPlan, Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer, CustomerIdentifier, Family, Guardian
from tests.central.ledger.conftest import SAMPLE, Write, frame_row, ok_row, screening_row

Take = Callable[..., LedgerReport]
Reading = Callable[[type[Any]], list[Any]]

VALID_ID = "33010620140506002" + check_digit("33010620140506002")


def codes(report: LedgerReport) -> set[str]:
    return {remark.code for remark in report.remarks}


def staff_id(reading: Reading, name: str) -> object:
    return next(one.id for one in reading(Staff) if one.name == name)


def test_the_sample_imports_every_sound_row_and_reports_the_unsound(take: Take, reading: Reading) -> None:
    report = take(SAMPLE)
    sheets = {sheet.key: sheet for sheet in report.sheets}
    assert (sheets["ok_fitting"].new, sheets["ok_fitting"].held, sheets["ok_fitting"].total) == (99, 1, 1)
    assert (sheets["frame_order"].new, sheets["screening"].new, sheets["ok_fitting"].hidden) == (110, 121, 1)
    assert report.created["customer"] == 220
    held = {(one.column, one.code) for one in report.remarks if (one.sheet, one.row) == ("角塑台账", 103)}
    assert held == {
        ("姓名", "name_placeholder"),
        ("出生日期", "date_impossible"),
        ("定片日期", "date_impossible"),
        ("联系电话", "phone_unreadable"),
        ("右眼/裸眼视力", "acuity_outside"),
        ("右眼/球镜", "unit_unclear"),
        ("右眼/眼轴", "out_of_range"),
    }
    assert report.codes == {
        "contact_incomplete": 38,
        "national_id_digits_lost": 20,
        "phone_same_as_above": 6,
        "unusual_for_age": 6,
        "sign_assumed_plus": 6,
        "date_impossible": 2,
        "row_hidden": 1,
        "date_in_future": 1,
        "sign_missing": 1,
        "cylinder_without_sphere": 1,
        "unusual": 1,
        "name_placeholder": 1,
        "acuity_outside": 1,
        "unit_unclear": 1,
        "out_of_range": 1,
        "phone_unreadable": 1,
    }
    assert len(report.reviews) == len(reading(MatchReview)) == 30
    assert len(reading(ImportProblem)) == len(report.remarks)
    assert [mark.feed for mark in reading(Watermark)] == ["ledger"]


def test_siblings_share_a_phone_and_a_family_and_stay_two(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(), ok_row(姓名="王欣悦", 出生日期="2016-01-01", 联系电话="138-0000-1234")]))
    assert {one.name: one.birth_date.year for one in reading(Customer)} == {"王欣怡": 2014, "王欣悦": 2016}
    assert len(reading(Family)) == len(reading(Guardian)) == 1


def test_an_ok_row_becomes_customer_baseline_pair_visit_and_plan(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(备注="住校")]))
    (customer,) = reading(Customer)
    assert (customer.name, customer.name_pinyin, customer.name_initials) == ("王欣怡", "wang xin yi", "wxy")
    assert (customer.sex, customer.birth_date, customer.filed_on) == (Sex.FEMALE, date(2014, 5, 6), date(2025, 1, 10))
    assert (customer.assistant_id, customer.note) == (staff_id(reading, "王燕"), "住校")
    (guardian,) = reading(Guardian)
    assert (guardian.name, guardian.phone, guardian.phone_tail) == ("李女士", "13800001234", "1234")
    assert guardian.family_id == customer.family_id
    (exam,) = reading(Exam)
    assert (exam.examined_on, exam.lens_state, exam.method) == (
        date(2025, 1, 10),
        LensState.NONE,
        RefractionMethod.UNKNOWN,
    )
    assert (exam.cycloplegic, exam.status, exam.source) == (None, ExamStatus.FINAL, Source.LEDGER)
    eyes = {one.eye: one for one in reading(EyeMeasurement)}
    right, left = eyes[Eye.OD], eyes[Eye.OS]
    assert (right.ucva, right.sphere, right.cylinder, right.axis) == (
        Decimal("4.30"),
        Decimal("-2.5"),
        Decimal("-0.5"),
        None,
    )
    assert (left.ucva, left.sphere, left.cylinder, left.k1, left.k2) == (
        Decimal("4.30"),
        Decimal("-2.5"),
        Decimal(0),
        Decimal("42.3"),
        None,
    )
    orders = reading(LensOrder)
    assert {(one.eye, one.product, one.brand, one.model, one.dispensed_on) for one in orders} == {
        (eye, ProductKind.OK_LENS, "梦戴维", "DV", date(2025, 2, 1)) for eye in Eye
    }
    (visit,) = reading(Visit)
    assert (visit.visit_on, visit.state, visit.purpose) == (date(2026, 9, 1), VisitState.ARRIVED, "复查")
    (plan,) = reading(RecheckPlan)
    assert (plan.planned_on, plan.due_on) == (date(2026, 9, 1), date(2026, 12, 1))


def test_a_replacement_is_a_second_pair(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(换片日期="2026-08-01")]))
    assert sorted(one.dispensed_on for one in reading(LensOrder)) == [date(2025, 2, 1)] * 2 + [date(2026, 8, 1)] * 2


@pytest.mark.parametrize(("replaced", "code"), [("2026-12-01", "date_in_future"), ("2025-02-01", "dates_out_of_order")])
def test_a_planned_or_impossible_replacement_is_no_order(
    take: Take, write: Write, reading: Reading, replaced: str, code: str
) -> None:
    report = take(write(ok=[ok_row(换片日期=replaced)]))
    assert len(reading(LensOrder)) == 2
    assert code in codes(report)


def test_values_filed_after_fitting_may_be_under_the_lens(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(建档日期="2025-03-01")]))
    assert [one.lens_state for one in reading(Exam)] == [LensState.UNKNOWN]


def test_undated_measurements_are_not_kept(take: Take, write: Write, reading: Reading) -> None:
    report = take(write(ok=[ok_row(建档日期=None, 定片日期=None)]))
    assert reading(Exam) == []
    assert "measurements_undated" in codes(report)
    assert len(reading(Customer)) == 1


def test_only_a_measured_eye_gets_a_lens(take: Take, write: Write, reading: Reading) -> None:
    blank = {f"左眼{title}": None for title in ("裸眼视力", "球镜", "柱镜", "眼轴", "K1")}
    take(write(ok=[ok_row(**blank)]))
    assert [one.eye for one in reading(LensOrder)] == [Eye.OD]
    assert [one.eye for one in reading(EyeMeasurement)] == [Eye.OD]


def test_a_frame_row_becomes_two_lenses_a_contact_and_a_plan_but_no_exam(
    take: Take, write: Write, reading: Reading
) -> None:
    take(write(frame=[frame_row()]))
    orders = {one.eye: one for one in reading(LensOrder)}
    assert {one.product for one in orders.values()} == {ProductKind.FUNCTIONAL}
    assert (orders[Eye.OD].brand, orders[Eye.OD].model) == ("豪雅", "新乐学")
    assert (orders[Eye.OD].sphere, orders[Eye.OD].cylinder, orders[Eye.OD].axis) == (
        Decimal("-2.25"),
        Decimal("-0.50"),
        180,
    )
    assert (orders[Eye.OS].sphere, orders[Eye.OS].cylinder) == (Decimal("-2.25"), None)
    assert reading(Exam) == []
    (contact,) = reading(FollowUp)
    assert (contact.outcome, contact.channel) == (Outcome.SATISFIED, Channel.PHONE)
    assert contact.contacted_at == datetime(2024, 4, 1, 4, 0, tzinfo=UTC)
    (plan,) = reading(RecheckPlan)
    assert (plan.planned_on, plan.due_on, plan.planned_by_id) == (
        date(2024, 3, 1),
        date(2024, 9, 1),
        staff_id(reading, "陈晓"),
    )
    (customer,) = reading(Customer)
    assert (customer.birth_date, customer.optometrist_id) == (None, staff_id(reading, "陈晓"))


def test_the_prices_of_both_lenses_add_up(take: Take, write: Write, reading: Reading) -> None:
    written = {"赵一": "￥2681", "赵二": "1,980", "赵三": "3680元", "赵四": "0.01", "赵五": 999.99}
    take(write(frame=[frame_row(姓名=name, 金额=price) for name, price in written.items()]))
    paid = dict.fromkeys(written, Decimal(0))
    names = {one.id: one.name for one in reading(Customer)}
    for one in reading(LensOrder):
        paid[names[one.customer_id]] += one.price
    expected = ["2681", "1980", "3680", "0.01", "999.99"]
    assert paid == dict(zip(written, map(Decimal, expected), strict=True))


def test_a_screening_row_becomes_an_autorefraction_and_an_identity(take: Take, write: Write, reading: Reading) -> None:
    take(write(screening=[screening_row(身份证号=VALID_ID, 性别=None)]))
    (customer,) = reading(Customer)
    assert (customer.birth_date, customer.sex, customer.school) == (date(2014, 5, 6), Sex.FEMALE, "实验小学 三(2)班")
    assert [(one.kind, one.value) for one in reading(CustomerIdentifier)] == [("national_id", VALID_ID)]
    (exam,) = reading(Exam)
    assert (exam.method, exam.cycloplegic, exam.source, exam.note) == (
        RefractionMethod.AUTOREFRACTION,
        False,
        Source.SCREENING,
        "定期复查",
    )
    assert exam.lens_state is LensState.UNKNOWN


def test_a_blank_cycloplegia_is_unknown(take: Take, write: Write, reading: Reading) -> None:
    take(write(screening=[screening_row(是否散瞳=None)]))
    assert [one.cycloplegic for one in reading(Exam)] == [None]


def test_an_identity_number_that_contradicts_its_row_wins_and_is_never_shown(take: Take, write: Write) -> None:
    report = take(
        write(screening=[screening_row(身份证号=VALID_ID, 性别="男"), screening_row(身份证号=VALID_ID[:-1] + "Y")])
    )
    assert {"identity_contradicts", "national_id_unreadable"} <= codes(report)
    assert not any("330106" in remark.seen + remark.remedy for remark in report.remarks)


def test_one_child_on_three_sheets_is_one_customer(take: Take, write: Write, reading: Reading) -> None:
    rows = {"ok": [ok_row()], "frame": [frame_row()], "screening": [screening_row(身份证号=VALID_ID)]}
    report = take(write(**rows))
    assert len(reading(Customer)) == len(reading(Family)) == len(reading(Guardian)) == 1
    assert report.reviews == ()
    assert len(reading(LensOrder)) == 4


def test_a_phone_alone_never_joins(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(), ok_row(姓名="王欣悦", 出生日期="2016-01-01")], frame=[frame_row(姓名="王欣")]))
    assert sorted(one.name for one in reading(Customer)) == ["王欣", "王欣怡", "王欣悦"]
    assert len(reading(Family)) == 1


def test_a_namesake_mark_leaves_apart_and_lists(take: Take, write: Write, reading: Reading) -> None:
    report = take(write(ok=[ok_row()], frame=[frame_row(姓名="王欣怡（小）")]))
    assert sorted(one.name for one in reading(Customer)) == ["王欣怡", "王欣怡（小）"]
    assert {one.name_initials for one in reading(Customer)} == {"wxy"}
    assert [review.reasons for review in report.reviews] == [("same_name", "same_phone", "namesake_mark")]


def test_ditto_takes_the_phone_above_only_from_the_same_guardian(take: Take, write: Write, reading: Reading) -> None:
    sibling = ok_row(姓名="王欣悦", 出生日期="2016-01-01", 联系电话="同上")
    stranger = ok_row(姓名="赵一", 出生日期="2015-01-01", 家长姓名="赵先生", 联系电话="同上")
    report = take(write(ok=[ok_row(), sibling, stranger]))
    families = {one.name: one.family_id for one in reading(Customer)}
    assert families["王欣怡"] == families["王欣悦"] != families["赵一"]
    assert {one.name: one.phone for one in reading(Guardian)} == {"李女士": "13800001234", "赵先生": None}
    assert [one.row for one in report.remarks if one.code == "phone_same_as_above"] == [6]


def test_a_bad_optional_cell_loses_its_value_and_not_its_row(take: Take, write: Write, reading: Reading) -> None:
    report = take(write(ok=[ok_row(右眼眼轴=2.45, 右眼球镜="300", 建档日期="2025-13-01")]))
    right = next(one for one in reading(EyeMeasurement) if one.eye is Eye.OD)
    assert (right.axial_length_mm, right.sphere) == (None, None)
    assert {"out_of_range", "sign_missing", "date_impossible"} <= codes(report)
    assert [one.examined_on for one in reading(Exam)] == [date(2025, 2, 1)]


def test_a_row_whose_person_cannot_be_read_is_held_and_the_next_one_imports(
    take: Take, write: Write, reading: Reading
) -> None:
    bad = [ok_row(姓名=None), ok_row(姓名="测试"), ok_row(出生日期="2019-02-30")]
    report = take(write(ok=[*bad, ok_row()]))
    assert (report.sheets[0].held, report.sheets[0].new) == (3, 1)
    assert len(reading(Customer)) == 1


def test_unknown_staff_are_reported_once_and_left_open(take: Take, write: Write, reading: Reading) -> None:
    rows = [ok_row(负责医助="钱某"), ok_row(姓名="赵一", 联系电话="13900001234", 负责医助="钱 某")]
    report = take(write(ok=rows))
    assert [one.code for one in report.remarks] == ["unknown_staff"]
    assert [one.assistant_id for one in reading(Customer)] == [None, None]


def test_blank_rows_totals_and_prenumbered_rows_are_counted_and_skipped(take: Take, write: Write) -> None:
    rows = [ok_row(), {}, {"序号": 7}, {"序号": "合计", "姓名": "99"}]
    (sheet,) = take(write(ok=rows)).sheets
    assert (sheet.new, sheet.blank, sheet.total, sheet.rows) == (1, 2, 1, 4)


def test_the_same_row_twice_is_imported_once(take: Take, write: Write, reading: Reading) -> None:
    report = take(write(frame=[frame_row(), frame_row()]))
    assert (report.sheets[0].new, report.sheets[0].duplicate) == (1, 1)
    assert "row_duplicate" in codes(report)
    assert len(reading(LensOrder)) == 2


def test_a_bare_name_twice_is_two_children_unless_the_row_is_the_same(
    take: Take, write: Write, reading: Reading
) -> None:
    bare = {"家长电话": None, "性别": None}
    rows = [screening_row(**bare), screening_row(**bare), screening_row(**bare, 班级="初一（4）")]
    report = take(write(screening=rows))
    assert (report.sheets[0].new, report.sheets[0].duplicate) == (2, 1)
    assert len(reading(Customer)) == 2


def test_two_purchases_of_one_child_are_two_pairs(take: Take, write: Write, reading: Reading) -> None:
    take(write(frame=[frame_row(), frame_row(配镜日期="2025-03-01", 回访日期="2025-04-01")]))
    assert len(reading(Customer)) == 1
    assert len(reading(LensOrder)) == 4


def test_every_import_leaves_its_trace(take: Take, write: Write, reading: Reading) -> None:
    report = take(write(ok=[ok_row(右眼眼轴=2.45)]))
    (batch,) = reading(ImportBatch)
    assert (batch.id, batch.source, batch.file_name, batch.profile) == (
        report.batch_id,
        "ledger",
        "ledger.xlsx",
        "clinic-excel/2",
    )
    assert batch.finished_at is not None
    (problem,) = reading(ImportProblem)
    assert (problem.sheet, problem.row, problem.column, problem.seen) == ("角塑台账", 4, "右眼/眼轴", "2.45")
    assert {one.kind for one in reading(SourceRecord)} == {"person", "ok_fitting"}
