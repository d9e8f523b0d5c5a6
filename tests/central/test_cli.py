"""The commands of the centre: plain answers, plain errors, a private server shared and put away."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, create_engine, select, text, update
from sqlalchemy.orm import Session

from hcrm_central import cli
from hcrm_central.accounts import password_matches
from hcrm_central.doctor import Finding, Level, examine
from hcrm_central.jobs.facts import rebuild_facts
from hcrm_central.jobs.post import hold_post, silence
from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.facts import compact
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account, Device, HeldOperation, ScanRun, Watermark
from hcrm_core.errors import StoreUnusable
from hcrm_core.terms import Outcome
from hcrm_core.wire import OperationKind, ResultStatus
from hcrm_store.base import new_id
from hcrm_store.resources import resource
from tests.central.conftest import SignIn
from tests.factories import Clinic, Workstation, outcome_body
from tests.fakes import FakeClock
from tests.rule_desk import Desk, rule

SAMPLE = Path("resources/samples/ledger_sample.xlsx").resolve()


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    logging_restored: None,
) -> Iterator[Run]:
    """Run a command in this process, on the test's database, as production would be configured."""
    for name, engine in (("", store.service), ("JOBS_", store.jobs), ("OWNER_", store.owner)):
        monkeypatch.setenv(f"HCRM_{name}DATABASE_URL", address(engine))
    monkeypatch.setenv("HCRM_DATA_DIR", str(tmp_path))
    handler = signal.getsignal(signal.SIGTERM)

    def command(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["hcrm-central", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    yield command
    signal.signal(signal.SIGTERM, handler)


def address(engine: Engine) -> str:
    """As an operator writes it: without the name of a driver."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_help_lists_the_commands(run: Run) -> None:
    told = run("--help")
    assert told.code == 0
    for name in (
        "serve",
        "migrate",
        "create-admin",
        "create-account",
        "import-ledger",
        "undo-import",
        "scan",
        "doctor",
    ):
        assert name in told.out


def test_migrate_twice_is_migrate_once(run: Run) -> None:
    first, second = run("migrate"), run("migrate")
    assert (first.code, second.code) == (0, 0)
    assert "sops" in first.out
    assert second.out.splitlines()[0] == first.out.splitlines()[0]


def test_facts_that_were_written_anew_are_compacted(run: Run, clinic: Clinic, store: Store, clock: FakeClock) -> None:
    rebuild_facts(store.jobs, None, clock=clock)
    with store.owner.begin() as connection:
        for _ in range(40):
            connection.execute(text("UPDATE customer_facts SET segments = segments"))
        facts = connection.execute(text("SELECT * FROM customer_facts ORDER BY customer_id")).all()
    told = run("compact-facts")
    assert told.code == 0, told.err
    before, after = (float(size) for size in re.findall(r"([\d.]+) MB", told.out))
    assert after < before
    with store.owner.begin() as connection:
        assert connection.execute(text("SELECT * FROM customer_facts ORDER BY customer_id")).all() == facts


def test_facts_that_are_in_use_are_not_compacted(run: Run, store: Store) -> None:
    impatient = create_engine(store.owner.url, connect_args={"options": "-c lock_timeout=50ms"})
    with transaction(store.jobs) as session:
        session.execute(text("SELECT FROM customer_facts"))
        with pytest.raises(StoreUnusable, match="in use"):
            compact(impatient)
    impatient.dispose()
    assert run("compact-facts").code == 0


def test_an_account_is_made_for_a_member_of_staff(run: Run, clinic: Clinic, store: Store) -> None:
    arguments = ("create-account", "--username", "Anna", "--role", "assistant", "--staff-code", "assistant")
    made = run(*arguments, "--password-stdin", stdin="a good password\n")
    assert (made.code, made.out) == (0, "account anna (assistant) is ready\n")
    with Session(store.jobs) as session:
        account = session.scalars(select(Account).where(Account.username == "anna")).one()
    assert (account.staff_id, account.name) == (clinic.staff["assistant"], "员工assistant")
    assert password_matches(account.password_hash, "a good password")
    again = run(*arguments, "--password-stdin", stdin="a good password\n")
    assert again.code == 2
    assert "already an account" in again.err


def test_accounts_that_cannot_be_are_refused_in_a_sentence(run: Run, clinic: Clinic, store: Store) -> None:
    with Session(store.jobs) as session:
        before = len(session.scalars(select(Account)).all())
    for arguments, password, told in (
        (("--username", "x", "--role", "assistant", "--staff-code", "nobody"), "long enough", "no member of staff"),
        (("--username", "x", "--role", "assistant"), "long enough", "--staff-code"),
        (("--username", "x", "--role", "manager"), "1234567", "at least 8"),
        (("--username", " ", "--role", "manager"), "12345678", "username"),
        (("--username", "x", "--role", "king"), "12345678", "king"),
    ):
        done = run("create-account", *arguments, "--password-stdin", stdin=password + "\n")
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert "Traceback" not in done.err
    with Session(store.jobs) as session:
        assert len(session.scalars(select(Account)).all()) == before


def test_the_administrator_sees_no_patient(run: Run, clinic: Clinic, store: Store) -> None:
    assert run("create-admin", "--username", "root", "--password-stdin", stdin="12345678\n").code == 0
    with Session(store.jobs) as session:
        assert session.scalars(select(Account.role).where(Account.username == "root")).one() == "admin"


def test_a_ledger_comes_in_once_and_goes_again(run: Run, clinic: Clinic) -> None:
    first = json.loads(run("import-ledger", str(SAMPLE), "--json", "--site", "north").out)
    second = json.loads(run("import-ledger", str(SAMPLE), "--json", "--site", "north").out)
    assert second["created"] == {}
    undone = json.loads(run("undo-import", first["batch_id"], "--json").out)
    assert undone["removed"]["customer"] == first["created"]["customer"]


def test_a_file_that_is_no_ledger_is_refused_with_what_to_do(run: Run, clinic: Clinic, tmp_path: Path) -> None:
    empty = tmp_path / "empty.xlsx"
    empty.touch()
    for file in (empty, tmp_path / "missing.xlsx", tmp_path):
        done = run("import-ledger", str(file))
        assert done.code == 2, file
        assert "What to do: " in done.err
        assert "Traceback" not in done.err
    assert run("load-extract", str(tmp_path)).code == 2
    assert run("undo-import", str(new_id())).code == 2
    assert run("undo-import", "nonsense").code == 2


def test_a_scan_reports_as_json_and_in_words(run: Run, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "CLOCK", FakeClock())
    run("migrate")
    told = json.loads(run("scan", "--on", "2026-11-22", "--json").out)
    assert (told["scanned_for"], told["expected"], told["adds_up"]) == ("2026-11-22", 3, True)
    assert "scanned_for: 2026-11-23" in run("scan", "--on", "2026-11-23").out
    assert run("scan", "--on", "22.11.2026").code == 2


def test_a_worker_does_what_there_is_to_do_once(run: Run, clinic: Clinic, store: Store) -> None:
    done = run("work", "--once")
    assert (done.code, done.out) == (0, "WORKING\n")
    with Session(store.jobs) as session:
        assert session.scalars(select(ScanRun.kind)).all() == ["nightly"]
        assert silence(session) is None


def test_commands_ask_for_a_migration_first(run: Run, store: Store) -> None:
    with store.owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    done = run("scan")
    assert (done.code, done.out) == (2, "")
    assert "run hcrm-central migrate" in done.err


def test_a_database_that_is_away_is_told_in_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "JOBS_", "OWNER_"):
        monkeypatch.setenv(f"HCRM_{name}DATABASE_URL", "postgresql://hcrm@127.0.0.1:1/hcrm")
    done = run("scan")
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert "the database does not answer" in done.err
    assert run("doctor").code == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HCRM_PORT", "abc"),
        ("HCRM_PORT", "65536"),
        ("HCRM_LOG_LEVEL", "LOUD"),
        ("HCRM_LOGIN_ATTEMPTS", "many"),
        ("HCRM_ACCESS_TOKEN_MINUTES", "0"),
        ("HCRM_DURABLE", "perhaps"),
    ],
)
def test_a_wrong_setting_is_told_by_name_and_its_value_is_not_repeated(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    done = run("serve")
    assert (done.code, done.out, "Traceback" in done.err) == (2, "", False)
    assert f"{name} is wrong" in done.err
    assert value == "0" or value not in done.err


def test_an_address_that_is_none_is_told_without_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HCRM_DATABASE_URL", "sekret@@")
    done = run("scan")
    assert (done.code, "sekret" in done.err, "Traceback" in done.err) == (2, False, False)
    assert "a database address cannot be read" in done.err


def test_a_misspelt_setting_is_told_and_hinders_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HCRM_PROT", "1")
    done = run("migrate")
    assert (done.code, "no setting HCRM_PROT" in done.err) == (0, True)


def test_a_folder_that_cannot_be_is_told_in_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HCRM_DATA_DIR", str(tmp_path / "file"))
    for name in ("", "JOBS_", "OWNER_"):
        monkeypatch.delenv(f"HCRM_{name}DATABASE_URL")
    done = run("scan")
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert "HCRM_DATA_DIR" in done.err


def test_a_folder_without_postgresql_is_told_in_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HCRM_POSTGRES_BIN", str(tmp_path))
    for name in ("", "JOBS_", "OWNER_"):
        monkeypatch.delenv(f"HCRM_{name}DATABASE_URL")
    done = run("scan")
    assert (done.code, "HCRM_POSTGRES_BIN" in done.err, "Traceback" in done.err) == (2, True, False)


@pytest.mark.parametrize(("day", "code"), [("2025-11-20", 2), ("2025-11-21", 0), ("2026-12-23", 0), ("2026-12-24", 2)])
def test_a_slip_of_the_year_cannot_close_todays_tasks(
    run: Run, clinic: Clinic, monkeypatch: pytest.MonkeyPatch, day: str, code: int
) -> None:
    monkeypatch.setattr(cli, "CLOCK", FakeClock())
    done = run("scan", "--on", day)
    assert (done.code, "Traceback" in done.err) == (code, False)


def test_what_nobody_foresaw_is_told_by_type_and_place_only(
    run: Run, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("13800001234")

    monkeypatch.setattr("hcrm_central.jobs.scan.scan", broken)
    done = run("scan", "--json")
    assert (done.code, done.out, "13800001234" in done.err) == (2, "", False)
    assert "RuntimeError" in done.err
    assert "test_cli.py" in done.err


def test_one_address_without_the_other_is_not_taken_for_a_private_server(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HCRM_JOBS_DATABASE_URL")
    assert "without the other" in run("scan").err


def test_a_taken_port_is_told_with_what_to_do(run: Run, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("HCRM_PORT", str(taken.getsockname()[1]))
        assert "HCRM_PORT" in run("serve").err


# ── doctor ───────────────────────────────────────────────────────────────────────────────────────────────


def findings(store: Store, clock: FakeClock, **settings: object) -> dict[str, Finding]:
    return {found.check: found for found in examine(store, Settings(**settings), clock=clock)}  # type: ignore[arg-type]


def test_doctor_finds_a_working_centre_well(store: Store, clinic: Clinic, clock: FakeClock) -> None:
    with transaction(store.jobs) as session:
        session.add(ScanRun(scanned_for=clock.now().date(), started_at=clock.now(), finished_at=clock.now()))
    hold_post(store.jobs, new_id())
    found = findings(store, clock)
    assert {check: one.said for check, one in found.items() if one.level is not Level.OK} == {}
    assert {"disk", "schema", "row security as service", "scan", "feed ledger", "streams", "held operations"} <= set(
        found
    )


def test_doctor_tells_what_is_late_held_or_unsent(store: Store, clinic: Clinic, clock: FakeClock) -> None:
    device_id = new_id()
    late = clock.now() - timedelta(days=1, seconds=1)
    with transaction(store.jobs) as session:
        session.execute(update(Watermark).values(at=clock.now() - timedelta(days=2)))
        session.add(ScanRun(scanned_for=clock.now().date(), started_at=clock.now() - timedelta(hours=2)))
        session.add(Device(id=device_id, secret_hash=b"", name="", app_version="", unsent=1, oldest_unsent_at=late))
        session.flush()
        session.add(
            HeldOperation(
                op_id=new_id(), device_id=device_id, account_id=clinic.accounts["assistant"], operation={}, reason="x"
            )
        )
    found = findings(store, clock)
    for check in ("feed ledger", "scan", "worker", "workstations", "held operations"):
        assert (found[check].level, bool(found[check].remedy)) == (Level.WARN, True), check


@pytest.mark.parametrize(("seconds", "level"), [(50, Level.OK), (61, Level.WARN)])
def test_a_worker_is_missed_when_it_says_nothing_for_a_minute(
    store: Store, clinic: Clinic, clock: FakeClock, seconds: int, level: Level
) -> None:
    hold_post(store.jobs, new_id())
    with store.owner.begin() as connection:
        silent = {"by": timedelta(seconds=seconds)}
        connection.execute(text("UPDATE worker_post SET seen_at = clock_timestamp() - :by"), silent)
    assert findings(store, clock)["worker"].level is level


@pytest.mark.parametrize(("hours", "level"), [(25.99, Level.OK), (26, Level.WARN)])
def test_a_scan_is_late_after_26_hours(
    store: Store, clinic: Clinic, clock: FakeClock, hours: float, level: Level
) -> None:
    then = clock.now() - timedelta(hours=hours)
    with transaction(store.jobs) as session:
        session.add(ScanRun(scanned_for=then.date(), started_at=then, finished_at=then))
    assert findings(store, clock)["scan"].level is level


def test_doctor_is_alarmed_when_the_service_is_above_row_security(
    store: Store, clinic: Clinic, clock: FakeClock
) -> None:
    found = findings(Store(store.owner, store.jobs, store.owner), clock)
    assert found["row security as service"].level is Level.BAD
    assert found["row security as jobs"].level is Level.OK


def test_doctor_is_alarmed_by_a_change_that_was_not_numbered(store: Store, clinic: Clinic, clock: FakeClock) -> None:
    with store.owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE stream_entry SET seq = NULL WHERE kind = 'task'"))
    assert findings(store, clock)["streams"].level is Level.BAD


def test_doctor_ends_with_one_if_something_is_bad(run: Run, store: Store) -> None:
    well = run("doctor", "--json")
    assert (well.code, json.loads(well.out)[0]["check"]) == (0, "disk")
    with store.owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    ill = run("doctor")
    assert ill.code == 1
    assert "→ run hcrm-central migrate" in ill.out


# ── real processes and a private server ──────────────────────────────────────────────────────────────────


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory that the server's own user may pass through."""
    with tempfile.TemporaryDirectory(prefix="hcrm-cli-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HCRM_")}
    return kept | {"HCRM_DATA_DIR": str(home), "HCRM_PORT": "0", "HCRM_DURABLE": "false"}


def central(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hcrm_central", *arguments]
    return subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False)


@contextmanager
def served(home: Path) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hcrm_central", "serve"],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline().split()
        assert ready[:1] == ["READY"], process.communicate()
        yield process, ready[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def database_runs(home: Path) -> bool:
    """Asked of the server's pid file and of the system, not of our own code."""
    pid_file = home / "postgres" / "postmaster.pid"
    if not pid_file.exists():
        return False
    return Path(f"/proc/{pid_file.read_text().splitlines()[0]}").exists()


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for the server in /proc")
def test_commands_share_one_private_server_and_the_last_puts_it_away(home: Path) -> None:
    assert central(home, "migrate").returncode == 0
    assert not database_runs(home)
    with served(home) as (process, _):
        process.kill()  # it cannot tidy up
    assert database_runs(home)
    with served(home) as (process, url):  # takes the orphan over
        assert json.loads(central(home, "scan", "--json").stdout)["expected"] == 0
        assert httpx.get(f"{url}/health").json()["scanned_at"] is not None  # the server is still there
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate()
        assert (process.returncode, "Traceback" in told) == (0, False)
    assert not database_runs(home)


# ── accounts, workstations and decisions ─────────────────────────────────────────────────────────────────


def printed(done: Done) -> Any:
    """The JSON that a command printed, among the lines of the service that answers in this process."""
    found = re.search(r"^\{.*^\}", done.out, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, done.err
    return json.loads(found[0])


def held_operation(client: Workstation, clinic: Clinic, outcome: Outcome = Outcome.NO_ANSWER) -> str:
    """An outcome about somebody else's customer waits for a decision; its id."""
    body = outcome_body(clinic.far, outcome, note="家长的话")
    operation = client.operation(OperationKind.RECORD_OUTCOME, clinic.far.task_id, body)
    assert client.push(operation).results[0].status is ResultStatus.HELD
    return str(operation.op_id)


def test_an_account_is_taken_out_of_use_and_comes_back(run: Run, client_for: SignIn) -> None:
    client = client_for("assistant")
    assert run("account", "block", "Assistant").code == 0
    assert client.sign_in("assistant").json()["code"] == "account_inactive"
    assert run("account", "unblock", "assistant").code == 0
    assert client.refresh().json()["code"] == "session_ended"
    assert client.sign_in("assistant").status_code == 200
    unknown = run("account", "block", "nobody")
    assert (unknown.code, "there is no account" in unknown.err) == (2, True)


def test_another_password_ends_the_sessions_of_the_former(run: Run, client_for: SignIn) -> None:
    client = client_for("assistant")
    short = run("set-password", "assistant", "--password-stdin", stdin="1234567\n")
    assert (short.code, "at least 8" in short.err) == (2, True)
    done = run("set-password", "assistant", "--password-stdin", stdin="another password\n")
    assert (done.code, "another password\n" in done.out) == (0, False)
    assert client.refresh().json()["code"] == "session_ended"
    assert client.sign_in("assistant").json()["code"] == "wrong_credentials"
    assert client.sign_in("assistant", "another password").status_code == 200


def test_workstations_are_shown_and_ordered(run: Run, client_for: SignIn) -> None:
    client = client_for("assistant")
    client.hello(unsent=1, oldest_unsent_at=client.clock.now())
    (told,) = printed(run("devices", "--json"))["devices"]
    assert (told["id"], told["person"], told["unsent"]) == (str(client.device_id), "员工assistant", 1)
    assert f"{client.device_id}  test · 员工assistant" in run("devices").out
    for order, status in (("block", 401), ("unblock", 200), ("wipe", 410)):
        assert run("device", order, str(client.device_id), "--reason", "丢失").code == 0
        assert client.sign_in("assistant").status_code == status
    again = run("device", "unblock", str(client.device_id), "--reason", "找到了")
    assert (again.code, "decided already" in again.err) == (2, True)
    assert "no workstation" in run("device", "block", str(new_id()), "--reason", "x").err
    assert run("device", "block", str(client.device_id), "--reason", "").code == 2


def test_what_is_held_is_shown_without_patients_and_decided(run: Run, client_for: SignIn, clinic: Clinic) -> None:
    client = client_for("assistant")
    applied, dismissed = held_operation(client, clinic), held_operation(client, clinic)
    stuck = held_operation(client, clinic, Outcome.BOOKED)
    shown, as_json = run("held"), run("held", "--json")
    assert [item["op_id"] for item in printed(as_json)["items"]] == [applied, dismissed, stuck]
    for told in (shown.out, as_json.out):
        assert "not_visible" in told
        assert "家长的话" not in told
        assert "患者" not in told
    assert run("held", "apply", applied, "--note", "已核实").code == 0
    assert run("held", "dismiss", dismissed).code == 0
    tried = run("held", "apply", stuck)
    assert (tried.code, "visit_date_needed" in tried.out) == (1, True)
    assert {told.decision for told in client.hello().decided} == {"apply", "dismiss"}
    twice = run("held", "apply", applied)
    assert (twice.code, "decided already" in twice.err) == (2, True)
    assert "1 wait" in run("held").out


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────


def test_rules_are_listed_with_what_is_in_force_and_what_is_open(run: Run, client_for: SignIn) -> None:
    desk = Desk(client_for("manager"))
    desk.put(rule())
    desk.save(rule(label="新稿"), based_on=1)
    assert re.search(r"^sleepy +version 1 · draft 2 · 0 customers$", run("rules").out, flags=re.MULTILINE)
    heads = {one["key"]: one for one in printed(run("rules", "--json"))["rules"]}
    assert (heads["sleepy"]["published"], heads["sleepy"]["draft"]) == (1, 2)
    assert "员工manager" not in run("rules", "--json").out
    desk.drop(1)
    desk.retire(1)
    assert re.search(r"^sleepy +not in force · 0 customers$", run("rules").out, flags=re.MULTILINE)


def test_a_rule_leaves_as_a_file_and_comes_back_as_a_draft_that_a_manager_publishes(
    run: Run, client_for: SignIn, tmp_path: Path
) -> None:
    desk, file = Desk(client_for("manager")), tmp_path / "rule.json"
    desk.put(rule())
    exported = printed(run("rules", "export", "sleepy"))
    file.write_text(json.dumps(exported | {"label": "改过"}), encoding="utf-8")
    done = run("rules", "import", str(file), "--json")
    assert printed(done) == {"rule": "sleepy", "number": 2, "state": "draft"}
    draft = desk.versions()[0]
    assert (draft.author, draft.based_on, draft.definition["label"]) == ("centre", 1, "改过")
    again = run("rules", "import", str(file))
    assert (again.code, "open draft already" in again.err) == (2, True)
    assert desk.publish(draft.ver).number == 2
    assert printed(run("rules", "export", "sleepy", "--number", "1")) == exported


def test_a_file_of_the_resources_is_a_rule_too(run: Run, client_for: SignIn, clinic: Clinic) -> None:
    done = run("rules", "import", str(resource("rules") / "potential.yaml"))
    assert (done.code, "number: 1" in done.out) == (0, True)
    assert Desk(client_for("manager")).states("potential")[0][0] == 1


def test_what_is_no_rule_is_refused_in_a_sentence(run: Run, clinic: Clinic, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    for content, told in (
        ("[1]", "holds no rule"),
        ("{", "cannot be read"),
        ('{"key": "x"}', "not as a rule has them"),
    ):
        file.write_text(content, encoding="utf-8")
        refused = run("rules", "import", str(file))
        assert (refused.code, told in refused.err) == (2, True), refused.err
    for missing in (("import", str(tmp_path / "none.json")), ("export", "nobody"), ("export", "test", "--number", "9")):
        assert run("rules", *missing).code == 2
