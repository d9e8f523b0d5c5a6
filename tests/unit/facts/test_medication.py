"""Low-dose atropine: since when, how strong, and what interrupts it."""

from decimal import Decimal
from typing import Any

import pytest

from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.facts.medication import GAP_DAYS
from tests.unit.facts.history import History, on

NAMES = ("atropine_since_on", "atropine_percent", "last_atropine_on")


def told(history: History) -> tuple[Any, ...]:
    found = history.facts()
    return tuple(found[name] for name in NAMES)


def test_who_takes_nothing_has_no_facts_of_it() -> None:
    assert told(History()) == (None, None, None)


def test_a_running_course_tells_since_when_and_how_strong() -> None:
    assert told(History().drops(0, 25)) == (on(0), 25, on(0))


def test_a_course_that_ended_tells_only_when() -> None:
    assert told(History().drops(0, ended=100)) == (None, None, on(100))


def test_a_change_of_strength_does_not_begin_the_treatment_anew() -> None:
    assert told(History().drops(0, 10, ended=90).drops(90, 50)) == (on(0), 50, on(90))


@pytest.mark.parametrize(("gap", "since"), [(GAP_DAYS, 0), (GAP_DAYS + 1, 100 + GAP_DAYS + 1)])
def test_a_longer_gap_interrupts(gap: int, since: int) -> None:
    assert told(History().drops(0, ended=100).drops(100 + gap)) == (on(since), 50, on(100 + gap))


def test_of_several_interruptions_the_last_counts() -> None:
    history = History().drops(0, ended=10).drops(100, ended=110).drops(300, ended=310).drops(315)
    assert told(history)[0] == on(300)


def test_a_short_course_within_a_longer_one_interrupts_nothing() -> None:
    history = History().drops(0, ended=200).drops(10, 10, ended=20).drops(210)
    assert told(history)[0] == on(0)


def test_of_two_that_run_the_one_that_began_last_tells_the_strength() -> None:
    assert told(History().drops(50, 25).drops(0, 10)) == (on(0), 25, on(50))
    assert told(History().drops(0, 10).drops(0, 25)) == (on(0), 25, on(0))


def test_an_end_before_its_beginning_on_the_same_day_is_no_running_course() -> None:
    assert told(History().drops(0, 500, ended=0).drops(0, 50)) == (on(0), 50, on(0))


def test_the_gap_is_what_the_catalogue_says() -> None:
    assert f"more than {GAP_DAYS} days" in CATALOGUE["atropine_since_on"].doc
    assert CATALOGUE["atropine_percent"].span == (Decimal(0), Decimal(1))
