"""The simulated clinic is the same for a seed, believable, and nobody's."""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from hcrm_core.errors import Rejected
from hcrm_sim.clinic import write_clinic
from hcrm_sim.edges import edge_cases
from hcrm_sim.feeds import SCHEMAS
from hcrm_sim.people import PHONE_PREFIXES
from tests.unit.sim.extracts import read

TODAY = date(2026, 11, 22)
LEDGER_STAFF = ["周婷", "王燕", "刘佳", "李娜", "陈晓"]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic large enough for means: written in about a second."""
    directory = tmp_path_factory.mktemp("clinic")
    write_clinic(directory, customers=12_000, seed=7, today=TODAY)
    return directory


def _bytes(directory: Path) -> dict[str, bytes]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    write_clinic(tmp_path / "one", customers=400, seed=3, today=TODAY)
    write_clinic(tmp_path / "two", customers=400, seed=3, today=TODAY)
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    write_clinic(tmp_path / "one", customers=400, seed=3, today=TODAY)
    write_clinic(tmp_path / "two", customers=400, seed=4, today=TODAY)
    assert not read(tmp_path / "one", "customers").equals(read(tmp_path / "two", "customers"))


def test_writing_again_replaces_the_former_clinic(tmp_path: Path) -> None:
    write_clinic(tmp_path, customers=300, seed=1, today=TODAY)
    write_clinic(tmp_path, customers=5, seed=1, today=TODAY)
    assert read(tmp_path, "customers").height == 5


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(Rejected) as refused:
        write_clinic(tmp_path, customers=5, seed=1, today=TODAY)
    assert refused.value.code == "directory_in_use"
    assert (tmp_path / "thesis.doc").exists()


@pytest.mark.parametrize(("customers", "sites"), [(0, 3), (-1, 3), (1_000_001, 3), (10, 0), (10, 51)])
def test_an_impossible_size_is_refused(tmp_path: Path, customers: int, sites: int) -> None:
    with pytest.raises(Rejected):
        write_clinic(tmp_path, customers=customers, seed=1, today=TODAY, sites=sites)


EDGES = len(edge_cases(TODAY))


@pytest.mark.parametrize("customers", [1, 2, EDGES, EDGES + 1, 200])
def test_a_small_clinic_has_exactly_its_customers(tmp_path: Path, customers: int) -> None:
    summary = write_clinic(tmp_path, customers=customers, seed=1, today=TODAY, sites=1)
    found = read(tmp_path, "customers")
    assert found.height == customers == summary.rows["customers"]
    assert found["key"].is_unique().all()


def test_the_manifest_counts_and_seals_every_file(clinic: Path) -> None:
    manifest = json.loads((clinic / "manifest.json").read_text())
    for file in manifest["files"]:
        assert hashlib.sha256((clinic / file["name"]).read_bytes()).hexdigest() == file["sha256"]
        if file["part"]:
            assert read(clinic, file["feed"]).height == file["rows"]


def test_every_row_names_a_customer_a_family_and_staff_that_exist(clinic: Path) -> None:
    group = json.loads((clinic / "organisation.json").read_text())
    staff = {one["code"] for one in group["staff"]}
    customers = read(clinic, "customers")
    assert set(customers["assistant_code"].drop_nulls()) <= staff
    assert set(customers["family_key"]) == set(read(clinic, "guardians")["family_key"])
    for feed in SCHEMAS.keys() - {"customers", "guardians"}:
        rows = read(clinic, feed)
        assert rows["key"].is_unique().all(), feed
        assert set(rows["customer_key"]) <= set(customers["key"]), feed


def test_what_happened_lies_before_the_clinic_s_day(clinic: Path) -> None:
    happened = [("exams", "examined_on"), ("lens_orders", "dispensed_on"), ("recheck_plans", "planned_on")]
    happened += [("medications", "started_on"), ("medications", "ended_on")]
    for feed, column in happened:
        assert read(clinic, feed)[column].max() < TODAY
    visits = read(clinic, "visits")
    assert visits.filter(state="booked")["visit_on"].min() >= TODAY
    assert visits.filter(pl.col("state") != "booked")["visit_on"].max() < TODAY


def test_the_first_site_employs_the_people_of_the_sample_ledger(clinic: Path) -> None:
    group = json.loads((clinic / "organisation.json").read_text())
    first = [one for one in group["staff"] if one["site_code"] == group["sites"][0]["code"]]
    assert [one["name"] for one in first[:5]] == LEDGER_STAFF


def test_phones_are_of_series_that_no_carrier_has(clinic: Path) -> None:
    phones = read(clinic, "guardians")["phone"].drop_nulls()
    assert phones.str.contains(f"^({'|'.join(PHONE_PREFIXES)})[0-9]{{8}}$").all()
    assert phones.is_unique().all()


def test_nobody_has_an_identity_number(clinic: Path) -> None:
    assert read(clinic, "customers")["national_id"].null_count() == 12_000


def test_about_one_in_eight_customers_has_a_sibling_here(clinic: Path) -> None:
    customers = read(clinic, "customers")
    together = customers.filter(pl.len().over("family_key") > 1)
    assert together.height / customers.height == pytest.approx(0.12, abs=0.02)
    same = together.group_by("family_key").agg(pl.col("site_code", "assistant_code").drop_nulls().n_unique())
    assert same["assistant_code"].max() == 1


@pytest.mark.parametrize(("column", "share"), [("od_axial_length_mm", 0.30), ("od_k1", 0.25), ("od_cct_um", 0.45)])
def test_fields_are_missing_as_often_as_in_life(clinic: Path, column: str, share: float) -> None:
    exams = read(clinic, "exams").filter(~pl.col("key").str.starts_with("EDGE"))
    assert exams[column].null_count() / exams.height == pytest.approx(share, abs=0.02)


def test_values_stay_inside_the_bounds_of_the_store(clinic: Path) -> None:
    exams = read(clinic, "exams")
    for eye in ("od", "os"):
        bounds = {"sphere": (-30, 25), "cylinder": (-10, 0), "axis": (1, 180), "axial_length_mm": (15, 35)}
        for name, (low, high) in bounds.items():
            assert exams[f"{eye}_{name}"].drop_nulls().is_between(low, high).all(), name
        assert exams.filter(pl.col(f"{eye}_cylinder") == 0)[f"{eye}_axis"].null_count() == len(
            exams.filter(pl.col(f"{eye}_cylinder") == 0)
        )


def test_under_ok_lenses_eyes_measure_flat_and_nearly_without_refraction(clinic: Path) -> None:
    exams = read(clinic, "exams")
    under, before = exams.filter(lens_state="ok_lens"), exams.filter(lens_state="spectacles")
    assert abs(_mean(under, "od_sphere")) < 0.3
    assert _mean(before, "od_k1") - _mean(under, "od_k1") == pytest.approx(1.1, abs=0.3)
    assert _mean(under, "od_ucva") > 4.85 > _mean(before, "od_ucva")
    assert not under["cycloplegic"].any()


def _mean(frame: pl.DataFrame, column: str) -> float:
    value = frame[column].mean()
    assert isinstance(value, float)
    return value


def _yearly_growth(clinic: Path) -> pl.DataFrame:
    """Growth between exams half a year to two years apart in the same lenses, with the age in the middle."""
    born = read(clinic, "customers").select(customer_key="key", born="birth_date")
    functional = read(clinic, "lens_orders").filter(product="functional")["customer_key"].unique()
    length = pl.col("od_axial_length_mm")
    exams = read(clinic, "exams").filter(length.is_not_null()).join(born, on="customer_key").drop_nulls("born")
    exams = exams.sort("customer_key", "examined_on").with_columns(
        pl.col("examined_on", "od_axial_length_mm", "lens_state").shift(-1).over("customer_key").name.prefix("next_"),
        functional=pl.col("customer_key").is_in(functional.implode()),
    )
    years = (pl.col("next_examined_on") - pl.col("examined_on")).dt.total_days() / 365.25
    age = (pl.col("examined_on") - pl.col("born")).dt.total_days() / 365.25 + years / 2
    pairs = exams.filter(years.is_between(0.2, 2), pl.col("lens_state") == pl.col("next_lens_state"))
    return pairs.with_columns(age=age, grown=pl.col("next_od_axial_length_mm") - length, years=years)


@pytest.mark.parametrize(("age", "rate"), [(8.0, 0.473), (10.5, 0.34), (13.0, 0.223)])
def test_myopes_in_single_vision_grow_as_published(clinic: Path, age: float, rate: float) -> None:
    pairs = _yearly_growth(clinic).filter(
        pl.col("age").is_between(age - 0.75, age + 0.75), ~pl.col("functional"), lens_state="spectacles"
    )
    assert pairs.height > 100
    assert pairs["grown"].sum() / pairs["years"].sum() == pytest.approx(rate, abs=0.05)


def test_ok_lenses_slow_the_growth_by_about_what_romio_found(clinic: Path) -> None:
    pairs = _yearly_growth(clinic).filter(pl.col("age").is_between(9, 12))
    treated = pairs.filter(lens_state="ok_lens")
    control = pairs.filter(~pl.col("functional"), lens_state="spectacles")
    difference = _rate(control) - _rate(treated)
    assert difference == pytest.approx(0.135, abs=0.05)


def _rate(pairs: pl.DataFrame) -> float:
    return float(pairs["grown"].sum() / pairs["years"].sum())


def test_pairs_of_ok_lenses_of_every_age_are_worn_today(clinic: Path) -> None:
    orders = read(clinic, "lens_orders").filter(product="ok_lens")
    newest = orders.group_by("customer_key", "eye").agg(pl.col("dispensed_on").max())
    ages = newest.select(days=(pl.lit(TODAY) - pl.col("dispensed_on")).dt.total_days())
    assert 0.02 < ages.filter(pl.col("days") > 550).height / ages.height < 0.3
    assert ages.filter(pl.col("days") < 60).height > 0


def test_children_are_recalled_late_and_in_time(clinic: Path) -> None:
    plans = read(clinic, "recheck_plans").sort("planned_on").group_by("customer_key").last()
    late = plans.filter(pl.col("due_on") < TODAY - timedelta(days=30)).height / plans.height
    assert 0.05 < late < 0.4


def test_some_children_take_atropine_in_one_strength_at_a_time(clinic: Path) -> None:
    born = read(clinic, "customers").select(customer_key="key", born="birth_date")
    courses = read(clinic, "medications").join(born, on="customer_key").sort("customer_key", "started_on")
    assert 600 < courses["customer_key"].n_unique() < 1_200  # of 12,000
    assert set(courses["percent"]) == {0.01, 0.025, 0.05}
    # 6 to 12 years at the first course (clinical pack, definitions); edge children have birthdays of their own.
    first = courses.unique("customer_key", keep="first").filter(~pl.col("customer_key").str.starts_with("EDGE"))
    age = (first["started_on"] - first["born"]).dt.total_days() / 365.25
    assert 5.99 < age.min() < 7  # type: ignore[operator]  # a frame's minimum has no type of its own
    assert 12 < age.max() < 13.01  # type: ignore[operator]  # as above
    later = courses.with_columns(
        former=pl.col("ended_on").shift(1).over("customer_key"), nth=pl.int_range(pl.len()).over("customer_key")
    )
    again = later.filter(pl.col("nth") > 0)
    assert again.height > 50
    assert (again["former"] <= again["started_on"]).all()
    assert (courses["ended_on"].is_null() | (courses["ended_on"] >= courses["started_on"])).all()
