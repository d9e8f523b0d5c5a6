"""A workstation under orders: blocked, it is refused; to be wiped, it hands over what it has and is refused then."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import AuditEntry, Device, HeldOperation
from hcrm_core.fleet import HeldQueue
from hcrm_core.wire import Json, Operation, OperationKind, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, outcome_body
from tests.fakes import FakeClock

OUTCOME = OperationKind.RECORD_OUTCOME
SAID = "还没上传的话"


def order(keeper: Workstation, client: Workstation, what: str, reason: str = "丢失") -> httpx.Response:
    return keeper.post(f"/fleet/{client.device_id}/orders", {"order": what, "reason": reason})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def everywhere(client: Workstation) -> dict[str, tuple[int, str]]:
    """What a workstation is told wherever it turns."""
    epoch = str(new_id())
    now = client.clock.now().isoformat()
    requests: dict[str, Json] = {
        "/sync/hello": {"app_version": "1", "now": now},
        "/sync/pull": {"epoch": epoch, "cursors": {}},
        "/sync/push": {"epoch": epoch, "operations": []},
        "/sync/first": {"epoch": epoch},
        "/sync/digests": {"epoch": epoch, "streams": []},
        "/sync/wait": {"epoch": epoch, "heads": {}},
    }
    told = {path: code(client.post(path, body)) for path, body in requests.items()}
    told["/sync/snapshots/ref"] = code(client.get("/sync/snapshots/ref"))
    told["/overview"] = code(client.get("/overview"))
    told["/auth/refresh"] = code(client.refresh())
    told["/auth/login"] = code(client.sign_in("assistant"))
    return told


def unsent(client: Workstation, clinic: Clinic, many: int = 1) -> list[Operation]:
    child = clinic.mine
    return [client.operation(OUTCOME, child.task_id, outcome_body(child, note=SAID)) for _ in range(many)]


def surrender(
    client: Workstation, operations: list[Operation], *, last: bool = True, authors: dict[UUID, UUID] | None = None
) -> httpx.Response:
    body = {
        "device": client.claim,
        "operations": [operation.model_dump(mode="json") for operation in operations],
        "account_ids": {str(op_id): str(account) for op_id, account in (authors or {}).items()},
        "last": last,
    }
    return client.http.post("/sync/surrender", json=body)


def kept(store: Store) -> list[HeldOperation]:
    with Session(store.jobs) as session:
        return list(session.scalars(select(HeldOperation).order_by(HeldOperation.at, HeldOperation.op_id)))


def device_of(store: Store, client: Workstation) -> Device:
    with Session(store.jobs) as session:
        return session.get_one(Device, client.device_id)


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("keeper", ["manager", "admin"])
def test_a_blocked_workstation_is_refused_everywhere_until_it_is_unblocked(client_for: SignIn, keeper: str) -> None:
    client, who = client_for("assistant"), client_for(keeper)
    assert order(who, client, "block").status_code == 204
    assert set(everywhere(client).values()) == {(401, "device_revoked")}
    assert order(who, client, "unblock").status_code == 204
    assert code(client.post("/auth/logout")) == (401, "session_ended")  # its sessions ended with the block
    assert client.sign_in("assistant").status_code == 200
    assert client.hello().expected_n == 1


def test_a_workstation_to_be_wiped_is_told_so_everywhere(client_for: SignIn) -> None:
    client = client_for("assistant")
    assert order(client_for("manager"), client, "wipe").status_code == 204
    assert set(everywhere(client).values()) == {(410, "device_wiped")}


def test_it_is_told_so_long_after_its_session_ended_and_whatever_password_is_tried(
    client_for: SignIn, clock: FakeClock
) -> None:
    client = client_for("assistant")
    order(client_for("manager"), client, "block")
    order(client_for("manager"), client, "wipe")
    clock.advance(timedelta(days=90))
    assert set(everywhere(client).values()) == {(410, "device_wiped")}
    assert code(client.sign_in("assistant", "a thief's guess")) == (410, "device_wiped")
    client.tokens = None
    assert code(client.post("/sync/hello", {})) == (410, "device_wiped")


def test_an_order_is_nobody_elses_business(client_for: SignIn, workstation: Workstation) -> None:
    client = client_for("assistant")
    order(client_for("manager"), client, "wipe")
    impostor = Workstation(http=client.http, clock=client.clock, device_id=client.device_id, secret="x" * 43)
    impostor.tokens = client.tokens
    assert (410, "device_wiped") not in everywhere(impostor).values()
    assert code(surrender(impostor, [])) == (401, "device_mismatch")
    assert code(surrender(workstation, [])) == (401, "device_mismatch")


def test_a_wipe_is_final_and_may_be_ordered_twice(client_for: SignIn, store: Store, clock: FakeClock) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    order(manager, client, "wipe")
    ordered_at = device_of(store, client).wipe_ordered_at
    clock.advance(timedelta(minutes=1))
    assert order(manager, client, "wipe").status_code == 204
    assert device_of(store, client).wipe_ordered_at == ordered_at
    for what in ("block", "unblock"):
        assert code(order(manager, client, what)) == (409, "already_decided")


def test_orders_that_make_no_sense_are_refused(client_for: SignIn) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    for what, reason in (("destroy", "x"), ("wipe", ""), ("wipe", "长" * 401)):
        assert order(manager, client, what, reason).status_code == 422
    unknown = Workstation(http=client.http, clock=client.clock)
    assert code(order(manager, unknown, "wipe")) == (422, "invalid_request")
    assert client.hello().expected_n == 1


def test_orders_are_audited_with_their_reason(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    for what in ("block", "unblock", "wipe"):
        order(manager, client, what, "旧电脑")
    surrender(client, [])
    with Session(store.jobs) as session:
        entries = list(session.scalars(select(AuditEntry).where(AuditEntry.action.like("device:%"))))
    told = {(entry.action, entry.account_id, entry.detail.get("reason")) for entry in entries}
    by = clinic.accounts["manager"]
    assert told == {
        ("device:block", by, "旧电脑"),
        ("device:unblock", by, "旧电脑"),
        ("device:wipe", by, "旧电脑"),
        ("device:surrendered", None, None),
    }


# ── handing over ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_not_sent_is_kept_for_a_supervisor_and_then_the_workstation_is_refused(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operations = unsent(client, clinic, 3)
    order(manager, client, "wipe")
    assert surrender(client, operations[:2], last=False).json() == {"kept": 2}
    assert code(client.sign_in("assistant")) == (410, "device_wiped")
    assert surrender(client, operations[2:]).json() == {"kept": 3}
    assert set(everywhere(client).values()) == {(401, "device_revoked")}
    assert {(one.reason, one.account_id) for one in kept(store)} == {("device_wiped", clinic.accounts["assistant"])}
    queue = HeldQueue.model_validate(manager.get("/held").json()).items
    assert {item.op_id for item in queue} == {operation.op_id for operation in operations}
    answer = manager.post(f"/held/{operations[0].op_id}", {"decision": "apply"})
    assert answer.json()["status"] == "applied"
    with Session(store.jobs) as session:
        assert session.scalars(select(FollowUp.staff_id).where(FollowUp.note == SAID)).all() == [
            clinic.staff["assistant"]
        ]


def test_handing_over_twice_keeps_once_because_the_answer_may_be_lost(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    operations = unsent(client, clinic, 2)
    order(client_for("manager"), client, "wipe")
    for _ in range(3):
        assert surrender(client, [*operations, operations[0]]).json() == {"kept": 2}
    assert len(kept(store)) == 2
    more = unsent(client, clinic)
    assert code(surrender(client, more)) == (401, "device_revoked")  # it said that it had nothing more
    assert len(kept(store)) == 2


def test_what_was_applied_or_held_before_is_not_kept_again(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    sent, new = unsent(client, clinic), unsent(client, clinic)
    client.push(*sent)
    order(client_for("manager"), client, "wipe")
    assert surrender(client, [*sent, *new]).json() == {"kept": 1}
    assert [one.op_id for one in kept(store)] == [new[0].op_id]


def test_what_was_handed_over_is_not_done_again_by_a_restored_copy(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operations = unsent(client, clinic)
    order(manager, client, "wipe")
    surrender(client, operations)
    copy = client_for("assistant")
    copy.next_n = 2
    assert copy.push(operations[0]).results[0].reason == "device_wiped"
    manager.post(f"/held/{operations[0].op_id}", {"decision": "apply"})
    assert copy.push(operations[0]).results[0].status is ResultStatus.DUPLICATE


def test_an_entry_is_its_authors_if_he_ever_worked_there_and_else_the_last_ones(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    operations = unsent(client, clinic, 4)
    client.sign_in("assistant2")
    order(client_for("manager"), client, "wipe")
    accounts = clinic.accounts
    claimed = (accounts["assistant"], accounts["manager"], new_id(), None)
    authors = {one.op_id: account for one, account in zip(operations, claimed, strict=True) if account}
    surrender(client, operations, authors=authors)
    found = {one.op_id: one.account_id for one in kept(store)}
    assert [found[one.op_id] for one in operations] == [accounts["assistant"], *[accounts["assistant2"]] * 3]


def test_without_an_order_nothing_is_taken(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    operations = unsent(client, clinic)
    assert code(surrender(client, operations)) == (403, "not_permitted")
    order(manager, client, "block")
    assert code(surrender(client, operations)) == (401, "device_revoked")
    assert kept(store) == []


def test_numbers_already_used_by_a_copy_of_the_workstation_hinder_nothing(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    client.push(*unsent(client, clinic, 2))
    client.next_n = 1  # an older copy of the outbox
    operations = unsent(client, clinic, 2)
    order(client_for("manager"), client, "wipe")
    assert surrender(client, operations).json() == {"kept": 2}
    assert {one.op_id for one in kept(store)} == {one.op_id for one in operations}


def test_bad_input_is_refused_and_text_that_cannot_be_kept_is_made_so(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("assistant")
    order(client_for("manager"), client, "wipe")
    (operation,) = unsent(client, clinic)
    assert surrender(client, [operation] * 101).status_code == 422
    assert client.http.post("/sync/surrender", json={"operations": []}).status_code == 422
    assert client.http.post("/sync/surrender", content=b" " * 4_000_001).status_code == 413
    broken = operation.model_copy(update={"body": {"note": "一\0二", "customer_id": 7}})
    assert surrender(client, [broken]).json() == {"kept": 1}
    assert kept(store)[0].operation["body"]["note"] == "一\ufffd二"


def test_what_is_not_understood_is_kept_as_it_came_and_applies_never(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client, manager = client_for("assistant"), client_for("manager")
    (operation,) = unsent(client, clinic)
    order(manager, client, "wipe")
    strange = [operation.model_dump(mode="json") | {"kind": "task.sing"}, {"sung": "一\0二"}, {}]
    for _ in range(2):
        body = {"device": client.claim, "operations": strange, "last": True}
        assert client.http.post("/sync/surrender", json=body).json() == {"kept": 3}
    items = HeldQueue.model_validate(manager.get("/held").json()).items
    assert {item.kind for item in items} == {OperationKind.UNREADABLE}
    assert [item.body for item in items if item.op_id == operation.op_id] == [strange[0]]
    answer = manager.post(f"/held/{operation.op_id}", {"decision": "apply"}).json()
    assert (answer["status"], answer["reason"]) == ("held", "unreadable")
    for item in items:
        assert manager.post(f"/held/{item.op_id}", {"decision": "dismiss"}).status_code == 200
    assert manager.get("/held").json()["items"] == []


def test_a_workstation_that_was_cloned_is_still_found_out(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    client = client_for("assistant")
    client.push(*unsent(client, clinic))
    with transaction(store.jobs) as session:
        session.execute(update(Device).values(clock_offset_s=3))
    client.next_n = 1
    answer = client.send(*unsent(client, clinic))
    assert code(answer) == (409, "new_device")
