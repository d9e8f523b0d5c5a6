"""Cases kept with a rule: read as on their own day, told when the rule says otherwise, and no part of what it says."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from hcrm_core.rules import Rule, Surroundings, lower_rule
from hcrm_core.rules.cases import facts_asked, odd_facts, run_cases
from hcrm_core.rules.linting import Finding, Level, lint
from hcrm_core.rules.model import MAX_CASE_FACTS, MAX_CASES, Case, Said
from tests.unit.rules.test_default_rules import DEFAULTS

TODAY = date(2026, 11, 22)
WITHIN = Surroundings(parameters=DEFAULTS.parameters, on=TODAY, rules=DEFAULTS.rules)
OLD_ENOUGH = {"fact": "birth_date", "op": "age_ge", "value": 8}
THICK = {"fact": "cct_um_od", "op": "ge", "value": 480, "unknown": "needs_measurement"}


def case(name: str = "例", *, expected: str = "true", on: date = TODAY, **facts: Any) -> Case:
    return Case(name=name, on=on, facts=facts, expected=Said(expected))


def rule(where: dict[str, Any], *cases: Case) -> Rule:
    raw = {"key": "r", "label": "试", "segment": {"key": "r", "label": "试"}, "citation": "-", "where": where}
    return Rule.model_validate(raw).model_copy(update={"cases": cases})


def said(where: dict[str, Any], one: Case) -> Said | None:
    (result,) = run_cases(rule(where, one), within=WITHIN)
    return result.found


def found(of: Rule, code: str) -> list[Finding]:
    return [one for one in lint(of, within=WITHIN) if one.code == code]


@pytest.mark.parametrize(("born", "expected"), [("2018-11-22", "true"), ("2018-11-23", "false")])
def test_a_case_is_read_as_on_its_own_day(born: str, expected: str) -> None:
    assert said(OLD_ENOUGH, case(birth_date=born)) == expected
    assert said(OLD_ENOUGH, case(birth_date=born, on=date(2030, 1, 1))) == "true"


@pytest.mark.parametrize(("thickness", "expected"), [(479, "false"), (480, "true"), (None, "unknown")])
def test_what_is_not_told_is_unknown(thickness: int | None, expected: str) -> None:
    facts = {} if thickness is None else {"cct_um_od": thickness}
    assert said(THICK, case(**facts)) == expected


@pytest.mark.parametrize(("grown", "expected"), [("0.49", "false"), ("0.50", "true")])
def test_parameters_are_those_in_force(grown: str, expected: str) -> None:
    where = {"fact": "se_growth_6m_od", "op": "ge", "parameter": "growth_half_year"}
    assert said(where, case(se_growth_6m_od=grown)) == expected


def test_references_are_followed_and_sites_and_validity_are_not_asked() -> None:
    referring = rule({"rule": "potential"}, case(filed_on="2026-01-01", ever_bought=False))
    bounded = referring.model_copy(update={"valid_until": date(2020, 1, 1)})
    assert [one.found for one in run_cases(bounded, within=WITHIN)] == ["true"]


def test_a_rule_that_cannot_be_read_says_nothing_of_any_case() -> None:
    for where in ({"fact": "nonsense", "op": "is_known"}, {"rule": "nobody"}, OLD_ENOUGH | {"muted": True}):
        assert said(where, case()) is None
        assert facts_asked(rule(where), within=WITHIN) == []


def test_the_facts_that_a_rule_asks_stand_in_reading_order_once() -> None:
    where = {"all": [THICK, OLD_ENOUGH, {"fact": "cct_um", "eyes": "both", "op": "le", "value": 600}]}
    assert facts_asked(rule(where), within=WITHIN) == ["cct_um_od", "birth_date", "cct_um_os"]


def test_a_case_that_fails_stands_in_the_way_and_the_mend_lets_it_say_what_the_rule_says() -> None:
    failing = rule(OLD_ENOUGH, case("满 8 岁", birth_date="2018-11-22"), case("差一天", birth_date="2018-11-23"))
    (finding,) = found(failing, "case_fails")
    assert (finding.level, finding.args) == (Level.ERROR, {"case": "差一天", "expected": "true", "found": "false"})
    assert finding.fix is not None
    assert [one.expected for one in finding.fix.cases] == ["true", "false"]
    assert found(finding.fix, "case_fails") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shoe_size", 43),
        ("birth_date", "gestern"),
        ("cct_um_od", "dick"),
        ("sex", 7),
        ("site_id", "x"),
        ("se", "-1.00"),
    ],
)
def test_a_fact_that_nobody_can_read_is_told_and_the_mend_leaves_it_out(name: str, value: Any) -> None:
    odd = case(birth_date="2015-01-01", **{name: value} if name != "birth_date" else {})
    odd = odd.model_copy(update={"facts": odd.facts | {name: value}})
    assert odd_facts(odd) == [name]
    (finding,) = found(rule(OLD_ENOUGH, odd), "case_unreadable")
    assert finding.args == {"case": "例", "names": name}
    assert finding.fix is not None
    assert name not in finding.fix.cases[0].facts


def test_every_kind_of_value_is_read() -> None:
    told = {"birth_date": "2015-02-03", "cct_um_od": 540, "se_od": "-1.25", "ever_bought": True, "sex": "female"}
    for name, value in told.items():
        assert said({"fact": name, "op": "eq", "value": value}, case(**{name: value})) == "true"


def test_a_rule_without_cases_is_written_as_before_there_were_any() -> None:
    assert "cases" not in rule(OLD_ENOUGH).as_json()
    with_one = rule(OLD_ENOUGH, case(birth_date="2015-01-01"))
    assert Rule.model_validate(with_one.as_json()) == with_one


def test_cases_have_no_part_in_what_a_rule_says() -> None:
    plain, with_one = rule(OLD_ENOUGH), rule(OLD_ENOUGH, case(birth_date="2015-01-01"))
    assert lower_rule(plain, within=WITHIN) == lower_rule(with_one, within=WITHIN)


@pytest.mark.parametrize(("count", "fits"), [(MAX_CASES, True), (MAX_CASES + 1, False)])
def test_a_rule_has_at_most_so_many_cases(count: int, *, fits: bool) -> None:
    raw = rule(OLD_ENOUGH, *[case() for _ in range(count)]).as_json()
    if fits:
        assert len(Rule.model_validate(raw).cases) == count
        return
    with pytest.raises(ValidationError):
        Rule.model_validate(raw)


@pytest.mark.parametrize(("count", "fits"), [(MAX_CASE_FACTS, True), (MAX_CASE_FACTS + 1, False)])
def test_a_case_has_at_most_so_many_facts(count: int, *, fits: bool) -> None:
    facts = {f"f{n}": n for n in range(count)}
    if fits:
        assert len(case(**facts).facts) == count
        return
    with pytest.raises(ValidationError):
        case(**facts)
