"""The real workstation is killed again and again while somebody works: what it called saved is there, once."""

import random
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import IO

import pytest

from hcrm_desktop.cache.keys import key_from_file
from hcrm_desktop.cache.workspace import Workspace, open_workspace
from hcrm_store.clock import SystemClock
from tests.gui.filling import add_tasks, open_clinic

TIMES = 40


def opened(folder: Path) -> Workspace:
    """As after the kill: whatever it left must open."""
    profile = folder / "profile"
    return open_workspace(profile, key_from_file(profile, key_file=folder / "key"), clock=SystemClock())


def entered(folder: Path) -> int:
    workspace = opened(folder)
    count = len(workspace.outbox.laid(workspace.worker().account_id))
    workspace.close()
    return count


def said(lines: IO[str], *, atmost: int) -> set[str]:
    """What the screen called recorded, by the names of the children."""
    return {line for line in islice(lines, atmost) if line.endswith("\n")}


@pytest.mark.long
def test_what_the_screen_called_saved_survives_forty_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    workspace = opened(tmp_path)
    open_clinic(workspace)
    add_tasks(workspace, *[f"孩子{number}" for number in range(800)])
    workspace.close()
    chance, before = random.Random(40), 0
    command = [sys.executable, "-m", "tests.acceptance.pressing", str(tmp_path / "profile"), str(tmp_path / "key")]
    for _ in range(TIMES):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            recorded = said(process.stdout, atmost=chance.randrange(30))
            process.kill()
            recorded |= said(process.stdout, atmost=1_000)
        after = entered(tmp_path)
        assert len(recorded) <= after - before <= len(recorded) + 2, "lost, or more than was on its way to the screen"
        before = after
    assert before > TIMES / 2
