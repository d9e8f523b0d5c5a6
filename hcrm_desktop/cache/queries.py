"""What screens ask the cache. Every function takes a session on the cache first and returns frozen rows."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hcrm_desktop.cache import rows


def signed_in(session: Session) -> rows.SignedIn | None:
    """Who works here; None before the first sign-in and after signing out."""
    raise NotImplementedError


def sync_status(session: Session) -> rows.SyncStatus:
    raise NotImplementedError


def unsent_items(session: Session) -> list[rows.UnsentItem]:
    """What is not at the centre or waits for a person, oldest first."""
    raise NotImplementedError


def draft(session: Session, key: str) -> dict[str, Any] | None:
    """A form left unfinished (see commands.save_draft)."""
    raise NotImplementedError


def sop_counts(session: Session, *, today: date) -> list[rows.SopCount]:
    raise NotImplementedError


def tasks_today(
    session: Session, *, today: date, filter: rows.TaskFilter, limit: int = 200, offset: int = 0
) -> list[rows.TaskRow]:
    raise NotImplementedError


def count_tasks(session: Session, *, today: date, filter: rows.TaskFilter) -> int:
    raise NotImplementedError


def task_case(session: Session, task_id: UUID, *, today: date) -> rows.TaskCase | None:
    raise NotImplementedError


def search_customers(session: Session, text: str, *, limit: int = 20) -> list[rows.CustomerHit]:
    raise NotImplementedError


def list_customers(
    session: Session, *, text: str = "", segment: str | None = None, limit: int = 200, offset: int = 0
) -> list[rows.CustomerHit]:
    raise NotImplementedError


def count_customers(session: Session, *, text: str = "", segment: str | None = None) -> int:
    raise NotImplementedError


def customer_record(session: Session, customer_id: UUID, *, today: date) -> rows.CustomerRecord | None:
    raise NotImplementedError


def segments(session: Session) -> Sequence[rows.SegmentCount]:
    raise NotImplementedError
