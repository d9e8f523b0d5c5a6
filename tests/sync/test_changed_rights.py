"""What a person may do changes while entries wait: they are applied or held for somebody, and never lost."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account, Device, HeldOperation
from hcrm_core.errors import SignInRequired
from hcrm_core.terms import Channel, Outcome, Role
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import Delivery, UnsentItem
from hcrm_store.care import FollowUp
from hcrm_store.clinical import Exam
from hcrm_store.clock import business_date
from hcrm_store.people import Customer
from tests.factories import Clinic
from tests.sync.desk import Desk, central_count, consider
from tests.sync.test_cycle import examined

DeskFor = Callable[[str], Desk]


def change_account(store: Store, account_id: UUID, **values: object) -> None:
    with transaction(store.jobs) as session:
        account = session.get_one(Account, account_id)
        for name, value in values.items():
            setattr(account, name, value)


def waiting(desk: Desk) -> list[UnsentItem]:
    found: list[UnsentItem] = desk.ask(queries.unsent_items)
    return found


def test_an_optometrist_who_became_an_assistant_keeps_no_findings_and_the_exam_is_held(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("optometrist")
    before = central_count(store, Exam)
    commands.record_exam(desk.workspace, entry=examined(clinic.mine.customer_id))
    desk.clock.advance(UNDO_WINDOW)
    change_account(store, clinic.accounts["optometrist"], role=Role.ASSISTANT)
    desk.sync()
    assert desk.workspace.worker().role is Role.ASSISTANT
    (item,) = waiting(desk)
    assert (item.delivery, item.reason) == (Delivery.HELD, "not_permitted")
    assert central_count(store, HeldOperation, op_id=item.op_id) == 1
    assert central_count(store, Exam) == before
    with desk.workspace.read() as session:
        assert queries.customer_record(session, clinic.mine.customer_id, today=business_date(desk.clock.now())) is None


def test_an_assistant_who_became_a_manager_sees_the_group_and_the_outcome_counts(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    change_account(store, clinic.accounts["assistant"], role=Role.MANAGER)
    desk.sync()
    assert waiting(desk) == []
    assert central_count(store, FollowUp, note="再想想") == 1
    assert desk.count("customer") == 3


def test_an_account_out_of_use_sends_nothing_and_its_entries_wait(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    change_account(store, clinic.accounts["assistant"], active=False)
    for _ in range(2):
        with pytest.raises(SignInRequired):
            desk.sync()
    with pytest.raises(SignInRequired):
        desk.sign_in("assistant")
    desk.reopen()
    assert [item.delivery for item in waiting(desk)] == [Delivery.LOCAL]
    assert central_count(store, FollowUp, note="再想想") == 0

    change_account(store, clinic.accounts["assistant"], active=True)
    desk.sign_in("assistant")
    desk.sync()
    assert central_count(store, FollowUp, note="再想想") == 1
    assert waiting(desk) == []


def test_a_blocked_workstation_sends_nothing_and_its_entries_wait(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    block(store, desk, revoked=True)
    with pytest.raises(SignInRequired):
        desk.sync()
    with pytest.raises(SignInRequired):
        desk.sign_in("assistant")
    assert len(waiting(desk)) == 1
    block(store, desk, revoked=False)
    desk.sign_in("assistant")
    desk.sync()
    assert central_count(store, FollowUp, note="再想想") == 1


def block(store: Store, desk: Desk, *, revoked: bool) -> None:
    with transaction(store.jobs) as session:
        device = session.get_one(Device, desk.workspace.outbox.device().id)
        device.revoked_at = desk.clock.now() if revoked else None


def test_a_customer_given_away_and_back_while_the_outcome_waited_counts_it(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    give(store, clinic, to="assistant2")
    desk.sync()  # still within its undo window: only the pull runs, and the customer goes
    assert desk.count("customer") == 0
    assert desk.ask(queries.sync_status).unsent == 1
    give(store, clinic, to="assistant")
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    assert central_count(store, FollowUp, note="再想想") == 1
    assert waiting(desk) == []


def give(store: Store, clinic: Clinic, *, to: str) -> None:
    with transaction(store.jobs) as session:
        session.get_one(Customer, clinic.mine.customer_id).assistant_id = clinic.staff[to]


@pytest.mark.parametrize("days", [-366, -1, 1, 366])
def test_a_clock_that_was_wrong_when_an_outcome_was_entered_loses_nothing(
    desk_for: DeskFor, clinic: Clinic, store: Store, days: int
) -> None:
    desk = desk_for("assistant")
    now = desk.clock.now()
    desk.clock.advance(timedelta(days=days))
    on = business_date(desk.clock.now()) + timedelta(days=7)
    commands.record_outcome(
        desk.workspace,
        task_id=clinic.mine.task_id,
        channel=Channel.PHONE,
        outcome=Outcome.BOOKED,
        note="再想想",
        next_on=on,
    )
    desk.clock.at = now + UNDO_WINDOW
    desk.sync()
    applied = central_count(store, FollowUp, note="再想想")
    held = [item for item in waiting(desk) if item.delivery is Delivery.HELD]
    assert applied + len(held) == 1
    assert desk.ask(queries.sync_status).unsent == 0
    with Session(store.jobs) as session:
        made = session.query(FollowUp).filter_by(note="再想想").all()
    assert all(contact.contacted_at <= desk.clock.now() for contact in made)
