"""Who may do what: every address as every role, and every byte a role is sent."""

import json
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from hcrm_central.store.engine import Principal, snapshot, transaction
from hcrm_central.store.opening import Store
from hcrm_core.access import PROFILES, Access
from hcrm_core.terms import Role
from hcrm_core.wire import OperationKind
from hcrm_store.base import new_id
from hcrm_store.kinds import KINDS, table_of
from tests.central.conftest import SignIn
from tests.factories import Child, Clinic, Workstation, exam_body, outcome_body
from tests.fakes import FakeClock

EVERYBODY = {role.value for role in Role}


@dataclass(frozen=True, slots=True)
class Rule:
    """Who gets an answer other than 401 or 403."""

    allowed: set[str]
    stranger: int  # what somebody without a token gets


# A new address must be entered here, with who may use it.
RULES = {
    ("GET", "/health"): Rule(EVERYBODY, 200),
    ("POST", "/auth/login"): Rule(EVERYBODY, 422),
    ("POST", "/auth/refresh"): Rule(EVERYBODY, 422),
    ("POST", "/auth/logout"): Rule(EVERYBODY, 401),
    ("POST", "/sync/hello"): Rule(EVERYBODY, 401),
    ("POST", "/sync/pull"): Rule(EVERYBODY, 401),
    ("POST", "/sync/first"): Rule(EVERYBODY, 401),
    ("POST", "/sync/digests"): Rule(EVERYBODY, 401),
    ("GET", "/sync/snapshots/{stream}"): Rule(set(), 401),  # nobody is granted a stream of this name
    ("POST", "/sync/wait"): Rule(EVERYBODY, 401),
    ("POST", "/sync/push"): Rule(EVERYBODY, 401),
    ("POST", "/sync/surrender"): Rule(EVERYBODY, 422),
    ("GET", "/held"): Rule({"manager"}, 401),
    ("POST", "/held/{op_id}"): Rule({"manager"}, 401),
    ("GET", "/fleet"): Rule({"manager", "admin"}, 401),
    ("POST", "/fleet/{device_id}/orders"): Rule({"manager", "admin"}, 401),
    ("GET", "/absences"): Rule({"manager"}, 401),
    ("POST", "/absences"): Rule({"manager"}, 401),
    ("DELETE", "/absences/{absence_id}"): Rule({"manager"}, 401),
    ("GET", "/overview"): Rule({"manager", "executive"}, 401),
    ("GET", "/sources/{kind}/{row_id}"): Rule({"assistant", "optometrist", "manager"}, 401),
    ("GET", "/rules"): Rule({"manager"}, 401),
    ("GET", "/rules/{key}"): Rule({"manager"}, 401),
    ("POST", "/rules/{key}/draft"): Rule({"manager"}, 401),
    ("DELETE", "/rules/{key}/draft/{ver}"): Rule({"manager"}, 401),
    ("POST", "/rules/{key}/publish"): Rule({"manager"}, 401),
    ("POST", "/rules/{key}/reject"): Rule({"manager"}, 401),
    ("POST", "/rules/{key}/retire"): Rule({"manager"}, 401),
    ("POST", "/rules/{key}/restore"): Rule({"manager"}, 401),
    ("POST", "/parameters/{key}"): Rule({"manager"}, 401),
    ("GET", "/scans"): Rule({"manager"}, 401),
    ("POST", "/scans"): Rule({"manager"}, 401),
    ("GET", "/scans/requests/{request_id}"): Rule({"manager"}, 401),
    ("POST", "/questions/counts"): Rule({"manager"}, 401),
    ("POST", "/questions/histogram"): Rule({"manager"}, 401),
    ("POST", "/questions/sweep"): Rule({"manager"}, 401),
    ("POST", "/questions/diff"): Rule({"manager"}, 401),
    ("POST", "/questions/backtest"): Rule({"manager"}, 401),
    ("POST", "/questions/overlap"): Rule({"manager"}, 401),
    ("POST", "/questions/parameter"): Rule({"manager"}, 401),
    ("POST", "/questions/explain"): Rule({"manager"}, 401),
    ("DELETE", "/questions/{ask}"): Rule({"manager"}, 401),
    ("GET", "/customers/{customer_id}/segments"): Rule({"assistant", "optometrist", "manager"}, 401),
    ("POST", "/shares"): Rule({"assistant", "optometrist", "manager"}, 401),
    ("DELETE", "/shares/{share_id}"): Rule({"assistant", "optometrist", "manager"}, 401),
    ("GET", "/h"): Rule(EVERYBODY, 200),  # pages for a tablet: a link or a code decides, nobody is signed in
    ("POST", "/h"): Rule(EVERYBODY, 410),
    ("GET", "/h/files/{name}"): Rule(EVERYBODY, 410),
    ("GET", "/h/{token}"): Rule(EVERYBODY, 410),
    ("HEAD", "/h/{token}"): Rule(EVERYBODY, 410),
}


def test_every_address_has_a_rule(app: FastAPI) -> None:
    served = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert served == set(RULES)


@pytest.mark.parametrize("username", sorted(EVERYBODY))
def test_every_address_answers_a_role_as_its_rule_says(client_for: SignIn, username: str) -> None:
    client = client_for(username)
    for (method, path), rule in sorted(RULES.items(), key=lambda item: item[0][1] == "/auth/logout"):
        body = {} if method == "POST" else None
        answer = client.http.request(method, path, json=body, headers=client.headers)
        permitted = answer.status_code not in (401, 403)
        assert permitted == (username in rule.allowed), (path, answer.status_code)


def test_strangers_get_health_and_nothing_else(workstation: Workstation) -> None:
    for (method, path), rule in RULES.items():
        answer = workstation.http.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == rule.stranger, path
        if path not in ("/health", "/h") and not path.startswith("/h/"):
            assert set(answer.json()) == {"code", "message", "remedy"}


def everything_sent(client: Workstation) -> str:
    client.catch_up()
    client.catch_up()
    return "\n".join(client.received)


def private(child: Child) -> dict[Access, list[str]]:
    """A child's canaries by the access class of the column they stand in."""
    return {
        Access.IDENTITY: [child.phone, f"家长{int(child.phone[3:])}号", f"患者{int(child.phone[3:])}号"],
        Access.MARKETING: [child.said, child.note],
        Access.CLINICAL: [child.finding],
        Access.FINANCIAL: [str(child.price)],
    }


@pytest.mark.parametrize("username", sorted(EVERYBODY - {"optometrist"}))
def test_what_a_role_is_sent_is_its_customers_in_its_profile(client_for: SignIn, clinic: Clinic, username: str) -> None:
    seen = {"assistant": [clinic.mine], "manager": [clinic.mine, clinic.colleagues, clinic.far]}.get(username, [])
    sent = everything_sent(client_for(username))
    for child in (clinic.mine, clinic.colleagues, clinic.far):
        for access, canaries in private(child).items():
            expected = child in seen and access in PROFILES[Role(username)]
            assert all((canary in sent) == expected for canary in canaries), (child, access)


def test_an_optometrist_is_sent_the_sites_eyes_and_only_his_own_phones(client_for: SignIn, clinic: Clinic) -> None:
    sent = everything_sent(client_for("optometrist"))
    here, unseen = (clinic.mine, clinic.colleagues), clinic.far
    assert all(child.finding in sent for child in here)
    assert clinic.mine.phone in sent
    assert clinic.colleagues.phone not in sent
    assert f'"{clinic.colleagues.phone[-4:]}"' not in sent  # as a value: by chance the digits stand in ids
    never = [text for child in here for kind in (Access.MARKETING, Access.FINANCIAL) for text in private(child)[kind]]
    never += [text for texts in private(unseen).values() for text in texts]
    assert [canary for canary in never if canary in sent] == []


@pytest.mark.parametrize("username", sorted(EVERYBODY))
def test_no_column_outside_the_profile_is_sent(client_for: SignIn, username: str) -> None:
    client = client_for(username)
    client.catch_up()
    for (kind, _), row in client.held.items():
        classes = {table_of(kind).c[name].info["access"] for name in row.body}
        assert classes <= PROFILES[Role(username)], kind


def test_every_column_of_every_kind_has_an_access_class() -> None:
    assert [column for kind in KINDS for column in table_of(kind).columns if "access" not in column.info] == []


def test_what_others_may_not_know_is_gone_once_a_customer_is_reassigned(
    client_for: SignIn, clinic: Clinic, store: Store
) -> None:
    client = client_for("optometrist")
    client.catch_up()
    with transaction(store.jobs) as session:
        session.execute(
            text("UPDATE customer SET optometrist_id = NULL WHERE id = :id"), {"id": clinic.mine.customer_id}
        )
    client.catch_up()
    assert clinic.mine.phone not in json.dumps([row.body for row in client.held.values()])
    assert client.rows("task") == {}


def test_pushes_outside_a_role_are_held_and_change_nothing(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock
) -> None:
    today = clock.now().date()
    snooze = {"customer_id": str(clinic.far.customer_id), "until": "2026-12-01"}
    follow_up = {"customer_id": str(clinic.mine.customer_id), "channel": "phone", "outcome": "no_answer"}
    outcome, exam = OperationKind.RECORD_OUTCOME, OperationKind.RECORD_EXAM
    drops = {"customer_id": str(clinic.mine.customer_id), "medicine": "atropine", "percent": "0.05"}
    drops |= {"started_on": today.isoformat(), "ended_on": today.isoformat()}
    begin, end = OperationKind.RECORD_MEDICATION, OperationKind.END_MEDICATION
    attempts = [
        *((username, begin, new_id(), drops) for username in ("assistant", "manager", "executive", "admin")),
        *((username, end, clinic.mine.medication_id, drops) for username in ("assistant", "manager", "far_eye")),
        ("far_eye", begin, new_id(), drops),
        ("assistant", exam, clinic.mine.exam_id, exam_body(clinic.mine, on=today)),
        ("assistant", outcome, clinic.colleagues.task_id, outcome_body(clinic.colleagues)),
        ("assistant", OperationKind.SNOOZE_TASK, clinic.far.task_id, snooze),
        ("assistant", outcome, clinic.colleagues.task_id, outcome_body(clinic.mine)),
        ("optometrist", outcome, clinic.colleagues.task_id, outcome_body(clinic.colleagues)),
        ("optometrist", outcome, clinic.mine.task_id, outcome_body(clinic.mine)),
        ("executive", outcome, clinic.mine.task_id, outcome_body(clinic.mine)),
        ("executive", OperationKind.RECORD_FOLLOW_UP, new_id(), follow_up),
        ("admin", outcome, clinic.mine.task_id, outcome_body(clinic.mine)),
    ]
    before = fingerprint(store)
    for username, kind, row_id, body in attempts:
        client = client_for(username)
        result = client.push(client.operation(kind, row_id, body)).results[0]
        assert (result.status, result.row) == ("held", None), (username, kind)
        assert result.reason in ("not_permitted", "not_visible")
    assert fingerprint(store) == before


def fingerprint(store: Store) -> list[object]:
    """Every synced row's version: any effect would show."""
    with snapshot(store.jobs) as session:
        return [session.execute(text(f"SELECT id, ver FROM {kind} ORDER BY 1")).all() for kind in KINDS]


def test_the_overview_counts_and_names_nobody(client_for: SignIn, clinic: Clinic) -> None:
    for username in ("manager", "executive"):
        answer = client_for(username).get("/overview")
        sites = {site["code"]: site for site in answer.json()["sites"]}
        assert (sites["north"]["customers"], sites["south"]["customers"]) == (2, 1)
        assert sites["north"]["sops"] == [{"sop_key": "test_recheck", "open": 2, "done": 0}]
        assert sites["north"]["segments"] == [{"segment_key": "test_segment", "customers": 2}]
        assert answer.json()["freshness"]["feeds"] != {}
        names = [canary for texts in private(clinic.mine).values() for canary in texts]
        assert not [name for name in names if name in answer.text]


def test_the_overview_moves_with_the_work_of_today(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    body = outcome_body(clinic.mine)
    client.push(client.operation(OperationKind.RECORD_OUTCOME, clinic.mine.task_id, body))
    north = client_for("manager").get("/overview").json()["sites"][0]
    assert north["sops"] == [{"sop_key": "test_recheck", "open": 1, "done": 1}]


def test_the_database_itself_refuses_the_overview_to_other_roles(store: Store, clinic: Clinic) -> None:
    asks = Principal(account_id=new_id(), staff_id=None, role=Role.ASSISTANT, site_ids=())
    with snapshot(store.service, asks) as session, pytest.raises(ProgrammingError, match="managers and executives"):
        session.execute(text("SELECT * FROM hcrm.overview('2026-11-22')"))


def test_a_session_without_a_declared_person_sees_no_customer(store: Store, clinic: Clinic) -> None:
    with snapshot(store.service) as session:
        counts = [session.execute(text(f"SELECT count(*) FROM {kind}")).scalar_one() for kind in ("customer", "task")]
    assert counts == [0, 0]


def test_refusals_say_nothing_of_rows(client_for: SignIn, clinic: Clinic, centre: httpx.Client) -> None:
    client = client_for("assistant")
    client.push(client.operation(OperationKind.RECORD_OUTCOME, clinic.far.task_id, outcome_body(clinic.far)))
    told = client.received[-1]
    assert clinic.far.phone not in told
    assert str(clinic.far.customer_id) not in told
