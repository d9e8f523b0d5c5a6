"""Rights have a history: what somebody might do when he did it counts, though he may not any more."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.orm import Session

from hcrm_central.store import postgres
from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.migrate import config, migrate
from hcrm_central.store.opening import Store, prepare
from hcrm_central.store.tables import Account, AuditEntry
from hcrm_core.terms import Outcome, Role
from hcrm_core.wire import OperationKind, OperationResult, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from hcrm_store.clinical import Exam
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer
from tests.central.conftest import SignIn
from tests.factories import Child, Clinic, Workstation, add_child, exam_body, outcome_body
from tests.fakes import FakeClock
from tests.rights import change_account, give, move_staff

OUTCOME, EXAM = OperationKind.RECORD_OUTCOME, OperationKind.RECORD_EXAM
WHILE = timedelta(minutes=5)


def outcome(client: Workstation, child: Child, **options: Any) -> OperationResult:
    """Push an outcome; what became of it."""
    operation = client.operation(OUTCOME, child.task_id, outcome_body(child, note="听过了"), **options)
    return client.push(operation).results[0]


def contacts(store: Store) -> Sequence[FollowUp]:
    with Session(store.jobs) as session:
        return session.scalars(select(FollowUp).where(FollowUp.note == "听过了")).all()


def rights_noted(store: Store) -> list[str | None]:
    with Session(store.jobs) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "task:outcome_recorded"))
        return [entry.detail.get("right") for entry in entries]


# ── what counts ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_outcome_of_the_former_assistant_counts_once_and_is_noted_as_such(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine, note="听过了"))
    clock.advance(WHILE)
    give(store, clock, clinic.mine.customer_id, assistant_id=clinic.staff["assistant2"])
    statuses = [client.push(operation).results[0].status for _ in range(2)]
    assert statuses == [ResultStatus.APPLIED, ResultStatus.DUPLICATE]
    (contact,) = contacts(store)
    assert contact.staff_id == clinic.staff["assistant"]
    assert rights_noted(store) == ["former"]


def test_what_was_entered_after_the_customer_was_given_away_is_held(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    give(store, clock, clinic.mine.customer_id, assistant_id=clinic.staff["assistant2"])
    clock.advance(WHILE)
    result = outcome(client, clinic.mine)
    assert (result.status, result.reason) == (ResultStatus.HELD, "not_visible")
    assert contacts(store) == []


def test_a_former_right_opens_nothing_to_read(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    client.catch_up()
    entered = clock.now()
    clock.advance(WHILE)
    give(store, clock, clinic.mine.customer_id, assistant_id=clinic.staff["assistant2"])
    with transaction(store.jobs) as session:
        session.execute(text("UPDATE task SET state = 'done' WHERE id = :id"), {"id": clinic.mine.task_id})
    result = outcome(client, clinic.mine, captured_at=entered)
    assert (result.status, result.row, result.theirs) == (ResultStatus.CONFLICT, None, [])
    client.catch_up()
    assert client.rows("customer") == {}


def test_a_right_counts_for_what_was_entered_no_longer_than_a_lease_before_it_ended(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    for days, status in ((7.01, ResultStatus.HELD), (6.99, ResultStatus.APPLIED)):
        entered = clock.now() - timedelta(days=days)
        assert outcome(client, clinic.mine, captured_at=entered).status is status


def test_a_right_that_a_move_left_alone_ended_with_what_took_it_away(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    entered = clock.now()
    clock.advance(timedelta(days=1))
    move_staff(store, clock, clinic, "assistant", site_id=clinic.south)  # his customers stay his
    clock.advance(timedelta(days=7))
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    client.sign_in("assistant")
    assert outcome(client, clinic.mine, captured_at=entered).status is ResultStatus.HELD
    assert outcome(client, clinic.mine, captured_at=entered + timedelta(days=2)).status is ResultStatus.APPLIED


def test_nothing_counts_by_a_right_that_somebody_will_have_had(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    assert outcome(client, clinic.mine, captured_at=clock.now() + timedelta(days=400)).reason == "not_visible"


@pytest.mark.parametrize("days", [-366, 366])
def test_a_clock_that_is_a_year_off_is_set_right_by_the_last_hello(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock, days: int
) -> None:
    wrong = FakeClock(clock.now() + timedelta(days=days))
    client = client_for("assistant")
    client.clock = wrong
    operation = client.operation(OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine))
    for one in (clock, wrong):
        one.advance(WHILE)
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    assert client.push(operation).results[0].status is ResultStatus.APPLIED  # the push says hello first
    for one in (clock, wrong):
        one.advance(WHILE)
    assert outcome(client, clinic.mine).status is ResultStatus.HELD


@pytest.mark.parametrize("captured", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_instant_beyond_all_measure_is_no_right(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock, captured: str
) -> None:
    client = client_for("assistant")
    client.clock = FakeClock(datetime.fromisoformat(captured))
    client.hello()
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    assert outcome(client, clinic.mine).status is ResultStatus.HELD


def test_an_exam_of_an_optometrist_who_became_an_assistant_meanwhile_counts(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("optometrist")
    exam_id = new_id()
    operation = client.operation(EXAM, exam_id, exam_body(clinic.colleagues, on=clock.now().date()))
    clock.advance(WHILE)
    change_account(store, clock, clinic.accounts["optometrist"], role=Role.ASSISTANT)
    assert client.push(operation).results[0].status is ResultStatus.APPLIED
    with Session(store.jobs) as session:
        assert session.scalars(select(Exam.examiner_id).where(Exam.id == exam_id)).one() == clinic.staff["optometrist"]
    later = client.operation(EXAM, new_id(), exam_body(clinic.colleagues, on=clock.now().date()))
    assert client.push(later).results[0].reason == "not_permitted"


def test_an_exam_of_an_optometrist_who_moved_to_another_site_counts_for_the_former_and_no_other(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("optometrist")
    today = clock.now().date()
    mine = client.operation(EXAM, new_id(), exam_body(clinic.mine, on=today))
    far = client.operation(EXAM, new_id(), exam_body(clinic.far, on=today))
    clock.advance(WHILE)
    move_staff(store, clock, clinic, "optometrist", site_id=clinic.south)
    assert [result.status for result in client.push(mine, far).results] == [ResultStatus.APPLIED] * 2
    clock.advance(WHILE)
    late = client.operation(EXAM, new_id(), exam_body(clinic.mine, on=today))
    assert client.push(late).results[0].reason == "not_visible"


def test_an_outcome_of_a_manager_who_became_an_assistant_counts(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("manager")
    entered = clock.now()
    clock.advance(WHILE)
    change_account(store, clock, clinic.accounts["manager"], role=Role.ASSISTANT)
    assert outcome(client, clinic.far, captured_at=entered).status is ResultStatus.APPLIED


def test_what_was_never_anybodys_right_is_held_with_its_own_reason(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    client.hello()
    clock.advance(WHILE)
    give(store, clock, clinic.far.customer_id, assistant_id=None)
    assert outcome(client, clinic.far, captured_at=clock.now() - WHILE / 2).reason == "not_visible"
    body = outcome_body(clinic.mine, Outcome.BOOKED)
    entered = client.operation(OUTCOME, clinic.mine.task_id, body)
    clock.advance(WHILE)
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    assert client.push(entered).results[0].reason == "visit_date_needed"


def test_after_a_late_operation_the_next_one_is_judged_as_of_today(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    with transaction(store.jobs) as session:
        staff = clinic.staff["assistant"]
        second = add_child(session, site_id=clinic.north, assistant=staff, optometrist=None, number=77)
    entered = clock.now()
    clock.advance(WHILE)
    give(store, clock, clinic.mine.customer_id, assistant_id=None)
    operations = [
        client.operation(OUTCOME, child.task_id, outcome_body(child), captured_at=at)
        for child, at in ((clinic.mine, entered), (clinic.mine, clock.now()), (second, clock.now()))
    ]
    statuses = [result.status.value for result in client.push(*operations).results]
    assert statuses == ["applied", "held", "applied"]


def test_a_customer_who_was_imported_after_the_entry_is_no_reason_to_refuse_it(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    client = client_for("assistant")
    with transaction(store.jobs) as session:
        staff = clinic.staff["assistant"]
        child = add_child(session, site_id=clinic.north, assistant=staff, optometrist=None, number=78)
    give(store, clock, child.customer_id, assistant_id=None)
    assert outcome(client, child, captured_at=clock.now() - timedelta(days=3)).status is ResultStatus.APPLIED


# ── the database decides ─────────────────────────────────────────────────────────────────────────────────


def principal(clinic: Clinic, code: str, role: Role) -> Principal:
    return Principal(account_id=clinic.accounts[code], staff_id=clinic.staff[code], role=role, site_ids=(clinic.north,))


def seen(store: Store, who: Principal, *, late: UUID, at: datetime, leave: UUID | None = None) -> list[UUID]:
    """The customers shown to somebody who claims a late right."""
    with snapshot(store.service, who) as session:
        session.execute(
            text(
                "SELECT set_config('hcrm.late_customer', :customer, true), set_config('hcrm.late_at', :at, true),"
                " set_config('hcrm.late_leave', :leave, true)"
            ),
            {"customer": str(late), "at": at.isoformat(), "leave": str(leave or "")},
        )
        shown = list(session.scalars(select(Customer.id)))
        for table in ("exam", "task", "follow_up", "guardian", "customer_facts", "family", "medication"):
            count = session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            assert count <= len(shown), table
    return shown


def test_claiming_a_late_right_opens_nothing_that_was_no_right(clinic: Clinic, store: Store, clock: FakeClock) -> None:
    assistant = principal(clinic, "assistant", Role.ASSISTANT)
    now = clock.now()
    assert seen(store, assistant, late=clinic.mine.customer_id, at=now) == [clinic.mine.customer_id]
    for late in (clinic.colleagues.customer_id, clinic.far.customer_id, new_id()):
        assert seen(store, assistant, late=late, at=now) == []
    pretended = principal(clinic, "assistant", Role.MANAGER)
    assert seen(store, pretended, late=clinic.far.customer_id, at=now) == []


def test_a_leave_of_ones_own_making_opens_nothing(clinic: Clinic, store: Store, clock: FakeClock) -> None:
    """Whoever can run statements as the service can make temporary tables."""
    who, far = principal(clinic, "assistant", Role.ASSISTANT), str(clinic.far.customer_id)
    leave, at = str(new_id()), clock.now().isoformat()
    accounts = {"account": who.account_id, "manager": clinic.accounts["manager"]}
    with transaction(store.service, who) as session:
        session.execute(
            text(
                "CREATE TEMP TABLE held_operation ON COMMIT DROP AS SELECT CAST(:leave AS uuid) AS op_id,"
                " CAST(:account AS uuid) AS account_id, CAST(:manager AS uuid) AS decided_by_id, 'apply' AS decision,"
                " jsonb_build_object('row_id', CAST(:far AS text)) AS operation"
            ),
            {"leave": leave, "far": far, **accounts},
        )
        session.execute(text("GRANT SELECT ON held_operation TO PUBLIC"))
        claimed = "SELECT set_config('hcrm.late_customer', :far, true), set_config('hcrm.late_at', :at, true),"
        session.execute(
            text(f"{claimed} set_config('hcrm.late_leave', :leave, true)"), {"far": far, "at": at, "leave": leave}
        )
        assert session.scalars(select(Customer.id)).all() == []


def test_whoever_acts_late_sees_the_one_customer_whatever_his_role_was(
    clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    manager = principal(clinic, "manager", Role.MANAGER)
    optometrist = principal(clinic, "optometrist", Role.OPTOMETRIST)
    for who in (manager, optometrist):
        assert seen(store, who, late=clinic.mine.customer_id, at=clock.now()) == [clinic.mine.customer_id]


def test_a_leave_of_the_past_opens_nothing(client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock) -> None:
    client = client_for("assistant")
    operation = client.operation(OUTCOME, clinic.far.task_id, outcome_body(clinic.far))
    client.push(operation)
    client_for("manager").post(f"/held/{operation.op_id}", {"decision": "apply"})
    assistant = principal(clinic, "assistant", Role.ASSISTANT)
    late = clinic.far.customer_id
    assert seen(store, assistant, late=late, at=clock.now(), leave=operation.op_id) == []


def test_the_service_cannot_read_or_write_the_histories(clinic: Clinic, store: Store) -> None:
    with store.owner.connect() as connection:
        granted = connection.execute(
            text(
                "SELECT table_name FROM information_schema.table_privileges"
                " WHERE grantee = 'hcrm_app' AND table_name LIKE '%\\_history'"
            )
        ).all()
    assert granted == []


# ── the histories ────────────────────────────────────────────────────────────────────────────────────────

FLAWS = text("""
    SELECT count(*) FROM (
        SELECT since, until, lead(since) OVER (PARTITION BY subject ORDER BY since) AS next,
            min(since) OVER (PARTITION BY subject) AS first
        FROM (SELECT customer_id AS subject, since, until FROM customer_history
            UNION ALL SELECT account_id, since, until FROM account_history) h
    ) h WHERE until IS DISTINCT FROM next OR until <= since OR first > '0001-01-01 00:00+00'
""")
WRONG_NOW = text("""
    SELECT count(*) FROM (
        SELECT c.id FROM customer c LEFT JOIN customer_history h ON h.customer_id = c.id AND h.until IS NULL
        WHERE (c.site_id, c.assistant_id, c.optometrist_id)
            IS DISTINCT FROM (h.site_id, h.assistant_id, h.optometrist_id)
        UNION ALL
        SELECT a.id FROM account a LEFT JOIN staff s ON s.id = a.staff_id
        LEFT JOIN account_history h ON h.account_id = a.id AND h.until IS NULL
        WHERE (a.role::text, a.staff_id, s.site_id, a.active AND coalesce(s.active, true))
            IS DISTINCT FROM (h.role, h.staff_id, h.site_id, h.active)
    ) x
""")


def flaws(store: Store) -> list[int]:
    """Gaps and overlaps, and present rights that the history does not tell."""
    with Session(store.owner) as session:
        return [session.execute(query).scalar_one() for query in (FLAWS, WRONG_NOW)]


def rows_of(store: Store, history: str, subject: UUID) -> int:
    key = {"customer_history": "customer_id", "account_history": "account_id"}[history]
    with Session(store.owner) as session:
        counted = text(f"SELECT count(*) FROM {history} WHERE {key} = :subject")
        return int(session.execute(counted, {"subject": subject}).scalar_one())


def test_histories_have_no_gap_whatever_changes(clinic: Clinic, store: Store) -> None:
    customer, account = clinic.mine.customer_id, clinic.accounts["assistant"]
    one, other = clinic.staff["assistant"], clinic.staff["assistant2"]
    with transaction(store.jobs) as session:  # several changes in one transaction
        for assistant in (other, None, one, one):
            session.execute(update(Customer).where(Customer.id == customer).values(assistant_id=assistant))
        session.execute(update(Customer).values(site_id=clinic.south))
        session.execute(update(Customer).values(school="another"))
    with transaction(store.jobs) as session:
        session.execute(update(Account).values(active=False))
        session.execute(update(Account).values(name="another"))
        session.execute(update(Staff).values(site_id=clinic.south))
        session.execute(update(Staff).where(Staff.id == one).values(active=False))
        session.execute(update(Account).values(active=True))
    assert flaws(store) == [0, 0]
    assert rows_of(store, "customer_history", customer) == 5
    assert rows_of(store, "account_history", account) == 3  # out of use, at another site; still out when staff left


def test_a_change_of_the_account_and_of_the_staff_at_once_are_both_kept(clinic: Clinic, store: Store) -> None:
    account, staff = clinic.accounts["assistant"], clinic.staff["assistant"]

    def become() -> None:
        with transaction(store.jobs) as session:
            session.execute(update(Account).where(Account.id == account).values(role=Role.OPTOMETRIST))

    with ThreadPoolExecutor(1) as pool:
        with transaction(store.jobs) as session:
            session.execute(update(Staff).where(Staff.id == staff).values(site_id=clinic.south))
            other = pool.submit(become)
        other.result(30)
    assert flaws(store) == [0, 0]


def test_a_customer_who_is_deleted_takes_his_history_with_him(clinic: Clinic, store: Store) -> None:
    with transaction(store.jobs) as session:
        lone = Customer(site_id=clinic.north, name="独")
        session.add(lone)
        session.flush()
        customer_id = lone.id
    assert rows_of(store, "customer_history", customer_id) == 1
    with transaction(store.jobs) as session:
        session.execute(text("DELETE FROM customer WHERE id = :id"), {"id": customer_id})
    assert rows_of(store, "customer_history", customer_id) == 0


def test_what_was_there_before_histories_were_kept_has_one(postgres_server: postgres.PrivatePostgres) -> None:
    addresses = prepare(postgres_server, "before_histories")
    owner = create_engine(addresses.owner)
    with owner.connect() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0004")
        connection.execute(text(OLDER_ROWS))
        connection.commit()
    migrate(owner)
    older = Store(owner, owner, owner)
    assert flaws(older) == [0, 0]
    with Session(owner) as session:
        worked_there = session.execute(text("SELECT a.username FROM device d JOIN account a ON a.id = d.account_id"))
        assert worked_there.scalars().all() == ["later"]
        assert session.execute(text("SELECT count(*) FROM customer_history")).scalar_one() == 1
    owner.dispose()


OLDER_ROWS = """
    WITH one AS (SELECT gen_random_uuid() AS id)
    INSERT INTO site (id, code, name) SELECT id, 'one', '院区' FROM one;
    INSERT INTO customer (id, site_id, name) SELECT gen_random_uuid(), id, '客户' FROM site;
    INSERT INTO account (id, username, password_hash, role, name)
    SELECT gen_random_uuid(), name, '', 'manager', name FROM unnest(ARRAY['earlier', 'later']) AS name;
    INSERT INTO device (id, secret_hash, name, app_version) VALUES (gen_random_uuid(), '', '', '');
    INSERT INTO token (hash, purpose, account_id, device_id, family_id, issued_at, expires_at)
    SELECT a.username::bytea, 'access', a.id, d.id, a.id, now() - length(a.username) * interval '1 day', now()
    FROM account a CROSS JOIN device d;
    SELECT hcrm.stamp();
"""
