"""Segments that exclude each other: how many of one are asked for by a rule of another, told with the difference."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.rules import Rule
from hcrm_core.rules.messages import Diff
from hcrm_core.wire import Json
from hcrm_store.journeys import Membership, RuleVersion, Segment
from tests.central.conftest import SignIn
from tests.factories import Clinic
from tests.questioning import Asker, Crowd, condition, crowd, rule_of

WEARERS = condition("product", "is_known")


@pytest.fixture
def everybody(store: Store, clinic: Clinic) -> Crowd:
    return crowd(store, clinic)


@pytest.fixture
def manager(client_for: SignIn, everybody: Crowd) -> Asker:
    return Asker(client_for("manager"))


def publish(store: Store, key: str, *, exclusive: str = "lens", priority: int = 1) -> None:
    """A rule for everybody, in a set of rules that exclude each other."""
    raw = rule_of(condition("sex", "is_known"), key=key, exclusive=exclusive, priority=priority)
    raw |= {"segment": {"key": key, "label": key}}
    with transaction(store.jobs) as session:
        session.add(Segment(key=key, label=key))
        session.add(RuleVersion(rule_key=key, number=1, state="published", segment_key=key, definition=raw))


def wearers(everybody: Crowd) -> set[UUID]:
    return everybody.matching(Rule.model_validate(rule_of(WEARERS)))


def shared(manager: Asker, **more: Any) -> dict[str, int]:
    mine: Json = rule_of(WEARERS, **({"exclusive": "lens", "priority": 5} | more))
    return manager.ask("diff", Diff, mine).shared


def test_members_of_an_excluding_segment_who_are_asked_for_are_counted(
    manager: Asker, everybody: Crowd, store: Store
) -> None:
    found = wearers(everybody)
    inside = sorted(everybody.rows)[:30]
    publish(store, "before", priority=1)
    publish(store, "after", priority=9)
    everybody.put_in("before", inside)
    everybody.put_in("after", inside[:10])
    assert shared(manager) == {"before": len(found & set(inside)), "after": len(found & set(inside[:10]))}


def test_segments_that_exclude_nothing_share_nothing(manager: Asker, everybody: Crowd, store: Store) -> None:
    publish(store, "another_set", exclusive="colour")
    publish(store, "in_no_set", exclusive="")
    for key in ("another_set", "in_no_set"):
        everybody.put_in(key, sorted(everybody.rows))
    assert shared(manager) == {}
    assert shared(manager, exclusive="") == {}


def test_the_own_segment_is_no_rival_of_its_next_version(manager: Asker, everybody: Crowd, store: Store) -> None:
    publish(store, "own")
    everybody.put_in("own", sorted(everybody.rows))
    assert shared(manager, key="own", segment={"key": "own", "label": "own"}) == {}


def test_who_left_the_excluding_segment_is_not_counted(manager: Asker, everybody: Crowd, store: Store) -> None:
    publish(store, "before")
    everybody.put_in("before", sorted(wearers(everybody)))
    with transaction(store.jobs) as session:
        session.execute(update(Membership).values(left_on=Membership.entered_on))
    assert shared(manager) == {}
