"""How many customers a rule matches, and each of its lines: one scan."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, func, or_, select

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.columns import Columns
from hcrm_central.api.questions.trials import QUICK_SECONDS, Tried, asked_about
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.compile import opposite
from hcrm_core.rules import Node
from hcrm_core.rules.lowering import limits_of, lower_nodes
from hcrm_core.rules.messages import Counts, NodeCount, Trial
from hcrm_core.rules.model import AllOf, NotOf, Path, nodes

Verdicts = Mapping[Path, ColumnElement[bool]]


def counts(here: Centre, who: SignedIn, trial: Trial) -> Counts:
    """The live count."""
    with asked_about(here, who, trial, seconds=QUICK_SECONDS) as tried:
        return _counted(tried)


def _counted(tried: Tried) -> Counts:
    columns, tree = Columns(), dict(nodes(tried.rule.where))
    verdicts = _verdicts(tried, tree, columns)
    limits = [columns.of(limit.lowered) for limit in limits_of(tried.rule, within=tried.within)]
    whole = and_(verdicts[()], *limits)
    wanted = [func.count(), _many(whole), _many(whole.is_(None))]
    for path, verdict in verdicts.items():
        wanted += [_many(verdict), _many(verdict.is_(None)), _many(_so_far(path, tree, verdicts))]
    customers, matching, open_, *rest = tried.session.execute(select(*wanted).select_from(columns.scanned())).one()
    lines = zip(verdicts, rest[0::3], rest[1::3], rest[2::3], strict=True)
    told = [NodeCount(path=path, matching=met, open=unsure, left=left) for path, met, unsure, left in lines]
    return Counts(customers=customers, matching=matching, open=open_, nodes=told)


def _many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _verdicts(tried: Tried, tree: Mapping[Path, Node], columns: Columns) -> Verdicts:
    """Of each line by itself, in reading order; groups from their parts."""
    lowered = lower_nodes(tried.rule, within=tried.within)
    found: dict[Path, ColumnElement[bool]] = {}
    for path in reversed(lowered):  # parts before their groups
        parts = [found[below] for below in lowered if below and below[:-1] == path]
        found[path] = _joined(tree[path], parts) if parts else columns.of(lowered[path])
    return {path: found[path] for path in lowered}


def _joined(group: Node, parts: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    if isinstance(group, NotOf):
        return opposite(parts[0])
    return and_(*parts) if isinstance(group, AllOf) else or_(*parts)


def _so_far(path: Path, tree: Mapping[Path, Node], verdicts: Verdicts) -> ColumnElement[bool]:
    """In an "all", a part and all before it; elsewhere the part."""
    if not path or not isinstance(tree[path[:-1]], AllOf):
        return verdicts[path]
    before = (other for other in verdicts if other and other[:-1] == path[:-1] and other <= path)
    return and_(*(verdicts[other] for other in before))
