"""A second import finds its own rows again; what changed is brought up to date, what people entered stays."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import inspect, text, update

from hcrm_central.connectors.ledger import LedgerReport, import_ledger
from hcrm_central.connectors.ledger.entries import Entries
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.terms import ExamStatus
from hcrm_store.care import LensOrder, RecheckPlan, Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.people import Customer, Guardian
from tests.central.ledger.conftest import SAMPLE, Write, frame_row, ok_row, screening_row
from tests.fakes import FakeClock

Take = Callable[..., LedgerReport]
Reading = Callable[[type[Any]], list[Any]]


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, to be compared."""
    with store.owner.connect() as connection:
        tables = inspect(connection).get_table_names()
        return {name: sorted(map(tuple, connection.execute(text(f"SELECT t::text FROM {name} t")))) for name in tables}


def test_a_second_import_of_the_same_file_changes_nothing_at_all(take: Take, staffed: Store) -> None:
    take(SAMPLE)
    before = everything(staffed)
    again = take(SAMPLE)
    assert everything(staffed) == before
    assert (again.batch_id, again.created, again.changed) == (None, {}, {})
    assert [(sheet.new, sheet.changed, sheet.unchanged) for sheet in again.sheets] == [
        (0, 0, 99),
        (0, 0, 110),
        (0, 0, 121),
    ]


def test_two_imports_at_once_import_once(staffed: Store, clock: FakeClock) -> None:
    reports: list[LedgerReport] = []
    together = Barrier(2)

    def run() -> None:
        together.wait()
        reports.append(import_ledger(staffed.jobs, SAMPLE, clock=clock))

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.created.get("customer", 0) for report in reports) == [0, 220]


def test_an_import_that_dies_half_way_leaves_nothing(
    take: Take, staffed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(staffed)
    load, calls = Entries.load, []

    def load_twice(self: Entries, customers: set[Any]) -> None:
        calls.append(1)
        if len(calls) > 2:
            raise ConnectionError
        load(self, customers)

    monkeypatch.setattr(Entries, "load", load_twice)
    with pytest.raises(ConnectionError):
        take(SAMPLE)
    assert everything(staffed) == before
    monkeypatch.undo()
    assert take(SAMPLE).created["customer"] == 220


def test_the_next_visit_and_replacement_are_added_and_the_former_stay(
    take: Take, write: Write, reading: Reading
) -> None:
    take(write(ok=[ok_row()]))
    report = take(write(ok=[ok_row(最近复查="2026-11-20", 换片日期="2026-11-20")]))
    assert report.sheets[0].changed == 1
    assert sorted(one.visit_on for one in reading(Visit)) == [date(2026, 9, 1), date(2026, 11, 20)]
    assert sorted(one.due_on for one in reading(RecheckPlan)) == [date(2026, 12, 1), date(2027, 2, 20)]
    assert len(reading(LensOrder)) == 4
    assert len(reading(Exam)) == 1


def test_a_corrected_measurement_supersedes_and_overwrites_nothing(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row()]))
    take(write(ok=[ok_row(右眼眼轴=24.8)]))
    exams = {one.status: one for one in reading(Exam)}
    final, amended = exams[ExamStatus.FINAL], exams[ExamStatus.AMENDED]
    assert (final.supersedes_id, final.amend_reason) == (amended.id, "Excel 台账更正")
    lengths = {one.exam_id: one.axial_length_mm for one in reading(EyeMeasurement) if one.eye == "OD"}
    assert lengths == {amended.id: Decimal("24.50"), final.id: Decimal("24.80")}


def test_a_corrected_date_moves_the_order(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row()]))
    report = take(write(ok=[ok_row(定片日期="2025-02-11")]))
    assert [one.dispensed_on for one in reading(LensOrder)] == [date(2025, 2, 11)] * 2
    assert report.changed["lens_order"] == 2


def test_what_somebody_entered_since_is_kept_and_remarked_on(
    take: Take, write: Write, reading: Reading, staffed: Store
) -> None:
    take(write(ok=[ok_row(备注="住校")]))
    with transaction(staffed.jobs) as session:
        session.execute(update(Customer).values(note="周五来"))
        session.execute(update(LensOrder).values(brand="阿尔法"))
    report = take(write(ok=[ok_row(备注="转学", 品牌="亨泰")]))
    assert [one.note for one in reading(Customer)] == ["周五来"]
    assert {one.brand for one in reading(LensOrder)} == {"阿尔法"}
    kept = [(one.column, one.seen) for one in report.remarks if one.code == "present_value_kept"]
    assert kept == [("备注", "转学"), ("品牌", "亨泰"), ("品牌", "亨泰")]


def test_a_value_that_only_the_ledger_gave_follows_the_ledger(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(备注="住校")]))
    take(write(ok=[ok_row(备注="转学")]))
    assert [one.note for one in reading(Customer)] == ["转学"]


def test_a_birth_date_filled_in_later_finds_the_same_child(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(出生日期=None)]))
    report = take(write(ok=[ok_row()]))
    (customer,) = reading(Customer)
    assert customer.birth_date == date(2014, 5, 6)
    assert len(reading(LensOrder)) == 2
    assert (report.sheets[0].new, report.sheets[0].changed) == (0, 1)


def test_a_phone_that_comes_later_goes_to_the_guardian_who_waited(take: Take, write: Write, reading: Reading) -> None:
    row = screening_row(身份证号=None, 家长电话=None)
    take(write(ok=[ok_row(联系电话=None)]))
    take(write(screening=[row]))
    assert [one.phone for one in reading(Guardian)] == [None]
    assert len(reading(Customer)) == 2  # a name alone is not certain


def test_rows_in_another_order_are_the_same_rows(take: Take, write: Write) -> None:
    rows = [
        frame_row(),
        frame_row(姓名="赵一", 电话="13900001234"),
        frame_row(配镜日期="2025-03-01", 回访日期=None, 回访结果=None),
    ]
    take(write(frame=rows))
    again = take(write(frame=rows[::-1]))
    assert (again.sheets[0].unchanged, again.created) == (3, {})


def test_a_sheet_for_each_year_is_one_ledger(take: Take, write: Write, reading: Reading) -> None:
    path = write(ok=[ok_row()])
    workbook = load_workbook(path)
    former = workbook["角塑台账"]
    later = workbook.copy_worksheet(former)
    former.title, later.title = "角塑台账2025", "角塑台账2026"
    later["V4"], later["H4"] = "2026-11-01", "2026-10-01"
    workbook.save(path)
    assert [sheet.new for sheet in take(path).sheets] == [1, 1]
    again = take(path)
    assert ([sheet.unchanged for sheet in again.sheets], again.created, again.changed) == ([1, 1], {}, {})
    assert len(reading(Customer)) == 1
    assert len(reading(LensOrder)) == 4


def test_the_centre_forgets_no_row_that_left_the_file(take: Take, write: Write, reading: Reading) -> None:
    take(write(ok=[ok_row(), ok_row(姓名="赵一", 联系电话="13900001234")]))
    take(write(ok=[ok_row()]))
    assert len(reading(Customer)) == 2
