"""What changed between two versions of a rule, in Chinese sentences."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject

from hcrm_core.rules import Rule
from hcrm_core.rules.differences import Change, Difference, differences
from hcrm_core.rules.editing import at
from hcrm_core.rules.model import Node, Path, children
from hcrm_desktop.views.rules.wording import RuleWords, is_group


class VersionWords(QObject):
    """Says differences line by line."""

    def __init__(self, words: RuleWords) -> None:
        super().__init__(words)
        self._words = words

    def sentences(self, before: Rule, after: Rule) -> list[str]:
        """All that changed, each said once: several fields of a line are one change to whoever reads it."""
        found = [self._sentence(one, before, after) for one in differences(before, after)]
        return list(dict.fromkeys(found))

    def _sentence(self, one: Difference, before: Rule, after: Rule) -> str:
        if one.change is Change.HEAD:
            return self._head(one)
        if one.change is Change.ADDED:
            return self.tr("新增：{line}").format(line=self._line(after, one.after, raw=one.now))
        if one.change is Change.REMOVED:
            return self.tr("删除：{line}").format(line=self._line(before, one.before, raw=one.was))
        if one.change is Change.MOVED:
            return self.tr("移动：{line}").format(line=self._words.node(_node(after, one.after)))
        return self._changed(_node(before, one.before), _node(after, one.after), one)

    def _line(self, rule: Rule, path: Path | None, *, raw: Any) -> str:
        """A group of which lines stay elsewhere is told by its kind alone: those that stay are neither new nor gone."""
        node = _node(rule, path)
        if is_group(node) and not _is_whole(node, raw):
            return self.tr("“{group}”组").format(group=self._words.group(node))
        return self._words.node(node)

    def _changed(self, before: Node, after: Node, one: Difference) -> str:
        if one.change is Change.GROUP:
            was, now = self._words.group(before), self._words.group(after)
        else:
            was, now = self._said(before), self._said(after)
        if was == now:  # e.g. the citation: the sentence does not name it
            return self.tr("“{line}”的说明或依据改了").format(line=now)
        return self.tr("“{was}”改为“{now}”").format(was=was, now=now)

    def _said(self, node: Node) -> str:
        return self._words.group(node) if is_group(node) and not node.muted else self._words.node(node)

    def _head(self, one: Difference) -> str:
        if one.field == "cases":
            return self.tr("用例：{was} 个 → {now} 个，内容有改动").format(was=len(one.was), now=len(one.now))
        name = self._names().get(one.field, one.field)
        return self.tr("{name}：{was} → {now}").format(name=name, was=self._value(one.was), now=self._value(one.now))

    def _value(self, value: Any) -> str:
        if isinstance(value, list):
            return self.tr("、").join(map(str, value)) or self.tr("（空）")
        return self.tr("（空）") if value in (None, "") else str(value)

    def _names(self) -> Mapping[str, str]:
        return {
            "label": self.tr("规则名称"),
            "requirement": self.tr("需求编号"),
            "citation": self.tr("说明与依据"),
            "sites": self.tr("院区范围"),
            "valid_from": self.tr("有效期从"),
            "valid_until": self.tr("有效期到"),
            "exclusive": self.tr("互斥组"),
            "priority": self.tr("优先级"),
            "segment.key": self.tr("客群标识"),
            "segment.label": self.tr("客群名称"),
            "segment.tone": self.tr("客群颜色"),
            "segment.rank": self.tr("客群次序"),
        }


def _node(rule: Rule, path: Path | None) -> Node:
    assert path is not None
    return at(rule.where, path)


def _is_whole(node: Node, raw: Any) -> bool:
    """Whether all that is in a group came or went with it."""
    told = raw.get("all", raw.get("any"))
    told = told if isinstance(told, list) else [one for one in (raw.get("not"),) if one is not None]
    kids = children(node)
    return len(told) == len(kids) and all(
        not is_group(kid) or _is_whole(kid, one) for kid, one in zip(kids, told, strict=True)
    )
