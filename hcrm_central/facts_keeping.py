"""Commands about facts for whoever keeps the centre."""

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hcrm_central.console import opened, require_owner, say
from hcrm_central.settings import read_settings
from hcrm_store.clock import SystemClock

CLOCK = SystemClock()


class By(StrEnum):
    """Who computes."""

    POLARS = "polars"
    SPARK = "spark"


def add_to(app: typer.Typer) -> None:
    """Offer these commands among the others."""
    app.command()(rebuild_facts)
    app.command()(compact_facts)


def rebuild_facts(
    *,
    engine: Annotated[By, typer.Option(help="polars on this machine, or spark on a cluster")] = By.POLARS,
    master: Annotated[str, typer.Option(help="the Spark cluster")] = "local[2]",
    shared: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="a folder that all machines of the cluster see")
    ] = None,
    jdbc_jar: Annotated[Path | None, typer.Option(help="PostgreSQL's JDBC driver: Spark reads the rows itself")] = None,
) -> None:
    """Compute everybody's facts anew and store those that differ. Segments and tasks follow with the next scan."""
    from hcrm_central.jobs import facts, spark

    with opened(read_settings()) as store:
        if engine is By.POLARS:
            many = facts.rebuild_facts(store.jobs, None, clock=CLOCK)
        else:
            with spark.start(master, jdbc_jar=jdbc_jar) as session, tempfile.TemporaryDirectory(dir=shared) as folder:
                place = Path(folder)
                many = spark.rebuild_on_spark(store.jobs, session, folder=place, clock=CLOCK, jdbc=bool(jdbc_jar))
    say(f"facts of {many} customers")


def compact_facts() -> None:
    """Write the table of facts anew without its gaps: a first load leaves it twice as large as it need be.

    Runs and questions wait meanwhile, some ten seconds for a million customers.
    """
    from hcrm_central.store.facts import compact

    settings = read_settings()
    require_owner(settings)
    with opened(settings) as store:
        before, after = compact(store.owner)
    say(f"customer_facts: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")
