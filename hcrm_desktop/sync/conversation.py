"""A loop in a thread of its own, with its client: begun at sign-in or start, ended before anything else."""

import logging
import threading

from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.loop import Listeners, SyncLoop

LEAVE_SECONDS = 3.0  # a person who switches off waits no longer
_log = logging.getLogger(__name__)


class Conversation:
    """Talks to one centre until it is ended."""

    def __init__(self, workspace: Workspace, server_url: str, *, listeners: Listeners) -> None:
        self._client = CentreClient(server_url)
        self._loop = SyncLoop(workspace, self._client, listeners=listeners)
        # A daemon, because a request may wait for the network longer than a person waits for a window to close.
        self._thread = threading.Thread(target=self._run, name="hcrm-sync", daemon=True)
        self._thread.start()

    def kick(self) -> None:
        """Do not wait for the next poll."""
        self._loop.kick()

    def end(self) -> bool:
        """Send what waits, if that is quick, and stop.

        Returns:
            whether the thread has ended; if not, it will do nothing but end when its request does.
        """
        self._loop.leave()
        self._thread.join(LEAVE_SECONDS)
        self._loop.stop()
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._loop.run()
        except Exception as error:
            # The thread's end would go unnoticed; the trace would quote rows.
            _log.critical("the sync thread ended: %s", type(error).__name__)
            raise
        finally:
            self._client.close()
