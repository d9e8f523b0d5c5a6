"""The addresses of questions about rules."""

from uuid import UUID

from fastapi import APIRouter

from hcrm_central.api.context import CarerOf, CentreOf, ManagerOf
from hcrm_central.api.questions import backtest as backtest_
from hcrm_central.api.questions import counts as counts_
from hcrm_central.api.questions import diff as diff_
from hcrm_central.api.questions import explain as explain_
from hcrm_central.api.questions import histogram as histogram_
from hcrm_central.api.questions import overlap as overlap_
from hcrm_central.api.questions import parameter as parameter_
from hcrm_central.api.questions import standing as standing_
from hcrm_central.api.questions import sweep as sweep_
from hcrm_central.api.refusals import documented
from hcrm_central.api.rules_routes import OF_MANAGERS
from hcrm_core.rules.messages import (
    Backtest,
    Counts,
    Diff,
    ExplainRequest,
    Explanation,
    Histogram,
    LeafTrial,
    Overlap,
    ParameterEffect,
    ParameterTrial,
    Standing,
    Sweep,
    SweepRequest,
    Trial,
)
from hcrm_core.wire import RefusalCode

router = APIRouter()

OF_QUESTIONS = (*OF_MANAGERS, RefusalCode.ASKED_TOO_MUCH, RefusalCode.CALLED_OFF)


@router.post("/questions/counts", responses=documented(*OF_QUESTIONS))
def counts(here: CentreOf, who: ManagerOf, body: Trial) -> Counts:
    """How many customers a rule matches, and each of its lines."""
    return counts_.counts(here, who, body)


@router.post("/questions/histogram", responses=documented(*OF_QUESTIONS))
def histogram(here: CentreOf, who: ManagerOf, body: LeafTrial) -> Histogram:
    """How the match hangs on one condition's threshold."""
    return histogram_.histogram(here, who, body)


@router.post("/questions/sweep", responses=documented(*OF_QUESTIONS))
def sweep(here: CentreOf, who: ManagerOf, body: SweepRequest) -> Sweep:
    """How the match hangs on a parameter."""
    return sweep_.sweep(here, who, body)


@router.post("/questions/diff", responses=documented(*OF_QUESTIONS))
def diff(here: CentreOf, who: ManagerOf, body: Trial) -> Diff:
    """Who would enter and who would leave against today."""
    return diff_.diff(here, who, body)


@router.post("/questions/backtest", responses=documented(*OF_QUESTIONS))
def backtest(here: CentreOf, who: ManagerOf, body: Trial) -> Backtest:
    """Had a rule run on each of the last days."""
    return backtest_.backtest(here, who, body)


@router.post("/questions/overlap", responses=documented(*OF_QUESTIONS))
def overlap(here: CentreOf, who: ManagerOf, body: Trial) -> Overlap:
    """How many are in two segments at once."""
    return overlap_.overlap(here, who, body)


@router.post("/questions/parameter", responses=documented(*OF_QUESTIONS))
def parameter(here: CentreOf, who: ManagerOf, body: ParameterTrial) -> ParameterEffect:
    """What another value of a parameter would change."""
    return parameter_.parameter(here, who, body)


@router.post("/questions/explain", responses=documented(*OF_QUESTIONS))
def explain(here: CentreOf, who: ManagerOf, body: ExplainRequest) -> Explanation:
    """Why a customer matches a rule, or not."""
    return explain_.explain(here, who, body)


@router.delete("/questions/{ask}", status_code=204, responses=documented(*OF_MANAGERS))
def call_off(here: CentreOf, who: ManagerOf, ask: UUID) -> None:
    """The answer to a question of one's own is not of interest any more."""
    here.questions.call_off(who.principal.account_id, ask)


@router.get("/customers/{customer_id}/segments", responses=documented(*OF_MANAGERS))
def standing(here: CentreOf, who: CarerOf, customer_id: UUID) -> Standing:
    """All segments of a customer, present and past."""
    return standing_.standing(here, who, customer_id=customer_id)
