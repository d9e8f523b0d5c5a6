"""Which segments and SOPs a changed rule or parameter touches.

A rule touches its own segment, the rules that ask it, and those of its exclusive set; these again. It errs on the side
of more: looking at a segment once too often changes nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.jobs.scope import Scope
from hcrm_core.rules.messages import RuleState
from hcrm_store.journeys import RuleVersion, Sop


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """One version of a rule, as far as it hangs on others.

    Attributes:
        asks: keys of rules.
        uses: keys of parameters.
    """

    rule_key: str
    segment_key: str
    exclusive: str
    asks: frozenset[str]
    uses: frozenset[str]


def touched(session: Session, *, rules: Collection[str] = (), parameters: Collection[str] = ()) -> Scope:
    """Everybody, but only the segments and SOPs that a change of these rules or parameters may move.

    Args:
        rules: keys; also of rules that are no longer published.
        parameters: keys.
    """
    in_force = _standings(session, state=RuleState.PUBLISHED)
    former = [one for one in _standings(session, state=RuleState.RETIRED) if one.rule_key in rules]
    using = {one.rule_key for one in in_force if not one.uses.isdisjoint(parameters)}
    keys = _closure(in_force, {*rules, *using}, former_sets={one.exclusive for one in former})
    segments = {one.segment_key for one in [*in_force, *former] if one.rule_key in keys}
    hanging = segments | set(parameters)
    sops = {row.key for row in session.scalars(select(Sop)) if not texts(row.definition).isdisjoint(hanging)}
    return Scope(segments=segments, sops=sops)


def _standings(session: Session, *, state: RuleState) -> list[_Standing]:
    return [
        _Standing(
            rule_key=one.rule_key,
            segment_key=one.segment_key,
            exclusive=one.definition.get("exclusive", ""),
            asks=named(one.definition.get("where"), "rule"),
            uses=named(one.definition.get("where"), "parameter"),
        )
        for one in session.scalars(select(RuleVersion).where(RuleVersion.state == state.value))
    ]


def _closure(in_force: Collection[_Standing], keys: set[str], *, former_sets: set[str]) -> set[str]:
    """The keys, whoever asks them or shares an exclusive set with them, and so on."""
    while True:
        sets = (former_sets | {one.exclusive for one in in_force if one.rule_key in keys}) - {""}
        met = {one.rule_key for one in in_force if one.exclusive in sets or not one.asks.isdisjoint(keys)}
        if met <= keys:
            return keys
        keys = keys | met


def named(definition: Any, name: str) -> frozenset[str]:  # why Any: JSON
    """All texts that stand at a name, however deep."""
    if isinstance(definition, list):
        return frozenset().union(*(named(one, name) for one in definition))
    if not isinstance(definition, dict):
        return frozenset()
    here = definition.get(name)
    return named(list(definition.values()), name) | ({here} if isinstance(here, str) else set())


def texts(definition: Any) -> frozenset[str]:  # why Any: JSON
    """All texts, however deep: an SOP names its segment, and parameters in its condition and as its intervals."""
    if isinstance(definition, dict):
        return texts(list(definition.values()))
    if isinstance(definition, list):
        return frozenset().union(*(texts(one) for one in definition))
    return frozenset({definition} if isinstance(definition, str) else ())
