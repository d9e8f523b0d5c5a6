"""With HCRM_TWO_PERSON_PUBLISH one manager proposes and another agrees; nobody agrees with himself."""

from pathlib import Path

import pytest

from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_core.rules.messages import RuleState
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.rule_desk import KEY, Desk, add_manager, asks, audited, code_of, requests_of, rule

DRAFT, PROPOSED, PUBLISHED = RuleState.DRAFT, RuleState.PROPOSED, RuleState.PUBLISHED


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(two_person_publish=True, data_dir=tmp_path)


@pytest.fixture
def desk(client_for: SignIn) -> Desk:
    return Desk(client_for("manager"))


@pytest.fixture
def other(client_for: SignIn, clinic: Clinic, store: Store) -> Desk:
    add_manager(store, clinic)
    return Desk(client_for("second"))


def proposed(desk: Desk, note: str = "我的理由") -> int:
    """A proposal of this manager; its ver."""
    desk.publish(desk.save(rule()).ver, note=note)
    return desk.versions()[0].ver


def test_the_shelf_says_that_two_are_needed(desk: Desk) -> None:
    assert desk.shelf().two_person


def test_the_author_proposes_and_nothing_comes_into_force(desk: Desk, store: Store) -> None:
    answer = desk.publish(desk.save(rule()).ver, note="我的理由")
    assert (answer.state, answer.number, answer.request_id) == (PROPOSED, 1, None)
    (version,) = desk.versions()
    assert (version.state, version.ver, version.note, version.published_at) == (PROPOSED, 2, "我的理由", None)
    head = desk.head()
    assert head is not None
    assert (head.draft_state, head.draft_author, head.published) == (PROPOSED, "员工manager", None)
    assert requests_of(store) == []


def test_another_manager_agrees_and_both_reasons_are_kept(desk: Desk, other: Desk, store: Store) -> None:
    answer = other.publish(proposed(desk), note="同意")
    assert (answer.state, answer.number) == (PUBLISHED, 1)
    (version,) = desk.versions()
    assert (version.author, version.published_by, version.note) == ("员工manager", "经理second", "我的理由\n同意")
    assert requests_of(store) == [("rule", KEY)]
    assert [one.action for one in audited(store)] == ["rule:draft_saved", "rule:proposed", "rule:published"]


def test_nobody_agrees_with_himself(desk: Desk) -> None:
    ver = proposed(desk)
    for _ in range(3):
        answer = desk.publish(ver)
        assert answer.state is PROPOSED
        ver = desk.versions()[0].ver


def test_who_publishes_anothers_draft_stands_for_it(desk: Desk, other: Desk) -> None:
    ver = desk.save(rule()).ver
    assert other.publish(ver).state is PROPOSED
    assert desk.versions()[0].author == "经理second"
    assert other.publish(ver + 1).state is PROPOSED
    assert desk.publish(ver + 2).state is PUBLISHED


def test_an_edited_proposal_is_a_draft_of_who_edited_it(desk: Desk, other: Desk) -> None:
    ver = proposed(desk)
    saved = other.save(rule(label="更好"), ver=ver)
    (version,) = desk.versions()
    assert (version.state, version.author) == (DRAFT, "经理second")
    assert other.publish(saved.ver).state is PROPOSED


def test_a_proposal_is_sent_back_with_a_reason(desk: Desk, other: Desk, store: Store) -> None:
    ver = proposed(desk)
    assert code_of(other.reject(ver, note="")) == "invalid_request"
    assert code_of(other.reject(ver - 1)) == "stale"
    assert other.reject(ver, note="先看数据").status_code == 204
    (version,) = desk.versions()
    assert (version.state, version.author, version.note) == (DRAFT, "员工manager", "先看数据")
    assert code_of(other.try_publish(ver)) == "stale"
    assert audited(store)[-1].action == "rule:rejected"


def test_an_author_withdraws_his_own(desk: Desk, other: Desk) -> None:
    ver = proposed(desk)
    assert desk.reject(ver, note="还没好").status_code == 204
    assert code_of(other.try_publish(ver)) == "stale"
    assert desk.states() == [(1, DRAFT)]


def test_what_waits_for_nobody_is_not_sent_back(desk: Desk, other: Desk) -> None:
    assert code_of(other.reject(1)) == "stale"
    assert code_of(other.reject(desk.save(rule()).ver)) == "already_decided"


def test_a_proposal_must_be_sound_when_it_is_made_and_when_it_is_agreed_to(desk: Desk, other: Desk) -> None:
    desk.save(rule(where=asks("base")))
    assert code_of(desk.try_publish(1)) == "rule_unsound"
    base = desk.save(rule("base")).ver
    desk.publish(base, key="base")
    other.publish(base + 1, key="base")
    desk.publish(1)
    assert other.retire(1, key="base").status_code == 200  # a proposal holds nothing up
    assert code_of(other.try_publish(2)) == "rule_unsound"


def test_restoring_takes_two_as_well_and_no_open_draft(desk: Desk, other: Desk) -> None:
    other.publish(proposed(desk))
    draft = desk.save(rule(label="二"), based_on=1)
    assert code_of(desk.restore(1, published=1)) == "stale"
    desk.drop(draft.ver)
    assert desk.restore(1, published=1).json()["state"] == PROPOSED
    assert desk.states()[0] == (3, PROPOSED)
    assert other.publish(desk.versions()[0].ver).state is PUBLISHED
    assert desk.states()[0] == (3, PUBLISHED)


def test_retiring_takes_one(desk: Desk, other: Desk) -> None:
    other.publish(proposed(desk))
    assert desk.retire(1).status_code == 200
