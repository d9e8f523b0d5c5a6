"""今日任务: what to do now, in the order of urgency, and the case of one task."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Join, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from hcrm_core.tasks import CLOSED, may_work_on
from hcrm_core.terms import ExamStatus, Role, TaskState
from hcrm_core.wire import Json, Person
from hcrm_desktop.cache.queries.beside import Contact, Wear, guardians_of, in_portions, worn_by
from hcrm_desktop.cache.queries.customers import matching
from hcrm_desktop.cache.queries.history import exams_of, follow_ups_of
from hcrm_desktop.cache.queries.talk import offered, said_beside, talk
from hcrm_desktop.cache.rows import Delivery, DueItem, SopCount, TaskCase, TaskFilter, TaskRow
from hcrm_desktop.cache.tables import CUSTOMER, FOLLOW_UP, KEPT, SOP, STAFF, TASK
from hcrm_desktop.cache.workspace import PERSON
from hcrm_store.clock import SHANGHAI

_EXAMS_SHOWN, _CONTACTS_SHOWN, _ITEMS_SHOWN, _LOWEST_PRIORITY = 6, 3, 20, 9
_PRIORITY_STEP = 10_000_000  # more than any Julian day: priority first, then the day
_WORKED: Join = TASK.outerjoin(CUSTOMER, CUSTOMER.c.id == TASK.c.customer_id)
_HOME = func.coalesce(CUSTOMER.c.family_id, TASK.c.customer_id)
_COLUMNS = (
    *(TASK.c[name] for name in ("id", "ver", "customer_id", "sop_key", "step_key", "subject", "anchor_on", "due_on")),
    *(TASK.c[name] for name in ("priority", "state", "attempts", "last_outcome", "next_on", "delivery")),
    TASK.c.escalated_on,
    *(CUSTOMER.c[name] for name in ("family_id", "name", "sex", "birth_date")),
    SOP.c.label.label("sop_label"),
    STAFF.c.name.label("owner_name"),
)


def sop_counts(session: Session, *, today: date) -> list[SopCount]:
    """Per SOP, in its order, how many tasks are to do now and how many are done today."""
    to_do, done = func.sum(case((_to_do(today), 1), else_=0)), func.sum(case((_done(today), 1), else_=0))
    counted = (
        select(TASK.c.sop_key, to_do.label("open"), done.label("done"))
        .where(or_(_to_do(today), _done(today)))
        .group_by(TASK.c.sop_key)
        .subquery()
    )
    statement = select(SOP, counted.c.open, counted.c.done).outerjoin(counted, counted.c.sop_key == SOP.c.key)
    return [
        SopCount(
            sop_key=row.key,
            label=row.label or row.key,
            summary=row.summary or "{n}",
            open=row.open or 0,
            done=row.done or 0,
        )
        for row in session.execute(statement.order_by(SOP.c.rank, SOP.c.key))
        if row.key
    ]


def tasks_today(
    session: Session,
    *,
    today: date,
    filter: TaskFilter,  # noqa: A002 - the word that the screens use
    limit: int = 200,
    offset: int = 0,
) -> list[TaskRow]:
    """A page of the list: what is to do before what is done; urgent first, a family's together.

    For a manager, families of whom something was escalated come first.
    """
    urgency = TASK.c.priority * _PRIORITY_STEP + func.julianday(TASK.c.due_on)
    settled = case((_to_do(today), 0), else_=1)
    most_urgent = func.min(urgency).over(partition_by=(settled, _HOME))
    escalated = func.max(TASK.c.escalated_on.is_not(None)).over(partition_by=(settled, _HOME))
    first = [escalated.desc()] if _manages(session) else []
    page = (
        _chosen(select(TASK.c.id), today=today, chosen=filter)
        .order_by(settled, *first, most_urgent, _HOME, urgency, CUSTOMER.c.name_pinyin, TASK.c.id)
        .limit(limit)
        .offset(offset)
    )
    # The order is decided on narrow rows; what the screen shows is fetched for this page only.
    ids = list(session.execute(page).scalars())
    found = {row.id: row for some in in_portions(ids) for row in _rows(session, _listed(TASK.c.id.in_(some)))}
    return [found[task_id] for task_id in ids]


def count_tasks(session: Session, *, today: date, filter: TaskFilter) -> int:  # noqa: A002 - as above
    """How many tasks the list holds."""
    counted = _chosen(select(func.count(TASK.c.id)), today=today, chosen=filter)
    return int(session.execute(counted).scalar_one())


def count_contacts(session: Session, *, today: date) -> int:
    """With how many families there is something to settle now."""
    counted = select(func.count(_HOME.distinct())).select_from(_WORKED).where(_to_do(today), _whole())
    return int(session.execute(counted).scalar_one())


def count_escalated(session: Session, *, today: date) -> int:
    """How many tasks that are to do now nobody took up in time."""
    counted = select(func.count(TASK.c.id)).where(_to_do(today), _whole(), TASK.c.escalated_on.is_not(None))
    return int(session.execute(counted).scalar_one())


def task_case(session: Session, task_id: UUID, *, today: date) -> TaskCase | None:
    """The case of one task; None if it is not on this computer any more."""
    found = _rows(session, _listed(TASK.c.id == task_id, _whole()))
    if not found:
        return None
    tasks = [found[0], *_due_beside(session, found[0], today=today)]
    exams = exams_of(session, found[0].customer_id)
    said = [talk(session, found[0], exams=exams, today=today)]
    said += [said_beside(session, one, exams=exams_of(session, one.customer_id), today=today) for one in tasks[1:]]
    return TaskCase(
        items=tuple(_item(session, task) for task in tasks),
        exams=tuple([exam for exam in exams if exam.status is ExamStatus.FINAL][-_EXAMS_SHOWN:]),
        follow_ups=tuple(follow_ups_of(session, found[0].customer_id, limit=_CONTACTS_SHOWN)),
        script="\n".join(text for text in said if text),
    )


def _due_beside(session: Session, task: TaskRow, *, today: date) -> list[TaskRow]:
    """What else is due of a task's family. A task that is closed stands alone."""
    if task.state in CLOSED:
        return []
    alone = task.family_id is None
    home = TASK.c.customer_id == task.customer_id if alone else CUSTOMER.c.family_id == task.family_id
    others = _listed(home, TASK.c.id != task.id, _whole(), _to_do(today))
    return _rows(session, others.order_by(TASK.c.priority, TASK.c.due_on, TASK.c.id).limit(_ITEMS_SHOWN - 1))


def _item(session: Session, task: TaskRow) -> DueItem:
    row = session.execute(select(TASK.c.evidence, TASK.c.owner_id).where(TASK.c.id == task.id)).one()
    person = _reader(session)
    workable = person is not None and may_work_on(person.role, staff_id=person.staff_id, owner_id=row.owner_id)
    return DueItem(task=task, evidence=row.evidence or [], outcomes=offered(session, task.sop_key), workable=workable)


def _manages(session: Session) -> bool:
    person = _reader(session)
    return person is not None and person.role is Role.MANAGER


def _reader(session: Session) -> Person | None:
    body = session.execute(select(KEPT.c.body).where(KEPT.c.key == PERSON)).scalar()
    return None if body is None else Person.model_validate(body)


def tasks_of(session: Session, customer_id: UUID) -> list[TaskRow]:
    """All tasks of one customer, newest first."""
    of_him = _listed(TASK.c.customer_id == customer_id, _whole())
    return _rows(session, of_him.order_by(TASK.c.due_on.desc(), TASK.c.id.desc()))


def _listed(*where: ColumnElement[bool]) -> Select[Any]:
    shown = _WORKED.outerjoin(SOP, SOP.c.key == TASK.c.sop_key).outerjoin(STAFF, STAFF.c.id == TASK.c.owner_id)
    return select(*_COLUMNS).select_from(shown).where(*where)


def _chosen(columns: Select[Any], *, today: date, chosen: TaskFilter) -> Select[Any]:
    shown = or_(_to_do(today), _done(today)) if chosen.include_closed else _to_do(today)
    statement = columns.select_from(_WORKED).where(shown, _whole())
    if chosen.sop_keys:
        statement = statement.where(TASK.c.sop_key.in_(chosen.sop_keys))
    if chosen.overdue_only:
        statement = statement.where(TASK.c.due_on < today)
    if chosen.escalated_only:
        statement = statement.where(TASK.c.escalated_on.is_not(None))
    return statement.where(matching(chosen.text)) if chosen.text.strip() else statement


def _whole() -> ColumnElement[bool]:
    """A row that a newer release wrote may hold words unknown here: it is not for this release to judge."""
    return and_(TASK.c.state.is_not(None), TASK.c.due_on.is_not(None))


def _to_do(today: date) -> ColumnElement[bool]:
    """Begun or not, and not put off beyond today."""
    awake = TASK.c.state.in_([TaskState.OPEN, TaskState.IN_PROGRESS])
    return or_(awake, and_(TASK.c.state == TaskState.SNOOZED, TASK.c.next_on <= today))


def _done(today: date) -> ColumnElement[bool]:
    """Closed today, or contacted today and put off."""
    begin = datetime.combine(today, time(), tzinfo=SHANGHAI).astimezone(UTC)
    end = begin + timedelta(days=1)
    contacted = select(FOLLOW_UP.c.task_id).where(FOLLOW_UP.c.contacted_at >= begin, FOLLOW_UP.c.contacted_at < end)
    return or_(
        and_(TASK.c.state.in_(list(CLOSED)), TASK.c.closed_at >= begin, TASK.c.closed_at < end),
        and_(TASK.c.state == TaskState.SNOOZED, TASK.c.next_on > today, TASK.c.id.in_(contacted)),
    )


def _rows(session: Session, statement: Select[Any]) -> list[TaskRow]:
    found = [dict(row) for row in session.execute(statement).mappings()]
    guardians = guardians_of(session, {row["family_id"] for row in found if row["family_id"]})
    worn = worn_by(session, {row["customer_id"] for row in found})
    return [_row(row, guardian=guardians.get(row["family_id"]), wear=worn.get(row["customer_id"])) for row in found]


def _row(row: Json, *, guardian: Contact | None, wear: Wear | None) -> TaskRow:
    return TaskRow(
        id=row["id"],
        ver=row["ver"] or 0,
        customer_id=row["customer_id"],
        family_id=row["family_id"],
        name=row["name"] or "",
        sex=row["sex"],
        birth_date=row["birth_date"],
        sop_key=row["sop_key"] or "",
        sop_label=row["sop_label"] or row["sop_key"] or "",
        step_key=row["step_key"] or "",
        subject=row["subject"] or "",
        anchor_on=row["anchor_on"] or row["due_on"],
        due_on=row["due_on"],
        priority=row["priority"] or _LOWEST_PRIORITY,
        state=row["state"],
        attempts=row["attempts"] or 0,
        last_outcome=row["last_outcome"],
        next_on=row["next_on"],
        product=wear.product if wear else None,
        lens_since=wear.oldest_lens_on if wear else None,
        guardian_name=guardian.name if guardian else "",
        phone=guardian.phone if guardian else None,
        owner_name=row["owner_name"] or "",
        escalated_on=row["escalated_on"],
        delivery=Delivery(row["delivery"] or Delivery.ACCEPTED),
    )
