"""Why a rule or an SOP spoke, in words: the values it saw, the day of each, and the number they were held against."""

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QObject

from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.views.words import Words

Evidence = Mapping[str, Any]  # why Any: hcrm_core.rules.evaluation.Evidence as JSON


class EvidenceWords(QObject):
    """Turns evidence into sentences. What is not known is said, never left out."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def sentence(self, evidence: Iterable[Evidence]) -> str:
        """What decided, in one line: conditions that are met and carry a number first."""
        met = [one for one in evidence if self._decides(one)]
        met.sort(key=lambda one: (one.get("quantity") is None and not one.get("unit"), bool(one.get("negated"))))
        return self.tr("；").join(self.value(one) for one in met[:2])

    def lines(self, evidence: Iterable[Evidence]) -> list[str]:
        """Every condition with its value, its day and its threshold."""
        return [self._line(one) for one in evidence]

    def value(self, one: Evidence) -> str:
        """A fact and its value: "右眼定片日期 2025-03-01（已 631 天）"."""
        eye = one.get("eye")
        label = (self._words.eye(Eye(eye)) if eye else "") + str(one.get("label", ""))
        if one.get("value") is None:
            return self.tr("{label} 未知").format(label=label)
        text = self.tr("{label} {value}{unit}").format(
            label=label, value=self._value_word(one), unit=str(one.get("unit") or "")
        )
        return text + self._aside(one)

    def _line(self, one: Evidence) -> str:
        threshold = self._threshold(one)
        wanted = self.tr("（{threshold}）").format(threshold=threshold) if threshold else ""
        return self.tr("{mark} {value}{wanted}").format(mark=self._mark(one), value=self.value(one), wanted=wanted)

    def _mark(self, one: Evidence) -> str:
        """Whether the rule got what it asks for, which may be that the condition does not hold."""
        if one.get("verdict") not in ("true", "false"):
            return self.tr("?")
        wanted = "false" if one.get("negated") else "true"
        return self.tr("✓") if one["verdict"] == wanted else self.tr("✗")

    def _decides(self, one: Evidence) -> bool:
        return one.get("verdict") == "true" and not one.get("negated") and one.get("value") is not None

    def _value_word(self, one: Evidence) -> str:
        value = str(one["value"])
        if value in ("true", "false"):
            return self.tr("是") if value == "true" else self.tr("否")
        products = {kind.value: self._words.product(kind) for kind in ProductKind}
        return products.get(value, value)

    def _aside(self, one: Evidence) -> str:
        quantity, unit = one.get("quantity"), str(one.get("threshold_unit") or "")
        if quantity is None:
            return self.tr("（{day} 测）").format(day=one["on"]) if one.get("on") else ""
        ahead = quantity if str(one.get("operator", "")).startswith("in_") else -quantity
        if ahead > 0:
            return self.tr("（还有 {n} {unit}）").format(n=ahead, unit=unit)
        return self.tr("（已 {n} {unit}）").format(n=-ahead, unit=unit)

    def _threshold(self, one: Evidence) -> str:
        threshold, unit = str(one.get("threshold") or ""), str(one.get("threshold_unit") or "")
        sign = self._sign(one)
        if not threshold or not sign or one.get("value") is None:
            return ""
        return self.tr("要求 {sign} {threshold} {unit}").format(sign=sign, threshold=threshold, unit=unit).strip()

    def _sign(self, one: Evidence) -> str:
        """As the rule asks it: of a condition that must not hold, the opposite."""
        ending = str(one.get("operator", "")).rsplit("_", 1)[-1]
        if one.get("negated"):
            ending = {"ge": "lt", "gt": "le", "le": "gt", "lt": "ge"}.get(ending, "")
        return {"ge": self.tr("≥"), "gt": self.tr("＞"), "le": self.tr("≤"), "lt": self.tr("＜")}.get(ending, "")
