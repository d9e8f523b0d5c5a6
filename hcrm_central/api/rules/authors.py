"""Who takes a step in the life of a rule, and the entry he leaves in the audit log."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hcrm_central.api.sessions import SignedIn
from hcrm_central.audit import audit
from hcrm_store.clock import Clock
from hcrm_store.journeys import RuleParameter, RuleVersion

KINDS = {RuleVersion: "rule", RuleParameter: "parameter"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """A manager at a workstation, or whoever keeps the centre, who has no account there."""

    name: str
    account_id: UUID | None = None
    device_id: UUID | None = None

    def note(self, session: Session, step: str, subject: RuleVersion | RuleParameter, *, clock: Clock) -> None:
        """Enter a step: ids and numbers, the words stand in the version."""
        kind, detail = KINDS[type(subject)], dict[str, Any](number=subject.number)
        audit(
            session,
            f"{kind}:{step}",
            clock=clock,
            account_id=self.account_id,
            device_id=self.device_id,
            subject_kind=kind,
            subject_id=subject.id,
            detail=detail,
        )


CENTRE = Author(name="centre")  # at its own terminal


def author(who: SignedIn) -> Author:
    return Author(name=who.person.name, account_id=who.principal.account_id, device_id=who.device_id)
