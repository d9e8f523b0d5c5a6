"""A clinic's own percentiles: read if sound, otherwise told what is wrong, by row and column."""

from decimal import Decimal
from pathlib import Path

import pytest

from hcrm_core.errors import Problem
from hcrm_core.eye.percentiles import AxialLengthReference, Percentile, Refused
from hcrm_core.eye.reference_table import read_reference
from hcrm_core.terms import Sex
from hcrm_store.references import LARGEST, axial_length_reference, laid_files, references, references_with
from hcrm_store.resources import resource

HEAD = """# name: Our clinic
# version: 2
# citation: counted here
# licence: ours
# ages: 6-15
# population: children of our clinic
"""
COLUMNS = "sex,age_years,P3,P5,P10,P25,P50,P75,P90,P95"
PERCENTS = (3, 5, 10, 25, 50, 75, 90, 95)


def percentile_table() -> str:
    """The shipped table as one of percentiles: a table whose truth is known."""
    wuhan = axial_length_reference()
    lines = [f"{row.sex},{row.age_years},{_lengths(wuhan, row.sex, row.age_years)}" for row in wuhan.rows]
    return "\n".join([HEAD + COLUMNS, *lines])


def _lengths(table: AxialLengthReference, sex: Sex, age: Decimal) -> str:
    return ",".join(str(table.length_at(percent, sex=sex, age_years=age)) for percent in PERCENTS)


def problems(text: str) -> list[tuple[str, str]]:
    return [(problem.code, problem.field) for problem in read_reference(text).problems]


def test_the_shipped_file_is_of_the_same_form() -> None:
    read = read_reference(resource("references", "axial_length_wuhan_2022.csv").read_text(encoding="utf-8"))

    assert read.value == axial_length_reference()
    assert read.value is not None
    assert read.value.licence.startswith("CC BY 4.0")


@pytest.mark.parametrize(
    ("sex", "age", "length", "expected"),
    [
        (Sex.MALE, "8", "24.00", 56),
        (Sex.FEMALE, "8", "23.50", 56),
        (Sex.MALE, "10", "24.60", 55),
        (Sex.FEMALE, "12", "25.00", 79),
        (Sex.MALE, "15", "26.00", 82),
        (Sex.FEMALE, "6", "22.00", 26),
    ],
)
def test_published_vectors_are_met_by_a_table_of_percentiles_too(
    sex: Sex, age: str, length: str, expected: int
) -> None:
    table = read_reference(percentile_table()).value
    assert table is not None
    found = table.percentile_of(Decimal(length), sex=sex, age_years=Decimal(age))
    assert isinstance(found, Percentile)
    assert abs(found.percentile - expected) <= Decimal("0.5")
    assert table.label == "Our clinic v2"


def test_beyond_its_outermost_percentiles_a_table_tells_only_the_side() -> None:
    table = read_reference(percentile_table()).value
    assert table is not None
    for length, label in (("20", "<P3"), ("27", ">P95")):
        found = table.percentile_of(Decimal(length), sex=Sex.MALE, age_years=Decimal("6.5"))
        assert isinstance(found, Percentile)
        assert found.label == label
    assert table.length_at(2, sex=Sex.MALE, age_years=Decimal(8)) == Refused(code="percentile_outside")
    assert isinstance(table.length_at(95, sex=Sex.MALE, age_years=Decimal("8.3")), Decimal)


@pytest.mark.parametrize("key", ["name", "version", "citation", "licence", "ages", "population"])
def test_a_file_without_its_source_is_refused(key: str) -> None:
    assert problems(percentile_table().replace(f"# {key}:", "# other:")) == [("head_missing", key)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("ages: 6-15", "ages: all", ("ages_unreadable", "ages")),
        ("ages: 6-15", "ages: 6-18", ("ages_differ", "ages")),
        ("P90,P95", "P90,P97", ("columns_missing", "columns")),
        ("sex,age_years", "sex,age", ("columns_missing", "columns")),
        ("\nmale,6,", "\nboy,6,", ("sex_unreadable", "row 8, sex")),
        ("\nmale,7,", "\nmale,adult,", ("number_unreadable", "row 9, age_years")),
        ("\nmale,7,", "\nmale,6.0,", ("age_twice", "row 9, age_years")),
        ("22.98", "2298", ("out_of_range", "row 8, P50")),
        ("22.98", "", ("number_unreadable", "row 8, P50")),
        ("22.98", "nan", ("number_unreadable", "row 8, P50")),
        ("22.98", "22.10", ("not_ascending", "row 8, P50")),
    ],
)
def test_what_is_wrong_is_told_by_row_and_column(before: str, after: str, expected: tuple[str, str]) -> None:
    assert before in percentile_table()
    assert expected in problems(percentile_table().replace(before, after, 1))


def test_a_cut_off_row_and_a_missing_sex_are_told() -> None:
    lines = percentile_table().splitlines()
    assert ("number_unreadable", "row 8, P95") in problems("\n".join([*lines[:7], lines[7].rpartition(",")[0]]))
    girls = [line for line in lines if not line.startswith("male")]
    assert problems("\n".join(girls)) == [("too_few_rows", "sex")]
    keys = ("name", "version", "citation", "licence", "ages", "population")
    assert problems("") == [*(("head_missing", key) for key in keys), ("columns_missing", "columns")]


def test_a_coefficient_outside_its_range_is_refused() -> None:
    shipped = resource("references", "axial_length_wuhan_2022.csv").read_text(encoding="utf-8")
    assert ("out_of_range", "row 11, s") in problems(shipped.replace("0.0363", "3.63"))


def test_a_clinics_sound_tables_may_be_chosen_and_the_shipped_one_stays_the_default(tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text(percentile_table(), encoding="utf-8-sig")

    found = references_with(tmp_path)
    assert [table.label for table in found.available] == ["Wuhan 2022 v1", "Our clinic v2"]
    assert found.axial_length == references().axial_length
    assert references_with(tmp_path, chosen="Our clinic v2").axial_length.label == "Our clinic v2"
    assert references_with(tmp_path, chosen="gone v1").axial_length == references().axial_length
    assert found.axial_growth == references().axial_growth, "only the percentiles may be chosen"


def test_a_faulty_file_is_listed_with_what_is_wrong_and_never_used(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(percentile_table(), encoding="utf-8")
    (tmp_path / "b.csv").write_text(percentile_table(), encoding="utf-8")
    (tmp_path / "c.csv").write_bytes(b"\xff\xfe")
    (tmp_path / "d.csv").write_text("#" * (LARGEST + 1), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a table", encoding="utf-8")

    sound, *faulty = laid_files(tmp_path)
    assert sound.table is not None
    assert [(one.name, one.table, one.problems[0].code) for one in faulty] == [
        ("b.csv", None, "label_taken"),
        ("c.csv", None, "unreadable"),
        ("d.csv", None, "too_large"),
    ]
    assert len(references_with(tmp_path).available) == 2


def test_without_a_folder_there_is_the_shipped_table_alone(tmp_path: Path) -> None:
    assert laid_files(tmp_path / "references") == ()
    assert references_with(tmp_path / "references") == references()


def test_problems_name_no_contents_but_the_cell() -> None:
    found = read_reference(percentile_table().replace("22.98", "x", 1)).problems
    assert found == (Problem(code="number_unreadable", field="row 8, P50", parameters={"seen": "x"}),)


@pytest.mark.parametrize("name", sorted(path.name for path in resource("references").glob("*.csv")))
def test_every_shipped_table_names_its_source_licence_and_population(name: str) -> None:
    head = [line for line in resource("references", name).read_text(encoding="utf-8").splitlines() if line[0] == "#"]
    keys = {line[2:].partition(":")[0] for line in head}
    assert keys >= {"name", "version", "citation", "licence", "ages", "population"}
