"""What this workstation noticed about itself and mended, until the centre was told.

Kept in the outbox file, because most of it is noticed when something else was lost.
"""

from collections.abc import Collection

from hcrm_core.wire import Incident, IncidentCode
from hcrm_desktop.cache.outbox import Outbox
from hcrm_store.clock import Clock

INCIDENTS = "incidents"  # among what the outbox keeps
MOST = 50  # what one hello may tell; the latest stay


def note(outbox: Outbox, code: IncidentCode, *, clock: Clock, stream: str = "", count: int = 1) -> None:
    """Remember one thing for the next hello."""
    noticed = Incident(code=code, at=clock.now(), stream=stream, count=count)
    _keep(outbox, [*waiting(outbox), noticed][-MOST:])


def waiting(outbox: Outbox) -> list[Incident]:
    """What the centre was not told yet, oldest first."""
    body = outbox.kept(INCIDENTS) or {}
    return [Incident.model_validate(one) for one in body.get("noticed", [])]


def forget(outbox: Outbox, told: Collection[Incident]) -> None:
    """The centre knows."""
    if told:
        _keep(outbox, [one for one in waiting(outbox) if one not in told])


def _keep(outbox: Outbox, incidents: list[Incident]) -> None:
    noticed = [one.model_dump(mode="json") for one in incidents]
    outbox.keep(INCIDENTS, {"noticed": noticed} if noticed else None)
