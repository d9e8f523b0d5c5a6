"""One contact with a family: what it was about, and which of that its outcome answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from hcrm_core.tasks import answers
from hcrm_core.terms import Outcome
from hcrm_desktop.cache.rows import DueItem, TaskRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an outcome is recorded of, and what it says nothing about."""

    taken: tuple[TaskRow, ...]
    left: tuple[TaskRow, ...]


def answered(items: Sequence[DueItem], outcome: Outcome) -> Answered:
    """Which of a contact's items an outcome answers. One that answers none is told of the first item's child."""
    taken = [one.task for one in items if answers(outcome, offered=one.outcomes)]
    if not taken:
        taken = [one.task for one in items if one.task.customer_id == items[0].task.customer_id]
    return Answered(taken=tuple(taken), left=tuple(one.task for one in items if one.task not in taken))


def offered_by(items: Sequence[DueItem]) -> tuple[Outcome, ...]:
    """The outcomes that any of them offers first; none if one of them takes all alike."""
    if not all(one.outcomes for one in items):
        return ()
    return tuple(dict.fromkeys(outcome for one in items for outcome in one.outcomes))
