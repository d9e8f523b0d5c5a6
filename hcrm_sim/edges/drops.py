"""Edges of atropine: the recheck at 90 days, a pause of 30, another strength, the end."""

from datetime import date

from hcrm_core.eye.age import years_before
from hcrm_core.terms import ProductKind
from hcrm_sim.edges.case import EdgeCase, EdgeDrops, EdgeOrder, ago, arrived, series

# 90 days: every 3 to 6 months (follow-up SOP table); given 3 days before. 30: what does not interrupt (docs/facts.md).
RECHECK_EDGES = (86, 87, 90, 91)
PAUSE_EDGES = (30, 31)
BEGUN = 300  # days ago


def drops_cases(today: date) -> list[EdgeCase]:
    """Children who take low-dose atropine, took it, or take another strength now."""
    cases = [_taking(today, days=days) for days in RECHECK_EDGES]
    return [*cases, *(_paused(today, days=days) for days in PAUSE_EDGES), _stronger(today), _stopped(today)]


def _child(today: date, *, key: str, why: str, drops: tuple[EdgeDrops, ...]) -> EdgeCase:
    """In single vision, here when the drops began and not since."""
    first = ago(today, BEGUN + 200)
    return EdgeCase(
        key=key,
        why=why,
        born=years_before(today, years=9),
        filed_on=first,
        exams=series([(first, -1.5), (drops[-1].on, -2.0)]),
        orders=(EdgeOrder(product=ProductKind.SINGLE_VISION, on=first),),
        drops=drops,
        visits=arrived(first, drops[-1].on),
    )


def _taking(today: date, *, days: int) -> EdgeCase:
    drops = (EdgeDrops(percent=0.05, on=ago(today, days)),)
    return _child(today, key=f"drops-{days}-days", why=f"takes atropine since {days} days", drops=drops)


def _paused(today: date, *, days: int) -> EdgeCase:
    former = EdgeDrops(percent=0.01, on=ago(today, BEGUN), ended_on=ago(today, 100 + days))
    drops = (former, EdgeDrops(percent=0.01, on=ago(today, 100)))
    return _child(today, key=f"drops-paused-{days}", why=f"atropine again after {days} days without", drops=drops)


def _stronger(today: date) -> EdgeCase:
    former = EdgeDrops(percent=0.01, on=ago(today, BEGUN), ended_on=ago(today, 60))
    drops = (former, EdgeDrops(percent=0.05, on=ago(today, 60)))
    return _child(today, key="drops-stronger", why="another strength of atropine since 60 days", drops=drops)


def _stopped(today: date) -> EdgeCase:
    drops = (EdgeDrops(percent=0.025, on=ago(today, BEGUN), ended_on=ago(today, 40)),)
    return _child(today, key="drops-stopped", why="stopped atropine 40 days ago", drops=drops)
