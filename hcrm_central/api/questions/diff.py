"""Who would enter a rule's segment, and who would leave, against today."""

from collections.abc import Iterator

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.loads import loads
from hcrm_central.api.questions.moves import Moves, moves, turnover
from hcrm_central.api.questions.sharing import shared
from hcrm_central.api.questions.trials import SLOW_SECONDS, asked_about
from hcrm_central.api.sessions import SignedIn
from hcrm_core.rules.messages import MOST_MOVERS, Diff, Mover, Split, Trial
from hcrm_store.organisation import Site, Staff
from hcrm_store.people import Customer


def diff(here: Centre, who: SignedIn, trial: Trial) -> Diff:
    """Against today's membership of the segment."""
    with asked_about(here, who, trial, seconds=SLOW_SECONDS) as tried:
        found = moves(tried.lowered, segment_key=tried.rule.segment.key)
        counted = turnover(tried.session, found)
        return Diff(
            stay=counted.stay,
            enter=counted.enter,
            leave=counted.leave,
            splits=list(_splits(tried.session, found)),
            movers=list(_movers(tried.session, found)),
            loads=list(loads(tried, found)),
            shared=shared(tried),
        )


def _splits(session: Session, found: Moves) -> Iterator[Split]:
    enter, leave = func.count().filter(found.enters), func.count().filter(found.leaves)
    query = (
        select(Site.name, Staff.name, enter, leave)
        .join_from(found.rows, Customer, Customer.id == found.rows.c.customer_id)
        .join(Site, Site.id == Customer.site_id)
        .join(Staff, Staff.id == Customer.assistant_id, isouter=True)
        .where(or_(found.enters, found.leaves))
        .group_by(Site.id, Staff.id)
        .order_by(Site.code, Staff.code.nulls_last())
    )
    for site, person, entering, leaving in session.execute(query):
        yield Split(site=site, person=person or "", enter=entering, leave=leaving)


def _movers(session: Session, found: Moves) -> Iterator[Mover]:
    """Those who enter, then those who leave."""
    enters = found.enters.label("enters")
    query = (
        select(Customer.id, Customer.name, Site.name, Staff.name, enters)
        .join_from(found.rows, Customer, Customer.id == found.rows.c.customer_id)
        .join(Site, Site.id == Customer.site_id)
        .join(Staff, Staff.id == Customer.assistant_id, isouter=True)
        .where(or_(found.enters, found.leaves))
        .order_by(enters.desc(), Site.code, Staff.code.nulls_last(), Customer.id)
        .limit(MOST_MOVERS)
    )
    for customer_id, name, site, person, entering in session.execute(query):
        yield Mover(customer_id=customer_id, name=name, site=site, person=person or "", enters=entering)
