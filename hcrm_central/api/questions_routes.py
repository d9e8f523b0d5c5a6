"""The addresses of questions about rules."""

from uuid import UUID

from fastapi import APIRouter

from hcrm_central.api.context import CentreOf, ManagerOf
from hcrm_central.api.questions import counts as counts_
from hcrm_central.api.questions import diff as diff_
from hcrm_central.api.questions import histogram as histogram_
from hcrm_central.api.questions import overlap as overlap_
from hcrm_central.api.questions import sweep as sweep_
from hcrm_central.api.refusals import documented
from hcrm_central.api.rules_routes import OF_MANAGERS
from hcrm_core.rules.messages import Counts, Diff, Histogram, LeafTrial, Overlap, Sweep, SweepRequest, Trial
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


@router.post("/questions/overlap", responses=documented(*OF_QUESTIONS))
def overlap(here: CentreOf, who: ManagerOf, body: Trial) -> Overlap:
    """How many are in two segments at once."""
    return overlap_.overlap(here, who, body)


@router.delete("/questions/{ask}", status_code=204, responses=documented(*OF_MANAGERS))
def call_off(here: CentreOf, who: ManagerOf, ask: UUID) -> None:
    """The answer to a question of one's own is not of interest any more."""
    here.questions.call_off(who.principal.account_id, ask)
