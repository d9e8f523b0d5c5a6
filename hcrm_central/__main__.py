"""`python -m hcrm_central` is `hcrm-central`."""

from hcrm_central.cli import main

main()
