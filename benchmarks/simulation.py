"""How fast a simulated clinic is written and loaded: `python benchmarks/simulation.py [CUSTOMERS] [--write-only]`.

Writes the clinic as an extract, then loads it twice into a throw-away PostgreSQL: everything new, then nothing new.
Wall time depends on what else runs; processor seconds of this process are shown beside it.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from hcrm_central.connectors.extract import load_extract
from hcrm_central.store import postgres
from hcrm_central.store.engine import make_engine
from hcrm_central.store.migrate import migrate
from hcrm_central.store.opening import SERVICE_LOGIN, WORKER_LOGIN, prepare
from hcrm_sim.clinic import write_clinic
from hcrm_store.clock import SystemClock, business_date


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("customers", type=int, nargs="?", default=2000)
    parser.add_argument("--write-only", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hcrm-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the server's own user passes through
        extract = folder / "extract"
        with timed(f"write {given.customers:,} customers"):
            today = business_date(SystemClock().now())
            summary = write_clinic(extract, customers=given.customers, seed=1, today=today)
        size = sum(path.stat().st_size for path in extract.rglob("*") if path.is_file())
        print(f"  {sum(summary.rows.values()):,} rows, {size / 1e6:.0f} MB")
        if not given.write_only:
            load(folder, extract)


def load(folder: Path, extract: Path) -> None:
    server = postgres.start(folder / "pg", logins=(SERVICE_LOGIN, WORKER_LOGIN), durable=False)
    try:
        addresses = prepare(server, "benchmark")
        owner, jobs = create_engine(addresses.owner), make_engine(addresses.jobs)
        migrate(owner)
        for which in ("load, everything new", "load again, nothing new"):
            with timed(which):
                load_extract(jobs, extract, clock=SystemClock())
        owner.dispose()
        jobs.dispose()
    finally:
        server.stop()


@contextmanager
def timed(what: str) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {wall:.1f} s wall, {processor:.1f} s processor, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
