"""A workstation without a screen, as a process of its own: `python -m tests.acceptance.desk FOLDER URL VERB …`.

It uses what the real one uses: the encrypted files, the commands, and a conversation in its own thread. After a
verb it says DONE; after `record` it goes on living, so that whoever started it can kill it.
"""

import sys
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from hcrm_core.terms import Channel, Eye, LensState, Outcome, RefractionMethod
from hcrm_desktop.cache import commands, queries
from hcrm_desktop.cache.keys import key_from_file
from hcrm_desktop.cache.rows import ExamEntry, EyeRow, TaskFilter
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.conversation import Conversation
from hcrm_desktop.sync.loop import Listeners
from hcrm_desktop.sync.session import CentreSession
from hcrm_store.clock import SystemClock, business_date

SECONDS = 60
CLOCK = SystemClock()


def sign_in(workspace: Workspace, url: str, username: str, password: str) -> None:
    client = CentreClient(url)
    CentreSession(workspace, client).sign_in(username, password)
    client.close()
    converse(workspace, url)


def converse(workspace: Workspace, url: str) -> None:
    """Talk until a cycle succeeded and nothing is left to send."""
    through = threading.Event()

    def look() -> None:
        with workspace.read() as session:
            status = queries.sync_status(session)
        if status.online and not status.catching_up and not status.unsent:
            through.set()

    conversation = Conversation(
        workspace, url, listeners=Listeners(state_changed=look, data_changed=lambda _changes: None)
    )
    arrived = through.wait(SECONDS)
    conversation.end()
    assert arrived, "not everything was sent"


def outcomes(workspace: Workspace) -> None:
    """What an assistant does with the three tasks of the day."""
    today = business_date(CLOCK.now())
    with workspace.read() as session:
        tasks = queries.tasks_today(session, today=today, filter=TaskFilter())
    called = (Outcome.BOOKED, Outcome.NO_ANSWER, Outcome.DECLINED)
    for task, outcome in zip(tasks, called, strict=True):
        day = today + timedelta(days=7) if outcome is Outcome.BOOKED else None
        commands.record_outcome(workspace, task_id=task.id, channel=Channel.PHONE, outcome=outcome, next_on=day)


def exam(workspace: Workspace, customer_id: str) -> None:
    entry = ExamEntry(
        customer_id=UUID(customer_id),
        examined_on=business_date(CLOCK.now()),
        method=RefractionMethod.AUTOREFRACTION,
        cycloplegic=False,
        lens_state=LensState.NONE,
        od=EyeRow(eye=Eye.OD, sphere=Decimal("-3.75"), cylinder=Decimal("-0.50"), axis=175),
        os=EyeRow(eye=Eye.OS, axial_length_mm=Decimal("24.61")),
    )
    commands.record_exam(workspace, entry=entry)


def main(folder: Path, url: str, verb: str, *words: str) -> None:
    workspace = open_workspace(folder, key_from_file(folder, key_file=folder / "key"), clock=CLOCK)
    match verb:
        case "sign-in":
            sign_in(workspace, url, *words)
        case "sync":
            converse(workspace, url)
        case "outcomes":
            outcomes(workspace)
        case "exam":
            exam(workspace, *words)
    print("DONE", flush=True)
    if verb in ("outcomes", "exam"):
        threading.Event().wait()
    workspace.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
