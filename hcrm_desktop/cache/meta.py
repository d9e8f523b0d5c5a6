"""Small facts about the cache itself: whose it is, how fresh it is, how the connection stands."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from hcrm_core.wire import Json
from hcrm_desktop.cache.tables import META

OWNER, EPOCH, LEASE = "owner", "epoch", "lease"
CONNECTION, FRESHNESS, OVERVIEW = "connection", "freshness", "overview"
VERIFIED = "verified"  # when the cache was last compared with the centre, and what was read anew since


def read(session: Session, key: str) -> Any:
    """A fact as it was written; None if there is none."""
    return session.execute(select(META.c.body).where(META.c.key == key)).scalar()


def write(session: Session, key: str, body: Json | str | None) -> None:
    """Keep a fact; None forgets it."""
    if body is None:
        session.execute(delete(META).where(META.c.key == key))
        return
    statement = insert(META).values(key=key, body=body)
    session.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"body": body}))
