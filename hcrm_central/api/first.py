"""The first look: what an empty workstation needs now, before it has read a single stream.

Its pages move no cursor. Each names the head of the snapshot in `fresh_to`, so the ordinary read that follows is sent
tombstones of what went away after this look, and of nothing else.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import READS_CUSTOMERS, grants
from hcrm_central.api.pull import page_of, placed_rows
from hcrm_central.api.sessions import SignedIn
from hcrm_central.api.streams import standing
from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.membership import among
from hcrm_core.terms import TaskState
from hcrm_core.wire import Cursor, FirstRequest, PullResponse, Row, StreamGrant, StreamPage
from hcrm_store.clinical import Exam
from hcrm_store.clock import business_date
from hcrm_store.journeys import Task
from hcrm_store.kinds import KINDS, stream_key, table_of
from hcrm_store.people import Customer

MAX_TASKS = 500  # more than a day's work of one person
LAST_EXAMS = 6  # as many as the case of a task shows
_OF_CUSTOMERS = ("follow_up", "membership", "lens_order", "medication", "visit", "recheck_plan", "lead")
_PRIORITY_STEP = 10_000_000  # as the workstation's list: priority first, then the day
_DAY_ZERO = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """Today's tasks, and whose they are."""

    tasks: list[UUID]
    customers: list[UUID]
    families: list[UUID]


def first(here: Centre, who: SignedIn, request: FirstRequest) -> PullResponse:
    """Today's most urgent tasks with everything about their customers, from one snapshot."""
    granted = [grant for grant in grants(who.principal) if who.principal.role in READS_CUSTOMERS]
    with snapshot(here.store.service, who.principal) as session:
        now = standing(session, [grant.key for grant in granted])
        rows: dict[str, list[Row]] = defaultdict(list)
        if request.epoch == now.epoch and granted:
            chosen = _todays(session, business_date(here.clock.now()), sites=who.principal.site_ids)
            for key, row in _rows(session, chosen, principal=who.principal):
                rows[key].append(row)
    return PullResponse(
        epoch=now.epoch,
        pages=[_page(grant, rows[grant.key], head=now.head(grant.key).seq) for grant in granted if rows[grant.key]],
        revoked=[],
    )


def _page(grant: StreamGrant, rows: list[Row], *, head: int) -> StreamPage:
    start = Cursor(seq=0, fresh_to=head, profile=grant.profile)
    return page_of(grant.key, rows, tombstones=[], reached=start, head=head)


def _todays(session: Session, today: date, *, sites: Sequence[UUID]) -> _Chosen:
    """What is to do now in the order of the workstation's list (hcrm_desktop.cache.queries.tasks)."""
    household = func.coalesce(Customer.family_id, Task.customer_id)
    urgency = Task.priority * _PRIORITY_STEP + (Task.due_on - cast(literal(_DAY_ZERO), Date))
    most_urgent = func.min(urgency).over(partition_by=household)
    found = session.execute(
        select(Task.id, Task.customer_id, Customer.family_id)
        .join(Customer, Customer.id == Task.customer_id)
        .where(_to_do(today), Customer.site_id == among(sites))
        .order_by(most_urgent, household, urgency, Customer.name_pinyin, Task.id)
        .limit(MAX_TASKS)
    ).all()
    return _Chosen(
        tasks=[row.id for row in found],
        customers=list({row.customer_id for row in found}),
        families=list({row.family_id for row in found if row.family_id}),
    )


def _to_do(today: date) -> ColumnElement[bool]:
    awake = Task.state.in_([TaskState.OPEN, TaskState.IN_PROGRESS])
    return or_(awake, and_(Task.state == TaskState.SNOOZED, Task.next_on <= today))


def _rows(session: Session, chosen: _Chosen, *, principal: Principal) -> Iterator[tuple[str, Row]]:
    """The rows with the streams they belong to."""
    for kind, wanted in _wanted(session, chosen).items():
        found = placed_rows(session, kind, wanted, role=principal.role, sites=principal.site_ids)
        yield from ((stream_key(KINDS[kind][0], site_id), row) for site_id, row in found)


def _wanted(session: Session, chosen: _Chosen) -> dict[str, ColumnElement[bool]]:
    of = {kind: table_of(kind).c for kind in KINDS}
    customers, families = among(chosen.customers), among(chosen.families)
    exams = among(_last_exams(session, chosen.customers))
    eye = of["eye_measurement"]
    return {
        "task": of["task"].id == among(chosen.tasks),
        "customer": of["customer"].id == customers,
        "family": of["family"].id == families,
        "guardian": of["guardian"].family_id == families,
        **{kind: of[kind].customer_id == customers for kind in _OF_CUSTOMERS},
        "exam": of["exam"].id == exams,
        "eye_measurement": and_(eye.customer_id == customers, eye.exam_id == exams),
    }


def _last_exams(session: Session, customers: list[UUID]) -> list[UUID]:
    newest_first = (Exam.examined_on.desc(), Exam.id.desc())
    age = func.row_number().over(partition_by=Exam.customer_id, order_by=newest_first)
    aged = select(Exam.id, age.label("age")).where(Exam.customer_id == among(customers)).subquery()
    return list(session.scalars(select(aged.c.id).where(aged.c.age <= LAST_EXAMS)))
