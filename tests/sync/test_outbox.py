"""The outbox: order, numbers and answers."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hcrm_core.errors import Rejected
from hcrm_core.wire import Operation, OperationKind, OperationResult, ResultStatus
from hcrm_desktop.cache import files
from hcrm_desktop.cache.outbox import KEPT_FOR, UNDO_WINDOW, Entry, Intent, OpState, Outbox
from hcrm_store.base import new_id
from tests.fakes import FakeClock
from tests.sync.desk import KEY

ME, COLLEAGUE, TASK = new_id(), new_id(), new_id()
A_MOMENT = timedelta(microseconds=1)
NOW = FakeClock().now()  # at the centre


@pytest.fixture
def outbox(tmp_path: Path, clock: FakeClock) -> Iterator[Outbox]:
    opened = Outbox(files.outbox_engine(tmp_path, KEY), clock=clock)
    yield opened
    opened.close()


def add(outbox: Outbox, *, row_id: UUID | None = None, base_ver: int | None = 1, account_id: UUID = ME) -> Entry:
    intent = Intent(
        account_id=account_id,
        kind=OperationKind.SNOOZE_TASK,
        row_id=row_id or new_id(),
        customer_id=new_id(),
        base_ver=base_ver,
        body={},
    )
    return outbox.add([intent])[0]


def offer(outbox: Outbox, *, expected_n: int = 1, limit: int = 100) -> list[Operation]:
    return outbox.offer(account_id=ME, expected_n=expected_n, limit=limit)


def applied(operation: Operation, *, status: ResultStatus = ResultStatus.APPLIED, ver: int = 2) -> OperationResult:
    return OperationResult(n=operation.n, op_id=operation.op_id, status=status, ver=ver)


def states(outbox: Outbox) -> list[OpState]:
    return [entry.state for entry in outbox.laid(ME)]


def test_numbers_count_from_what_the_centre_expects(outbox: Outbox, clock: FakeClock) -> None:
    for _ in range(3):
        add(outbox)
    clock.advance(UNDO_WINDOW)
    assert [operation.n for operation in offer(outbox, expected_n=41)] == [41, 42, 43]


def test_an_entry_is_sent_when_its_undo_window_has_passed_and_not_before(outbox: Outbox, clock: FakeClock) -> None:
    add(outbox)
    clock.advance(UNDO_WINDOW - A_MOMENT)
    assert offer(outbox) == []
    clock.advance(A_MOMENT)
    assert len(offer(outbox)) == 1


def test_a_clock_set_back_does_not_keep_entries_here(outbox: Outbox, clock: FakeClock) -> None:
    add(outbox)
    clock.advance(-timedelta(days=400))
    assert len(offer(outbox)) == 1


def test_an_entry_offered_is_not_withdrawn(outbox: Outbox, clock: FakeClock) -> None:
    add(outbox)
    clock.advance(UNDO_WINDOW)
    offer(outbox)
    outbox.rewind(1)  # it did not arrive, as far as anybody knows
    with pytest.raises(Rejected) as told:
        outbox.withdraw_last(ME)
    assert told.value.code == "already_sent"


def test_only_the_latest_own_entry_is_withdrawn(outbox: Outbox) -> None:
    mine, _ = add(outbox), add(outbox, account_id=COLLEAGUE)
    assert outbox.withdraw_last(ME).op_id == mine.op_id
    with pytest.raises(Rejected) as told:
        outbox.withdraw_last(ME)
    assert told.value.code == "nothing_to_undo"
    assert len(outbox.laid(COLLEAGUE)) == 1


def test_what_did_not_arrive_is_offered_again_under_the_number_expected(outbox: Outbox, clock: FakeClock) -> None:
    entered = [add(outbox).op_id for _ in range(3)]
    clock.advance(UNDO_WINDOW)
    first = offer(outbox)
    outbox.answer([applied(first[0])], at=NOW)
    outbox.rewind(2)
    assert [(operation.n, operation.op_id) for operation in offer(outbox, expected_n=2)] == [
        (2, entered[1]),
        (3, entered[2]),
    ]


def test_what_arrived_unheard_is_asked_for_before_anything_new(outbox: Outbox, clock: FakeClock) -> None:
    add(outbox)
    clock.advance(UNDO_WINDOW)
    lost = offer(outbox)
    add(outbox)
    clock.advance(UNDO_WINDOW)
    outbox.rewind(2)
    again = offer(outbox, expected_n=2)
    assert [operation.n for operation in again] == [1, 2]
    assert again[0] == lost[0]


def test_a_second_answer_is_no_news(outbox: Outbox, clock: FakeClock) -> None:
    add(outbox)
    clock.advance(UNDO_WINDOW)
    (operation,) = offer(outbox)
    assert outbox.answer([applied(operation)], at=NOW) == 1
    assert outbox.answer([applied(operation, status=ResultStatus.HELD)], at=NOW) == 0
    assert states(outbox) == [OpState.ACCEPTED]


def test_a_second_change_of_a_row_waits_for_the_version_of_the_first(outbox: Outbox, clock: FakeClock) -> None:
    entered = [add(outbox, row_id=TASK, base_ver=3).op_id for _ in range(2)]
    clock.advance(UNDO_WINDOW)
    (first,) = offer(outbox)
    outbox.answer([applied(first, ver=4)], at=NOW)
    (second,) = offer(outbox, expected_n=2)
    assert [(one.op_id, one.base_ver) for one in (first, second)] == [(entered[0], 3), (entered[1], 4)]


def test_a_push_is_never_longer_than_the_limit(outbox: Outbox, clock: FakeClock) -> None:
    for _ in range(5):
        add(outbox)
    clock.advance(UNDO_WINDOW)
    assert len(offer(outbox, limit=2)) == 2
    assert len(offer(outbox, limit=2)) == 2  # the same two: their answer is missing


def test_settled_entries_are_kept_for_thirty_days(outbox: Outbox, clock: FakeClock) -> None:
    add(outbox)
    clock.advance(UNDO_WINDOW)
    (operation,) = offer(outbox)
    answered = clock.now()
    outbox.answer([applied(operation)], at=answered)
    outbox.settle(outbox.accepted(), now=answered)
    outbox.settle([], now=answered + KEPT_FOR)
    outbox.reoffer(1)
    assert len(offer(outbox)) == 1  # the centre was restored, and is offered it again
    outbox.answer([applied(operation)], at=answered)
    outbox.settle(outbox.accepted(), now=answered)
    outbox.settle([], now=answered + KEPT_FOR + A_MOMENT)
    outbox.reoffer(1)
    assert offer(outbox) == []


def test_entries_from_before_the_restored_state_are_not_offered_again(outbox: Outbox, clock: FakeClock) -> None:
    for _ in range(3):
        add(outbox)
    clock.advance(UNDO_WINDOW)
    outbox.answer([applied(operation) for operation in offer(outbox)], at=NOW)
    outbox.reoffer(3)
    assert [operation.n for operation in offer(outbox, expected_n=3)] == [3]


def test_a_new_device_keeps_every_entry_and_its_id(outbox: Outbox, clock: FakeClock) -> None:
    entered = [add(outbox).op_id for _ in range(2)]
    clock.advance(UNDO_WINDOW)
    offer(outbox, expected_n=7)
    former = outbox.device()
    outbox.become_new_device()
    assert outbox.device().id != former.id
    assert outbox.device().secret != former.secret
    assert [(operation.n, operation.op_id) for operation in offer(outbox)] == [(1, entered[0]), (2, entered[1])]


def test_the_device_stays_the_same_when_the_file_is_opened_again(
    outbox: Outbox, tmp_path: Path, clock: FakeClock
) -> None:
    again = Outbox(files.outbox_engine(tmp_path, KEY), clock=clock)
    assert again.device() == outbox.device()
    again.close()


def test_drafts_are_kept_replaced_and_dropped(outbox: Outbox) -> None:
    outbox.save_draft("exam", {"od": "-3.25"})
    outbox.save_draft("exam", {"od": "-3.50"})
    outbox.drop_draft("exam")
    outbox.drop_draft("exam")
