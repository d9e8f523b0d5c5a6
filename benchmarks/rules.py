"""Goals of the rule engine beside what was measured: `python benchmarks/rules.py [--customers N] [--only NAME …]`.

A real private PostgreSQL with a library that a second run finds again, and the product's own jobs, questions and
widgets. DuckDB, zen-engine and rule-engine are measured beside it in the same run where they are installed
(docs/dependencies.md); figures of a busy machine are worth less than such ratios.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import rules_editor as editor
import rules_engines as engines
import rules_facts as facts
import rules_scan as scan
from figures import Figure, table
from rules_library import library

from hcrm_central.store.opening import Store

MEASURES: dict[str, Callable[[Store, int], list[Figure]]] = {
    "rebuild": lambda store, customers: facts.rebuild(store, customers=customers),
    "duckdb": lambda store, _: facts.beside_duckdb(store),
    "daily": lambda store, customers: scan.daily(store, customers=customers),
    "one": lambda store, _: scan.one_customer(store),
    "preview": lambda store, _: editor.previews(store),
    "drag": lambda store, _: editor.drags(store),
    "explain": lambda store, _: editor.explanations(store),
    "engines": lambda store, _: engines.side_by_side(store),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache/hcrm-bench", help="keeps the library")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures: list[Figure] = []
    with library(asked.folder, asked.customers) as store:
        for name in asked.only:
            found = MEASURES[name](store, asked.customers)
            print(*found, sep="\n", file=sys.stderr, flush=True)
            figures += found
    plain = [dataclasses.asdict(one) for one in figures]
    print(json.dumps(plain, ensure_ascii=False) if asked.json else table(figures))


if __name__ == "__main__":
    main()
