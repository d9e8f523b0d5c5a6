"""A workstation without a screen, as a process of its own that obeys lines of words (processes.py).

It uses what the real one uses: the encrypted files, the commands, and the conversation in its own thread. An entry
may be sent at once: there is nobody here who could take it back. It may be told a point at which it kills itself
(dying.py).

Every line is answered with DONE, or with what is missing after PATIENCE seconds.
"""

import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from hcrm_core.terms import Channel, Outcome
from hcrm_desktop.cache import commands, outbox, queries
from hcrm_desktop.cache.keys import key_from_file
from hcrm_desktop.cache.rows import Delivery, FollowUpRow, SyncStatus
from hcrm_desktop.cache.tables import CUSTOMER
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.conversation import Conversation
from hcrm_desktop.sync.loop import Listeners
from hcrm_desktop.sync.session import CentreSession
from hcrm_store.clock import SystemClock, business_date
from tests.acceptance.dying import workstation_points

PATIENCE = 60.0  # seconds after a fault has healed, the promise of docs/sync.md
EACH = 0.1  # seconds between two calls of somebody who works without end
CLOCK = SystemClock()


class Station:
    """The files of one profile and its conversation."""

    def __init__(self, workspace: Workspace, url: str, *, say: Callable[[str], None]) -> None:
        self._workspace, self._url, self._say = workspace, url, say
        self._conversation: Conversation | None = None
        self._moved = threading.Condition()

    def sign_in(self, username: str, password: str) -> str:
        client = CentreClient(self._url)
        CentreSession(self._workspace, client).sign_in(username, password)
        client.close()
        return self.talk()

    def talk(self) -> str:
        """Begin the conversation."""
        listeners = Listeners(state_changed=self._on_news, data_changed=lambda _changes: self._on_news())
        self._conversation = Conversation(self._workspace, self._url, listeners=listeners)
        return "DONE"

    def call(self, *notes: str) -> str:
        """Calls to the family ended, with these notes."""
        with self._workspace.exclusive():  # one push takes them all
            for note in notes:
                commands.record_follow_up(
                    self._workspace,
                    customer_id=self._customer(),
                    channel=Channel.PHONE,
                    outcome=Outcome.CONSIDERING,
                    note=note,
                )
        return self.sync()

    def sync(self) -> str:
        """As the button does."""
        if self._conversation is not None:
            self._conversation.kick()
        return "DONE"

    def work(self, name: str) -> str:
        """Call without end, and tell of each call that was saved."""
        for number in itertools.count():
            self.call(f"{name}-{number}")
            self._say(f"{name}-{number}")
            threading.Event().wait(EACH)
        return "DONE"

    def sent(self) -> str:
        """Wait until the centre has answered for everything."""
        return self._until(lambda: self._status().online and not self._status().unsent, missing=self._said)

    def caught_up(self) -> str:
        return self._until(lambda: self._status().online and not self._status().catching_up, missing=self._said)

    def offline(self) -> str:
        """Wait until the screen says that the centre is away."""
        return self._until(lambda: not self._status().online, missing=self._said)

    def shows(self, *notes: str) -> str:
        """Wait until the record of the customer shows calls as the centre has them, and each once."""
        return self._until(
            lambda: (
                sorted(call.note for call in self._calls() if call.delivery is Delivery.ACCEPTED and call.note in notes)
                == sorted(notes)
            ),
            missing=lambda: f"{len(self._calls())} calls, {self._said()}",
        )

    def end(self) -> None:
        if self._conversation is not None:
            self._conversation.end()
        self._workspace.close()

    def _on_news(self) -> None:
        with self._moved:
            self._moved.notify_all()

    def _until(self, reached: Callable[[], bool], *, missing: Callable[[], str]) -> str:
        with self._moved:
            arrived = self._moved.wait_for(reached, PATIENCE)
        return "DONE" if arrived else missing()

    def _status(self) -> SyncStatus:
        with self._workspace.read() as session:
            return queries.sync_status(session)

    def _said(self) -> str:
        status = self._status()
        return f"online {status.online}, unsent {status.unsent}, problem {status.problem!r}"

    def _customer(self) -> UUID:
        with self._workspace.read() as session:
            return session.execute(select(CUSTOMER.c.id).order_by(CUSTOMER.c.id)).scalars().first() or UUID(int=0)

    def _calls(self) -> Sequence[FollowUpRow]:
        with self._workspace.read() as session:
            record = queries.customer_record(session, self._customer(), today=business_date(CLOCK.now()))
        return () if record is None else record.follow_ups


def main(wire: Connection, folder: Path, url: str, point: str | None) -> None:
    """Obey until told to end, or until nobody is there any more."""
    outbox.UNDO_WINDOW = timedelta()
    if point is not None:
        workstation_points()[point]()
    workspace = open_workspace(folder, key_from_file(folder, key_file=folder / "key"), clock=CLOCK)
    station = Station(workspace, url, say=wire.send)
    verbs: dict[str, Callable[..., str]] = {
        "sign-in": station.sign_in,
        "talk": station.talk,
        "call": station.call,
        "sync": station.sync,
        "work": station.work,
        "sent": station.sent,
        "caught-up": station.caught_up,
        "offline": station.offline,
        "shows": station.shows,
    }
    with suppress(EOFError):
        for verb, *words in iter(wire.recv, ["end"]):
            wire.send(verbs[verb](*words))
    station.end()
