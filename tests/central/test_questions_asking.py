"""Questions are called off, run out of time, and leave nothing behind."""

import threading
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from hcrm_central.api.questions.asking import AT_ONCE, REMEMBERED, Questions
from hcrm_central.api.refusals import Refused
from hcrm_central.store.engine import Principal
from hcrm_central.store.opening import Store
from hcrm_core.terms import Role
from hcrm_core.wire import RefusalCode
from hcrm_store.base import new_id
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.questioning import condition, rule_of
from tests.rule_desk import add_manager, code_of

MANAGER = Principal(account_id=new_id(), staff_id=None, role=Role.MANAGER, site_ids=())
FOR_EVER = text("SELECT pg_sleep(600)")


class Asked:
    """A question that is asked in a thread of its own, and works until it is cut off."""

    def __init__(self, questions: Questions, store: Store, *, ask: UUID, seconds: float = 60) -> None:
        self.begun, self.refusal = threading.Event(), ""
        self._thread = threading.Thread(target=self._work, args=(questions, store, ask, seconds))
        self._thread.start()

    def _work(self, questions: Questions, store: Store, ask: UUID, seconds: float) -> None:
        try:
            with questions.asked(store.service, MANAGER, ask=ask, seconds=seconds) as question:
                self.begun.set()
                question.session.execute(FOR_EVER)
        except Refused as refused:
            self.refusal = refused.code

    def end(self) -> str:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.refusal


@pytest.fixture
def questions() -> Questions:
    return Questions()


def serves(store: Store) -> bool:
    with store.service.connect() as connection:
        return bool(connection.execute(text("SELECT 1")).scalar_one())


def test_a_question_at_work_is_called_off_at_once(questions: Questions, store: Store) -> None:
    ask = new_id()
    asked = Asked(questions, store, ask=ask)
    assert asked.begun.wait(60)
    questions.call_off(MANAGER.account_id, ask)
    assert asked.end() == RefusalCode.CALLED_OFF
    assert all(serves(store) for _ in range(20))


def test_nobody_calls_off_the_question_of_another(questions: Questions, store: Store) -> None:
    ask = new_id()
    asked = Asked(questions, store, ask=ask)
    assert asked.begun.wait(60)
    questions.call_off(new_id(), ask)
    assert not asked.refusal
    questions.call_off(MANAGER.account_id, ask)
    assert asked.end() == RefusalCode.CALLED_OFF


def test_a_question_has_a_limit_of_time(questions: Questions, store: Store) -> None:
    asked = Asked(questions, store, ask=new_id(), seconds=0.05)
    assert asked.end() == RefusalCode.ASKED_TOO_MUCH
    assert serves(store)


def test_a_question_may_be_called_off_before_it_is_heard(questions: Questions, store: Store) -> None:
    ask = new_id()
    questions.call_off(MANAGER.account_id, ask)
    assert Asked(questions, store, ask=ask).end() == RefusalCode.CALLED_OFF


def test_call_offs_of_questions_that_never_come_are_forgotten_in_time(questions: Questions, store: Store) -> None:
    first = new_id()
    questions.call_off(MANAGER.account_id, first)
    for _ in range(REMEMBERED):
        questions.call_off(MANAGER.account_id, new_id())
    with questions.asked(store.service, MANAGER, ask=first, seconds=60) as question:
        assert question.session.execute(text("SELECT 1")).scalar_one() == 1


def test_a_question_between_two_statements_is_called_off_too(questions: Questions, store: Store) -> None:
    with pytest.raises(Refused, match="called off"):
        ask_and_call_off(questions, store)
    assert serves(store)


def ask_and_call_off(questions: Questions, store: Store) -> None:
    ask = new_id()
    calling = threading.Thread(target=questions.call_off, args=(MANAGER.account_id, ask))
    try:
        with questions.asked(store.service, MANAGER, ask=ask, seconds=60) as question:
            calling.start()
            while True:
                question.session.execute(text("SELECT 1"))
                question.require_wanted()
    finally:
        calling.join(60)
        assert not calling.is_alive()


def test_only_so_many_ask_at_a_time(questions: Questions, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = [new_id() for _ in range(AT_ONCE)]
    asked = [Asked(questions, store, ask=ask) for ask in asks]
    assert all(one.begun.wait(60) for one in asked)
    monkeypatch.setattr("hcrm_central.api.questions.asking.TURN_SECONDS", 0.01)
    assert Asked(questions, store, ask=new_id()).end() == RefusalCode.UNAVAILABLE
    assert serves(store)
    for ask in asks:
        questions.call_off(MANAGER.account_id, ask)
    assert {one.end() for one in asked} == {RefusalCode.CALLED_OFF}


def test_a_name_is_given_to_one_question_at_a_time(questions: Questions, store: Store) -> None:
    ask = new_id()
    with questions.asked(store.service, MANAGER, ask=ask, seconds=60):
        assert Asked(questions, store, ask=ask).end() == RefusalCode.INVALID_REQUEST
    with questions.asked(store.service, MANAGER, ask=ask, seconds=60) as question:
        assert question.session.execute(text("SELECT 1")).scalar_one() == 1


def test_questions_read_and_never_write(questions: Questions, store: Store) -> None:
    with (
        pytest.raises(Exception, match="read-only"),
        questions.asked(store.service, MANAGER, ask=new_id(), seconds=60) as question,
    ):
        question.session.execute(text("UPDATE segment SET label = ''"))


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_off_holds_for_the_account_that_asked(client_for: SignIn, clinic: Clinic, store: Store) -> None:
    add_manager(store, clinic)
    first, second, ask = client_for("manager"), client_for("second"), str(new_id())
    assert first.http.delete(f"/questions/{ask}", headers=first.headers).status_code == 204
    body = {"ask": ask, "definition": rule_of(condition("product", "is_known"))}
    assert second.post("/questions/counts", body).status_code == 200
    assert code_of(first.post("/questions/counts", body)) == "called_off"
    assert first.post("/questions/counts", body).status_code == 200


def test_what_is_cut_off_says_nothing_of_anybody(
    client_for: SignIn, clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hcrm_central.api.questions.diff.SLOW_SECONDS", 0.000001)
    manager = client_for("manager")
    body = {"ask": str(new_id()), "definition": rule_of(condition("birth_date", "eq", "2015-03-01"))}
    answer = manager.post("/questions/diff", body)
    told = answer.text + capsys.readouterr().out
    assert code_of(answer) == "asked_too_much"
    assert "2015-03-01" not in told
    assert "患者" not in told


def test_the_driver_can_cancel_without_letting_go_of_the_server() -> None:
    assert psycopg.capabilities.has_cancel_safe()
