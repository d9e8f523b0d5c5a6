"""`python -m hcrm_sim DIR`: write a simulated clinic as an extract, and say what was written."""

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from hcrm_core.errors import Rejected
from hcrm_sim.clinic import write_clinic


def main() -> int:
    parser = argparse.ArgumentParser(prog="hcrm_sim", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the extract goes; a former one is replaced")
    parser.add_argument("--customers", type=int, default=2000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same clinic")
    parser.add_argument("--today", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--sites", type=int, default=3, metavar="N")
    given = parser.parse_args()
    try:
        summary = write_clinic(
            given.directory, customers=given.customers, seed=given.seed, today=given.today, sites=given.sites
        )
    except Rejected as refusal:
        parser.error(str(refusal))
    sys.stdout.write(json.dumps(summary.as_json(), ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
