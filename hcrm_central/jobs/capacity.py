"""A day's room: what is not urgent and does not fit into somebody's day is due on the next day that has room.

Nothing is dropped: after `FURTHEST_DAYS` a full week is no reason any more, and the task stays on its own day.
"""

from collections import Counter
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

from sqlalchemy import Date, func, literal, select
from sqlalchemy.orm import Session

from hcrm_core.tasks import CLOSED
from hcrm_store.journeys import Task

URGENT = 2  # tasks of this priority or a smaller one are never put off
FURTHEST_DAYS = 7


class Room:
    """Who has how much to do on which day.

    Attributes:
        spread: tasks that were put off.
    """

    def __init__(self, session: Session, *, capacity: int | None, on: date) -> None:
        """Look at a ledger.

        Args:
            session: of the jobs.
            capacity: tasks a person is given a day; None: any number.
            on: the business date.
        """
        self.spread = 0
        self._session, self._capacity, self._on = session, capacity, on

    def day(self, owner_id: UUID | None, due_on: date, *, priority: int) -> date:
        """The day on which a new task of somebody is due. It is counted there."""
        if owner_id is None or self._capacity is None:
            return due_on
        found = due_on if priority <= URGENT else self._free(owner_id, due_on)
        self._taken[owner_id, found] += 1
        self.spread += found != due_on
        return found

    def _free(self, owner_id: UUID, due_on: date) -> date:
        days = (due_on + timedelta(days=n) for n in range(FURTHEST_DAYS + 1))
        return next((day for day in days if self._taken[owner_id, day] < (self._capacity or 0)), due_on)

    @cached_property
    def _taken(self) -> Counter[tuple[UUID, date]]:
        """Read when somebody is given a task: most runs of a few customers give none. What is overdue is today's."""
        day = func.greatest(Task.due_on, literal(self._on, Date))
        query = (
            select(Task.owner_id, day, func.count())
            .where(Task.owner_id.is_not(None), Task.state.not_in(CLOSED))
            .where(func.coalesce(Task.next_on, Task.due_on) <= self._on + timedelta(days=FURTHEST_DAYS))
            .group_by(Task.owner_id, day)
        )
        return Counter({(owner, on): many for owner, on, many in self._session.execute(query) if owner is not None})
