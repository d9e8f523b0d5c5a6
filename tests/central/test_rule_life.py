"""The life of a rule at the centre: draft → published → retired, and what is refused on the way."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.scan import reevaluate, scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.clinic_time import business_date
from hcrm_core.rules.messages import RuleState
from hcrm_core.wire import Json
from hcrm_store.journeys import Membership, Segment, Sop
from tests.central.conftest import SignIn
from tests.factories import SEGMENT_KEY, Clinic
from tests.fakes import FakeClock
from tests.rule_desk import KEY, Desk, add_manager, asks, audited, code_of, requests_of, rule

DRAFT, PUBLISHED, RETIRED = RuleState.DRAFT, RuleState.PUBLISHED, RuleState.RETIRED


@pytest.fixture
def desk(client_for: SignIn) -> Desk:
    return Desk(client_for("manager"))


@pytest.fixture
def other(client_for: SignIn, clinic: Clinic, store: Store) -> Desk:
    """Another manager's."""
    add_manager(store, clinic)
    return Desk(client_for("second"))


# ── drafts ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_is_kept_and_kept_again_under_one_number(desk: Desk, clock: FakeClock) -> None:
    saved = desk.save(rule())
    assert (saved.number, saved.ver) == (1, 1)
    again = desk.save(rule(label="改了"), ver=saved.ver)
    assert (again.number, again.ver) == (1, 2)
    (version,) = desk.versions()
    assert (version.state, version.definition["label"], version.author) == (DRAFT, "改了", "员工manager")
    assert (version.created_at, version.based_on, version.published_at) == (clock.now(), None, None)


def test_a_draft_changes_nothing_that_is_in_force(desk: Desk, store: Store) -> None:
    desk.save(rule())
    assert requests_of(store) == []
    with Session(store.jobs) as session:
        assert session.scalar(select(Segment).where(Segment.key == KEY)) is None


def test_a_draft_may_hold_errors_but_must_be_a_rule(desk: Desk) -> None:
    wrong = rule(where={"fact": "nonsense", "op": "eq", "value": 1})
    assert desk.save(wrong).ver == 1
    assert code_of(desk.try_publish(1)) == "rule_unsound"
    assert desk.states() == [(1, DRAFT)]


def test_what_is_no_rule_is_refused(desk: Desk) -> None:
    wrong: list[Json] = [
        {},
        rule(where={"all": []}),
        rule(surprise=1),
        rule(segment={"key": "Übel!", "label": "x"}),
        rule(label="\x00"),  # no database keeps it
        rule(where={"fact": "age", "op": "gt", "value": 1.5}),
    ]
    for definition in wrong:
        assert code_of(desk.try_save(definition, key=KEY)) == "invalid_request", definition
    assert desk.versions() == []


def test_a_rule_of_another_key_than_the_address_is_refused(desk: Desk) -> None:
    assert code_of(desk.try_save(rule("another"), key=KEY)) == "invalid_request"


def test_a_key_is_a_short_word_of_small_letters(desk: Desk) -> None:
    for key in ("Sleepy", "1st", "with-dash", "x" * 61):
        assert code_of(desk.try_save(rule(key), key=key)) == "invalid_request", key
    assert desk.try_save(rule("x" * 60)).status_code == 200


def test_who_saves_over_what_he_has_not_seen_is_told(desk: Desk, other: Desk) -> None:
    first = desk.save(rule(label="甲"))
    for ver in (None, first.ver - 1, first.ver + 1):
        assert code_of(other.try_save(rule(label="乙"), ver=ver)) == "stale"
    assert desk.versions()[0].definition["label"] == "甲"
    assert other.save(rule(label="乙"), ver=first.ver).ver == 2
    assert desk.versions()[0].author == "经理second"
    assert code_of(desk.try_save(rule(label="丙"), ver=first.ver)) == "stale"


def test_a_draft_begins_at_what_is_in_force(desk: Desk, other: Desk) -> None:
    """Who opened version 1 while another published version 2 would undo that unseen."""
    desk.put(rule())
    other.put(rule(label="别人的"), based_on=1)
    for based_on in (1, None, 3):
        assert code_of(desk.try_save(rule(label="我的"), based_on=based_on)) == "stale"
    assert desk.save(rule(label="我的"), based_on=2).number == 3
    assert desk.versions()[0].based_on == 2


def test_a_new_rule_does_not_take_the_key_of_one_that_ended(desk: Desk) -> None:
    desk.put(rule())
    desk.retire(1)
    assert code_of(desk.try_save(rule(label="新的"))) == "stale"
    assert desk.save(rule(label="接着"), based_on=1).number == 2


def test_a_dropped_draft_stays_in_the_history_and_its_number_is_not_given_again(desk: Desk, clock: FakeClock) -> None:
    desk.save(rule())
    assert code_of(desk.drop(7)) == "stale"
    assert desk.drop(1).status_code == 204
    (dropped,) = desk.versions()
    assert (dropped.state, dropped.published_at, dropped.retired_at) == (RETIRED, None, clock.now())
    assert desk.head() is None
    assert code_of(desk.drop(1)) == "stale"
    assert desk.save(rule()).number == 2


# ── publishing ───────────────────────────────────────────────────────────────────────────────────────────


def test_publishing_puts_a_rule_its_segment_and_a_request_in_place(desk: Desk, store: Store, clock: FakeClock) -> None:
    saved = desk.save(rule())
    answer = desk.publish(saved.ver, note="按例会")
    assert (answer.state, answer.number) == (PUBLISHED, 1)
    (version,) = desk.versions()
    assert (version.state, version.note, version.published_by) == (PUBLISHED, "按例会", "员工manager")
    assert version.published_at == clock.now()
    assert requests_of(store) == [("rule", KEY)]
    assert answer.request_id is not None
    assert desk.requested(answer.request_id).finished_at is None
    with Session(store.jobs) as session:
        segment = session.scalars(select(Segment).where(Segment.key == KEY)).one()
    assert (segment.label, segment.tone, segment.rank) == (f"客群{KEY}", "info", 50)


def test_the_version_before_ends_in_the_same_moment(desk: Desk, clock: FakeClock) -> None:
    desk.put(rule())
    segment = {"key": KEY, "label": "新名", "tone": "act", "rank": 5}
    desk.put(rule(label="第二版", segment=segment), based_on=1)
    assert desk.states() == [(2, PUBLISHED), (1, RETIRED)]
    assert desk.versions()[1].retired_at == clock.now()
    head = desk.head()
    assert head is not None
    assert (head.label, head.segment_label, head.tone, head.rank) == ("第二版", "新名", "act", 5)


def test_a_changed_segment_reaches_the_workstations(desk: Desk, client_for: SignIn) -> None:
    assistant = client_for("assistant")
    desk.put(rule())
    assistant.catch_up()
    assert {row["label"] for row in assistant.rows("segment").values()} >= {f"客群{KEY}"}
    desk.put(rule(segment={"key": KEY, "label": "改名"}), based_on=1)
    assistant.catch_up()
    assert {row["label"] for row in assistant.rows("segment").values()} >= {"改名"}


def test_only_the_open_draft_as_it_was_looked_at_is_published(desk: Desk) -> None:
    assert code_of(desk.try_publish(1)) == "stale"
    saved = desk.save(rule())
    desk.save(rule(label="又改"), ver=saved.ver)
    assert code_of(desk.try_publish(saved.ver)) == "stale"
    desk.publish(saved.ver + 1)
    assert code_of(desk.try_publish(saved.ver + 1)) == "stale"


def test_publishing_and_retiring_take_a_reason(desk: Desk) -> None:
    desk.save(rule())
    assert code_of(desk.try_publish(1, note="")) == "invalid_request"
    desk.publish(1)
    assert code_of(desk.retire(1, note="")) == "invalid_request"


def test_a_segment_is_marked_by_one_rule_in_force(desk: Desk) -> None:
    desk.put(rule())
    desk.save(rule("rival", segment=rule()["segment"]))
    assert code_of(desk.try_publish(1, key="rival")) == "rule_unsound"
    desk.retire(1)
    assert desk.publish(1, key="rival").state is PUBLISHED


def test_a_segment_of_a_rule_that_nobody_can_read_is_taken_too(desk: Desk) -> None:
    desk.save(rule(segment={"key": SEGMENT_KEY, "label": "抢"}))
    assert code_of(desk.try_publish(1)) == "rule_unsound"


def test_a_cycle_of_references_is_refused_wherever_it_closes(desk: Desk) -> None:
    desk.put(rule("first"))
    desk.put(rule("second", where=asks("first")))
    desk.put(rule("third", where=asks("second")))
    desk.save(rule("first", where=asks("third")), based_on=1)
    assert code_of(desk.try_publish(1, key="first")) == "rule_unsound"
    desk.save(rule("own", where=asks("own")))
    assert code_of(desk.try_publish(1, key="own")) == "rule_unsound"


def test_what_others_ask_may_not_become_too_large_for_them(desk: Desk) -> None:
    narrow = rule("base", where={"fact": "birth_date", "op": "age_ge", "value": 1})
    wide = {"any": [{"fact": "birth_date", "op": "age_ge", "value": n} for n in range(1, 100)]}
    desk.put(narrow)
    desk.put(rule("asking", where={"any": [{"rule": "base"}] * 12}))
    desk.save(rule("base", where=wide), based_on=1)
    assert code_of(desk.try_publish(1, key="base")) == "rule_unsound"


# ── retiring and restoring ───────────────────────────────────────────────────────────────────────────────


def test_a_retired_rule_is_on_the_shelf_and_out_of_force(desk: Desk, store: Store, clock: FakeClock) -> None:
    desk.put(rule())
    answer = desk.retire(1, note="季节过了")
    assert answer.status_code == 200
    (version,) = desk.versions()
    assert (version.state, version.note, version.retired_note) == (RETIRED, "试过了", "季节过了")
    assert version.retired_at == clock.now()
    head = desk.head()
    assert head is not None
    assert (head.published, head.reevaluating) == (None, True)
    assert requests_of(store) == [("rule", KEY), ("rule", KEY)]


def test_only_the_version_in_force_retires(desk: Desk) -> None:
    assert code_of(desk.retire(1)) == "stale"
    desk.put(rule())
    desk.put(rule(label="二"), based_on=1)
    assert code_of(desk.retire(1)) == "stale"
    assert desk.retire(2).status_code == 200
    assert code_of(desk.retire(2)) == "stale"


def test_a_rule_that_another_asks_stays(desk: Desk, store: Store) -> None:
    desk.put(rule("base"))
    desk.put(rule("asking", where=asks("base")))
    assert code_of(desk.retire(1, key="base")) == "rule_unsound"
    desk.retire(1, key="asking")
    assert desk.retire(1, key="base").status_code == 200


def test_a_rule_that_an_sop_asks_stays_and_one_whose_segment_an_sop_serves_may_go(
    desk: Desk, store: Store, clock: FakeClock
) -> None:
    install_defaults(store.jobs, clock=clock)
    desk.put(rule())
    with transaction(store.jobs) as session:
        sop = session.scalars(select(Sop).where(Sop.key == "recall")).one()
        sop.definition = sop.definition | {"segment": KEY}
    assert [one.segment_key for one in desk.shelf().sops if one.key == "recall"] == [KEY]
    with transaction(store.jobs) as session:
        sop = session.scalars(select(Sop).where(Sop.key == "recheck_due")).one()
        sop.definition = sop.definition | {"when": asks(KEY)}
    assert code_of(desk.retire(1)) == "rule_unsound"
    with transaction(store.jobs) as session:
        sop = session.scalars(select(Sop).where(Sop.key == "recheck_due")).one()
        sop.definition = sop.definition | {"when": rule()["where"]}
    assert desk.retire(1).status_code == 200


def test_an_earlier_version_comes_back_as_a_new_one(desk: Desk, store: Store) -> None:
    desk.put(rule(label="一"))
    desk.put(rule(label="二"), based_on=1)
    answer = desk.restore(1, published=2)
    assert answer.json()["state"] == PUBLISHED
    assert desk.states() == [(3, PUBLISHED), (2, RETIRED), (1, RETIRED)]
    newest = desk.versions()[0]
    assert (newest.definition["label"], newest.based_on, newest.note) == ("一", 1, "回滚")
    assert requests_of(store) == [("rule", KEY)] * 3


def test_a_rule_that_ended_and_a_dropped_draft_come_back_too(desk: Desk) -> None:
    desk.put(rule(label="一"))
    desk.retire(1)
    assert desk.restore(1, published=None).status_code == 200
    desk.save(rule(label="稿"), based_on=2)
    desk.drop(1)
    assert desk.restore(3, published=2).status_code == 200
    assert [one.definition["label"] for one in desk.versions()] == ["稿", "稿", "一", "一"]


def test_an_open_draft_outlives_a_restoration(desk: Desk) -> None:
    desk.put(rule(label="一"))
    desk.put(rule(label="二"), based_on=1)
    desk.save(rule(label="稿"), based_on=2)
    assert desk.restore(1, published=2).status_code == 200
    assert desk.states() == [(4, PUBLISHED), (3, DRAFT), (2, RETIRED), (1, RETIRED)]


def test_restoring_needs_a_version_and_sight_of_what_is_in_force(desk: Desk) -> None:
    desk.put(rule())
    assert code_of(desk.restore(9, published=1)) == "invalid_request"
    for published in (None, 2):
        assert code_of(desk.restore(1, published=published)) == "stale"


def test_what_became_unsound_is_not_restored(desk: Desk) -> None:
    desk.put(rule("base"))
    desk.put(rule(where=asks("base")))
    desk.put(rule(), based_on=1)
    desk.retire(1, key="base")
    assert code_of(desk.restore(1, published=2)) == "rule_unsound"
    assert desk.states() == [(2, PUBLISHED), (1, RETIRED)]


# ── what follows, and what is written down ───────────────────────────────────────────────────────────────


def test_members_leave_with_a_retired_rule_and_their_history_stays(desk: Desk, store: Store, clock: FakeClock) -> None:
    desk.put(rule(where={"fact": "birth_date", "op": "is_known"}))
    scan(store.jobs, clock=clock)
    assert members(desk) == 3
    desk.retire(1)
    assert members(desk) == 3  # until it was worked out
    reevaluate(store.jobs, clock=clock, rules=[KEY])
    assert members(desk) == 0
    with Session(store.jobs) as session:
        query = select(Membership.left_on).where(Membership.segment_key == KEY)
        assert session.scalars(query).all() == [business_date(clock.now())] * 3


def members(desk: Desk) -> int:
    head = desk.head()
    assert head is not None
    return head.customers


def test_every_step_is_in_the_audit_log_without_a_name_or_a_word(
    desk: Desk, store: Store, clock: FakeClock, clinic: Clinic
) -> None:
    install_defaults(store.jobs, clock=clock)
    desk.put(rule(label="王欣怡"))
    desk.put(rule(label="李雷"), based_on=1)
    desk.restore(1, published=2)
    desk.retire(3)
    desk.save(rule(), based_on=3)
    desk.drop(1)
    desk.set("replacement_days", "600", number=1)
    entries = audited(store)
    assert [one.action for one in entries] == [
        *("rule:draft_saved", "rule:published") * 2,
        "rule:published",
        "rule:retired",
        "rule:draft_saved",
        "rule:draft_dropped",
        "parameter:set",
    ]
    assert [one.detail for one in entries] == [{"number": n} for n in (1, 1, 2, 2, 3, 3, 4, 4, 2)]
    assert {one.account_id for one in entries} == {clinic.accounts["manager"]}
    assert {one.device_id for one in entries} == {desk.client.device_id}


# ── two at once ──────────────────────────────────────────────────────────────────────────────────────────


def at_once(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    answers: dict[int, httpx.Response] = {}
    begin = threading.Barrier(len(calls))

    def run(number: int, call: Callable[[], httpx.Response]) -> None:
        begin.wait(10)
        answers[number] = call()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [answers[number] for number in range(len(calls))]


def told(answers: list[httpx.Response]) -> list[Any]:
    return sorted("ok" if one.status_code in (200, 204) else code_of(one) for one in answers)


def test_of_two_who_save_at_once_one_is_kept_and_the_other_told(desk: Desk, other: Desk) -> None:
    for round_ in range(5):
        ver = round_ or None
        mine, theirs = rule(label=f"甲{round_}"), rule(label=f"乙{round_}")
        answers = at_once(lambda: desk.try_save(mine, ver=ver), lambda: other.try_save(theirs, ver=ver))  # noqa: B023
        assert told(answers) == ["ok", "stale"]
        (version,) = desk.versions()
        kept = "甲" if answers[0].status_code == 200 else "乙"
        assert (version.definition["label"], version.ver) == (f"{kept}{round_}", round_ + 1)


def test_of_two_who_publish_at_once_one_does(desk: Desk, other: Desk, store: Store) -> None:
    desk.save(rule())
    assert told(at_once(lambda: desk.try_publish(1), lambda: other.try_publish(1))) == ["ok", "stale"]
    assert desk.states() == [(1, PUBLISHED)]
    assert requests_of(store) == [("rule", KEY)]


def test_two_rules_do_not_take_one_segment_at_once(desk: Desk, other: Desk) -> None:
    segment = rule()["segment"]
    desk.save(rule("one", segment=segment))
    other.save(rule("two", segment=segment))
    answers = at_once(lambda: desk.try_publish(1, key="one"), lambda: other.try_publish(1, key="two"))
    assert told(answers) == ["ok", "rule_unsound"]


def test_two_rules_do_not_close_a_cycle_at_once(desk: Desk, other: Desk) -> None:
    desk.put(rule("one"))
    desk.put(rule("two"))
    desk.save(rule("one", where=asks("two")), based_on=1)
    other.save(rule("two", where=asks("one")), based_on=1)
    answers = at_once(lambda: desk.try_publish(1, key="one"), lambda: other.try_publish(1, key="two"))
    assert told(answers) == ["ok", "rule_unsound"]
