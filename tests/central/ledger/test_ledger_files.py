"""Files and profiles as people give them: renamed, extended, damaged, protected, or something else altogether."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

import hcrm_central.connectors.ledger as ledger_package
import hcrm_core
from hcrm_central.connectors.ledger import LedgerRefused, LedgerReport, import_ledger
from hcrm_central.connectors.ledger.profile import load_profile
from hcrm_central.connectors.ledger.workbook import open_workbook
from hcrm_central.store.opening import Store
from hcrm_store.people import Customer
from hcrm_store.resources import resource
from tests.central.ledger.conftest import SAMPLE, Write, frame_row, ok_row, screening_row
from tests.fakes import FakeClock

Take = Callable[..., LedgerReport]
Reading = Callable[[type[Any]], list[Any]]


def test_a_dry_run_imports_nothing_and_writes_the_annotated_copy(take: Take, tmp_path: Path, reading: Reading) -> None:
    target = tmp_path / "errors.xlsx"
    report = take(SAMPLE, dry_run=True, error_workbook=target)
    assert reading(Customer) == []
    assert (report.batch_id, report.created["customer"], report.error_workbook) == (None, 220, target)
    sheet = openpyxl.load_workbook(target)["角塑台账"]
    assert sheet["Z1"].value == "问题与处理"
    assert "2019-02-30" in sheet["Z103"].value
    assert sheet["D103"].fill.fgColor.rgb == "00F8CBAD"
    assert (sheet["D4"].fill.fill_type, sheet.row_dimensions[8].hidden) == (None, True)
    assert {"K2:O2", "A1:Y1"} <= {str(merged) for merged in sheet.merged_cells.ranges}
    assert (sheet["B4"].value, sheet["K2"].value) == ("　傅泽烨", "右眼")


def test_a_dry_run_writes_beside_the_ledger_unless_told_otherwise(take: Take, write: Write) -> None:
    path = write(ok=[ok_row(右眼眼轴=2.45)])
    assert take(path, dry_run=True).error_workbook == path.with_suffix(".problems.xlsx")
    assert path.with_suffix(".problems.xlsx").exists()


def test_the_annotated_copy_can_be_imported_once_it_is_corrected(take: Take, write: Write) -> None:
    path = write(ok=[ok_row(出生日期="2019-02-30")])
    copy = take(path, dry_run=True).error_workbook
    assert copy is not None
    workbook = openpyxl.load_workbook(copy)
    workbook["角塑台账"]["D4"] = "2019-02-20"
    workbook.save(copy)
    assert take(copy).created["customer"] == 1


def test_an_annotated_copy_that_cannot_be_written_stops_the_import_before_it_begins(
    take: Take, write: Write, tmp_path: Path, reading: Reading
) -> None:
    with pytest.raises(LedgerRefused, match="cannot be written"):
        take(write(ok=[ok_row()]), error_workbook=tmp_path / "nowhere" / "errors.xlsx")
    assert reading(Customer) == []


def test_the_report_is_json_and_tells_where_and_what_to_do(take: Take, write: Write) -> None:
    told = json.loads(json.dumps(take(write(ok=[ok_row(右眼眼轴=2.45)])).as_json()))
    assert told["problems"] == [
        {
            "sheet": "角塑台账",
            "row": 4,
            "column": "右眼/眼轴",
            "code": "out_of_range",
            "severity": "error",
            "seen": "2.45",
            "remedy": "“2.45”超出可能的范围（15 至 35），未导入：请核对。",
        }
    ]
    assert told["sheets"][0] == {
        "sheet": "角塑台账", "key": "ok_fitting", "rows": 1, "new": 1, "changed": 0, "unchanged": 0, "duplicate": 0,
        "held": 0, "blank": 0, "total": 0, "hidden": 0,
    }  # fmt: skip


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an Excel workbook"),
        ("姓名,电话\n王欣怡,13800001234\n".encode(), "not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "protected by a password"),
        (b"PK\x03\x04 cut off", "damaged"),
        (zipped("letter.txt", b"hello"), "damaged"),
        (zipped("[Content_Types].xml", b"<Types"), "damaged"),
    ],
)
def test_what_is_no_workbook_is_refused_with_a_remedy(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "ledger.xlsx"
    path.write_bytes(content)
    with pytest.raises(LedgerRefused, match=said) as refused, open_workbook(path):
        pass
    assert "save" in refused.value.remedy


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_half_a_file_is_refused(tmp_path: Path, cut: float) -> None:
    path = tmp_path / "ledger.xlsx"
    whole = SAMPLE.read_bytes()
    path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(LedgerRefused, match="damaged"), open_workbook(path):
        pass


def test_a_missing_file_is_refused(take: Take, tmp_path: Path) -> None:
    with pytest.raises(LedgerRefused, match="cannot be opened"):
        take(tmp_path / "nowhere.xlsx")


def test_a_workbook_without_a_known_sheet_is_refused_by_name(take: Take, tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].append(["商品", "库存"])
    workbook.save(tmp_path / "stock.xlsx")
    with pytest.raises(LedgerRefused, match="Sheet"):
        take(tmp_path / "stock.xlsx")


def test_one_sheet_is_enough_and_another_is_skipped(take: Take, write: Write) -> None:
    path = write(frame=[frame_row()])
    workbook = openpyxl.load_workbook(path)
    workbook.create_sheet("说明").append(["本表由医助填写"])
    workbook.save(path)
    report = take(path)
    assert ([sheet.key for sheet in report.sheets], report.skipped_sheets) == (["frame_order"], ("说明",))


def test_a_renamed_sheet_is_recognised_by_its_titles(take: Take, write: Write) -> None:
    path = write(frame=[frame_row()])
    workbook = openpyxl.load_workbook(path)
    workbook.worksheets[0].title = "2026年配镜"
    workbook.save(path)
    report = take(path)
    assert report.sheets[0].new == 1
    assert [remark.code for remark in report.remarks] == ["sheet_recognised_by_titles"]


def test_a_hidden_sheet_is_imported_and_remarked_on(take: Take, write: Write) -> None:
    path = write(ok=[ok_row()], frame=[frame_row()])
    workbook = openpyxl.load_workbook(path)
    workbook["框架镜回访"].sheet_state = "hidden"
    workbook.save(path)
    report = take(path)
    assert [sheet.new for sheet in report.sheets] == [1, 1]
    assert [remark.code for remark in report.remarks] == ["sheet_hidden"]


def test_an_empty_sheet_imports_nothing_and_says_what_is_missing(take: Take, tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].title = "框架镜回访"
    workbook.save(tmp_path / "empty.xlsx")
    report = take(tmp_path / "empty.xlsx")
    assert [(remark.code, remark.seen) for remark in report.remarks] == [
        ("column_missing", "姓名"),
        ("column_missing", "电话"),
    ]
    assert report.batch_id is None


def test_columns_may_stand_in_another_order_and_unknown_ones_are_told(
    take: Take, write: Write, reading: Reading
) -> None:
    path = write(screening=[screening_row()])
    workbook = openpyxl.load_workbook(path)
    sheet = workbook.worksheets[0]
    sheet.move_range("C1:C2", cols=14)  # 姓名 behind all others
    sheet["S1"], sheet["S2"] = "瞳距", "58"
    sheet["T1"], sheet["T2"] = "姓 名", "另一人"
    workbook.save(path)
    report = take(path)
    assert [(remark.code, remark.column) for remark in report.remarks] == [
        ("column_unknown", "瞳距"),
        ("column_repeated", "姓 名"),
    ]
    assert [one.name for one in reading(Customer)] == ["王欣怡"]


def test_formula_errors_long_texts_and_control_characters_are_remarks(take: Take, write: Write) -> None:
    row = ok_row(品牌="#REF!", 备注="长" * 2001, 型号="D_x0000_V")
    report = take(write(ok=[row]))
    assert {remark.code for remark in report.remarks} >= {"cell_error", "text_too_long"}
    assert report.sheets[0].new == 1


def test_a_bomb_is_refused_before_it_is_unpacked(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcrm_central.connectors.ledger.workbook.MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(LedgerRefused, match="too big"), open_workbook(write(ok=[ok_row()])):
        pass


def test_rows_are_read_one_by_one(write: Write) -> None:
    with open_workbook(write(frame=[frame_row()] * 50)) as (sheet,):
        rows = sheet.rows()
        assert [next(rows).number for _ in range(3)] == [1, 2, 3]


def test_another_clinics_layout_is_another_file(take: Take, tmp_path: Path, reading: Reading) -> None:
    profile = tmp_path / "other.yaml"
    profile.write_text(
        """
name: other-clinic
version: 3
sheets:
  - key: screening
    record: screening
    names: [Kids]
    header_rows: 1
    columns:
      - {titles: [Name], field: name, parse: name, required: true, on_error: row}
      - {titles: [Date], field: examined_on, parse: past_date, required: true, on_error: row}
      - {titles: [AL R], field: OD.axial_length_mm, parse: axial_length}
""",
        encoding="utf-8",
    )
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = "Kids"
    for row in (["NAME", "date", "AL R"], ["Tom Li", "2026-01-02", 23.4]):
        sheet.append(row)
    workbook.save(tmp_path / "kids.xlsx")
    assert take(tmp_path / "kids.xlsx", profile=profile).profile == "other-clinic/3"
    assert [(one.name, one.name_initials) for one in reading(Customer)] == [("Tom Li", "tl")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("name: [", "cannot be read"),
        ("name: x\nversion: 1\nsheets: []", "sheets"),
        ("just text", "wrong at"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_place(tmp_path: Path, change: str | None, said: str) -> None:
    profile = tmp_path / "wrong.yaml"
    if change is not None:
        profile.write_text(change, encoding="utf-8")
    with pytest.raises(LedgerRefused, match=said):
        load_profile(profile)


@pytest.mark.parametrize(("old", "new"), [("field: brand,", "field: brnad,"), ("parse: acuity", "parse: accuity")])
def test_a_misspelt_field_or_reader_is_refused_with_the_place(tmp_path: Path, old: str, new: str) -> None:
    profile = tmp_path / "wrong.yaml"
    shipped = resource("ledger", "clinic_excel.yaml").read_text(encoding="utf-8")
    profile.write_text(shipped.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LedgerRefused, match=r"sheets\.0\.columns\."):
        load_profile(profile)


def test_an_unknown_site_is_refused(take: Take, write: Write) -> None:
    for site in ("HZ99", ""):
        with pytest.raises(LedgerRefused, match="HZ01"):
            take(write(ok=[ok_row()]), site_code=site)


def test_without_any_site_nothing_is_imported(store: Store, clock: FakeClock, write: Write) -> None:
    with pytest.raises(LedgerRefused, match="no active site"):
        import_ledger(store.jobs, write(ok=[ok_row()]), clock=clock)


def test_every_code_has_a_sentence() -> None:
    core = Path(hcrm_core.__file__).parent
    eye = ("acuity", "age", "notation", "plausibility", "refraction")  # what an import reads a cell with
    sources = [*Path(ledger_package.__file__).parent.glob("*.py"), *(core / "eye" / f"{name}.py" for name in eye)]
    sources += [core / "people.py"]
    made = (
        r'(?:refusal|_remark|_warning|_bounded|(?<!re)place)\(\s*"(\w+)"|code\s*=\s*"(\w+)"|(?:return|else) "(\w+_\w+)"'
    )
    codes = {code for path in sources for match in re.findall(made, path.read_text(encoding="utf-8")) for code in match}
    sentences = yaml.safe_load(resource("ledger", "problems.yaml").read_text(encoding="utf-8"))["sentences"]
    assert len(codes) > 40
    assert codes - {""} - {"sex_unknown", "age_outside"} <= sentences.keys()
