"""One contact a day per family: several due tasks of its children are said in one.

The ledger keeps one task for each child and reason; they go to one person, who sees them as one line.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from hcrm_central.jobs.dealing import Recipient
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.membership import among
from hcrm_core.tasks import CLOSED
from hcrm_core.terms import Outcome
from hcrm_store.care import FollowUp
from hcrm_store.clock import SHANGHAI
from hcrm_store.journeys import Task
from hcrm_store.people import Customer

_UNANSWERED = [Outcome.NO_ANSWER.value, Outcome.WRONG_NUMBER.value]


home = func.coalesce(Customer.family_id, Customer.id)  # who has no family is his own


def homes_reached(session: Session, *, on: date, scope: Scope) -> list[UUID]:
    """Families of a scope with whom somebody spoke on a day, about any of their children."""
    begin = datetime.combine(on, time(), tzinfo=SHANGHAI)
    query = (
        select(home)
        .join_from(FollowUp, Customer, Customer.id == FollowUp.customer_id)
        .where(FollowUp.contacted_at >= begin, FollowUp.contacted_at < begin + timedelta(days=1))
        .where(FollowUp.outcome.not_in(_UNANSWERED))
        .distinct()
    )
    if scope.only is not None:
        query = query.where(_at(session.scalars(select(home).where(scope.on(Customer.id))).all()))
    return list(session.scalars(query))


def _at(homes: Collection[UUID]) -> ColumnElement[bool]:
    """The customers of these homes. By two columns with an index each: `home` itself would read every customer."""
    return or_(Customer.id == among(homes), Customer.family_id == among(homes))


def joining(session: Session, recipients: Sequence[Recipient], *, on: date) -> int:
    """How many of some new tasks are said in one contact with another one that is due."""
    homes = [one.family_id or one.customer_id for one in recipients]
    if not homes:
        return 0
    query = (
        select(home)
        .join_from(Task, Customer, Customer.id == Task.customer_id)
        .where(_at(set(homes)), Task.state.not_in(CLOSED), func.coalesce(Task.next_on, Task.due_on) <= on)
        .distinct()
    )
    expecting = set(session.scalars(query))
    return len(homes) - len(set(homes) - expecting)
