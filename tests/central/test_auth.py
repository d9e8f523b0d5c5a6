"""Sign-in: device-bound tokens, refresh that survives a lost reply and not a thief, limits, silence to strangers."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account, AuditEntry, Device, Token
from hcrm_store.base import new_id
from hcrm_store.organisation import Staff
from tests.central.conftest import SignIn
from tests.factories import PASSWORD, Clinic, Workstation, later
from tests.fakes import FakeClock


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def audited(store: Store) -> list[str]:
    with Session(store.jobs) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.at, AuditEntry.id)))


def test_signing_in_gives_tokens_and_says_who_it_is(workstation: Workstation, clinic: Clinic) -> None:
    assert workstation.sign_in("Assistant ").status_code == 200
    assert workstation.tokens is not None
    person = workstation.tokens.person
    assert person.staff_id == clinic.staff["assistant"]
    assert person.site_ids == [clinic.north]
    assert workstation.hello().person == person


def test_wrong_password_and_unknown_account_get_the_same_answer(workstation: Workstation, clinic: Clinic) -> None:
    wrong = workstation.sign_in("assistant", "not the password")
    unknown = workstation.sign_in("nobody", "not the password")
    assert code(wrong) == code(unknown) == (401, "wrong_credentials")
    assert wrong.json() == unknown.json()


def test_a_failed_sign_in_registers_no_device_and_is_audited_without_the_name(
    workstation: Workstation, clinic: Clinic, store: Store
) -> None:
    workstation.sign_in("somebody-secret", "not the password")
    with Session(store.jobs) as session:
        assert session.get(Device, workstation.device_id) is None
        entry = session.scalars(select(AuditEntry)).one()
    assert entry.action == "account:sign_in_failed"
    assert entry.account_id is None
    assert entry.detail == {"reason": "wrong_credentials"}


def test_an_account_out_of_use_cannot_sign_in_or_go_on(workstation: Workstation, clinic: Clinic, store: Store) -> None:
    workstation.sign_in("assistant")
    with transaction(store.jobs) as session:
        session.execute(update(Account).where(Account.username == "assistant").values(active=False))
    assert code(workstation.post("/sync/pull", {"epoch": str(new_id()), "cursors": {}})) == (401, "account_inactive")
    assert code(workstation.refresh()) == (401, "account_inactive")
    assert code(workstation.sign_in("assistant")) == (401, "account_inactive")


def test_staff_who_left_are_out_though_the_account_was_forgotten(
    workstation: Workstation, clinic: Clinic, store: Store
) -> None:
    with transaction(store.jobs) as session:
        session.execute(update(Staff).where(Staff.code == "assistant").values(active=False))
    assert code(workstation.sign_in("assistant")) == (401, "account_inactive")


def test_a_known_device_with_another_secret_is_refused(
    centre: httpx.Client, workstation: Workstation, clinic: Clinic, clock: FakeClock
) -> None:
    workstation.sign_in("assistant")
    impostor = Workstation(http=centre, clock=clock, device_id=workstation.device_id, secret="x" * 43)
    assert code(impostor.sign_in("assistant")) == (401, "device_mismatch")
    impostor.tokens = workstation.tokens
    assert code(impostor.post("/auth/logout")) == (401, "device_mismatch")
    assert code(impostor.refresh()) == (401, "device_mismatch")


def test_a_token_works_on_its_own_device_only(client_for: SignIn) -> None:
    one, other = client_for("assistant"), client_for("assistant")
    other.tokens = one.tokens
    assert code(other.post("/auth/logout")) == (401, "device_mismatch")


def test_a_revoked_device_is_told_so(workstation: Workstation, clinic: Clinic, store: Store, clock: FakeClock) -> None:
    workstation.sign_in("assistant")
    with transaction(store.jobs) as session:
        session.execute(update(Device).values(revoked_at=clock.now()))
    assert code(workstation.post("/auth/logout")) == (401, "device_revoked")
    assert code(workstation.refresh()) == (401, "device_revoked")
    assert code(workstation.sign_in("assistant")) == (401, "device_revoked")


@pytest.mark.parametrize(("minutes", "status"), [(29.99, 204), (30, 401)])
def test_access_ends_after_its_minutes(client_for: SignIn, clock: FakeClock, minutes: float, status: int) -> None:
    client = client_for("assistant")
    later(clock, minutes=minutes)
    assert client.post("/auth/logout").status_code == status


@pytest.mark.parametrize(("days", "status"), [(29.99, 200), (30, 401)])
def test_refresh_ends_after_its_days(client_for: SignIn, clock: FakeClock, days: float, status: int) -> None:
    client = client_for("assistant")
    later(clock, days=days)
    assert client.refresh().status_code == status


def test_a_refresh_token_is_no_access_token(client_for: SignIn) -> None:
    client = client_for("assistant")
    assert client.tokens is not None
    client.tokens = client.tokens.model_copy(update={"access_token": client.tokens.refresh_token})
    assert code(client.post("/auth/logout")) == (401, "session_ended")


def test_a_refresh_whose_answer_was_lost_is_exchanged_again_however_late(client_for: SignIn, clock: FakeClock) -> None:
    client = client_for("assistant")
    assert client.tokens is not None
    first = client.tokens.refresh_token
    later(clock, minutes=40)
    client.refresh(first)  # the answer never arrives
    lost = client.tokens
    later(clock, days=3)
    assert client.refresh(first).status_code == 200
    assert client.hello().expected_n == 1
    client.tokens = lost
    assert code(client.post("/auth/logout")) == (401, "session_ended")


def test_a_refresh_used_again_after_its_successor_ends_the_whole_family(
    client_for: SignIn, clock: FakeClock, store: Store
) -> None:
    client = client_for("assistant")
    assert client.tokens is not None
    stolen = client.tokens.refresh_token
    later(clock, minutes=40)
    client.refresh()
    client.hello()
    assert code(client.refresh(stolen)) == (401, "session_ended")
    assert code(client.post("/auth/logout")) == (401, "session_ended")
    assert code(client.refresh()) == (401, "session_ended")
    assert "session:replayed" in audited(store)


def test_a_refresh_used_again_after_the_successor_was_exchanged_ends_the_family(
    client_for: SignIn, clock: FakeClock
) -> None:
    client = client_for("assistant")
    assert client.tokens is not None
    stolen = client.tokens.refresh_token
    for _ in range(2):
        later(clock, minutes=40)
        client.refresh()
    assert code(client.refresh(stolen)) == (401, "session_ended")
    assert code(client.refresh()) == (401, "session_ended")


def test_signing_out_ends_access_and_refresh(client_for: SignIn, store: Store) -> None:
    client = client_for("assistant")
    assert client.post("/auth/logout").status_code == 204
    assert code(client.post("/auth/logout")) == (401, "session_ended")
    assert code(client.refresh()) == (401, "session_ended")
    assert audited(store) == ["account:signed_in", "account:signed_out"]


def test_signing_out_leaves_other_devices_alone(client_for: SignIn) -> None:
    one, other = client_for("assistant"), client_for("assistant")
    one.post("/auth/logout")
    assert other.hello().expected_n == 1


def test_the_store_holds_neither_tokens_nor_secrets_as_they_are(client_for: SignIn, store: Store) -> None:
    client = client_for("assistant")
    assert client.tokens is not None
    with Session(store.jobs) as session:
        kept = [token.hash for token in session.scalars(select(Token))]
        device = session.get_one(Device, client.device_id)
        account = session.scalars(select(Account).where(Account.username == "assistant")).one()
    plain = (client.tokens.access_token, client.tokens.refresh_token, client.secret)
    assert not [text for text in plain if text.encode() in (*kept, device.secret_hash)]
    assert account.password_hash.startswith("$argon2id$")


def test_the_eleventh_attempt_in_a_minute_must_wait(workstation: Workstation, clinic: Clinic) -> None:
    answers = [workstation.sign_in("assistant", "wrong") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert answers[-1].json()["code"] == "too_many_attempts"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert workstation.sign_in("assistant", PASSWORD).status_code == 429


def test_success_clears_the_account_but_failures_count_against_the_address(
    workstation: Workstation, clinic: Clinic
) -> None:
    for username in ("assistant", "optometrist", "manager", "executive", "admin"):
        workstation.sign_in(username, "wrong")
        assert workstation.sign_in(username).status_code == 200
        workstation.sign_in(username, "wrong")
    assert workstation.sign_in("assistant2").status_code == 429


def test_a_malformed_sign_in_is_refused_without_an_echo(workstation: Workstation) -> None:
    device = {"id": "no", "secret": "short", "name": "", "app_version": ""}
    bodies: list[dict[str, object]] = [
        {},
        {"username": "", "password": "x", "device": workstation.claim},
        {"username": "a" * 81, "password": "x", "device": workstation.claim},
        {"username": "a", "password": "x" * 257, "device": workstation.claim},
        {"username": "a", "password": "x", "device": device},
    ]
    for body in bodies:
        answer = workstation.post("/auth/login", body)
        assert code(answer) == (422, "invalid_request")
        assert set(answer.json()) == {"code", "message", "remedy"}


def test_without_a_token_nothing_is_said(workstation: Workstation) -> None:
    for authorization in ("", "Bearer", "Bearer nonsense", "Basic YTpi"):
        headers = workstation.headers | {"Authorization": authorization}
        assert code(workstation.http.post("/auth/logout", headers=headers)) == (401, "session_ended")


def test_tokens_live_as_long_as_the_settings_say(client_for: SignIn, settings: Settings, clock: FakeClock) -> None:
    client = client_for("assistant")
    assert client.tokens is not None
    assert client.tokens.access_expires_at - clock.now() == timedelta(minutes=settings.access_token_minutes)
    assert client.tokens.refresh_expires_at - clock.now() == timedelta(days=settings.refresh_token_days)
