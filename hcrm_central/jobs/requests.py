"""What somebody asked the worker for: by publishing a rule, setting a parameter, or in words."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from hcrm_central.jobs.computing import Facts, Work
from hcrm_central.jobs.nights import everything
from hcrm_central.jobs.runs import RunKind
from hcrm_central.jobs.scan import Errand, ScanReport, touched_by
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.engine import transaction
from hcrm_central.store.tables import ScanRequest
from hcrm_store.clock import Clock

_WORK: dict[RunKind, Callable[[Session, str], Work]] = {
    RunKind.ASKED: lambda session, _: everything(session),
    RunKind.RULE: lambda session, key: touched_by(session, rules=[key]),
    RunKind.PARAMETER: lambda session, key: touched_by(session, parameters=[key]),
    RunKind.ABSENCE: lambda *_: Work(scope=Scope(only=()), facts=Facts.KNOWN),  # every run sees who is away
}


def next_request(session: Session) -> ScanRequest | None:
    """The request that has waited longest."""
    unanswered = select(ScanRequest).where(ScanRequest.finished_at.is_(None))
    return session.scalar(unanswered.order_by(ScanRequest.requested_at, ScanRequest.id).limit(1))


def errand_of(request: ScanRequest, *, clock: Clock) -> Errand:
    """What a request asks for. The same asked again meanwhile is answered with it, and in the transaction of the work.

    Raises:
        ValueError: there is no such kind.
    """
    kind, answered = RunKind(request.kind), list[UUID]()

    def take(session: Session) -> Work | None:
        same = select(ScanRequest.id).where(ScanRequest.kind == request.kind, ScanRequest.key == request.key)
        answered.extend(session.scalars(same.where(ScanRequest.finished_at.is_(None)).with_for_update()))
        return _WORK[kind](session, request.key) if answered else None

    def settle(session: Session, report: ScanReport) -> None:
        counts = report.segments.values()
        told = {"entered": sum(count.entered for count in counts), "left": sum(count.left for count in counts)}
        failed = "unusable" if request.key in report.failed else ""
        _close(session, answered, counts=told | {"created": report.created}, failed=failed, clock=clock)

    return Errand(kind=kind, take=take, settle=settle)


def refuse(engine: Engine, request_id: UUID, *, failed: str, clock: Clock) -> None:
    """Answer that it cannot be done, and why: a code or an error's type."""
    with transaction(engine) as session:
        _close(session, [request_id], counts={}, failed=failed, clock=clock)


def _close(session: Session, ids: Sequence[UUID], *, counts: dict[str, int], failed: str, clock: Clock) -> None:
    values = {"finished_at": clock.now(), "counts": counts, "failed": failed}
    session.execute(update(ScanRequest).where(ScanRequest.id.in_(ids)).values(**values))
