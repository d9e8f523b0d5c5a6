"""What a change of a segment means for those who work with it: the tasks its SOPs would add by tomorrow."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.api.questions.moves import Moves
from hcrm_central.api.questions.trials import Tried
from hcrm_central.api.rules.shelf import CAPACITY
from hcrm_central.jobs.calling import recipients
from hcrm_central.jobs.dealing import Dealer
from hcrm_central.jobs.rulebook import Rulebook, SopInForce, read_rulebook
from hcrm_central.jobs.scope import Scope
from hcrm_core.rules.lowering import ALWAYS
from hcrm_core.rules.messages import Load
from hcrm_core.tasks import CLOSED
from hcrm_store.journeys import Task
from hcrm_store.organisation import Site, Staff

Person = tuple[UUID, UUID | None]  # a site, and who works with its customers, None where nobody can be found


def loads(tried: Tried, found: Moves) -> Iterator[Load]:
    """By SOP, the most urgent first, then by person: everybody who would get a task."""
    tomorrow = tried.within.on + timedelta(days=1)
    rulebook = read_rulebook(tried.session, on=tomorrow)
    sops = [one for one in rulebook.sops if one.sop.segment == tried.rule.segment.key]
    entering = tried.session.scalars(select(found.rows.c.customer_id).where(found.enters)).all() if sops else []
    if not entering:
        return
    due, named, dealer = _due_by(tried.session, tomorrow), _Names(tried.session), Dealer(tried.session)
    for one in sops:
        tried.question.require_wanted()
        added = _added(tried.session, one, rulebook, dealer=dealer, entering=entering)
        for person in sorted(added, key=named.order):
            yield Load(
                site=named.site(person),
                person=named.person(person),
                sop_key=one.sop.key,
                open=due.get(person[1], 0),
                new=added[person],
                capacity=rulebook.capacity or CAPACITY,
            )


def _added(
    session: Session, one: SopInForce, rulebook: Rulebook, *, dealer: Dealer, entering: Sequence[UUID]
) -> Counter[Person]:
    """Tasks an SOP would add for these customers, if they were in its segment."""
    sop = one.sop.model_copy(update={"segment": None})
    anyway = replace(one, sop=sop, when=one.when or ALWAYS)
    found = recipients(session, anyway, rulebook, scope=Scope(only=entering))
    return Counter((who.site_id, dealer.holder(who, role=one.sop.owner)) for who in found)


def _due_by(session: Session, on: date) -> dict[UUID | None, int]:
    """What each has to do by a day as things are."""
    query = (
        select(Task.owner_id, func.count())
        .where(Task.state.not_in(CLOSED), func.coalesce(Task.next_on, Task.due_on) <= on)
        .group_by(Task.owner_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


class _Names:
    """What sites and staff are called."""

    def __init__(self, session: Session) -> None:
        sites = session.execute(select(Site.id, Site.code, Site.name))
        staff = session.execute(select(Staff.id, Staff.code, Staff.name))
        self._sites: dict[UUID, tuple[str, str]] = {row.id: (row.code, row.name) for row in sites}
        self._staff: dict[UUID | None, tuple[str, str]] = {row.id: (row.code, row.name) for row in staff}

    def site(self, person: Person) -> str:
        return self._sites[person[0]][1]

    def person(self, person: Person) -> str:
        return self._staff.get(person[1], ("", ""))[1]

    def order(self, person: Person) -> tuple[str, str]:
        return self._sites[person[0]][0], self._staff.get(person[1], ("", ""))[0]
