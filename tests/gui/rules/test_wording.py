"""Rules in Chinese: what a nurse reads in the tree, in a difference and in an explanation."""

from typing import Any

import pytest

from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE, FactType
from hcrm_core.facts.spoken import in_degrees, spoken_unit
from hcrm_core.rules.checking import OPERATORS
from hcrm_core.rules.linting import Finding, Level
from hcrm_core.rules.messages import RuleState
from hcrm_core.rules.model import Condition, Eyes, NotOf, Operator, nodes
from hcrm_desktop.views.rules.fact_picker import choices
from hcrm_desktop.views.rules.finding_words import FindingWords
from hcrm_desktop.views.rules.wording import RuleWords
from tests.gui.rules.conftest import default_rules


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (
            {"fact": "se_growth_6m", "eyes": "either", "op": "ge", "parameter": "growth_half_year"},
            "任一眼半年度数增长 ≥ 50 度（参数：半年度数增长预警）；没有数据时：不算",
        ),
        (
            {"fact": "se", "eyes": "both", "op": "between", "value": ["-6.00", "-0.75"], "unknown": "yes"},
            "双眼等效球镜 在 −6.00 D 到 −0.75 D 之间；没有数据时：算满足",
        ),
        (
            {"fact": "cct_um_od", "op": "ge", "value": 480, "unknown": "needs_measurement"},
            "右眼中央角膜厚度 ≥ 480 µm；没有数据时：需补检查",
        ),
        ({"fact": "birth_date", "op": "age_ge", "value": 8}, "出生日期 至今已满 8 岁；没有数据时：不算"),
        ({"fact": "next_appointment_on", "op": "days_ago_le", "value": 0}, "预约日期 是今天或以后；没有数据时：不算"),
        ({"fact": "recheck_due_on", "op": "days_ago_gt", "value": 30}, "应复查日期 距今超过 30 天；没有数据时：不算"),
        (
            {"fact": "product_os", "op": "in", "value": ["functional", "ok_lens"]},
            "左眼当前产品 是 功能镜 或 角塑；没有数据时：不算",
        ),
        ({"fact": "ever_bought", "op": "eq", "value": False}, "曾配镜 是 否；没有数据时：不算"),
        ({"fact": "filed_on", "op": "is_known"}, "建档日期 有数据"),
        ({"fact": "filed_on", "op": "lt", "value": "2026-01-01"}, "建档日期 早于 2026-01-01；没有数据时：不算"),
        ({"fact": "cct_um_od", "op": "ge"}, "右眼中央角膜厚度 ≥ …；没有数据时：不算"),
        (
            {"fact": "cct_um_od", "op": "ge", "parameter": "gone"},
            "右眼中央角膜厚度 ≥ …（参数：gone）；没有数据时：不算",
        ),
        ({"fact": "", "op": "eq"}, "新条件：请选择要看的数据"),
        ({"fact": "of_a_later_release", "op": "eq", "value": 1}, "目录里没有的数据：of_a_later_release"),
    ],
)
def test_a_condition_reads_as_a_sentence(rule_words: RuleWords, raw: dict[str, Any], sentence: str) -> None:
    condition = Condition.model_validate(raw)
    said = rule_words.condition(condition)
    assert said.removesuffix("；没有数据时：不算") == sentence.removesuffix("；没有数据时：不算")


def test_a_rule_is_read_line_by_line_and_a_group_in_one(rule_words: RuleWords) -> None:
    rule = default_rules()["potential"]
    lines = rule_words.rule(rule)
    assert lines[0] == "全部满足："
    assert all(line.startswith("  ") for line in lines[1:])
    assert len(lines) == len(list(nodes(rule.where)))
    muted = rule.model_copy(update={"where": rule.where.model_copy(update={"muted": True})})
    assert rule_words.rule(muted)[0] == "（停用）全部满足："
    negated = NotOf.model_validate({"not": {"fact": "filed_on", "op": "is_known"}})
    assert rule_words.node(negated) == "不满足（建档日期 有数据）"


def test_every_default_rule_is_said_without_a_gap_or_a_code(rule_words: RuleWords) -> None:
    for rule in default_rules().values():
        text = "\n".join(rule_words.rule(rule))
        assert "…" not in text, rule.key
        assert "目录里没有" not in text, rule.key
        assert "_" not in text, (rule.key, text)


def test_every_fact_can_be_asked_in_words_with_every_operator_it_allows(rule_words: RuleWords) -> None:
    for fact in CATALOGUE.values():
        for op in OPERATORS[fact.kind]:
            assert rule_words.operator(op, kind=fact.kind)
            assert "{" not in rule_words.operator(op, kind=fact.kind)
        for word in fact.words or ():
            assert rule_words.word(word.value, fact=fact) != word.value, (fact.name, word)
    assert rule_words.word("of_a_later_release", fact=CATALOGUE["sex"]) == "of_a_later_release"
    assert rule_words.operator(Operator.DAYS_AGO_GT, kind=FactType.DATE) == "距今超过 … 天"


def test_growth_is_said_in_degrees_and_power_in_diopters() -> None:
    assert in_degrees(CATALOGUE["se_growth_6m_od"])
    assert spoken_unit(CATALOGUE["se_growth_rate_12m_od"]) == "度/年"
    assert not in_degrees(CATALOGUE["se_od"])
    assert not in_degrees(CATALOGUE["k_flat_od"])


def test_what_a_value_can_be_is_said_in_its_own_unit(rule_words: RuleWords) -> None:
    assert rule_words.span(CATALOGUE["se_od"]) == "可填 −30.00 D 到 25.00 D"
    assert rule_words.span(CATALOGUE["filed_on"]) == ""


def test_both_eyes_are_one_choice_and_no_identity_is_offered() -> None:
    names, labels = [choice.name for choice in choices()], [choice.label for choice in choices()]
    assert len(labels) == len(set(labels))
    assert PER_EYE & set(names)
    assert not [name for name in names if name.endswith(("_od", "_os")) and name[:-3] in PER_EYE]
    assert "site_id" not in names
    assert not next(choice for choice in choices() if choice.name == "last_exam_on").aside
    assert next(choice for choice in choices() if choice.name == "se_on").aside


def test_an_eye_may_be_named_by_its_fact_or_asked_for_both(rule_words: RuleWords) -> None:
    assert rule_words.fact("se_od") == "右眼等效球镜"
    assert rule_words.fact("se", eyes=Eyes.EITHER) == "任一眼等效球镜"
    assert rule_words.fact("se", eyes=Eyes.BOTH) == "双眼等效球镜"
    assert rule_words.fact("gone", eyes=Eyes.BOTH) == "双眼gone"


def test_a_version_is_said_with_its_number(rule_words: RuleWords) -> None:
    assert rule_words.state(RuleState.PUBLISHED, number=3) == "已发布 v3"
    assert rule_words.state(RuleState.DRAFT, number=None) == "草稿"


def test_a_finding_names_facts_and_parameters_as_the_manager_knows_them(rule_words: RuleWords) -> None:
    words = FindingWords(rule_words)
    found = Finding(code="parameter_exists", level=Level.HINT, args={"parameter": "ok_age"})
    assert words.sentence(found) == "这个数就是参数“角塑最小年龄”，直接引用参数，以后一处修改即可。"
    found = Finding(code="exactly_equal", level=Level.HINT, args={"fact": "se"})
    assert words.sentence(found)
    found = Finding(code="mostly_unknown", level=Level.WARNING, args={"fact": "se", "percent": "60"})
    assert words.sentence(found) == "60% 的客户没有任一眼等效球镜，现在都按不算处理。"
    assert words.sentence(Finding(code="of_a_later_release", level=Level.HINT)) == "of_a_later_release"
    assert "…" in words.sentence(Finding(code="out_of_range", level=Level.ERROR))


def test_every_finding_of_the_linter_has_words(rule_words: RuleWords) -> None:
    """Codes are read from the linter's own sources: a new check without words fails here."""
    import re
    from pathlib import Path

    from hcrm_core.rules import checking, checks, linting

    files = [Path(linting.__file__), *Path(checks.__file__).parent.glob("*.py")]
    codes = {code for path in files for code in re.findall(r'code="(\w+)"', path.read_text(encoding="utf-8"))}
    assert checking.check.__doc__ is not None
    codes |= set(re.findall(r"``(\w+)``", checking.check.__doc__))
    assert len(codes) > 30
    words = FindingWords(rule_words)
    assert sorted(code for code in codes if words.sentence(Finding(code=code, level=Level.HINT)) == code) == []
