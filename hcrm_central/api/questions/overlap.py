"""How many are in two segments at once: what the trial would mark, against what is marked now. One GROUP BY."""

from collections.abc import Sequence

from sqlalchemy import func, select

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.trials import SLOW_SECONDS, Tried, asked_about
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.compile import predicate
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.rules.messages import Overlap, Trial
from hcrm_store.journeys import Segment

Group = tuple[frozenset[str], int]  # segments, and how many are in all of these and in no other


def overlap(here: Centre, who: SignedIn, trial: Trial) -> Overlap:
    """The trial's segment as it would be, and all others as they are."""
    with asked_about(here, who, trial, seconds=SLOW_SECONDS) as tried:
        own, groups = tried.rule.segment, _groups(tried)
        query = select(Segment.key, Segment.label).where(Segment.key != own.key).order_by(Segment.rank, Segment.key)
        others = [(row.key, row.label) for row in tried.session.execute(query)]
    found = [(own.key, own.label), *(one for one in others if _size(groups, one[0]))]
    keys = [key for key, _ in found]
    both = [[_size(groups, one, other) for other in keys] for one in keys]
    return Overlap(segments=keys, labels=[label for _, label in found], both=both)


def _size(groups: Sequence[Group], *keys: str) -> int:
    return sum(many for segments, many in groups if segments.issuperset(keys))


def _groups(tried: Tried) -> list[Group]:
    """How many customers are in the very same segments."""
    own, verdict = tried.rule.segment.key, predicate(tried.lowered).is_(True).label("wanted")
    marked = select(CUSTOMER_FACTS.c.segments, verdict).subquery("marked").c
    query = select(marked.segments, marked.wanted, func.count()).group_by(marked.segments, marked.wanted)
    return [
        (frozenset(segments) - {own} | ({own} if wanted else set()), many)
        for segments, wanted, many in tried.session.execute(query)
        if wanted or segments
    ]
