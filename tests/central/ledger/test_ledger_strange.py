"""Workbooks as other clinics lay them out: other headers, merged cells, formulas nobody calculated, words for names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl import Workbook

from hcrm_central.connectors.ledger import LedgerReport
from hcrm_store.clinical import EyeMeasurement
from hcrm_store.people import Customer, Guardian
from tests.central.ledger.conftest import Write, frame_row, ok_row, screening_row

Take = Callable[..., LedgerReport]
Reading = Callable[[type[Any]], list[Any]]


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a workbook of one sheet, row by row."""

    def written(title: str, *rows: list[object]) -> Path:
        workbook = Workbook()
        first = workbook.worksheets[0]
        first.title = title
        for row in rows:
            first.append(row)
        workbook.save(tmp_path / "strange.xlsx")
        return tmp_path / "strange.xlsx"

    return written


def codes(report: LedgerReport) -> list[tuple[int, str, str]]:
    return [(remark.row, remark.column, remark.code) for remark in report.remarks]


def test_two_header_rows_may_be_one(take: Take, sheet: Callable[..., Path], reading: Reading) -> None:
    titles = ["姓名", "建档日期", "右眼球镜", "左眼 球镜（D）", "右眼\n眼轴(mm)"]
    report = take(sheet("角塑台账", titles, ["王欣怡", "2025-01-10", "-2.50", "-2.25", "24.10mm"]))
    assert (codes(report), report.created["customer"]) == ([], 1)
    assert sorted(str(eye.sphere) for eye in reading(EyeMeasurement)) == ["-2.25", "-2.50"]


def test_one_header_row_may_be_two(take: Take, sheet: Callable[..., Path], reading: Reading) -> None:
    upper = ["右眼", None, "左眼", None, "姓名", "筛查日期"]
    lower = ["裸眼", "眼轴", "裸眼", "眼轴", None, None]
    report = take(sheet("学校筛查", upper, lower, ["4.5", 24.1, "4.6", 24.0, "王欣怡", "2024-1-5"]))
    assert (codes(report), report.created["customer"]) == ([], 1)
    assert sorted(str(eye.axial_length_mm) for eye in reading(EyeMeasurement)) == ["24.00", "24.10"]


def test_a_cell_merged_over_siblings_counts_for_each_and_is_told(take: Take, write: Write, reading: Reading) -> None:
    siblings = [screening_row(姓名="王大", 家长电话="13800001234"), screening_row(姓名="王小", 家长电话=None)]
    path = _changed(write(screening=siblings), lambda sheet: sheet.merge_cells("F2:F3"))
    report = take(path)
    assert codes(report) == [(3, "家长电话", "cell_merged")]
    assert (len(reading(Customer)), len(reading(Guardian))) == (2, 1)
    assert take(path).batch_id is None


def test_rows_that_are_only_higher_than_others_stay_one_row(take: Take, write: Write) -> None:
    def heighten(sheet: Any) -> None:
        for column in "ABCDEFGHIJKLMNO":
            sheet.merge_cells(f"{column}2:{column}3")

    report = take(_changed(write(screening=[screening_row(), {}]), heighten))
    assert (codes(report), report.sheets[0].new, report.sheets[0].blank) == ([], 1, 1)


def test_a_merged_price_is_not_counted_twice(take: Take, write: Write) -> None:
    path = write(frame=[frame_row(), frame_row(姓名="王欣欣", 金额=None)])
    report = take(_changed(path, lambda sheet: sheet.merge_cells("I2:I3")))
    assert (codes(report), report.created["lens_order"]) == ([], 4)


def test_a_formula_without_result_is_told_and_not_taken_for_an_empty_cell(take: Take, write: Write) -> None:
    rows = [screening_row(眼轴R="=24+0.5"), screening_row(姓名='=""&"王"')]
    report = take(write(screening=rows))
    assert codes(report) == [(2, "眼轴R", "formula_uncalculated"), (3, "姓名", "formula_uncalculated")]
    assert (report.sheets[0].new, report.sheets[0].held) == (1, 1)


@pytest.mark.parametrize("said", ["合计：", "本月合计", "合计 12人", "2025年总计", "以下空白"])
def test_a_sum_is_known_however_it_is_written(take: Take, write: Write, said: str) -> None:
    report = take(write(screening=[screening_row(姓名=said)]))
    assert (codes(report), report.sheets[0].total) == ([], 1)


def test_a_note_that_begins_with_the_word_for_a_sum_hides_nobody(take: Take, sheet: Callable[..., Path]) -> None:
    report = take(sheet("学校筛查", ["备注", "姓名", "筛查日期"], ["合计金额已付清", "王欣怡", "2024-1-5"]))
    assert (report.sheets[0].new, report.sheets[0].total) == (1, 0)


def test_a_row_that_says_the_same_as_above_makes_no_customer(take: Take, write: Write) -> None:
    report = take(write(ok=[ok_row(), ok_row(姓名="同上")]))
    assert (codes(report), report.created["customer"]) == ([(5, "姓名", "name_unreadable")], 1)


def test_an_empty_sheet_has_an_annotated_copy_too(take: Take, sheet: Callable[..., Path]) -> None:
    report = take(sheet("角塑台账"), dry_run=True)
    assert [code for _, _, code in codes(report)] == ["column_missing"]
    assert report.error_workbook is not None
    assert report.error_workbook.exists()


def test_an_amount_that_is_no_number_is_a_remark(take: Take, write: Write) -> None:
    assert codes(take(write(frame=[frame_row(金额="snan")]))) == [(2, "金额", "money_unreadable")]


def _changed(path: Path, change: Callable[[Any], object]) -> Path:
    workbook = openpyxl.load_workbook(path)
    change(workbook.worksheets[0])
    workbook.save(path)
    return path
