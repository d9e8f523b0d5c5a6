"""Why a customer is in a segment, or not: every line of the rule with what it saw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hcrm_core.rules.evaluation import Evidence, FactsRow, explain, reader
from hcrm_core.rules.lowering import Limit, Line, Surroundings, limits_of, lower_lines
from hcrm_core.rules.model import AllOf, AnyOf, Condition, Node, NotOf, Path, Reference, Rule

_WORDS = {True: "true", False: "false", None: "unknown"}
_RANKS = {False: 0, None: 1, True: 2}  # an "all" is as true as its least true part


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedNode:
    """One line as it was met.

    Attributes:
        path: where it stands; what a reference asks stands below it. Limits that keep the customer out follow the
            tree at (-1,), (-2,) and so on.
        kind: "all", "any", "not", "rule" or "fact"; of a limit "validity", "sites" or "exclusive".
        verdict: "true", "false" or "unknown"; of the line itself, before any "not" above it.
        evidence: of a condition, one for each eye it asks.
        decisive: another verdict of this line alone could change the whole.
        label: of the rule that is referred to or goes before, or the codes of the sites.
    """

    path: Path
    kind: str
    verdict: str
    evidence: tuple[Evidence, ...] = ()
    decisive: bool = False
    label: str = ""


def explain_nodes(rule: Rule, row: FactsRow, *, within: Surroundings) -> list[ExplainedNode]:
    """All lines of a rule in reading order, muted ones left out.

    Args:
        rule: looked at.
        row: facts by name; None or absent is unknown.
        within: parameters, other rules, sites and the business date.

    Raises:
        Rejected: as `lowering.lower_rule`.
    """
    lines = lower_lines(rule, within=within)
    ranks = {path: _RANKS[reader(line.lowered)(row)] for path, line in lines.items()}
    barred = [limit for limit in limits_of(rule, within=within) if reader(limit.lowered)(row) is False]
    weights = _weights(lines, ranks, barred=bool(barred))
    found = [
        ExplainedNode(
            path=path,
            kind=_kind(line.node),
            verdict=_WORDS[reader(line.lowered)(row)],
            evidence=_evidence(path, lines, row, within=within),
            decisive=len(set(weights[path])) > 1,
            label=within.rules[line.node.rule].label if isinstance(line.node, Reference) else "",
        )
        for path, line in lines.items()
    ]
    return [*found, *_keeping_out(barred)]


def _keeping_out(barred: list[Limit]) -> Iterator[ExplainedNode]:
    for number, limit in enumerate(barred, start=1):
        alone = len(barred) == 1
        yield ExplainedNode(path=(-number,), kind=limit.kind, verdict="false", decisive=alone, label=limit.label)


Weight = tuple[int, int, int]  # the rank of the whole if a line were false, unknown, true


def _weights(lines: Mapping[Path, Line], ranks: Mapping[Path, int], *, barred: bool) -> dict[Path, Weight]:
    weights: dict[Path, Weight] = {(): (0, 0, 0) if barred else (0, 1, 2)}
    for path in lines:
        if path:
            weights[path] = _weight(path, lines, ranks, above=weights[path[:-1]])
    return weights


def _weight(path: Path, lines: Mapping[Path, Line], ranks: Mapping[Path, int], *, above: Weight) -> Weight:
    group = lines[path[:-1]].node
    if isinstance(group, NotOf):
        return above[2], above[1], above[0]
    if isinstance(group, AllOf | AnyOf):
        beside = [ranks[other] for other in lines if other and other[:-1] == path[:-1] and other != path]
        cap = min if isinstance(group, AllOf) else max
        low, middle, high = (above[cap([rank, *beside])] for rank in (0, 1, 2))
        return low, middle, high
    return above


def _evidence(path: Path, lines: Mapping[Path, Line], row: FactsRow, *, within: Surroundings) -> tuple[Evidence, ...]:
    line = lines[path]
    if not isinstance(line.node, Condition):
        return ()
    above = (lines[path[:length]].node for length in range(len(path)))
    negated = sum(isinstance(node, NotOf) for node in above) % 2 == 1
    return tuple(explain(line.lowered, row, on=within.on, negated=negated))


def _kind(node: Node) -> str:
    kinds = {AllOf: "all", AnyOf: "any", NotOf: "not", Reference: "rule", Condition: "fact"}
    return kinds[type(node)]
