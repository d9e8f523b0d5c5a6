"""What a person may do changes while entries wait: they are applied or held for somebody, and never lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Device, HeldOperation
from hcrm_core.errors import SignInRequired
from hcrm_core.terms import Channel, Outcome, Role
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.rows import Delivery, UnsentItem
from hcrm_store.care import FollowUp
from hcrm_store.clinical import Exam
from hcrm_store.clock import business_date
from tests.factories import Clinic
from tests.rights import change_account, give
from tests.sync.desk import Desk, central_count, consider
from tests.sync.test_cycle import examined

DeskFor = Callable[[str], Desk]


def waiting(desk: Desk) -> list[UnsentItem]:
    found: list[UnsentItem] = desk.ask(queries.unsent_items)
    return found


def test_an_outcome_of_the_former_assistant_entered_before_the_customer_was_given_away_counts_once(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    hand_over(store, desk, clinic, to="assistant2")
    for _ in range(2):
        desk.sync()
    assert central_count(store, FollowUp, note="再想想", staff_id=clinic.staff["assistant"]) == 1
    assert (waiting(desk), desk.count("customer")) == ([], 0)


def test_an_outcome_entered_after_the_customer_was_given_away_is_held(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    hand_over(store, desk, clinic, to="assistant2")
    desk.clock.advance(UNDO_WINDOW)
    consider(desk.workspace, clinic.mine.task_id)  # the desk has not heard of it yet
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    (item,) = waiting(desk)
    assert (item.delivery, item.reason) == (Delivery.HELD, "not_visible")
    assert central_count(store, HeldOperation, op_id=item.op_id) == 1
    assert central_count(store, FollowUp, note="再想想") == 0


def test_an_outcome_entered_longer_than_a_lease_before_the_right_ended_is_held(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(Settings().lease + UNDO_WINDOW)
    hand_over(store, desk, clinic, to="assistant2")
    desk.sign_in("assistant")
    desk.sync()
    (item,) = waiting(desk)
    assert (item.delivery, item.reason) == (Delivery.HELD, "not_visible")


def test_the_exam_of_an_optometrist_who_became_an_assistant_meanwhile_counts_and_he_keeps_no_findings(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("optometrist")
    before = central_count(store, Exam)
    commands.record_exam(desk.workspace, entry=examined(clinic.mine.customer_id))
    desk.clock.advance(UNDO_WINDOW)
    change_account(store, desk.clock, clinic.accounts["optometrist"], role=Role.ASSISTANT)
    desk.sync()
    assert desk.workspace.worker().role is Role.ASSISTANT
    assert waiting(desk) == []
    assert central_count(store, Exam) == before + 1
    with desk.workspace.read() as session:
        assert queries.customer_record(session, clinic.mine.customer_id, today=business_date(desk.clock.now())) is None


def test_an_exam_that_was_entered_as_an_assistant_is_held(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("optometrist")
    before = central_count(store, Exam)
    change_account(store, desk.clock, clinic.accounts["optometrist"], role=Role.ASSISTANT)
    desk.clock.advance(UNDO_WINDOW)
    commands.record_exam(desk.workspace, entry=examined(clinic.mine.customer_id))  # the desk has not heard of it yet
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    (item,) = waiting(desk)
    assert (item.delivery, item.reason) == (Delivery.HELD, "not_permitted")
    assert central_count(store, Exam) == before


def test_an_assistant_who_became_a_manager_sees_the_group_and_the_outcome_counts(
    desk_for: DeskFor, clinic: Clinic, store: Store
) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    change_account(store, desk.clock, clinic.accounts["assistant"], role=Role.MANAGER)
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
    change_account(store, desk.clock, clinic.accounts["assistant"], active=False)
    for _ in range(2):
        with pytest.raises(SignInRequired):
            desk.sync()
    with pytest.raises(SignInRequired):
        desk.sign_in("assistant")
    desk.reopen()
    assert [item.delivery for item in waiting(desk)] == [Delivery.LOCAL]
    assert central_count(store, FollowUp, note="再想想") == 0

    change_account(store, desk.clock, clinic.accounts["assistant"], active=True)
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
    hand_over(store, desk, clinic, to="assistant2")
    desk.sync()  # still within its undo window: only the pull runs, and the customer goes
    assert desk.count("customer") == 0
    assert desk.ask(queries.sync_status).unsent == 1
    hand_over(store, desk, clinic, to="assistant")
    desk.clock.advance(UNDO_WINDOW)
    desk.sync()
    assert central_count(store, FollowUp, note="再想想") == 1
    assert waiting(desk) == []


def hand_over(store: Store, desk: Desk, clinic: Clinic, *, to: str) -> None:
    give(store, desk.clock, clinic.mine.customer_id, assistant_id=clinic.staff[to])


@pytest.mark.parametrize("days", [-366, -1, 1, 6])  # further ahead the lease is over
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
