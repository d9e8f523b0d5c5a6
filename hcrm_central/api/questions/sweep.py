"""A parameter tried at several values: one scan, in which what the parameter does not touch is worked out once."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.columns import Columns
from hcrm_central.api.questions.trials import SLOW_SECONDS, asked_about, trying
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.compile import opposite
from hcrm_core.rules import Lowered, lower_rule
from hcrm_core.rules.evaluation import comparisons
from hcrm_core.rules.lowering import Certain, Every, Negation, Some
from hcrm_core.rules.messages import Sweep, SweepRequest


def sweep(here: Centre, who: SignedIn, request: SweepRequest) -> Sweep:
    """How many match at each value, wherever the parameter stands: in references and in rules that go before, too."""
    with asked_about(here, who, request, seconds=SLOW_SECONDS) as tried:
        swept = _Swept(Columns(), request.parameter)
        surroundings = (trying(tried.within, values={request.parameter: value}) for value in request.values)
        trees = [lower_rule(tried.rule, within=within) for within in surroundings]
        wanted = [func.count().filter(swept.verdict(tree)) for tree in trees]
        return Sweep(matching=list(tried.session.execute(select(*wanted).select_from(swept.columns.scanned())).one()))


@dataclass(frozen=True, slots=True)
class _Swept:
    """Trees that differ only where they use a parameter."""

    columns: Columns
    parameter: str

    def verdict(self, tree: Lowered) -> ColumnElement[bool]:
        """Of a tree, from columns: what does not use the parameter is the same column in all trees."""
        if not self._uses(tree):
            return self.columns.of(tree)
        if isinstance(tree, Every | Some):
            return self._joined(tree)
        if isinstance(tree, Negation):
            return opposite(self.verdict(tree.part))
        return self.verdict(tree.part).is_(True) if isinstance(tree, Certain) else self.columns.of(tree)

    def _joined(self, tree: Every | Some) -> ColumnElement[bool]:
        same = tuple(part for part in tree.parts if not self._uses(part))
        parts = [self.verdict(part) for part in tree.parts if self._uses(part)]
        parts += [self.columns.of(type(tree)(same))] if same else []
        return and_(*parts) if isinstance(tree, Every) else or_(*parts)

    def _uses(self, tree: Lowered) -> bool:
        return any(test.condition.parameter == self.parameter for test in comparisons(tree))
