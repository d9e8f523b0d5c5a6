"""Rules as Chinese sentences: for the editor's tree, for differences between versions and for explanations."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from PySide6.QtCore import QObject

from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType
from hcrm_core.facts.fact import Withheld
from hcrm_core.facts.growth import Refusal
from hcrm_core.facts.spoken import TWO_DECIMALS, in_degrees, spoken_unit, without_eye
from hcrm_core.rules.lowering import DEGREE, RELATIVE, relative_unit
from hcrm_core.rules.messages import RuleState
from hcrm_core.rules.model import (
    NO_OPERAND,
    SYSTEM,
    AllOf,
    AnyOf,
    Condition,
    Eyes,
    Node,
    NotOf,
    Operator,
    Parameter,
    Reference,
    Rule,
    Said,
    Scalar,
    Unknown,
    children,
)
from hcrm_core.terms import DepartmentKind, ProductKind, Sex
from hcrm_desktop.views.words import Words

GAP = "…"  # stands for a value that is not there yet


def asked_fact(condition: Condition) -> Fact | None:
    """The fact of a condition, the right eye's where it asks both; None if the catalogue has none of that name."""
    return CATALOGUE.get(condition.fact if condition.eyes is None else f"{condition.fact}_od")


class RuleWords(QObject):
    """Turns conditions, trees and whole rules into sentences. What is missing is a word too."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words
        self._parameters: Mapping[str, Parameter] = {}
        self._rules: Mapping[str, str] = {}

    def learn(self, *, parameters: Mapping[str, Parameter], rules: Mapping[str, str]) -> None:
        """What names stand for: parameters in force, and labels of rules by key."""
        self._parameters, self._rules = parameters, rules

    def rules(self) -> Mapping[str, str]:
        """Labels of rules by key."""
        return self._rules

    # ── sentences ────────────────────────────────────────────────────────────────────────────────────────

    def rule(self, rule: Rule) -> list[str]:
        """A whole rule, a line for each node, two spaces deeper at every level."""
        return list(self._lines(rule.where, depth=0))

    def _lines(self, node: Node, *, depth: int) -> Iterator[str]:
        text = self.node(node) if not children(node) else self._heading(node)
        yield "  " * depth + text
        for child in children(node):
            yield from self._lines(child, depth=depth + 1)

    def _heading(self, node: Node) -> str:
        text = self.tr("{group}：").format(group=self.group(node))
        return self._muted(text) if node.muted else text

    def node(self, node: Node) -> str:
        """A node with all that is in it, in one line."""
        if isinstance(node, Condition):
            text = self.condition(node)
        elif isinstance(node, Reference):
            text = self.reference(node)
        else:
            parts = self.tr("；").join(self.node(child) for child in children(node))
            text = self.tr("{group}（{parts}）").format(group=self.group(node), parts=parts)
        return self._muted(text) if node.muted else text

    def _muted(self, text: str) -> str:
        return self.tr("（停用）{text}").format(text=text)

    def condition(self, condition: Condition) -> str:
        """A condition and what counts where nothing is known: "右眼半年度数增长 ≥ 50 度；没有数据时：不算"."""
        text = self.question(condition)
        if condition.op in NO_OPERAND or not condition.fact:
            return text
        unknown = self.unknown(condition.unknown)
        return self.tr("{question}；没有数据时：{unknown}").format(question=text, unknown=unknown)

    def question(self, condition: Condition) -> str:
        """What a condition asks, without what counts where nothing is known."""
        fact = asked_fact(condition)
        if not condition.fact:
            return self.tr("新条件：请选择要看的数据")
        if fact is None:
            return self.tr("目录里没有的数据：{name}").format(name=condition.fact)
        subject = self.fact(condition.fact, eyes=condition.eyes)
        phrase = self._of_today().get(condition.op) if condition.value == 0 else None
        said = (phrase or self.phrase(condition.op, kind=fact.kind)).format(value=self.operand(condition))
        return self.tr("{subject} {said}").format(subject=subject, said=said) + self._parameter_note(condition)

    def _parameter_note(self, condition: Condition) -> str:
        if condition.parameter is None:
            return ""
        return self.tr("（参数：{label}）").format(label=self.parameter_label(condition.parameter))

    def parameter_label(self, key: str) -> str:
        return self._parameters[key].label if key in self._parameters else key

    def reference(self, reference: Reference) -> str:
        return self.tr("符合规则“{rule}”").format(rule=self._rules.get(reference.rule, reference.rule))

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────

    def fact(self, name: str, *, eyes: Eyes | None = None) -> str:
        """A fact's name, with the eyes where a condition asks both: "任一眼等效球镜"."""
        if eyes is None:
            return CATALOGUE[name].label if name in CATALOGUE else name
        right = CATALOGUE.get(f"{name}_od")
        base = name if right is None else without_eye(right.label)
        return {Eyes.EITHER: self.tr("任一眼{base}"), Eyes.BOTH: self.tr("双眼{base}")}[eyes].format(base=base)

    def group(self, node: Node) -> str:
        """A group's kind."""
        if isinstance(node, AllOf):
            return self.tr("全部满足")
        return self.tr("任一满足") if isinstance(node, AnyOf) else self.tr("不满足")

    def state(self, state: RuleState, *, number: int | None) -> str:
        """A version and how far it has come: "已发布 v3"."""
        name = {
            RuleState.DRAFT: self.tr("草稿"),
            RuleState.PROPOSED: self.tr("待复核"),
            RuleState.PUBLISHED: self.tr("已发布"),
            RuleState.RETIRED: self.tr("已停用"),
        }[state]
        return name if number is None else self.tr("{state} v{n}").format(state=name, n=number)

    def unknown(self, unknown: Unknown) -> str:
        """What counts where nothing is known."""
        return {
            Unknown.NO: self.tr("不算"),
            Unknown.YES: self.tr("算满足"),
            Unknown.NEEDS_MEASUREMENT: self.tr("需补检查"),
        }[unknown]

    def said(self, said: Said) -> str:
        """What a rule says of somebody."""
        return {
            Said.TRUE: self.tr("符合"),
            Said.FALSE: self.tr("不符合"),
            Said.UNKNOWN: self.tr("待补检查"),
        }[said]

    def operator(self, op: Operator, *, kind: FactType) -> str:
        """An operator as a choice: "距今超过 … 天"."""
        unit = f" {relative_unit(op)}" if op in RELATIVE else ""
        return self.phrase(op, kind=kind).format(value=f"{GAP}{unit}").removesuffix(f" {GAP}")

    def phrase(self, op: Operator, *, kind: FactType) -> str:
        """An operator as it stands in a sentence, with ``{value}`` where its value goes."""
        if kind is FactType.DATE and op in (dated := self._of_dates()):
            return dated[op]
        if kind in (FactType.WORD, FactType.BOOLEAN) and op in (Operator.EQ, Operator.NE):
            return self.tr("是 {value}") if op is Operator.EQ else self.tr("不是 {value}")
        return {
            Operator.EQ: self.tr("= {value}"),
            Operator.NE: self.tr("≠ {value}"),
            Operator.LT: self.tr("＜ {value}"),
            Operator.LE: self.tr("≤ {value}"),
            Operator.GT: self.tr("＞ {value}"),
            Operator.GE: self.tr("≥ {value}"),
            Operator.BETWEEN: self.tr("在 {value} 之间"),
            Operator.IN: self.tr("是 {value}"),
            Operator.IS_KNOWN: self.tr("有数据"),
            Operator.IS_UNKNOWN: self.tr("没有数据"),
        }[op]

    def _of_dates(self) -> dict[Operator, str]:
        return {
            Operator.EQ: self.tr("是 {value}"),
            Operator.NE: self.tr("不是 {value}"),
            Operator.LT: self.tr("早于 {value}"),
            Operator.LE: self.tr("不晚于 {value}"),
            Operator.GT: self.tr("晚于 {value}"),
            Operator.GE: self.tr("不早于 {value}"),
            Operator.DAYS_AGO_GT: self.tr("距今超过 {value}"),
            Operator.DAYS_AGO_GE: self.tr("距今至少 {value}"),
            Operator.DAYS_AGO_LE: self.tr("距今不超过 {value}，或在以后"),
            Operator.DAYS_AGO_LT: self.tr("距今不到 {value}，或在以后"),
            Operator.MONTHS_AGO_GE: self.tr("至今已满 {value}"),
            Operator.MONTHS_AGO_LT: self.tr("至今未满 {value}"),
            Operator.IN_DAYS_LE: self.tr("在今后 {value}内，或已过"),
            Operator.IN_DAYS_GT: self.tr("还有超过 {value}"),
            Operator.AGE_GE: self.tr("至今已满 {value}"),
            Operator.AGE_LT: self.tr("至今未满 {value}"),
        }

    def _of_today(self) -> dict[Operator, str]:
        """No days ago is today."""
        return {
            Operator.DAYS_AGO_LE: self.tr("是今天或以后"),
            Operator.DAYS_AGO_GT: self.tr("早于今天"),
            Operator.IN_DAYS_LE: self.tr("是今天或已过"),
            Operator.IN_DAYS_GT: self.tr("在今天以后"),
        }

    # ── values ───────────────────────────────────────────────────────────────────────────────────────────

    def operand(self, condition: Condition) -> str:
        """What a condition compares with, in words."""
        fact, value = asked_fact(condition), condition.value
        if condition.parameter is not None:
            return self.parameter(condition.parameter)
        if value is None or fact is None:
            return GAP
        if condition.op in RELATIVE:
            return self.tr("{n} {unit}").format(n=value, unit=relative_unit(condition.op))
        if not isinstance(value, tuple):
            return self.value(value, fact=fact)
        joint = self.tr(" 到 ") if condition.op is Operator.BETWEEN else self.tr(" 或 ")
        return joint.join(self.value(one, fact=fact) for one in value)

    def parameter(self, key: str) -> str:
        """A parameter's value and unit; a gap if there is no such parameter."""
        found = self._parameters.get(key)
        return GAP if found is None else self.number(found.value, unit=found.unit)

    def value(self, value: Scalar, *, fact: Fact) -> str:
        """One value of a fact in words."""
        if isinstance(value, bool):
            return self.tr("是") if value else self.tr("否")
        if fact.kind is FactType.WORD:
            return self.word(str(value), fact=fact)
        if fact.kind is FactType.DATE:
            return str(value)
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return str(value)
        return self.number(number / DEGREE if in_degrees(fact) else number, unit=spoken_unit(fact))

    def span(self, fact: Fact) -> str:
        """Between what a fact's values can be, "" if that is not known."""
        if fact.span is None:
            return ""
        low, high = (self.value(f"{end:f}", fact=fact) for end in fact.span)
        return self.tr("可填 {low} 到 {high}").format(low=low, high=high)

    def author(self, name: str) -> str:
        """Who wrote a version or a value."""
        return self.tr("系统预设") if name == SYSTEM else name

    def number(self, number: Decimal, *, unit: str) -> str:
        """A number with its unit; diopters and millimetres with two decimals."""
        plain = f"{number:.2f}" if unit in TWO_DECIMALS and number == round(number, 2) else f"{number.normalize():f}"
        return self.tr("{n} {unit}").format(n=plain.replace("-", "−"), unit=unit).strip()

    def word(self, value: str, *, fact: Fact) -> str:
        """A word of a fact's vocabulary; one of a later release as it is."""
        try:
            return self._word_of(fact.words(value)) if fact.words is not None else value
        except (ValueError, KeyError):
            return value

    def _word_of(self, member: StrEnum) -> str:
        if isinstance(member, ProductKind):
            return self._words.product(member)
        if isinstance(member, Sex):
            return self._words.sex(member)
        if isinstance(member, DepartmentKind):
            names = {DepartmentKind.OPTOMETRY: self.tr("视光"), DepartmentKind.REFRACTIVE: self.tr("屈光")}
            return names[member]
        return self._reasons()[member.value]

    def _reasons(self) -> dict[str, str]:
        """Why a value is not told."""
        return {
            Refusal.NO_PAIR.value: self.tr("没有合适的两次检查"),
            Refusal.INTERVAL_TOO_SHORT.value: self.tr("间隔太短"),
            Refusal.NOT_COMPARABLE.value: self.tr("两次不可比"),
            Refusal.OK_WEAR.value: self.tr("戴角塑中"),
            Withheld.LENS_UNKNOWN.value: self.tr("戴镜状态未记录"),
            Withheld.BIRTH_UNKNOWN.value: self.tr("出生日期未知"),
            Withheld.SEX_UNKNOWN.value: self.tr("性别未知"),
            Withheld.AGE_OUTSIDE.value: self.tr("年龄在参考表之外"),
            Withheld.NOT_CYCLOPLEGIC.value: self.tr("没有散瞳验光"),
        }


def is_group(node: Node) -> bool:
    """Whether a node holds others."""
    return isinstance(node, AllOf | AnyOf | NotOf)
