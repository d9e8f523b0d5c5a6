"""Rules as data: model, checking, lowering to a business date, evaluation and explanation."""

from hcrm_core.rules.checking import check
from hcrm_core.rules.evaluation import Evidence, Verdict, evaluate, explain, names_in
from hcrm_core.rules.lowering import Lowered, Surroundings, lower, lower_rule
from hcrm_core.rules.model import Condition, Node, Parameter, Rule, SegmentSpec

__all__ = [
    "Condition",
    "Evidence",
    "Lowered",
    "Node",
    "Parameter",
    "Rule",
    "SegmentSpec",
    "Surroundings",
    "Verdict",
    "check",
    "evaluate",
    "explain",
    "lower",
    "lower_rule",
    "names_in",
]
