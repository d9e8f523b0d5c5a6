"""Which segments and SOPs a changed rule or parameter touches.

A rule touches its own segment, the rules that ask it, and those of its exclusive set; these again. It errs on the side
of more: looking at a segment once too often changes nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.jobs.scope import Scope
from hcrm_core.rules.messages import RuleState
from hcrm_store.journeys import RuleVersion, Sop


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """One version of a rule, as far as others hang on it."""

    rule_key: str
    segment_key: str
    exclusive: str
    asks: frozenset[str]  # words of its tree, keys of rules and parameters among them


def touched(session: Session, *, rules: Collection[str] = (), parameters: Collection[str] = ()) -> Scope:
    """Everybody, but only the segments and SOPs that a change of these rules or parameters may move.

    Args:
        rules: keys; also of rules that are no longer published.
        parameters: keys.
    """
    in_force = _standings(session, published=True)
    former = [one for one in _standings(session, published=False) if one.rule_key in rules]
    keys = _closure(in_force, {*rules, *_asking(in_force, parameters)}, exclusive={one.exclusive for one in former})
    segments = {one.segment_key for one in [*in_force, *former] if one.rule_key in keys}
    sops = {
        row.key
        for row in session.scalars(select(Sop))
        if row.definition.get("segment") in segments or not words(row.definition).isdisjoint(parameters)
    }
    return Scope(segments=segments, sops=sops)


def _standings(session: Session, *, published: bool) -> list[_Standing]:
    state = RuleState.PUBLISHED if published else RuleState.RETIRED
    versions = session.scalars(select(RuleVersion).where(RuleVersion.state == state.value))
    return [
        _Standing(
            rule_key=one.rule_key,
            segment_key=one.segment_key,
            exclusive=one.definition.get("exclusive", ""),
            asks=words(one.definition.get("where")),
        )
        for one in versions
    ]


def _asking(standings: Iterable[_Standing], keys: Collection[str]) -> set[str]:
    return {one.rule_key for one in standings if not one.asks.isdisjoint(keys)}


def _closure(in_force: Collection[_Standing], keys: set[str], *, exclusive: set[str]) -> set[str]:
    """The keys, whoever asks them or shares an exclusive set with them, and so on."""
    while True:
        sets = (exclusive | {one.exclusive for one in in_force if one.rule_key in keys}) - {""}
        wider = keys | _asking(in_force, keys) | {one.rule_key for one in in_force if one.exclusive in sets}
        if wider == keys:
            return keys
        keys = wider


def words(definition: Any) -> frozenset[str]:  # why Any: JSON
    """All texts in a definition, however deep."""
    if isinstance(definition, dict):
        return words(list(definition.values()))
    if isinstance(definition, list):
        return frozenset().union(*(words(one) for one in definition))
    return frozenset({definition} if isinstance(definition, str) else ())
