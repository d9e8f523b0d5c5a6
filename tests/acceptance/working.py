"""A worker, or somebody who scans without end, as a process of its own that a test kills."""

from contextlib import suppress
from datetime import time, timedelta
from random import Random

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hcrm_central.jobs import post
from hcrm_central.jobs.scan import rescan, scan
from hcrm_central.jobs.worker import Worker
from hcrm_central.store.engine import make_engine
from hcrm_store.people import Customer
from tests.acceptance.dying import worker_points
from tests.fakes import FakeClock

AT = time(2, 30)
HASTE = timedelta(seconds=0.2)  # nobody waits long for the post of one who was killed
CLOCK = FakeClock()  # stands still: the day does not turn while a test kills


def work(url: str, dies_at: str | None = None) -> None:
    """As `hcrm-central work`, until it is killed or kills itself; but it takes over whoever is at work."""
    if dies_at is not None:
        worker_points()[dies_at]()
    post.SILENT_AFTER = HASTE
    vars(post)["is_leased"] = lambda _session: False  # so that they meet, as they never should
    Worker(make_engine(url), clock=CLOCK, scan_at=AT).run()


def scan_without_end(url: str) -> None:
    """Everybody, or a few customers, beside all workers and without asking who holds the post."""
    engine, chance = make_engine(url), Random()
    while True:
        with suppress(DBAPIError):  # the lock of a row that is being written elsewhere did not come in time
            _scan_once(engine, chance)


def _scan_once(engine: Engine, chance: Random) -> None:
    if chance.random() < 0.5:
        scan(engine, clock=CLOCK)
        return
    with Session(engine) as session:
        customers = session.scalars(select(Customer.id)).all()
    rescan(engine, chance.sample(list(customers), k=5), clock=CLOCK)
