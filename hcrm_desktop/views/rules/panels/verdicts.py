"""Why a customer is in a segment, or not, in words."""

from collections.abc import Iterator
from datetime import date

from PySide6.QtCore import QObject

from hcrm_core.errors import Rejected
from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType, Feed
from hcrm_core.rules.editing import at
from hcrm_core.rules.messages import Explained, Explanation, Flip, MembershipLine
from hcrm_core.rules.model import Condition, Node, Rule
from hcrm_core.wire import Json
from hcrm_desktop.views.rules.wording import RuleWords

MARKS = {"true": "✓", "false": "✗", "unknown": "?"}


class VerdictWords(QObject):
    """Sentences about one customer and one rule."""

    def __init__(self, words: RuleWords) -> None:
        super().__init__(words)
        self._words = words

    def verdict(self, explanation: Explanation, *, name: str) -> str:
        said = {
            "true": self.tr("{name}：符合"),
            "false": self.tr("{name}：不符合"),
            "unknown": self.tr("{name}：待补检查，现在还不能判断"),
        }[explanation.verdict]
        return said.format(name=name)

    def member(self, explanation: Explanation) -> str:
        """Whether he is in the segment now."""
        if explanation.member_since is None:
            return self.tr("现在不在这个客群里")
        text = self.tr("{day} 起在这个客群里（规则 v{version}）")
        return text.format(day=explanation.member_since, version=explanation.version)

    # ── what would turn it ───────────────────────────────────────────────────────────────────────────────

    def flips(self, explanation: Explanation, *, today: date) -> str:
        """The smallest change that would turn the verdict; "" if nothing known would."""
        steps = [self._flip(flip, today=today) for flip in explanation.flips]
        if not steps:
            return ""
        end = self.tr("即不再符合") if explanation.verdict == "true" else self.tr("即符合")
        if any(flip.needed is None and flip.on is None for flip in explanation.flips):
            end = self.tr("就能判断")
        return self.tr("{steps}，{end}").format(steps=self.tr("，并且").join(steps), end=end)

    def _flip(self, flip: Flip, *, today: date) -> str:
        if flip.on is not None:
            days = (flip.on - today).days
            return self.tr("再过 {days} 天（{on}）").format(days=days, on=flip.on)
        fact, known = self._words.fact(flip.fact), CATALOGUE.get(flip.fact)
        is_measured = known is not None and Feed.EXAMS in known.feeds
        if flip.needed is None:
            return (self.tr("补测{fact}") if is_measured else self.tr("补录{fact}")).format(fact=fact)
        if flip.now is None:
            said = self.tr("若补测{fact}为 {needed}") if is_measured else self.tr("若补录{fact}为 {needed}")
        else:
            is_number = known is not None and known.kind in {FactType.DECIMAL, FactType.INTEGER}
            said = self.tr("若{fact}到 {needed}") if is_number else self.tr("若{fact}改为 {needed}")
        return said.format(fact=fact, needed=self._value(flip.needed, known))

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────

    def line(self, node: Explained, rule: Rule) -> str:
        """One node: mark, what is asked, and below it what was seen."""
        seen = [self.tr("看到：{evidence}").format(evidence=one) for one in self._evidence(node)]
        depth = "    " * len(node.path) if min(node.path, default=0) >= 0 else "    "
        first = self.tr("{mark} {text}").format(mark=MARKS[node.verdict], text=self._asked(node, rule))
        return "\n".join([depth + first, *(f"{depth}    {one}" for one in seen)])

    def _asked(self, node: Explained, rule: Rule) -> str:
        limits = {
            "validity": self.tr("规则现在有效"),
            "sites": self.tr("客户在规则的院区里（{label}）"),
            "exclusive": self.tr("没有先进互斥的“{label}”"),
            "rule": self.tr("符合规则“{label}”"),
            "all": self.tr("全部满足"),
            "any": self.tr("任一满足"),
            "not": self.tr("不满足"),
        }
        if node.kind in limits:
            return limits[node.kind].format(label=node.label)
        found = _standing_at(rule, node)
        if isinstance(found, Condition):
            return self._words.question(found)
        return self.tr("、").join(str(one["label"]) for one in node.evidence)

    def _evidence(self, node: Explained) -> Iterator[str]:
        for one in node.evidence:
            yield self._seen(one)

    def _seen(self, one: Json) -> str:
        fact = CATALOGUE.get(str(one["fact"]))
        if one["value"] is None:
            return self.tr("{fact} 没有数据").format(fact=one["label"])
        text = self.tr("{fact} {value}").format(fact=one["label"], value=self._value(str(one["value"]), fact))
        return text if one["on"] is None else self.tr("{text}（{on}）").format(text=text, on=one["on"])

    def _value(self, text: str, fact: Fact | None) -> str:
        if fact is None:
            return text
        if fact.kind is FactType.BOOLEAN:
            return self._words.value(text.lower() == "true", fact=fact)
        return self._words.value(text, fact=fact)

    # ── all segments ─────────────────────────────────────────────────────────────────────────────────────

    def membership(self, line: MembershipLine) -> str:
        """A time in a segment."""
        if line.left_on is None:
            text = self.tr("现在：{label}，{entered} 起（规则 v{version}）")
        else:
            text = self.tr("以前：{label}，{entered} 到 {left}（规则 v{version}）")
        return text.format(label=line.label, entered=line.entered_on, left=line.left_on, version=line.version)


def _standing_at(rule: Rule, node: Explained) -> Node | None:
    """The node in the rule's own tree; None for what stands in a rule that is referred to."""
    try:
        return at(rule.where, node.path)
    except Rejected:
        return None
