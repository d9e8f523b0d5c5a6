"""What people do at the workstation. Each writes the outbox first, then lays the effect over the cache.

Raises everywhere: SignInRequired when nobody is signed in; Rejected with a code ("task_already_closed",
"task_unknown", "customer_unknown", "nothing_to_undo", "already_sent"); NotPermitted for the wrong role.
"""

from datetime import date
from typing import Any
from uuid import UUID

from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.cache.rows import Changes, ExamEntry
from hcrm_desktop.cache.workspace import Workspace


def record_outcome(
    workspace: Workspace,
    *,
    task_id: UUID,
    channel: Channel,
    outcome: Outcome,
    note: str = "",
    next_on: date | None = None,
) -> Changes:
    raise NotImplementedError


def snooze_task(workspace: Workspace, *, task_id: UUID, until: date, note: str = "") -> Changes:
    raise NotImplementedError


def record_exam(workspace: Workspace, *, entry: ExamEntry) -> Changes:
    raise NotImplementedError


def record_follow_up(
    workspace: Workspace,
    *,
    customer_id: UUID,
    channel: Channel,
    outcome: Outcome,
    note: str = "",
    next_on: date | None = None,
) -> Changes:
    raise NotImplementedError


def undo_last(workspace: Workspace) -> Changes:
    """Withdraw the latest entry while it is still on this computer only."""
    raise NotImplementedError


def dismiss(workspace: Workspace, *, op_id: UUID) -> Changes:
    """Take a held or conflicting entry off the list of what needs a person."""
    raise NotImplementedError


def save_draft(workspace: Workspace, *, key: str, body: dict[str, Any]) -> Changes:
    """Keep an unfinished form, encrypted, through a crash. The body is plain JSON."""
    raise NotImplementedError


def drop_draft(workspace: Workspace, *, key: str) -> Changes:
    raise NotImplementedError
