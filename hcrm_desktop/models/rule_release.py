"""What brings a rule into force at the centre, and waiting for what comes of it. On line only."""

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from hcrm_core.errors import Unreachable
from hcrm_core.rules.messages import (
    PublishRequest,
    PublishResponse,
    RejectRequest,
    Requested,
    RuleVersionLine,
)
from hcrm_desktop.tasks import Tasks

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient

Headers = dict[str, str]
POLL_MS = 1000  # operational: how often the centre is asked whether it is done


def publish_rule(client: "CentreClient", headers: Headers, *, key: str, ver: int, note: str) -> PublishResponse:
    """Publish the open draft, or propose it, or agree to it: the centre knows which."""
    return client.publish(key, PublishRequest(ver=ver, note=note), headers=headers)


def send_back(client: "CentreClient", headers: Headers, *, key: str, ver: int, note: str) -> None:
    """Make a proposal a draft again."""
    client.reject(key, RejectRequest(ver=ver, note=note), headers=headers)


def newest_version(client: "CentreClient", headers: Headers, *, key: str) -> RuleVersionLine | None:
    """Who was there last."""
    return next(iter(client.rule_history(key, headers=headers).versions), None)


class Reevaluation(QObject):
    """Waits until the centre has put customers where they belong now.

    Signals:
        finished: `Requested` as it ended.
        lost: nobody can tell any more how it ends.
    """

    finished = Signal(object)
    lost = Signal(object)

    def __init__(self, tasks: Tasks, request_id: UUID, *, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks, self._request_id = tasks, request_id
        self._wait = QTimer(self, singleShot=True, interval=POLL_MS)
        self._wait.timeout.connect(self.look)

    @Slot()
    def look(self) -> None:
        """Ask once; again later if it still runs or the centre is away."""
        ask = partial(_requested, request_id=self._request_id)
        self._tasks.consult(self, ask, done=self._on_told, failed=self._on_failed, aside=True)

    @Slot(object)
    def _on_told(self, requested: Requested) -> None:
        if requested.finished_at is None:
            self._wait.start()
        else:
            self.finished.emit(requested)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, Unreachable):
            self._wait.start()
        else:
            self.lost.emit(error)


def _requested(client: "CentreClient", headers: Headers, *, request_id: UUID) -> Requested:
    return client.requested(request_id, headers=headers)
