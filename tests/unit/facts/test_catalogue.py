"""The catalogue is sound, and its page tells it as it is."""

import pytest

from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE, Fact, FactType, Feed, Group
from hcrm_core.rules.checking import OPERATORS
from tests.unit.facts.page import PAGE, page

_NUMBERS = (FactType.DECIMAL, FactType.INTEGER)


def test_the_page_of_the_catalogue_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_there_are_at_least_sixty_facts_in_every_group_of_the_menu() -> None:
    assert len([fact for fact in CATALOGUE.values() if OPERATORS[fact.kind]]) >= 60
    assert {fact.group for fact in CATALOGUE.values()} == set(Group)


@pytest.mark.parametrize("fact", CATALOGUE.values(), ids=lambda fact: str(fact.name))
def test_every_fact_says_what_it_is(fact: Fact) -> None:
    assert fact.label
    assert fact.doc.endswith(".")
    assert fact.unknown_means
    assert fact.feeds <= set(Feed)
    assert fact.feeds
    assert (fact.words is not None) == (fact.kind is FactType.WORD)
    assert (fact.span is not None) == (fact.kind in _NUMBERS)
    assert fact.span is None or fact.span[0] < fact.span[1]
    assert fact.dated_by is None or CATALOGUE[fact.dated_by].kind is FactType.DATE


def test_both_eyes_have_the_same_facts_and_labels_are_told_apart() -> None:
    assert all({f"{name}_od", f"{name}_os"} <= set(CATALOGUE) for name in PER_EYE)
    labels = [fact.label for fact in CATALOGUE.values()]
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


def test_every_growth_names_its_examinations_and_its_refusal() -> None:
    grown = [
        name for name, fact in CATALOGUE.items() if fact.words is None and name.startswith(("se_growth", "al_growth"))
    ]
    bases = {name.removesuffix("_od") for name in grown if name.endswith("m_od") and "rate" not in name}
    assert bases == {f"{kind}_growth_{months}m" for kind in ("se", "al") for months in (3, 6, 12, 24)}
    parts = ("from_on", "to_on", "from_id", "to_id", "refusal")
    assert all(f"{base}_{part}_os" in CATALOGUE for base in bases for part in parts)
    rates = {name.removesuffix("_od") for name in grown if "rate" in name and name.endswith("_od")}
    assert rates == {f"{kind}_growth_rate_{months}m" for kind in ("se", "al") for months in (6, 12, 24)}
