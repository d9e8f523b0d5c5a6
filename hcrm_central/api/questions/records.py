"""The records behind the facts of one customer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Select, bindparam, cast, func, null, select
from sqlalchemy.orm import Session

from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType, Feed
from hcrm_core.rules.evaluation import FactsRow
from hcrm_core.rules.messages import SourceRow
from hcrm_core.source import SourceKind
from hcrm_core.terms import ExamStatus, LeadState
from hcrm_store.care import FollowUp, LensOrder, Medication, RecheckPlan, Visit
from hcrm_store.clinical import Exam
from hcrm_store.journeys import Lead

_CONTACTED = cast(func.timezone("Asia/Shanghai", FollowUp.contacted_at), Date)
_OPEN = (LeadState.STARTED, LeadState.ACCEPTED, LeadState.VISITED)
_SIDES = ("od", "os")
Kind = type[Exam] | type[LensOrder] | type[Medication] | type[Visit] | type[RecheckPlan] | type[FollowUp] | type[Lead]


def _of_customer(kind: Kind, *days: Any, eye: Any = None) -> Select[Any]:  # why Any: columns, mapped or not
    eye_column = null() if eye is None else eye
    return select(kind.id, eye_column, *days).where(kind.customer_id == bindparam("customer_id")).order_by(kind.id)


# Of each feed: the kind of its rows, and what is read of them: the id, the eye, and the days that they tell of.
_ROWS: dict[Feed, tuple[SourceKind, Select[Any]]] = {  # why Any: selects of different columns
    Feed.EXAMS: (SourceKind.EXAM, _of_customer(Exam, Exam.examined_on).where(Exam.status == ExamStatus.FINAL)),
    Feed.LENS_ORDERS: (
        SourceKind.LENS_ORDER,
        _of_customer(LensOrder, LensOrder.dispensed_on, LensOrder.ordered_on, eye=LensOrder.eye),
    ),
    Feed.MEDICATIONS: (
        SourceKind.MEDICATION,
        _of_customer(Medication, Medication.started_on, Medication.ended_on),
    ),
    Feed.VISITS: (SourceKind.VISIT, _of_customer(Visit, Visit.visit_on)),
    Feed.RECHECK_PLANS: (
        SourceKind.RECHECK_PLAN,
        _of_customer(RecheckPlan, RecheckPlan.due_on, RecheckPlan.planned_on),
    ),
    Feed.FOLLOW_UPS: (SourceKind.FOLLOW_UP, _of_customer(FollowUp, _CONTACTED)),
    Feed.LEADS: (SourceKind.LEAD, _of_customer(Lead, Lead.started_on).where(Lead.state.in_(_OPEN))),
}


@dataclass(frozen=True, slots=True)
class _Found:
    row_id: UUID
    eye: str | None
    days: tuple[date | None, ...]


class Records:
    """One customer's, read when a fact asks for them, each kind once."""

    def __init__(self, session: Session, customer_id: UUID) -> None:
        self._session, self._customer_id = session, customer_id
        self._read: dict[Feed, list[_Found]] = {}

    def behind(self, fact: Fact, row: FactsRow) -> Iterator[SourceRow]:
        """The rows that a fact came from, as far as the facts name them or the day on which it was measured."""
        exams = {row.get(name) for name in _ends(fact)} - {None}
        if exams:
            yield from (_told(Feed.EXAMS, one) for one in self._of(Feed.EXAMS) if one.row_id in exams)
        elif fact.feeds == {Feed.CUSTOMERS}:
            yield SourceRow(kind=SourceKind.CUSTOMER, row_id=self._customer_id, on=None)
        else:
            yield from self._dated(fact, {row.get(name) for name in _days(fact)} - {None}, row)

    def _dated(self, fact: Fact, days: set[Any], row: FactsRow) -> Iterator[SourceRow]:
        for feed in sorted(fact.feeds & _ROWS.keys()):
            for one in self._of(feed):
                open_lead = feed is Feed.LEADS and row.get(fact.name) is True
                of_eye = fact.eye is None or one.eye in (None, fact.eye)
                if of_eye and (open_lead or not days.isdisjoint(one.days)):
                    yield _told(feed, one)

    def _of(self, feed: Feed) -> list[_Found]:
        if feed not in self._read:
            own = self._session.execute(_ROWS[feed][1], {"customer_id": self._customer_id})
            self._read[feed] = [_Found(found[0], found[1], tuple(found[2:])) for found in own]
        return self._read[feed]


def _told(feed: Feed, one: _Found) -> SourceRow:
    return SourceRow(kind=_ROWS[feed][0], row_id=one.row_id, on=one.days[0])


def read_with(fact: Fact) -> Iterator[str]:
    """The facts by which the rows behind a fact are found: examinations and days."""
    return (name for name in (*_ends(fact), *_days(fact)) if name in CATALOGUE)


def _ends(fact: Fact) -> Iterator[str]:
    """The examinations that a growth is between; of the worse eye's, of both eyes."""
    stem, _, side = fact.name.rpartition("_")
    stem = stem.replace("_rate", "").removesuffix("_refusal").removesuffix("_from_on").removesuffix("_to_on")
    for one in (side,) if side in _SIDES else _SIDES:
        yield from (f"{stem}_{end}_id_{one}" for end in ("from", "to"))


def _days(fact: Fact) -> Iterator[str]:
    """The day on which it was measured, or that it is; of what compares both eyes, the days of both."""
    if fact.dated_by is not None:
        yield fact.dated_by
    elif fact.kind is FactType.DATE:
        yield fact.name
    else:
        yield from (f"{fact.name.rpartition('_')[0]}_on_{side}" for side in _SIDES)
