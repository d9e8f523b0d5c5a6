"""Of how many customers each fact is unknown: one look at everybody's facts, remembered until the next scan of all."""

import threading
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.facts.catalogue import CATALOGUE

Shares = dict[str, float]  # by fact, 0 to 1


class UnknownShares:
    """Shares as of the latest scan of everybody, shared by the requests of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: UUID | None = None
        self._shares: Shares = {}

    def as_of(self, session: Session, run_id: UUID | None) -> Shares:
        """The shares of a run; counted by the first who asks, while others who ask wait.

        Args:
            session: sees all customers.
            run_id: of the latest finished scan of everybody; None: nothing is known of anybody yet.
        """
        with self._lock:
            if self._of != run_id:
                self._of, self._shares = run_id, _counted(session)
            return self._shares


def _counted(session: Session) -> Shares:
    known = [func.count(CUSTOMER_FACTS.c[name]) for name in CATALOGUE]
    everybody, *counts = session.execute(select(func.count(), *known).select_from(CUSTOMER_FACTS)).one()
    if not everybody:
        return {}
    return {name: round(1 - many / everybody, 4) for name, many in zip(CATALOGUE, counts, strict=True)}
