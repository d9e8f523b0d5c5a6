"""Who would be in a segment, against who is."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Subquery, and_, any_, exists, func, literal, not_, select
from sqlalchemy.orm import Session

from hcrm_central.jobs.compile import predicate
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.tables import Quarantine
from hcrm_core.rules import Lowered

_FACTS = CUSTOMER_FACTS.c


@dataclass(frozen=True, slots=True)
class Moves:
    """Everybody who has facts, as rows to select from. Who is set aside stays where he is, as in the scan."""

    rows: Subquery

    @property
    def stays(self) -> ColumnElement[bool]:
        return and_(self.rows.c.wanted, self.rows.c.inside)

    @property
    def enters(self) -> ColumnElement[bool]:
        return and_(self.rows.c.wanted, not_(self.rows.c.inside))

    @property
    def leaves(self) -> ColumnElement[bool]:
        return and_(self.rows.c.inside, not_(self.rows.c.wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """How many."""

    stay: int
    enter: int
    leave: int


def moves(lowered: Lowered, *, segment_key: str) -> Moves:
    """What a rule that marks a segment would do to it now."""
    is_inside = literal(segment_key) == any_(_FACTS.segments)
    aside = exists().where(Quarantine.customer_id == _FACTS.customer_id)
    wanted = (predicate(lowered).is_(True) & ~aside) | (is_inside & aside)
    query = select(_FACTS.customer_id, wanted.label("wanted"), is_inside.label("inside"))
    return Moves(query.subquery("moves"))


def turnover(session: Session, found: Moves) -> Turnover:
    """The moves, counted."""
    wanted = [func.count().filter(which) for which in (found.stays, found.enters, found.leaves)]
    counted = session.execute(select(*wanted).select_from(found.rows)).one()
    return Turnover(stay=counted[0], enter=counted[1], leave=counted[2])
