"""The central service, with a named point where it dies: `python -m tests.acceptance.dying_service POINT`."""

import sys

from hcrm_central.cli import main
from tests.acceptance.dying import service_points

if __name__ == "__main__":
    service_points()[sys.argv.pop()]()
    sys.argv.append("serve")
    main()
