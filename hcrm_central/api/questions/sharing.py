"""How many whom a rule asks for are in segments that exclude its own."""

from sqlalchemy import func, select

from hcrm_central.api.questions.trials import Tried
from hcrm_central.jobs.compile import predicate
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.rules import lower_rule
from hcrm_store.journeys import Membership


def shared(tried: Tried) -> dict[str, int]:
    """By segment as it is. Asked of the rule as if nothing went before it; of one that excludes nothing, nothing."""
    rule, rivals = tried.rule, tried.within.rules.values()
    others = {one.segment.key for one in rivals if rule.exclusive and one.exclusive == rule.exclusive}
    others -= {rule.segment.key}
    if not others:
        return {}
    alone = lower_rule(rule.model_copy(update={"exclusive": ""}), within=tried.within)
    query = (
        select(Membership.segment_key, func.count())
        .join(CUSTOMER_FACTS, CUSTOMER_FACTS.c.customer_id == Membership.customer_id)
        .where(Membership.left_on.is_(None), Membership.segment_key.in_(others), predicate(alone))
        .group_by(Membership.segment_key)
    )
    return {row[0]: row[1] for row in tried.session.execute(query)}
