"""The order to be emptied: what was not sent is handed over first, then everything here is deleted."""

import logging
from collections.abc import Mapping
from uuid import UUID

from hcrm_core.wire import MAX_PUSH_OPERATIONS, Json, RefusalCode, SurrenderRequest
from hcrm_desktop.cache import orders
from hcrm_desktop.cache.orders import Order
from hcrm_desktop.sync.client import RequestRefused, SessionEnded
from hcrm_desktop.sync.line import Line
from hcrm_desktop.sync.states import SyncState

_log = logging.getLogger(__name__)


def wipe(line: Line) -> None:
    """Hand over, then delete files and key. May be called again after any failure; the centre keeps nothing twice.

    Raises:
        HcrmError: later, then; nothing is deleted before the centre has everything.
    """
    line.course.enter(SyncState.WIPING)
    if orders.given(line.workspace.outbox) is not Order.SURRENDERED:
        _surrender(line)
        orders.obey(line.workspace.outbox, Order.SURRENDERED)
    line.workspace.erase()


def _surrender(line: Line) -> None:
    """Hand over batch by batch; what was taken is noted, so that a restart goes on where this one ended."""
    outbox, limit = line.workspace.outbox, MAX_PUSH_OPERATIONS
    while batch := outbox.to_surrender(limit):
        try:
            _hand_over(line, batch)
        except RequestRefused:
            if len(batch) == 1:
                raise
            limit = len(batch) // 2
        else:
            outbox.surrendered(list(batch), reason=RefusalCode.DEVICE_WIPED.value)
    try:
        _hand_over(line, {})
    except SessionEnded as error:
        if error.code != RefusalCode.DEVICE_REVOKED:
            raise
        _log.info("the centre has everything of this workstation: the answer to the last request was lost")


def _hand_over(line: Line, batch: Mapping[UUID, tuple[Json, UUID]]) -> None:
    """Nothing to hand over: that was all."""
    line.course.move()
    request = SurrenderRequest(
        device=line.session.claim(),
        operations=[operation for operation, _ in batch.values()],
        account_ids={op_id: account_id for op_id, (_, account_id) in batch.items()},
        last=not batch,
    )
    line.client.surrender(request)
