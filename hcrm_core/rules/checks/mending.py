"""Fixes: a rule with one thing mended."""

from typing import Any

from hcrm_core.errors import Rejected
from hcrm_core.rules.editing import removed, replaced
from hcrm_core.rules.model import Condition, Node, Path, Rule


def without(rule: Rule, path: Path) -> Rule | None:
    """The rule without a line, None if nothing would be left."""
    try:
        where, _ = removed(rule.where, path)
    except Rejected:
        return None
    return rule.model_copy(update={"where": where})


def instead(rule: Rule, path: Path, node: Node) -> Rule:
    """The rule with another node at a path."""
    where, _ = replaced(rule.where, path, node)
    return rule.model_copy(update={"where": where})


def altered(rule: Rule, path: Path, condition: Condition, **values: Any) -> Rule:
    """The rule with a condition that differs in some fields."""
    return instead(rule, path, condition.model_copy(update=values))
