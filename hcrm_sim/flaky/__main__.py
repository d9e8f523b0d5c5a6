"""`python -m hcrm_sim.flaky --to URL --port P`: a cable, switched by lines on standard input.

READY and the address go to standard output, for whoever started it; every change goes to standard error, for a person.
"""

import argparse
import contextlib
import sys
import threading

from hcrm_sim.flaky.cable import Cable
from hcrm_sim.flaky.console import HELP, describe, obey, wander
from hcrm_sim.flaky.faults import Fault


def main() -> int:
    """Serve until interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="hcrm_sim.flaky", description=__doc__, epilog=f"commands: {HELP}")
    parser.add_argument("--to", required=True, metavar="URL", help="the centre")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (any free one)")
    parser.add_argument("--random", type=int, metavar="SEED", help="begin with faults and healings in turn")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt), Cable(arguments.to, port=arguments.port, on_change=_tell) as cable:
        print(f"READY {cable.url}", flush=True)
        if arguments.random is not None:
            wander(cable, seed=arguments.random)
        _listen(cable)
        threading.Event().wait()  # nobody commands any more; the cable stays
    return 0


def _listen(cable: Cable) -> None:
    for line in sys.stdin:
        if not obey(line, cable):
            print(HELP, file=sys.stderr, flush=True)


def _tell(fault: Fault) -> None:
    print(f"cable: {describe(fault)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
