"""`python -m hcrm_sim.flaky --to URL --port P`: a cable, switched by lines on standard input until it ends."""

import argparse
import sys

from hcrm_sim.flaky.cable import Cable
from hcrm_sim.flaky.console import HELP, obey


def main() -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="hcrm_sim.flaky", description=__doc__, epilog=f"commands: {HELP}")
    parser.add_argument("--to", required=True, metavar="URL", help="the centre")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (any free one)")
    arguments = parser.parse_args()
    with Cable(arguments.to, port=arguments.port) as cable:
        print(f"READY {cable.url}", flush=True)
        for line in sys.stdin:
            print(obey(line, cable), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
