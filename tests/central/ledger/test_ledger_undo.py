"""Undo: what the import made goes, what it changed comes back, what people worked on stays and is listed."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import inspect, select, text, update

from hcrm_central.connectors.ledger import LedgerReport, UndoReport, undo_import
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import AuditEntry, ImportBatch
from hcrm_core.errors import Rejected
from hcrm_core.terms import Channel, ExamStatus, Medicine, Outcome, Source
from hcrm_store.care import FollowUp, LensOrder, Medication, Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.journeys import Sop, Task
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer, Family, Guardian
from tests.central.ledger.conftest import SAMPLE, Write, frame_row, ok_row
from tests.fakes import FakeClock

Take = Callable[..., LedgerReport]
Reading = Callable[[type[Any]], list[Any]]
Undo = Callable[[LedgerReport], UndoReport]

# How the import is remembered, and the streams' own numbering, are not what it changed.
_TRACES = {
    "changed_customer",
    "import_batch",
    "import_effect",
    "import_problem",
    "audit_entry",
    "watermark",
    "stream",
    "stream_entry",
    "customer_history",
}


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every row of the product's tables, without versions and times of change."""
    with store.owner.connect() as connection:
        tables = set(inspect(connection).get_table_names()) - _TRACES
        return {name: _rows(connection.execute(text(f"SELECT to_jsonb(t) FROM {name} t")).scalars()) for name in tables}


def _rows(found: Any) -> list[dict[str, Any]]:
    kept = [{key: value for key, value in row.items() if key not in {"ver", "updated_at"}} for row in found]
    return sorted(kept, key=str)


@pytest.fixture
def undo(staffed: Store, clock: FakeClock) -> Undo:
    def undone(report: LedgerReport) -> UndoReport:
        assert report.batch_id is not None
        return undo_import(staffed.jobs, report.batch_id, clock=clock)

    return undone


def contact(customer: Customer) -> FollowUp:
    return FollowUp(
        customer_id=customer.id,
        site_id=customer.site_id,
        channel=Channel.PHONE,
        outcome=Outcome.BOOKED,
        contacted_at=datetime(2026, 11, 21, tzinfo=UTC),
        source=Source.WORKSTATION,
    )


def task(customer: Customer, *, attempts: int) -> Task:
    return Task(
        customer_id=customer.id,
        site_id=customer.site_id,
        sop_key="recheck",
        step_key="call",
        priority=1,
        anchor_on=date(2026, 12, 1),
        due_on=date(2026, 11, 24),
        evidence=[],
        attempts=attempts,
    )


def test_undoing_the_sample_restores_everything_and_it_can_come_again(
    take: Take, undo: Undo, staffed: Store, reading: Reading
) -> None:
    before = content(staffed)
    first = take(SAMPLE)
    report = undo(first)
    assert content(staffed) == before
    assert report.kept == ()
    assert report.removed == {name: n for name, n in first.created.items() if name != "match_review"}
    assert take(SAMPLE).created == first.created
    assert [entry.action for entry in reading(AuditEntry)].count("import:undone") == 1


def test_undoing_a_later_import_restores_what_it_changed(take: Take, undo: Undo, write: Write, staffed: Store) -> None:
    first = take(write(ok=[ok_row(备注="住校")]))
    before = content(staffed)
    second = take(write(ok=[ok_row(备注="转学", 右眼眼轴=24.8, 定片日期="2025-02-11")], frame=[frame_row()]))
    report = undo(second)
    assert content(staffed) == before
    assert report.restored == {"customer": 1, "exam": 1, "lens_order": 2}
    assert undo(first).kept == ()  # the versions that the undo counted up are the first import's own
    assert content(staffed)["customer"] == []


def test_a_customer_with_whom_somebody_worked_stays_whole(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    first = take(write(ok=[ok_row(), ok_row(姓名="赵一", 联系电话="13900001234")]))
    with transaction(staffed.jobs) as session:
        worked = session.scalars(select(Customer).where(Customer.name == "赵一")).one()
        session.add(contact(worked))
    report = undo(first)
    assert [one.name for one in reading(Customer)] == ["赵一"]
    assert (len(reading(Exam)), len(reading(LensOrder)), len(reading(Visit))) == (1, 2, 1)
    assert (len(reading(Family)), len(reading(Guardian))) == (1, 1)
    assert ("customer", worked.id, "worked_on") in {(one.table, one.row_id, one.reason) for one in report.kept}
    assert take(write(ok=[ok_row(), ok_row(姓名="赵一", 联系电话="13900001234")])).created["customer"] == 1


def test_a_customer_for_whom_drops_were_entered_stays(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    first = take(write(ok=[ok_row(), ok_row(姓名="赵一", 联系电话="13900001234")]))
    with transaction(staffed.jobs) as session:
        child = session.scalars(select(Customer).where(Customer.name == "赵一")).one()
        course = {"medicine": Medicine.ATROPINE, "percent": Decimal("0.05"), "started_on": date(2026, 9, 1)}
        session.add(Medication(customer_id=child.id, site_id=child.site_id, source=Source.WORKSTATION, **course))
    undo(first)
    assert [one.name for one in reading(Customer)] == ["赵一"]
    assert len(reading(Medication)) == 1


def test_work_on_an_older_customer_keeps_nothing_else(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    take(write(ok=[ok_row()]))
    second = take(write(frame=[frame_row()]))
    with transaction(staffed.jobs) as session:
        customer = session.scalars(select(Customer)).one()
        session.add(contact(customer))
        order = session.scalars(select(LensOrder).where(LensOrder.product == "functional", LensOrder.eye == "OD")).one()
        order.brand = "万新"
    report = undo(second)
    kept = [(one.table, one.row_id, one.reason) for one in report.kept]
    assert kept == [("lens_order", order.id, "changed_since")]
    assert len(reading(LensOrder)) == 3


def test_a_value_that_somebody_changed_again_stays(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    take(write(ok=[ok_row(备注="住校")]))
    second = take(write(ok=[ok_row(备注="转学")]))
    with transaction(staffed.jobs) as session:
        session.execute(update(Customer).values(note="周五来"))
    report = undo(second)
    assert [one.note for one in reading(Customer)] == ["周五来"]
    assert [(one.table, one.reason) for one in report.kept] == [("customer", "changed_since")]


def test_a_correction_that_was_itself_amended_stays_and_so_does_what_it_corrected(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    take(write(ok=[ok_row()]))
    second = take(write(ok=[ok_row(右眼眼轴=24.8)]))
    with transaction(staffed.jobs) as session:
        session.execute(update(Exam).where(Exam.status == ExamStatus.FINAL).values(note="复核"))
    undo(second)
    assert sorted(one.status for one in reading(Exam)) == [ExamStatus.AMENDED, ExamStatus.FINAL]
    assert len(reading(EyeMeasurement)) == 4


def test_tasks_of_the_scan_go_with_their_customer_unless_begun(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    first = take(write(ok=[ok_row(), ok_row(姓名="赵一", 联系电话="13900001234")]))
    with transaction(staffed.jobs) as session:
        session.add(Sop(key="recheck", label="复查提醒", summary="{n}", definition={}))
        session.flush()
        for customer in session.scalars(select(Customer)):
            session.add(task(customer, attempts=1 if customer.name == "赵一" else 0))
    undo(first)
    assert [one.name for one in reading(Customer)] == ["赵一"]
    assert len(reading(Task)) == 1


def test_an_assistant_whom_the_scan_found_is_no_work_on_a_customer(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    first = take(write(ok=[ok_row(负责医助=None, 备注="住校")]))
    second = take(write(ok=[ok_row(负责医助=None, 备注="转学")]))
    dealt = reading(Staff)[0].id
    with transaction(staffed.jobs) as session:
        session.execute(update(Customer).values(assistant_id=dealt))
    assert undo(second).kept == ()
    assert [(one.note, one.assistant_id) for one in reading(Customer)] == [("住校", dealt)]
    assert undo(first).kept == ()
    assert reading(Customer) == []


def test_a_family_in_which_somebody_remains_stays(
    take: Take, undo: Undo, write: Write, staffed: Store, reading: Reading
) -> None:
    first = take(write(ok=[ok_row()]))
    take(write(ok=[ok_row(姓名="王欣悦", 出生日期="2016-01-01")]))
    undo(first)
    assert [one.name for one in reading(Customer)] == ["王欣悦"]
    assert [one.phone for one in reading(Guardian)] == ["13800001234"]


def test_an_import_is_undone_once(take: Take, undo: Undo, write: Write, reading: Reading) -> None:
    first = take(write(ok=[ok_row()]))
    undo(first)
    with pytest.raises(Rejected) as refused:
        undo(first)
    assert refused.value.code == "already_undone"
    assert [batch.undone_at is not None for batch in reading(ImportBatch)] == [True]


def test_an_unknown_import_cannot_be_undone(staffed: Store, clock: FakeClock) -> None:
    with pytest.raises(Rejected) as refused:
        undo_import(staffed.jobs, uuid4(), clock=clock)
    assert refused.value.code == "unknown_batch"
