"""The unplug test, with real processes: service killed, work recorded, workstations killed, all started again."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.settings import Settings
from hcrm_central.store.engine import transaction
from hcrm_central.store.migrate import migrate
from hcrm_central.store.opening import Store, open_store
from hcrm_central.store.tables import HeldOperation, Receipt
from hcrm_core.terms import Outcome, Source, TaskState, VisitState
from hcrm_store.care import FollowUp, Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.clock import SystemClock, business_date
from hcrm_store.journeys import Task
from tests.factories import PASSWORD, Clinic, add_task, make_clinic

NOWHERE = "http://127.0.0.1:9"
CLOCK = SystemClock()


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the database's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="hcrm-unplugged-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def centre_store(home: Path) -> Iterator[Store]:
    """The centre's own PostgreSQL, shared with the service for as long as the test runs."""
    with open_store(Settings(data_dir=home / "centre")) as store:
        migrate(store.owner)
        yield store


@contextmanager
def service(home: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The central service as a process, and its address once it accepts."""
    environment = os.environ | {"HCRM_DATA_DIR": str(home / "centre"), "HCRM_PORT": "0", "HCRM_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "hcrm_central", "serve"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = next(line for line in process.stdout if line.startswith("READY "))
            yield process, ready.split()[1]
        finally:
            process.terminate()


def desk(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """A workstation that has done what it was told, and may still live."""
    command = [sys.executable, "-m", "tests.acceptance.desk", str(folder), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "DONE\n", words
    return process


def leave(*processes: "subprocess.Popen[str]", killed: bool = False) -> None:
    for process in processes:
        if killed:
            process.kill()
        process.communicate(timeout=30)


def clinic_of(store: Store) -> Clinic:
    """Three tasks of one child today."""
    clinic = make_clinic(store, CLOCK)
    with transaction(store.jobs) as session:
        for weeks in (1, 2):
            add_task(
                session,
                customer_id=clinic.mine.customer_id,
                site_id=clinic.north,
                owner_id=clinic.staff["assistant"],
                anchor_on=business_date(CLOCK.now()).replace(day=weeks),
            )
    return clinic


def test_what_is_done_while_unplugged_is_in_the_centre_once_and_the_tasks_have_moved_on(
    home: Path, centre_store: Store
) -> None:
    clinic = clinic_of(centre_store)
    assistant, optometrist = home / "assistant", home / "optometrist"
    with service(home) as (process, url):
        for folder in (assistant, optometrist):
            leave(desk(folder, url, "sign-in", folder.name, PASSWORD))
        process.kill()
        process.wait()

    working = [
        desk(assistant, NOWHERE, "outcomes"),
        desk(optometrist, NOWHERE, "exam", str(clinic.mine.customer_id)),
    ]
    leave(*working, killed=True)

    with service(home) as (_, url):
        for _ in range(2):  # the second time there must be nothing left to do
            leave(desk(assistant, url, "sync"), desk(optometrist, url, "sync"))
    check(centre_store, clinic)


def check(store: Store, clinic: Clinic) -> None:
    child = {"customer_id": clinic.mine.customer_id}
    with Session(store.jobs) as session:
        new = session.scalars(select(FollowUp).filter_by(**child).where(FollowUp.id != clinic.mine.follow_up_id))
        assert sorted(contact.outcome for contact in new) == [Outcome.BOOKED, Outcome.DECLINED, Outcome.NO_ANSWER]
        states = session.scalars(select(Task.state).filter_by(**child).order_by(Task.state)).all()
        assert states == [TaskState.CANCELLED, TaskState.SNOOZED, TaskState.SNOOZED]
        exam = session.scalars(select(Exam).filter_by(**child, source=Source.WORKSTATION)).one()
        assert exam.examiner_id == clinic.staff["optometrist"]
        assert len(session.scalars(select(EyeMeasurement).filter_by(exam_id=exam.id)).all()) == 2
        assert len(session.scalars(select(Visit).filter_by(**child, state=VisitState.BOOKED)).all()) == 1
        assert session.scalar(select(func.count()).select_from(Receipt)) == 4
        assert session.scalar(select(func.count()).select_from(HeldOperation)) == 0
