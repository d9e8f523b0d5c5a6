"""A served clinic for benchmarks/sync.py: database, simulated customers, accounts, and the service as a process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.accounts import create_account
from hcrm_central.connectors.extract.load import load_extract
from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.scan import scan
from hcrm_central.settings import Settings
from hcrm_central.store.migrate import migrate
from hcrm_central.store.opening import Store, open_store
from hcrm_core.terms import Role
from hcrm_core.wire import DeviceClaim
from hcrm_desktop.sync.client import CentreClient
from hcrm_store.base import new_id
from hcrm_store.clock import SystemClock, business_date
from hcrm_store.organisation import Staff
from hcrm_store.people import Customer

CLOCK = SystemClock()
PASSWORD = "a password of benchmarks"  # noqa: S105 - of accounts that live for one run
SECRET = "s" * 43


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """What the measures need: where the service answers, its process, and the database behind it."""

    store: Store
    folder: Path
    url: str
    service: "subprocess.Popen[str]"

    def headers(self, username: str) -> dict[str, str]:
        """Sign in as a new device; the headers of its session."""
        device = new_id()
        client = CentreClient(self.url)
        try:
            claim = DeviceClaim(id=device, secret=SECRET, name="benchmark", app_version="0")
            token = client.login(username, PASSWORD, device=claim).access_token
        finally:
            client.close()
        return {"Authorization": f"Bearer {token}", "X-HCRM-Device": str(device), "X-HCRM-Device-Secret": SECRET}


@contextmanager
def clinic(customers: int) -> Iterator[Clinic]:
    """The clinic, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="hcrm-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database's own user passes through
        with open_store(Settings(data_dir=folder / "central")) as store:
            migrate(store.owner)
            fill(store, folder / "extract", customers)
            with served(folder) as (process, url):
                yield Clinic(store=store, folder=folder, url=url, service=process)


def fill(store: Store, extract: Path, customers: int) -> None:
    """Simulate, load, make an account of each role at the busiest site, scan."""
    today = business_date(CLOCK.now())
    command = ["-m", "hcrm_sim", str(extract), "--customers", str(customers), "--sites", "1", "--seed", "1"]
    subprocess.run([sys.executable, *command, "--today", today.isoformat()], check=True, stdout=subprocess.DEVNULL)
    load_extract(store.jobs, extract, clock=CLOCK)
    install_defaults(store.jobs, clock=CLOCK)
    scan(store.jobs, on=today, clock=CLOCK)
    for role, column in ((Role.ASSISTANT, Customer.assistant_id), (Role.OPTOMETRIST, Customer.optometrist_id)):
        create_account(
            store.jobs, username=role, password=PASSWORD, role=role, clock=CLOCK, staff_code=busiest(store, column)
        )
    create_account(store.jobs, username=Role.MANAGER, password=PASSWORD, role=Role.MANAGER, clock=CLOCK)


def busiest(store: Store, column: object) -> str:
    """The code of whoever looks after most customers."""
    with Session(store.jobs) as session:
        counted = select(Staff.code).join(Customer, column == Staff.id)
        return session.scalars(counted.group_by(Staff.code).order_by(func.count().desc()).limit(1)).one()


@contextmanager
def served(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The central service as a process, and its address."""
    settings = {"HCRM_DATA_DIR": str(folder / "central"), "HCRM_PORT": "0", "HCRM_LOG_LEVEL": "ERROR"}
    environment = os.environ | settings | {"HCRM_LOGIN_ATTEMPTS": "100000/minute"}
    command = [sys.executable, "-m", "hcrm_central", "serve"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, next(line for line in process.stdout if line.startswith("READY ")).split()[1]
        finally:
            process.terminate()
