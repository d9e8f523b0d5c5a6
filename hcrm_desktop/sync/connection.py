"""What the screens are told of the connection: kept in the cache, so that every status reads the same truth."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from hcrm_desktop.cache import meta
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.states import Course, SyncState

_LOOKED_AT = frozenset({SyncState.VERIFY, SyncState.WIPING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The part of rows.SyncStatus that the loop knows."""

    online: bool = False
    last_success_at: datetime | None = None
    offline_since: datetime | None = None
    problem: str = ""
    state: SyncState = SyncState.IDLE
    progress: float | None = None


class Board:
    """Where the connection is written down, and told when it became another one."""

    def __init__(self, workspace: Workspace, *, changed: Callable[[], None]) -> None:
        """After a start nothing is known of the centre but when it was last heard."""
        self._workspace, self._changed = workspace, changed
        with workspace.read() as session:
            body = meta.read(session, meta.CONNECTION) or {}
        last = body.get("last_success_at")
        self._shown = Connection(last_success_at=None if last is None else datetime.fromisoformat(last))
        self._write(self._shown)

    def heard(self, *, problem: str) -> None:
        """The centre answered all of a cycle but, perhaps, the push."""
        self._tell(Connection(online=True, last_success_at=self._workspace.clock.now(), problem=problem))

    def lost(self, *, problem: str, state: SyncState) -> None:
        """A cycle failed, and the loop waits in this state."""
        last = self._shown.last_success_at
        since = self._shown.offline_since or last or self._workspace.clock.now()
        self._tell(Connection(last_success_at=last, offline_since=since, problem=problem, state=state))

    def moved(self, course: Course) -> None:
        """The conversation went on. A cycle of a second is nothing to look at; one that brings much is."""
        if course.progress is not None or course.state in _LOOKED_AT:
            self._tell(replace(self._shown, state=course.state, progress=course.progress))

    def _tell(self, connection: Connection) -> None:
        if connection != self._shown:
            self._shown = connection
            self._write(connection)
            self._changed()

    def _write(self, connection: Connection) -> None:
        body = {
            "online": connection.online,
            "catching_up": connection.progress is not None,
            "last_success_at": _iso(connection.last_success_at),
            "offline_since": _iso(connection.offline_since),
            "problem": connection.problem,
            "state": connection.state.value,
            "progress": connection.progress,
        }
        with self._workspace.write() as session:
            meta.write(session, meta.CONNECTION, body)


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
