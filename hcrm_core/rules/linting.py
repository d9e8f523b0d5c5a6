"""Checks of a rule beyond its form, each with a mend where one is thinkable. Docs: docs/rules.md, "checks".

`checking.check` says whether a tree can be read at all; these say whether it means what its author wanted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from hcrm_core.errors import Rejected
from hcrm_core.rules.checking import check
from hcrm_core.rules.lowering import Lowered, Surroundings, lower_nodes, lower_rule
from hcrm_core.rules.model import Condition, Node, Path, Rule, nodes
from hcrm_core.rules.reach import Reach, everything


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # not published
    WARNING = "warning"  # published once somebody has read it
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a rule.

    Attributes:
        code: what it is; the words are the desktop's.
        level: how much it matters.
        path: the line it is about, None for the whole rule.
        args: plain values for the words: names of facts and parameters, numbers as text.
        fix: the rule mended, or None.
    """

    code: str
    level: Level
    path: Path | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    fix: Rule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What only the centre knows.

    Attributes:
        customers: in the group.
        unknown: by fact, the share of customers of whom it is not known.
        matching: customers who match the rule as it stands, None if not counted yet.
        open: of whom it needs a measurement.
        shared: by segment, how many of the matching are in it too.
        most_tasks: by person, tasks due tomorrow with this rule.
        capacity: tasks a person is given a day.
    """

    customers: int
    unknown: Mapping[str, float] = field(default_factory=dict)
    matching: int | None = None
    open: int | None = None
    shared: Mapping[str, int] = field(default_factory=dict)
    most_tasks: Mapping[str, int] = field(default_factory=dict)
    capacity: int | None = None


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A rule that can be read, with what the checks share."""

    rule: Rule
    within: Surroundings
    statistics: Statistics | None

    @cached_property
    def nodes(self) -> Sequence[tuple[Path, Node]]:
        return list(nodes(self.rule.where))

    @cached_property
    def conditions(self) -> Sequence[tuple[Path, Condition]]:
        return [(path, node) for path, node in self.nodes if isinstance(node, Condition)]

    @cached_property
    def lowered(self) -> Mapping[Path, Lowered]:
        """Of every line that is not muted."""
        return lower_nodes(self.rule, within=self.within)

    @cached_property
    def whole(self) -> Lowered:
        """The tree alone: a site or a day of validity contradicts nothing."""
        return self.lowered[()]

    @cached_property
    def reach(self) -> Reach:
        return everything(self.whole)


def lint(rule: Rule, *, within: Surroundings, statistics: Statistics | None = None) -> list[Finding]:
    """All findings, errors first, then in reading order. A rule that cannot be read gets only the reasons for that.

    Args:
        rule: as it stands in the editor.
        within: parameters, other rules and sites; the rule's own published version among them does no harm.
        statistics: counts, once the centre has answered.
    """
    from hcrm_core.rules.checks import ALL  # they are written in terms of this module

    found = list(_unreadable(rule, within=within))
    if not found:
        looked = Looked(rule=rule, within=within, statistics=statistics)
        found = [finding for one in ALL for finding in one(looked)]
    rank = list(Level)
    return sorted(found, key=lambda finding: (rank.index(finding.level), finding.path or ()))


def _unreadable(rule: Rule, *, within: Surroundings) -> Iterator[Finding]:
    paths = [path for path, node in nodes(rule.where) if isinstance(node, Condition)]
    problems = check(rule.where, parameters=within.parameters)
    for problem in problems:
        number, _, fact = (problem.field or "").partition(":")
        yield Finding(code=problem.code, level=Level.ERROR, path=paths[int(number) - 1], args={"fact": fact})
    if problems:
        return  # what cannot be read cannot be lowered
    try:
        lower_rule(rule, within=within)
    except Rejected as error:
        if error.code in _OF_THE_WHOLE:
            yield Finding(code=error.code, level=Level.ERROR)


_OF_THE_WHOLE = {"rule_empty", "rule_cycle", "rule_unknown", "rule_too_large", "site_unknown"}
