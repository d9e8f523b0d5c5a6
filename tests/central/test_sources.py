"""原始记录: what landed behind a row, cell by cell as far as the reader's profile goes, and nobody else's."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from openpyxl import Workbook
from sqlalchemy import text

from hcrm_central.connectors import landed
from hcrm_central.connectors.extract import load_extract
from hcrm_central.connectors.extract.feeds import FEEDS
from hcrm_central.connectors.ledger import import_ledger, undo_import
from hcrm_central.connectors.ledger.profile import IGNORED, load_profile
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.opening import Store
from hcrm_core.access import Access
from hcrm_core.source import SourceKind, SourceRow, SourceRows
from hcrm_core.terms import Role, Source
from hcrm_core.wire import OperationKind
from hcrm_sim.extract import ExtractWriter
from hcrm_sim.feeds import SCHEMAS
from hcrm_store.base import new_id
from tests.central.conftest import SignIn
from tests.central.ledger.conftest import frame_row, ok_row, screening_row
from tests.factories import Clinic, Workstation, exam_body
from tests.fakes import FakeClock

AS_OF = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
PHONE, GUARDIAN, REMARK, ADVICE, IDENTITY = "13800001234", "李女士", "爱迟到", "建议戴角塑", "11010520160501123X"
Rows = dict[str, list[dict[str, Any]]]


def extract_rows() -> Rows:
    """One child of `assistant` and `optometrist`, at north."""
    whose = {"customer_key": "C1"}
    child = {"key": "C1", "site_code": "north", "family_key": "F1", "name": "王小原", "his_no": "H77"}
    care = {"assistant_code": "assistant", "optometrist_code": "optometrist", "note": REMARK}
    exam = {"key": "E1", **whose, "examined_on": date(2026, 3, 1), "od_axial_length_mm": 24.1, "od_k1": 43.25}
    order = {"key": "L1", **whose, "eye": "OD", "product": "functional", "dispensed_on": date(2026, 3, 8)}
    drops = {"key": "M1", **whose, "medicine": "atropine", "percent": 0.05, "prescriber_code": "optometrist"}
    contact = {"key": "U1", **whose, "staff_code": "assistant", "channel": "phone", "outcome": "considering"}
    return {
        "guardians": [{"key": "G1", "family_key": "F1", "site_code": "north", "name": GUARDIAN, "phone": PHONE}],
        "customers": [child | care],
        "exams": [exam | {"note": ADVICE, "device": "IOLMaster"}],
        "lens_orders": [order | {"price": 4680.5}],
        "medications": [drops | {"started_on": date(2026, 3, 8), "note": ADVICE}],
        "visits": [{"key": "V1", **whose, "visit_on": date(2026, 3, 1), "state": "arrived"}],
        "recheck_plans": [{"key": "P1", **whose, "planned_on": date(2026, 3, 1), "due_on": date(2026, 9, 1)}],
        "follow_ups": [contact | {"note": REMARK, "contacted_at": "2026-09-03T10:00:00+08:00"}],
        "leads": [{"key": "N1", **whose, "kind": "upsell", "started_on": date(2026, 9, 3)}],
    }


def loaded(store: Store, clock: FakeClock, folder: Path, rows: Rows) -> None:
    folder.mkdir()
    writer = ExtractWriter(directory=folder)
    for feed, lines in rows.items():
        writer.write_feed(feed, pl.DataFrame(lines, schema=SCHEMAS[feed]), part=1)
    writer.seal(source=Source.HIS.value, as_of=AS_OF)
    assert load_extract(store.jobs, folder, clock=clock).problems == {}


def imported(store: Store, clock: FakeClock, path: Path, *, profile: Path | None = None, **row: object) -> UUID:
    """A row of 框架镜回访 of a child of `assistant` and `optometrist`; the batch."""
    return taken(store, clock, path, sheet="框架镜回访", row=frame_row(姓名="陈小账", **row), profile=profile)


def taken(
    store: Store, clock: FakeClock, path: Path, *, sheet: str, row: dict[str, Any], profile: Path | None = None
) -> UUID:
    book = Workbook()
    page = book.create_sheet(sheet, 0)
    page.append(list(row))
    page.append(list(row.values()))
    book.save(path)
    report = import_ledger(store.jobs, path, clock=clock, site_code="north", profile=profile)
    assert report.batch_id is not None
    run(
        store,
        "UPDATE customer SET assistant_id = a.id, optometrist_id = o.id FROM staff a, staff o"
        " WHERE a.code = 'assistant' AND o.code = 'optometrist' AND customer.name = '陈小账'",
    )
    return report.batch_id


def run(store: Store, statement: str, **values: object) -> None:
    with transaction(store.jobs) as session:
        session.execute(text(statement), values)


def one_id(store: Store, kind: str, name: str, *, where: str = "true") -> UUID:
    """A row of a child by his name."""
    join = "" if kind == "customer" else f"JOIN {kind} x ON x.customer_id = c.id AND {where}"
    with snapshot(store.jobs) as session:
        query = f"SELECT {'c' if kind == 'customer' else 'x'}.id FROM customer c {join} WHERE c.name = :name"
        found: UUID = session.execute(text(query), {"name": name}).scalars().all()[0]
    return found


def asked(client: Workstation, kind: str, row_id: UUID) -> SourceRows:
    answer = client.get(f"/sources/{kind}/{row_id}")
    assert answer.status_code == 200, answer.text
    return SourceRows.model_validate(answer.json())


def only(found: SourceRows) -> SourceRow:
    (row,) = found.rows
    return row


def texts(row: SourceRow) -> dict[str, str]:
    return {field.label: field.text for field in row.fields}


@pytest.fixture
def his(store: Store, clinic: Clinic, clock: FakeClock, tmp_path: Path) -> Store:
    loaded(store, clock, tmp_path / "extract", extract_rows())
    return store


@pytest.fixture
def ledger(store: Store, clinic: Clinic, clock: FakeClock, tmp_path: Path) -> Store:
    imported(store, clock, tmp_path / "台账.xlsx", PD=62, 备注=REMARK)
    return store


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_exam_tells_the_row_of_the_feed_as_it_came(client_for: SignIn, his: Store) -> None:
    found = asked(client_for("manager"), "exam", one_id(his, "exam", "王小原"))
    row = only(found)
    assert (found.source, row.source, row.feed, row.key) == (Source.HIS, Source.HIS, "exam", "E1")
    assert (row.file_name, row.undone, row.of_version, row.withheld) == ("extract", False, None, 0)
    labels = [field.label for field in row.fields]
    assert labels == [column.name for column in FEEDS["exams"].columns if column.name in labels]
    assert texts(row) | {"examined_on": "2026-03-01", "note": ADVICE} == texts(row)
    assert {field.label: field.feeds for field in row.fields}["od_k1"] == "OD.k1"


@pytest.mark.parametrize("kind", sorted(SourceKind))
def test_every_kind_tells_its_source_row(client_for: SignIn, his: Store, kind: str) -> None:
    row = only(asked(client_for("manager"), kind, one_id(his, kind, "王小原")))
    assert row.feed == kind
    assert row.fields


def test_a_value_that_was_changed_here_is_marked(client_for: SignIn, his: Store) -> None:
    exam = one_id(his, "exam", "王小原")
    before = {field.label: field.differs for field in only(asked(client_for("manager"), "exam", exam)).fields}
    run(his, "UPDATE eye_measurement SET axial_length_mm = 24.2 WHERE exam_id = :id", id=exam)
    after = {field.label: field.differs for field in only(asked(client_for("manager"), "exam", exam)).fields}
    assert {label for label, differs in before.items() if differs} == set()
    assert {label for label, differs in after.items() if differs} == {"od_axial_length_mm"}
    assert before["key"] is None


def test_one_ledger_row_is_behind_all_that_it_became(client_for: SignIn, ledger: Store) -> None:
    client = client_for("manager")
    kinds = ("lens_order", "follow_up", "recheck_plan", "customer")
    rows = [only(asked(client, kind, one_id(ledger, kind, "陈小账"))) for kind in kinds]
    assert {row.feed for row in rows} == {"框架镜回访"}
    assert {row.key for row in rows} == {"2024-03-01#1"}
    assert {row.file_name for row in rows} == {"台账.xlsx"}
    assert all(texts(row) == texts(rows[0]) for row in rows)
    wanted = [title for column in load_profile(None).sheets[1].columns for title in column.titles]
    assert list(texts(rows[0])) == [title for title in wanted if title in texts(rows[0])]


def test_a_ledger_value_that_was_changed_here_is_marked(client_for: SignIn, ledger: Store) -> None:
    order = one_id(ledger, "lens_order", "陈小账", where="x.eye = 'OD'")
    assert not any(field.differs for field in only(asked(client_for("manager"), "lens_order", order)).fields)
    run(ledger, "UPDATE lens_order SET dispensed_on = '2024-03-02' WHERE id = :id", id=order)
    fields = only(asked(client_for("manager"), "lens_order", order)).fields
    assert [field.label for field in fields if field.differs] == ["配镜日期"]


def test_a_row_entered_at_a_workstation_has_no_source_row_and_an_author(
    client_for: SignIn, clinic: Clinic, clock: FakeClock
) -> None:
    client, exam = client_for("optometrist"), new_id()
    body = exam_body(clinic.mine, on=clock.now().date())
    assert client.push(client.operation(OperationKind.RECORD_EXAM, exam, body)).results[0].status == "applied"
    found = asked(client, "exam", exam)
    assert (found.source, found.rows, found.entered_by) == (Source.WORKSTATION, [], "员工optometrist")


def test_a_correction_tells_the_row_of_the_version_it_corrects(
    client_for: SignIn, his: Store, clinic: Clinic, clock: FakeClock
) -> None:
    former, latter = one_id(his, "exam", "王小原"), new_id()
    run(his, "UPDATE exam SET status = 'amended' WHERE id = :id", id=former)
    run(
        his,
        "INSERT INTO exam (customer_id, id, site_id, examined_on, method, lens_state, source, status, supersedes_id)"
        " SELECT customer_id, :new, site_id, examined_on, method, lens_state, 'workstation', 'final', id"
        " FROM exam WHERE id = :id",
        id=former,
        new=latter,
    )
    row = only(asked(client_for("manager"), "exam", latter))
    assert (row.key, row.of_version) == ("E1", former)
    assert only(asked(client_for("manager"), "exam", former)).of_version is None


def test_an_import_that_was_taken_back_says_so(
    client_for: SignIn, store: Store, clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    batch = imported(store, clock, tmp_path / "l.xlsx")
    run(store, "UPDATE customer SET note = '改过' WHERE name = '陈小账'")
    undo_import(store.jobs, batch, clock=clock)
    assert only(asked(client_for("manager"), "customer", one_id(store, "customer", "陈小账"))).undone


# ── to whom ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("username", "sees", "never"),
    [
        ("assistant", {"电话", "回访结果", "备注", "姓名", "右眼处方"}, {"金额", "PD"}),
        ("optometrist", {"姓名", "配镜日期", "右眼处方"}, {"电话", "回访结果", "回访日期", "备注", "金额", "PD"}),
        ("manager", {"电话", "回访结果", "备注", "金额", "PD"}, set()),
    ],
)
def test_cells_of_a_ledger_row_are_shown_by_the_column_they_fill(
    client_for: SignIn, ledger: Store, username: str, sees: set[str], never: set[str]
) -> None:
    row = only(asked(client_for(username), "lens_order", one_id(ledger, "lens_order", "陈小账")))
    assert sees <= set(texts(row))
    assert not never & set(texts(row))
    assert row.withheld + len(row.fields) == 14
    assert (row.withheld == 0) == (username == "manager")


@pytest.mark.parametrize(
    ("username", "kind", "withheld"),
    [
        ("assistant", "exam", {"note", "device", "od_k1", "customer_key", "key"}),
        ("assistant", "lens_order", {"price", "customer_key", "key"}),
        ("assistant", "customer", {"his_no", "key", "family_key"}),
        ("optometrist", "follow_up", {"note", "customer_key", "key"}),
        ("optometrist", "lens_order", {"price", "customer_key", "key"}),
        ("optometrist", "customer", {"note", "his_no", "key", "family_key"}),
        ("manager", "customer", {"his_no"}),
        ("manager", "lens_order", set()),
    ],
)
def test_cells_of_an_extract_are_shown_by_the_column_they_fill(
    client_for: SignIn, his: Store, username: str, kind: str, withheld: set[str]
) -> None:
    given = set(extract_rows()[f"{kind}s"][0]) | ({"source"} if kind == "exam" else set())
    row = only(asked(client_for(username), kind, one_id(his, kind, "王小原")))
    assert given & withheld == withheld
    assert not withheld & set(texts(row))
    assert row.withheld == len(withheld)


def test_a_customers_own_key_is_for_managers(client_for: SignIn, his: Store) -> None:
    keys = {
        name: only(asked(client_for(name), "customer", one_id(his, "customer", "王小原"))).key
        for name in ("assistant", "optometrist", "manager")
    }
    assert keys == {"assistant": "", "optometrist": "", "manager": "C1"}


def test_a_phone_written_into_another_cell_is_for_no_optometrist(
    client_for: SignIn, store: Store, clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    imported(store, clock, tmp_path / "l.xlsx", 品牌型号="豪雅 139-1234-5678")
    order = one_id(store, "lens_order", "陈小账")
    assert "品牌型号" not in texts(only(asked(client_for("optometrist"), "lens_order", order)))
    assert "品牌型号" in texts(only(asked(client_for("assistant"), "lens_order", order)))


@pytest.mark.parametrize("username", ["assistant", "optometrist", "manager"])
def test_an_identity_number_is_for_nobody_wherever_it_stands(
    client_for: SignIn, ledger: Store, clock: FakeClock, tmp_path: Path, username: str
) -> None:
    row = screening_row(姓名="陈小账", 身份证号=IDENTITY, 学校=f"一小 {IDENTITY}")
    taken(ledger, clock, tmp_path / "l.xlsx", sheet="屈光发育档案", row=row)
    answer = client_for(username).get(f"/sources/exam/{one_id(ledger, 'exam', '陈小账')}")
    assert answer.status_code == 200
    assert IDENTITY not in answer.text
    assert ("定期复查" in answer.text) == (username != "assistant")


def test_of_a_profile_of_the_clinics_own_only_managers_read_the_cells(
    client_for: SignIn, store: Store, clinic: Clinic, clock: FakeClock, tmp_path: Path
) -> None:
    profile = tmp_path / "own.yaml"
    shipped = (Path(landed.__file__).parents[2] / "resources/ledger/clinic_excel.yaml").read_text("utf-8")
    profile.write_text(shipped.replace("name: clinic-excel", "name: own"), "utf-8")
    imported(store, clock, tmp_path / "l.xlsx", profile=profile)
    order = one_id(store, "lens_order", "陈小账")
    assert texts(only(asked(client_for("assistant"), "lens_order", order))) == {}
    assert "金额" in texts(only(asked(client_for("manager"), "lens_order", order)))


def test_a_row_of_another_and_a_row_that_is_not_get_the_same_answer(
    client_for: SignIn, his: Store, clinic: Clinic
) -> None:
    client = client_for("assistant")
    far = clinic.far
    others = {"customer": far.customer_id, "exam": far.exam_id, "lens_order": far.order_id, "visit": far.visit_id}
    others |= {"follow_up": far.follow_up_id}
    for kind, row_id in others.items():
        there, not_there = (client.get(f"/sources/{kind}/{one}") for one in (row_id, new_id()))
        assert there.status_code == not_there.status_code == 403
        assert there.content == not_there.content


def test_a_row_of_one_kind_is_not_found_as_another(client_for: SignIn, his: Store) -> None:
    exam = one_id(his, "exam", "王小原")
    assert client_for("manager").get(f"/sources/visit/{exam}").status_code == 403
    assert client_for("manager").get(f"/sources/task/{exam}").status_code == 422


def test_an_optometrist_asks_for_follow_ups_of_his_own_customers_only(client_for: SignIn, his: Store) -> None:
    contact = one_id(his, "follow_up", "王小原")
    assert client_for("optometrist2").get(f"/sources/follow_up/{contact}").status_code == 403
    assert client_for("optometrist2").get(f"/sources/exam/{one_id(his, 'exam', '王小原')}").status_code == 200


# ── in the database ──────────────────────────────────────────────────────────────────────────────────────


def seen(store: Store, role: Role, staff_id: UUID | None, site: UUID) -> list[str]:
    asks = Principal(account_id=new_id(), staff_id=staff_id, role=role, site_ids=(site,))
    with snapshot(store.service, asks) as session:
        return sorted(session.execute(text("SELECT kind FROM source_record")).scalars())


def test_the_database_shows_source_rows_with_their_customer_and_guardians_to_nobody(his: Store, clinic: Clinic) -> None:
    everything = sorted(SourceKind)
    assert seen(his, Role.MANAGER, None, clinic.north) == everything
    assert seen(his, Role.ASSISTANT, clinic.staff["assistant"], clinic.north) == everything
    assert seen(his, Role.ASSISTANT, clinic.staff["assistant2"], clinic.north) == []
    assert seen(his, Role.OPTOMETRIST, clinic.staff["optometrist"], clinic.north) == everything
    without = [kind for kind in everything if kind != "follow_up"]
    assert seen(his, Role.OPTOMETRIST, clinic.staff["optometrist2"], clinic.north) == without
    assert seen(his, Role.EXECUTIVE, None, clinic.north) == []
    assert seen(his, Role.ADMIN, None, clinic.north) == []


def test_a_session_without_a_declared_person_sees_no_source_row_and_no_batch(his: Store) -> None:
    with snapshot(his.service) as session:
        counts = [session.execute(text(f"SELECT count(id) FROM {one}")).scalar_one() for one in ("import_batch",)]
        counts.append(session.execute(text("SELECT count(row_id) FROM source_record")).scalar_one())
    assert counts == [0, 0]


# ── every cell has its class ─────────────────────────────────────────────────────────────────────────────


def test_every_field_of_the_shipped_profile_fills_a_column_with_an_access_class() -> None:
    for sheet in load_profile(None).sheets:
        for column in sheet.columns:
            target = landed._filled(column.field)
            assert (target is None) == (column.field == IGNORED), column.field
            assert target is None or isinstance(target.access, Access)


def test_every_column_of_every_feed_but_the_keys_fills_a_column_with_an_access_class() -> None:
    for feed in (feed for feed in FEEDS.values() if feed.kind in set(SourceKind)):
        unknown = {column.name for column in feed.columns if landed._fed_by(column, kind=feed.kind) is None}
        assert unknown <= {"key", "customer_key", "family_key"}, feed.name
        targets = [landed._fed_by(column, kind=feed.kind) for column in feed.columns]
        assert all(isinstance(target.access, Access) for target in targets if target)


def test_what_the_ok_sheet_says_of_guardians_is_contact_and_not_identity_alone() -> None:
    record = landed.Landed(
        kind="ok_fitting",
        payload={"texts": {title: str(said) for title, said in ok_row().items()}, "person": {}, "items": {}},
        profile=load_profile(None).label,
    )
    cells = {cell.label: cell for cell in landed.ledger_cells(record, kind="exam", row_ids=())}
    assert not cells["家长姓名"].is_for(Role.OPTOMETRIST)
    assert cells["家长姓名"].is_for(Role.ASSISTANT)
    assert not cells["右眼K1"].is_for(Role.ASSISTANT)
    assert cells["右眼K1"].is_for(Role.OPTOMETRIST)
