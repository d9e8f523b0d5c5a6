"""Rules as data: model, checking, lowering to a business date, evaluation and explanation."""

from hcrm_core.rules.checking import check
from hcrm_core.rules.evaluation import Evidence, Verdict, evaluate, explain, may_stay_open, names_in
from hcrm_core.rules.explaining import ExplainedNode, explain_nodes
from hcrm_core.rules.flipping import Step, flips
from hcrm_core.rules.lowering import Lowered, Surroundings, lower, lower_rule
from hcrm_core.rules.model import Condition, Node, Parameter, Rule, SegmentSpec

__all__ = [
    "Condition",
    "Evidence",
    "ExplainedNode",
    "Lowered",
    "Node",
    "Parameter",
    "Rule",
    "SegmentSpec",
    "Step",
    "Surroundings",
    "Verdict",
    "check",
    "evaluate",
    "explain",
    "explain_nodes",
    "flips",
    "lower",
    "lower_rule",
    "may_stay_open",
    "names_in",
]
