"""The service as a whole: health, limits, refusals, incidents, and logs that know nobody."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from hcrm_central import logs, operations
from hcrm_central.api.refusals import ANSWERS
from hcrm_central.app import create_app
from hcrm_central.connectors.ledger import import_ledger
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Device
from hcrm_core.wire import Health, OperationKind, RefusalCode
from hcrm_store.base import new_id
from tests.central.conftest import SignIn
from tests.factories import PASSWORD, Clinic, Stage, Workstation, exam_body, outcome_body
from tests.fakes import FakeClock

SAMPLE = Path("resources/samples/ledger_sample.xlsx")


def test_health_tells_the_schema_to_everybody(workstation: Workstation, clinic: Clinic) -> None:
    answer = workstation.get("/health")
    health = Health.model_validate(answer.json())
    assert (answer.status_code, health.status, health.database) == (200, "ok", True)
    assert health.schema_revision == health.schema_expected
    assert health.scanned_at is None


def test_health_is_not_well_with_another_schema(workstation: Workstation, store: Store) -> None:
    with store.owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = workstation.get("/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (503, "unready", True)


def test_without_a_database_health_says_so_and_the_rest_asks_to_try_again(
    stage: Stage, wire: httpx.Client, store: Store, clock: FakeClock
) -> None:
    from hcrm_central.store.engine import make_engine

    nowhere = make_engine("postgresql+psycopg://hcrm@127.0.0.1:1/hcrm")
    stage.app = create_app(Store(nowhere, nowhere, nowhere), Settings(), clock=clock)
    wire.event_hooks = {}
    client = Workstation(http=wire, clock=clock)
    assert (client.get("/health").status_code, client.get("/health").json()["database"]) == (503, False)
    refused = client.sign_in("anybody")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    nowhere.dispose()


def test_an_unknown_address_is_answered_like_any_refusal(workstation: Workstation) -> None:
    answer = workstation.http.get("/patients/张三")
    assert (answer.status_code, set(answer.json())) == (404, {"code", "message", "remedy"})
    assert workstation.http.get("/auth/login").status_code == 405
    assert workstation.http.get("/docs").status_code == 404


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(workstation: Workstation, settings: Settings) -> None:
    most = settings.max_request_bytes
    for content in (b"x" * (most + 1), iter([b"x" * most, b"x"])):
        answer = workstation.http.post("/auth/login", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert workstation.http.post("/auth/login", content=b"x" * most).status_code == 422


def test_the_longest_honest_push_is_below_the_limit(client_for: SignIn, clinic: Clinic, settings: Settings) -> None:
    client = client_for("optometrist")
    body = exam_body(clinic.mine, on=client.clock.now().date(), note="长" * 2000, amend_reason="长" * 400)
    operations = [client.operation(OperationKind.RECORD_EXAM, new_id(), body) for _ in range(100)]
    request = {"epoch": str(new_id()), "operations": [one.model_dump(mode="json") for one in operations]}
    assert len(json.dumps(request)) < settings.max_request_bytes


def test_every_refusal_has_an_answer_with_a_remedy() -> None:
    assert set(ANSWERS) == set(RefusalCode)
    assert all(answer.message and answer.remedy and answer.status >= 400 for answer in ANSWERS.values())


def test_malformed_messages_are_refused_without_an_echo(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    for path, body in (
        ("/sync/hello", {"app_version": "1", "now": "昨天"}),
        ("/sync/pull", {"epoch": "患者姓名", "cursors": {}}),
        ("/sync/pull", {"epoch": str(new_id()), "cursors": {}, "limit": 0}),
        ("/sync/pull", {"epoch": str(new_id()), "cursors": {}, "limit": 2001}),
        ("/sync/push", {"epoch": str(new_id()), "operations": [{"n": 0}]}),
        ("/sync/push", {"epoch": str(new_id()), "operations": "患者姓名"}),
    ):
        answer = client.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body
        assert "患者姓名" not in answer.text
    assert client.http.post("/sync/pull", content=b"{half", headers=client.headers).status_code == 422


def test_a_bug_becomes_an_incident_and_loses_nothing(
    client_for: SignIn, clinic: Clinic, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for("assistant")
    operation = client.operation(OperationKind.RECORD_OUTCOME, clinic.mine.task_id, outcome_body(clinic.mine))

    def broken(_: Any) -> Any:
        raise ValueError("患者姓名")

    with monkeypatch.context() as patch:
        patch.setitem(operations.HANDLERS, OperationKind.RECORD_OUTCOME, broken)
        answer = client.send(operation)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "患者姓名" not in answer.text
    incident = next(line for line in lines(log) if line["event"] == "incident")
    assert incident["request"] == answer.json()["incident"] == answer.headers["x-request-id"]
    assert incident["error"] == "ValueError"
    assert incident["at"][-1].endswith(" broken")
    assert "患者姓名" not in log.getvalue()
    assert client.push(operation).results[0].status == "applied"


# ── logs ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, logging_restored: None) -> io.StringIO:
    """The log as a machine reads it, at its most talkative."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", written)
        logs.configure(Settings(log_json=True, log_level="DEBUG"))
    return written


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_is_one_line_with_ids_route_status_and_duration(
    client_for: SignIn, clinic: Clinic, log: io.StringIO
) -> None:
    client = client_for("assistant")
    client.hello()
    client.http.get("/patients/张三")
    client.get("/health")  # a line is written after its answer: the one before is there by now
    login, hello, unknown = lines(log)[:3]
    assert (login["route"], login["status"], login["method"]) == ("/auth/login", 200, "POST")
    assert "account_id" not in login
    assert hello["account_id"] == str(clinic.accounts["assistant"])
    assert hello["device_id"] == str(client.device_id)
    assert (unknown["route"], unknown["status"]) == ("none", 404)
    assert all(line["ms"] >= 0 and line["request"] and line["timestamp"] for line in (login, hello, unknown))


def test_the_log_of_a_day_names_nobody(
    client_for: SignIn, clinic: Clinic, store: Store, clock: FakeClock, log: io.StringIO
) -> None:
    """Sign-in, pull, push, held and failing operations, an import: then look for every private word."""
    import_ledger(store.jobs, SAMPLE, clock=clock)
    client = client_for("manager")
    client.sign_in("wrong-user-canary", "wrong-password-canary")
    client.catch_up()
    said = outcome_body(clinic.mine, note="家长私下说的话")
    client.push(
        client.operation(OperationKind.RECORD_OUTCOME, clinic.mine.task_id, said),
        client.operation(OperationKind.RECORD_OUTCOME, clinic.mine.task_id, said),  # its follow-up id is taken
        client.operation(OperationKind.RECORD_EXAM, new_id(), exam_body(clinic.mine, on=clock.now().date())),
    )
    with Session(store.owner) as session:
        private = set(session.scalars(text("SELECT name FROM customer UNION SELECT phone FROM guardian")))
        private |= set(session.scalars(text("SELECT username FROM account UNION SELECT name FROM account")))
        device = session.scalars(select(Device)).one()
    assert client.tokens is not None
    private |= {"家长私下说的话", PASSWORD, "wrong-user-canary", "wrong-password-canary", client.secret, device.name}
    private |= {client.tokens.access_token, client.tokens.refresh_token}
    told = "\n".join(
        json.dumps({k: v for k, v in line.items() if k != "route"}, ensure_ascii=False) for line in lines(log)
    )
    assert len(private) > 300
    assert [word for word in private if word and len(word) > 1 and word in told] == []


def test_a_library_that_logs_an_exception_is_quoted_by_type_and_place(log: io.StringIO) -> None:
    try:
        int("患者姓名")
    except ValueError:
        logging.getLogger("somebody.else").exception("it failed")
    line = lines(log)[0]
    assert (line["event"], line["error"]) == ("it failed", "ValueError")
    assert "患者姓名" not in log.getvalue()


def test_a_database_error_is_told_by_code_and_constraint(
    client_for: SignIn, clinic: Clinic, store: Store, log: io.StringIO
) -> None:
    """The driver's message quotes the row ("Key (id)=(…) already exists"); the log must not."""
    client = client_for("assistant")

    def refuse(raw: Any, _record: object) -> None:
        raw.execute("SET search_path = pg_catalog")
        raw.commit()

    store.service.dispose()
    event.listen(store.service, "connect", refuse)
    answer = client.post("/auth/logout")
    event.remove(store.service, "connect", refuse)
    store.service.dispose()
    assert answer.status_code == 500
    incident = next(line for line in lines(log) if line["event"] == "incident")
    assert (incident["error"], incident["sqlstate"]) == ("UndefinedTable", "42P01")


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_version": "\x00"},
        {"app_version": "1" * 41},
        {"oldest_unsent_at": "0001-01-01T00:00:00+23:59"},
        {"now": "9999-12-31T23:59:59-23:59"},
        {"unsent": 2**31},
        {"unsent": -1},
    ],
)
def test_a_greeting_that_cannot_be_kept_is_refused_and_fails_nothing(
    client_for: SignIn, clinic: Clinic, wrong: dict[str, object]
) -> None:
    client = client_for("assistant")
    greeting = {"app_version": "1", "now": client.clock.now().isoformat()}
    answer = client.post("/sync/hello", greeting | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_half_a_character_is_refused_and_fails_nothing(client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    greeting = '{"app_version": "\\ud800", "now": "2026-11-22T01:00:00Z"}'
    headers = client.headers | {"Content-Type": "application/json"}
    assert client.http.post("/sync/hello", content=greeting, headers=headers).status_code == 422
