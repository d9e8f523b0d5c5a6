"""Extracts load in bulk into a real PostgreSQL: once, again, changed, half, wrong."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import text

from hcrm_central.connectors.extract import ExtractReport, load_extract
from hcrm_central.connectors.extract.manifest import Manifest, read_manifest
from hcrm_central.store.opening import Store
from hcrm_core.errors import Rejected
from hcrm_core.terms import Source
from hcrm_sim.clinic import write_clinic
from hcrm_sim.extract import ExtractWriter
from hcrm_sim.feeds import SCHEMAS
from hcrm_sim.staff import organise
from tests.fakes import FakeClock

TODAY = date(2026, 11, 22)
AS_OF = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
Row = dict[str, Any]
Rows = dict[str, list[Row]]


def _small() -> Rows:
    """One child with one of everything."""
    key = {"customer_key": "C1"}
    return {
        "guardians": [
            {"key": "G1", "family_key": "F1", "site_code": "S01", "name": "王芳", "phone": "14212345678"},
        ],
        "customers": [
            {
                "key": "C1",
                "site_code": "S01",
                "family_key": "F1",
                "name": "王欣怡",
                "birth_date": date(2016, 5, 1),
                "assistant_code": "S01-001",
                "his_no": "H1",
            }
        ],
        "exams": [{"key": "E1", **key, "examined_on": date(2026, 3, 1), "od_sphere": -1.25, "os_sphere": -1.0}],
        "lens_orders": [{"key": "L1", **key, "eye": "OD", "product": "functional", "dispensed_on": date(2026, 3, 8)}],
        "medications": [{"key": "M1", **key, "medicine": "atropine", "percent": 0.05, "started_on": date(2026, 3, 8)}],
        "visits": [{"key": "V1", **key, "visit_on": date(2026, 3, 1), "state": "arrived"}],
        "recheck_plans": [{"key": "P1", **key, "planned_on": date(2026, 3, 1), "due_on": date(2026, 9, 1)}],
        "follow_ups": [
            {
                "key": "U1",
                **key,
                "staff_code": "S01-001",
                "channel": "phone",
                "outcome": "no_answer",
                "contacted_at": "2026-09-03T10:00:00+08:00",
            }
        ],
        "leads": [{"key": "N1", **key, "kind": "upsell", "started_on": date(2026, 9, 3)}],
    }


def _write(directory: Path, *parts: Rows, as_of: datetime = AS_OF) -> Path:
    writer = ExtractWriter(directory=directory)
    directory.mkdir(parents=True, exist_ok=True)
    writer.write_organisation(organise(customers=10, sites=2).as_json())
    for number, part in enumerate(parts, 1):
        for feed, rows in part.items():
            writer.write_feed(feed, pl.DataFrame(rows, schema=SCHEMAS[feed]), part=number)
    writer.seal(source=Source.HIS.value, as_of=as_of)
    return directory


Load = Callable[[Path], ExtractReport]


@pytest.fixture
def load(store: Store, clock: FakeClock) -> Load:
    return lambda directory: load_extract(store.jobs, directory, clock=clock)


def _ask(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.owner.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _heads(store: Store) -> list[tuple[Any, ...]]:
    return _ask(store, "SELECT key, seq FROM stream ORDER BY key")


def _outcome(report: ExtractReport, feed: str) -> tuple[int, int, int, int]:
    counts = report.feeds[feed]
    assert counts.read == counts.created + counts.changed + counts.unchanged + counts.quarantined
    return counts.created, counts.changed, counts.unchanged, counts.quarantined


# ── whole ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_simulated_clinic_loads_whole_and_a_second_load_changes_nothing(
    store: Store, load: Load, tmp_path: Path
) -> None:
    summary = write_clinic(tmp_path, customers=200, seed=1, today=TODAY)
    first = load(tmp_path)
    assert {name: counts.created for name, counts in first.feeds.items()} == summary.rows
    assert first.problems == {}
    heads, records = _heads(store), _ask(store, "SELECT count(*) FROM source_record")
    second = load(tmp_path)
    assert {name: counts.unchanged for name, counts in second.feeds.items()} == summary.rows
    assert (_heads(store), _ask(store, "SELECT count(*) FROM source_record")) == (heads, records)


def test_every_row_arrives_with_what_it_refers_to_and_how_far_its_feed_is(
    store: Store, load: Load, tmp_path: Path
) -> None:
    report = load(_write(tmp_path, _small()))
    assert _ask(
        store,
        "SELECT c.name, c.name_pinyin, c.name_initials, a.name, s.code, g.phone, g.phone_tail, i.kind, i.value"
        " FROM customer c JOIN staff a ON a.id = c.assistant_id JOIN site s ON s.id = c.site_id"
        " JOIN guardian g USING (family_id) JOIN customer_identifier i ON i.customer_id = c.id",
    ) == [("王欣怡", "wang xin yi", "wxy", "周婷", "S01", "14212345678", "5678", "his_no", "H1")]
    assert _ask(store, "SELECT eye, sphere::text, axial_length_mm FROM eye_measurement ORDER BY eye") == [
        ("OD", "-1.25", None),
        ("OS", "-1.00", None),
    ]
    assert _ask(store, "SELECT method, cycloplegic, lens_state, status, source FROM exam") == [
        ("unknown", None, "unknown", "final", "his")
    ]
    marks = dict(_ask(store, "SELECT feed, at FROM watermark"))
    assert marks == {f"his:{feed}": AS_OF for feed in SCHEMAS}
    assert _ask(store, "SELECT id, finished_at IS NOT NULL, counts -> 'exams' ->> 'created' FROM import_batch") == [
        (report.batch_id, True, "1")
    ]
    json.dumps(report.as_json())


def test_families_are_as_the_source_says_and_never_by_phone(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    child, guardian = rows["customers"][0], rows["guardians"][0]
    rows["guardians"].append(guardian | {"key": "G2", "family_key": "F2"})
    rows["customers"] += [child | {"key": "sibling"}, child | {"key": "stranger", "family_key": "F2"}]
    load(_write(tmp_path, rows))
    assert _ask(store, "SELECT count(*) FROM customer GROUP BY family_id ORDER BY 1") == [(1,), (2,)]
    assert _ask(store, "SELECT count(*), count(DISTINCT phone) FROM guardian") == [(2, 1)]


# ── again, changed ───────────────────────────────────────────────────────────────────────────────────────


def test_a_changed_exam_supersedes_and_overwrites_nothing(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    load(_write(tmp_path / "one", rows))
    rows["exams"][0]["od_sphere"] = -1.5
    report = load(_write(tmp_path / "two", rows))
    assert _outcome(report, "exams") == (0, 1, 0, 0)
    assert _ask(
        store,
        "SELECT e.status, o.status, m.sphere::text FROM exam e LEFT JOIN exam o ON o.id = e.supersedes_id"
        " JOIN eye_measurement m ON m.exam_id = e.id AND m.eye = 'OD' ORDER BY e.status",
    ) == [("amended", None, "-1.25"), ("final", "amended", "-1.50")]


@pytest.mark.parametrize("here", ["corrected", "corrected twice", "void"])
def test_a_correction_at_the_source_does_not_overrule_what_was_made_of_the_exam_here(
    store: Store, load: Load, tmp_path: Path, here: str
) -> None:
    rows = _small()
    load(_write(tmp_path / "one", rows))
    correction = (
        "INSERT INTO exam (customer_id, id, site_id, examined_on, method, lens_state, source, status, supersedes_id)"
        " SELECT customer_id, gen_random_uuid(), site_id, examined_on, method, lens_state, 'workstation', 'final', id"
        " FROM exam WHERE status = 'final'"
    )
    amended = "UPDATE exam e SET status = 'amended' WHERE EXISTS (SELECT 1 FROM exam x WHERE x.supersedes_id = e.id)"
    done = {"corrected": [correction, amended], "corrected twice": [correction, amended] * 2}
    with store.owner.begin() as connection:
        for statement in done.get(here, ["UPDATE exam SET status = 'void'"]):
            connection.execute(text(statement))
        connection.execute(text("SELECT hcrm.stamp()"))
    rows["exams"][0]["od_sphere"] = -1.5
    load(_write(tmp_path / "two", rows))
    expected = {
        "corrected": ["amended", "contested", "contested"],
        "corrected twice": ["amended", "amended", "contested", "contested"],
        "void": ["contested", "void"],
    }
    assert [status for (status,) in _ask(store, "SELECT status FROM exam ORDER BY 1")] == expected[here]


def test_a_changed_row_updates_and_travels_again(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    load(_write(tmp_path / "one", rows))
    rows["lens_orders"][0] |= {"ended_on": date(2026, 10, 1), "price": 1490.5}
    before = _heads(store)
    assert _outcome(load(_write(tmp_path / "two", rows)), "lens_orders") == (0, 1, 0, 0)
    assert _ask(store, "SELECT ended_on, price::text, ver FROM lens_order") == [(date(2026, 10, 1), "1490.50", 2)]
    assert _heads(store) != before


def test_a_course_of_drops_lands_and_is_brought_up_to_date(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    rows["medications"][0] |= {"percent": 0.025, "prescriber_code": "S01-001"}
    load(_write(tmp_path / "one", rows))
    rows["medications"][0] |= {"ended_on": date(2026, 3, 8)}
    assert _outcome(load(_write(tmp_path / "two", rows)), "medications") == (0, 1, 0, 0)
    query = (
        "SELECT medicine, percent::text, started_on, ended_on, prescriber_id IS NOT NULL, source, ver FROM medication"
    )
    assert _ask(store, query) == [("atropine", "0.025", date(2026, 3, 8), date(2026, 3, 8), True, "his", 2)]


def test_what_was_worked_on_here_survives_a_change_elsewhere_in_the_row(
    store: Store, load: Load, tmp_path: Path
) -> None:
    rows = _small()
    load(_write(tmp_path / "one", rows))
    with store.owner.begin() as connection:
        connection.execute(
            text("UPDATE customer SET assistant_id = (SELECT id FROM staff WHERE code = 'S01-002'), note = 'here'")
        )
        connection.execute(text("SELECT hcrm.stamp()"))
    rows["customers"][0]["school"] = "实验小学"
    load(_write(tmp_path / "two", rows))
    assert _ask(store, "SELECT a.code, c.note, c.school FROM customer c JOIN staff a ON a.id = c.assistant_id") == [
        ("S01-002", "here", "实验小学")
    ]


def test_a_row_that_moves_to_another_customer_moves_once(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    rows["customers"].append(rows["customers"][0] | {"key": "C2", "his_no": "H2", "name": "王浩然"})
    load(_write(tmp_path / "one", rows))
    rows["lens_orders"][0]["customer_key"] = rows["exams"][0]["customer_key"] = "C2"
    load(_write(tmp_path / "two", rows))
    assert _ask(store, "SELECT c.name FROM lens_order o JOIN customer c ON c.id = o.customer_id") == [("王浩然",)]
    assert _ask(
        store, "SELECT c.name, e.status, e.supersedes_id FROM exam e JOIN customer c ON c.id = e.customer_id ORDER BY 2"
    ) == [("王浩然", "final", None), ("王欣怡", "void", None)]


def test_a_customer_does_not_change_site_by_import(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    load(_write(tmp_path / "one", rows))
    rows["customers"][0]["site_code"] = "S02"
    report = load(_write(tmp_path / "two", rows))
    assert report.problems == {"site_kept": 1}
    assert _ask(store, "SELECT s.code FROM customer c JOIN site s ON s.id = c.site_id") == [("S01",)]


def test_an_absent_row_stays_and_an_equal_organisation_does_not_travel_again(
    store: Store, load: Load, tmp_path: Path
) -> None:
    rows = _small()
    load(_write(tmp_path / "one", rows))
    before = _ask(store, "SELECT code, ver FROM staff ORDER BY code")
    load(_write(tmp_path / "two", rows | {"exams": []}))
    assert _ask(store, "SELECT status FROM exam") == [("final",)]
    assert _ask(store, "SELECT code, ver FROM staff ORDER BY code") == before


# ── bad rows ─────────────────────────────────────────────────────────────────────────────────────────────


BAD: list[tuple[str, Row, str]] = [
    ("exams", {"od_axial_length_mm": 36.0}, "out_of_range"),
    ("exams", {"od_cylinder": 0.25}, "out_of_range"),
    ("exams", {"od_axis": 0}, "out_of_range"),
    ("exams", {"examined_on": date(2026, 11, 23)}, "date_in_future"),
    ("exams", {"examined_on": date(1899, 12, 31)}, "date_too_early"),
    ("exams", {"examined_on": None}, "required_missing"),
    ("exams", {"method": "guess"}, "unknown_word"),
    ("exams", {"note": "\u0007"}, "bad_character"),
    ("lens_orders", {"brand": "x" * 81}, "too_long"),
    ("lens_orders", {"price": -1.0}, "out_of_range"),
    ("medications", {"medicine": "aspirin"}, "unknown_word"),
    ("medications", {"percent": None}, "required_missing"),
    ("medications", {"percent": 0.0004}, "out_of_range"),
    ("medications", {"percent": 1.001}, "out_of_range"),
    ("medications", {"started_on": date(2026, 11, 23)}, "date_in_future"),
    ("medications", {"ended_on": date(2026, 3, 7)}, "date_before_start"),
    ("follow_ups", {"contacted_at": "2026-09-03 10:00"}, "instant_unreadable"),
    ("follow_ups", {"contacted_at": "2026-09-03T24:00:00Z"}, "instant_unreadable"),
    ("visits", {"customer_key": "C9"}, "unknown_customer"),
    ("customers", {"site_code": "S99"}, "unknown_site"),
    ("customers", {"family_key": "F9"}, "unknown_family"),
]


def test_bad_rows_are_set_aside_with_their_reasons_and_good_ones_load(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    for number, (feed, cell, _) in enumerate(BAD):
        rows[feed].append(rows[feed][0] | {"key": f"bad-{number}"} | cell)
    report = load(_write(tmp_path, rows))
    for feed in {feed for feed, _, _ in BAD}:
        assert _outcome(report, feed) == (1, 0, 0, len(rows[feed]) - 1), feed
    kept = _ask(store, 'SELECT sheet, "row", "column", code FROM import_problem')
    expected = [
        (f"0001/{feed}.csv.gz", 2 + rows[feed].index(rows[feed][0] | {"key": f"bad-{number}"} | cell), *cell, code)
        for number, (feed, cell, code) in enumerate(BAD)
    ]
    assert sorted(kept) == sorted(expected)


def test_a_corrected_bad_row_loads_the_next_time(load: Load, tmp_path: Path) -> None:
    rows = _small()
    rows["exams"][0]["od_sphere"] = -125.0
    assert _outcome(load(_write(tmp_path / "one", rows)), "exams") == (0, 0, 0, 1)
    rows["exams"][0]["od_sphere"] = -1.25
    assert _outcome(load(_write(tmp_path / "two", rows)), "exams") == (1, 0, 0, 0)


def test_of_two_rows_with_one_key_the_first_counts(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    rows["customers"].append(rows["customers"][0] | {"name": "另一人"})
    report = load(_write(tmp_path, rows))
    assert report.problems == {"duplicate_key": 1}
    assert _ask(store, "SELECT name FROM customer") == [("王欣怡",)]


def test_an_unknown_colleague_or_unreadable_phone_costs_the_link_and_not_the_row(
    store: Store, load: Load, tmp_path: Path
) -> None:
    rows = _small()
    rows["customers"][0]["assistant_code"] = "S01-099"
    rows["guardians"][0]["phone"] = "妈妈的"
    report = load(_write(tmp_path / "one", rows))
    assert report.problems == {"unknown_staff": 1, "phone_unreadable": 1}
    assert _ask(store, "SELECT c.assistant_id, g.phone FROM customer c JOIN guardian g USING (family_id)") == [
        (None, None)
    ]
    with store.owner.begin() as connection:
        connection.execute(text("UPDATE staff SET code = 'S01-099' WHERE code = 'S01-002'"))
        connection.execute(text("SELECT hcrm.stamp()"))
    assert _outcome(load(_write(tmp_path / "two", rows)), "customers") == (0, 1, 0, 0)
    assert _ask(store, "SELECT a.code FROM customer c JOIN staff a ON a.id = c.assistant_id") == [("S01-099",)]


def test_exams_that_come_before_their_customers_load_once_those_are_here(load: Load, tmp_path: Path) -> None:
    rows = _small()
    early = load(_write(tmp_path / "one", {"exams": rows["exams"]}))
    assert early.problems == {"unknown_customer": 1}
    load(_write(tmp_path / "two", {name: rows[name] for name in ("guardians", "customers")}))
    assert _outcome(load(_write(tmp_path / "three", {"exams": rows["exams"]})), "exams") == (1, 0, 0, 0)


def test_the_report_names_places_and_no_values_of_patients(load: Load, tmp_path: Path) -> None:
    rows = _small()
    rows["customers"].append(rows["customers"][0] | {"key": "C2", "name": "马可识别" * 40})
    told = json.dumps(load(_write(tmp_path, rows)).as_json(), ensure_ascii=False)
    assert "too_long" in told
    assert "马可识别" not in told
    assert "王欣怡" not in told


# ── bad extracts ─────────────────────────────────────────────────────────────────────────────────────────


def _refusal(take: Callable[[Path], object], directory: Path) -> str:
    with pytest.raises(Rejected) as refused:
        take(directory)
    return refused.value.code


def _edited(directory: Path, **changes: Any) -> Path:
    path = directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return directory


def _verify(directory: Path) -> Manifest:
    return read_manifest(directory, now=FakeClock().now())


def test_an_unfinished_extract_is_refused(tmp_path: Path) -> None:
    assert _refusal(_verify, tmp_path) == "extract_incomplete"
    directory = _write(tmp_path / "one", _small())
    (directory / "0001" / "exams.csv.gz").unlink()
    assert _refusal(_verify, directory) == "extract_incomplete"


def test_a_damaged_file_is_refused_before_anything_loads(store: Store, load: Load, tmp_path: Path) -> None:
    path = _write(tmp_path, _small()) / "0001" / "leads.csv.gz"
    path.write_bytes(path.read_bytes()[:-1])
    assert _refusal(load, tmp_path) == "file_damaged"
    assert _ask(store, "SELECT count(*) FROM customer") == [(0,)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 2}, "version_unknown"),
        ({"format": "other"}, "manifest_unreadable"),
        ({"source": "nobody"}, "manifest_unreadable"),
        ({"as_of": "2026-11-22T01:00:01+00:00"}, "from_the_future"),
        ({"as_of": "2026-11-22T01:00:01"}, "manifest_unreadable"),
        ({"files": [{"name": "organisation.json"}]}, "manifest_unreadable"),
    ],
)
def test_a_manifest_that_cannot_be_honoured_is_refused(tmp_path: Path, changes: Row, code: str) -> None:
    assert _refusal(_verify, _edited(_write(tmp_path, _small()), **changes)) == code


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "0001/exams.exe"])
def test_a_manifest_cannot_point_outside_its_extract(tmp_path: Path, name: str) -> None:
    directory = _write(tmp_path / "x", _small())
    files = json.loads((directory / "manifest.json").read_text())["files"]
    changed = _edited(directory, files=[*files, files[-1] | {"name": name, "part": 2}])
    assert _refusal(_verify, changed) == "manifest_unreadable"


def test_an_older_extract_does_not_undo_a_newer_one(store: Store, load: Load, tmp_path: Path) -> None:
    rows = _small()
    load(_write(tmp_path / "new", rows))
    rows["customers"][0]["name"] = "旧名字"
    assert _refusal(load, _write(tmp_path / "old", rows, as_of=AS_OF - timedelta(hours=1))) == "older_extract"
    assert _ask(store, "SELECT name FROM customer") == [("王欣怡",)]


def test_a_load_that_broke_off_keeps_whole_parts_and_the_next_completes_it(
    store: Store, load: Load, tmp_path: Path
) -> None:
    second: Rows = {name: [] for name in SCHEMAS} | {
        "customers": [_small()["customers"][0] | {"key": "C2", "his_no": "H2"}]
    }
    directory = _write(tmp_path, _small(), second)
    files = json.loads((directory / "manifest.json").read_text())["files"]
    assert _refusal(load, _edited(directory, files=[*files[:-1], files[-1] | {"rows": 7}])) == "rows_missing"
    assert _ask(store, "SELECT count(*) FROM customer") == [(1,)]
    assert _ask(store, "SELECT count(*) FROM watermark") == [(0,)]
    report = load(_edited(directory, files=files))
    assert _outcome(report, "customers") == (1, 0, 1, 0)


def test_two_loads_at_once_load_everything_once(store: Store, tmp_path: Path) -> None:
    _write(tmp_path, _small())
    ended: list[str] = []

    def run() -> None:
        try:
            load_extract(store.jobs, tmp_path, clock=FakeClock())
            ended.append("loaded")
        except Rejected as refused:
            ended.append(refused.code)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "loaded" in ended
    assert set(ended) <= {"loaded", "load_running"}
    assert _ask(store, "SELECT count(*) FROM customer") == [(1,)]
