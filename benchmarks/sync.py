"""Goals of the sync beside what was measured: `python benchmarks/sync.py [--customers N] [--only NAME …] [--json]`.

A real clinic at one site (PostgreSQL, the service as a process, simulated customers) and real workstations. Figures of
a busy machine are worth less than their ratios to what stands beside them.
"""

import argparse
import dataclasses
import json
import resource
import sys
from collections.abc import Callable

import sync_centre as centre
import sync_desk as desk
from figures import Figure, table
from sync_clinic import Clinic, clinic

MEASURES: dict[str, Callable[[Clinic, argparse.Namespace], list[Figure]]] = {
    "window": lambda here, _: desk.window(here),
    "first": lambda here, _: desk.first_reads(here),
    "saves": lambda here, _: desk.saves(here),
    "visibility": lambda here, _: desk.visibility(here),
    "snapshots": lambda here, _: centre.snapshots(here),
    "pulls": lambda here, _: centre.incremental_pulls(here),
    "writes": lambda here, _: centre.writes(here),
    "many": lambda here, asked: centre.first_syncs(here, asked.workstations),
    "waiting": lambda here, asked: centre.waiting(here, asked.waiting),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1600)
    parser.add_argument("--workstations", type=int, default=100, help="that read everything at once")
    parser.add_argument("--waiting", type=int, default=1000, help="that wait for news")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures: list[Figure] = []
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # who waits is a connection, on both sides
    with clinic(asked.customers) as here:
        for name in asked.only:
            found = MEASURES[name](here, asked)
            print(*found, sep="\n", file=sys.stderr)
            figures += found
    plain = [dataclasses.asdict(one) for one in figures]
    print(json.dumps(plain, ensure_ascii=False) if asked.json else table(figures))


if __name__ == "__main__":
    main()
