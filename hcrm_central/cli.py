"""`hcrm-central`: everything that is done at the centre, one command each.

What a command needs is imported when it runs: `--help` must not wait for a web framework and a dataframe library.
"""

import json
import os
import signal
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import typer

from hcrm_central import facts_keeping, keeping, rule_keeping
from hcrm_central.console import FromStdin, Json, ask_password, opened, require_owner, say, show, tell
from hcrm_central.settings import read_settings, unknown_variables
from hcrm_core.errors import HcrmError, SurroundingsFailed
from hcrm_core.terms import Role
from hcrm_store.clock import SystemClock, business_date

app = typer.Typer(
    name="hcrm-central",
    help="The central service of HCRM: settings are HCRM_* variables (docs/central.md).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keeping.add_to(app)
rule_keeping.add_to(app)
facts_keeping.add_to(app)

FAILED, CLOCK = 2, SystemClock()
# Operational: a scan closes what its day makes void, and a slip of the year would leave customers without a task.
_SCAN_BACK, _SCAN_AHEAD = timedelta(days=366), timedelta(days=31)


def main() -> None:
    """Run a command. What the surroundings did wrong is told in a sentence, not in a trace."""
    signal.signal(signal.SIGTERM, _interrupt)  # so that a private database is stopped in order
    for name in unknown_variables(os.environ):
        print(f"hcrm-central: there is no setting {name}; it is ignored (docs/central.md)", file=sys.stderr)
    try:
        app()
    except HcrmError as error:
        _fail(str(error), remedy=error.remedy if isinstance(error, SurroundingsFailed) else "")
    except Exception as error:
        _fail_if_database(error)
        _fail_unforeseen(error)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(message: str, *, remedy: str) -> NoReturn:
    print(f"hcrm-central: {message}", file=sys.stderr)
    if remedy:
        print(f"What to do: {remedy}.", file=sys.stderr)
    raise SystemExit(FAILED)


def _fail_if_database(error: Exception) -> None:
    from sqlalchemy.exc import OperationalError

    if isinstance(error, OperationalError):
        _fail("the database does not answer", remedy="run hcrm-central doctor")


def _fail_unforeseen(error: Exception) -> NoReturn:
    """A trace quotes what was worked on, which may be a customer: tell type and place, as the log does."""
    from hcrm_central.logs import described, places

    print("\n".join(places(error.__traceback__)), file=sys.stderr)
    told = described(error)
    what = ", ".join(str(told[name]) for name in ("error", "sqlstate", "constraint") if told.get(name))
    _fail(f"something unforeseen happened ({what})", remedy="run hcrm-central doctor, and report the lines above")


# ── the store ────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def migrate() -> None:
    """Bring the database to this program's schema, and install the default rules and SOPs."""
    from hcrm_central.jobs.defaults import install_defaults
    from hcrm_central.store.migrate import ensure_roles, head
    from hcrm_central.store.migrate import migrate as upgrade
    from hcrm_central.store.opening import open_store

    settings = read_settings()
    require_owner(settings)
    with open_store(settings) as store:
        if settings.database_url:  # a private server has made its own
            ensure_roles(store.owner, {})
        upgrade(store.owner)
        report = install_defaults(store.jobs, clock=CLOCK)
    say(f"schema {head()}")
    tell(report.as_json())


@app.command()
def serve() -> None:
    """Answer workstations until stopped. Prints READY and the address when it accepts them."""
    from hcrm_central import logs, serving
    from hcrm_central.app import create_app

    settings = read_settings()
    logs.configure(settings)
    with opened(settings) as store:
        serving.serve(create_app(store, settings, clock=CLOCK), settings)


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def create_admin(
    username: Annotated[str, typer.Option(prompt=True)] = "admin",
    *,
    password_stdin: FromStdin = False,
) -> None:
    """Make the account that administers accounts and devices. It sees no patient."""
    _create(username, role=Role.ADMIN, staff_code=None, name=None, password_stdin=password_stdin)


@app.command()
def create_account(
    username: Annotated[str, typer.Option()],
    role: Annotated[Role, typer.Option()],
    *,
    staff_code: Annotated[str | None, typer.Option(help="the member of staff it acts as")] = None,
    name: Annotated[str | None, typer.Option(help="shown at the workstation; the staff member's if not given")] = None,
    password_stdin: FromStdin = False,
) -> None:
    """Make an account that may sign in."""
    _create(username, role=role, staff_code=staff_code, name=name, password_stdin=password_stdin)


def _create(username: str, *, role: Role, staff_code: str | None, name: str | None, password_stdin: bool) -> None:
    from hcrm_central import accounts

    password = ask_password(from_stdin=password_stdin)
    with opened(read_settings()) as store:
        accounts.create_account(
            store.jobs,
            username=username,
            password=password,
            role=role,
            clock=CLOCK,
            staff_code=staff_code,
            name=name,
        )
    say(f"account {accounts.normal_username(username)} ({role}) is ready")


# ── what comes in ────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def import_ledger(
    file: Annotated[Path, typer.Argument(help="the Excel ledger")],
    *,
    site: Annotated[str | None, typer.Option(help="code of the site whose ledger it is")] = None,
    profile: Annotated[Path | None, typer.Option(help="a column mapping of one's own (docs/ledger.md)")] = None,
    errors: Annotated[Path | None, typer.Option(help="write an annotated copy here")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="import nothing, tell what would happen")] = False,
    as_json: Json = False,
) -> None:
    """Import an Excel ledger. Importing it again changes nothing."""
    from hcrm_central.connectors import ledger

    with opened(read_settings()) as store:
        report = ledger.import_ledger(
            store.jobs,
            file,
            clock=CLOCK,
            site_code=site,
            profile=profile,
            dry_run=dry_run,
            error_workbook=errors,
        )
    show(report.as_json(), as_json=as_json)


@app.command()
def undo_import(batch_id: Annotated[UUID, typer.Argument(metavar="ID")], *, as_json: Json = False) -> None:
    """Take an import back, but for what somebody has worked on since."""
    from hcrm_central.connectors import ledger

    with opened(read_settings()) as store:
        report = ledger.undo_import(store.jobs, batch_id, clock=CLOCK)
    show(report.as_json(), as_json=as_json)


@app.command()
def load_extract(
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    *,
    as_json: Json = False,
) -> None:
    """Load an extract of another system (docs/extract.md). Loading it again changes nothing."""
    from hcrm_central.connectors import extract

    with opened(read_settings()) as store:
        report = extract.load_extract(store.jobs, directory, clock=CLOCK)
    show(report.as_json(), as_json=as_json)


# ── what runs ────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def scan(
    *,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="business date; today's if not given")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute facts, sort customers into segments and make today's tasks. A second scan adds none."""
    from hcrm_central.jobs.retention import tidy_daily
    from hcrm_central.jobs.scan import scan as run

    day = _scannable(on.date()) if on else None
    with opened(read_settings()) as store:
        report = run(store.jobs, clock=CLOCK, on=day)
        tidy_daily(store.jobs, clock=CLOCK)
    show(report.as_json(), as_json=as_json)


@app.command()
def work(*, once: Annotated[bool, typer.Option("--once", help="do what there is to do, and end")] = False) -> None:
    """Look at changed customers, answer managers' requests, scan at night; until stopped. Two may run: one works."""
    import contextlib
    import faulthandler

    from hcrm_central import logs
    from hcrm_central.jobs.worker import Worker

    settings = read_settings()
    logs.configure(settings)
    faulthandler.enable(2)
    with opened(settings) as store, contextlib.suppress(KeyboardInterrupt):
        worker = Worker(store.jobs, clock=CLOCK, scan_at=settings.scan_at)
        say("WORKING")
        if once:
            worker.finish()
        else:
            worker.run()


@app.command()
def tidy(*, as_json: Json = False) -> None:
    """Forget what readers have known for half a year, and dead tokens. A scan does it once a day."""
    from hcrm_central.jobs.retention import tidy as run

    with opened(read_settings()) as store:
        report = run(store.jobs, clock=CLOCK)
    show(report.as_json(), as_json=as_json)


@app.command()
def rule_schema() -> None:
    """Print the JSON Schema of a rule, as it stands in docs/rule.schema.json."""
    from hcrm_core.rules.schema import rule_schema as schema

    say(json.dumps(schema(), ensure_ascii=False, indent=1))


def _scannable(day: date) -> date:
    today = business_date(CLOCK.now())
    if not today - _SCAN_BACK <= day <= today + _SCAN_AHEAD:
        said = (
            f"a scan moves tasks: its day is at most {_SCAN_BACK.days} days before today and {_SCAN_AHEAD.days} after"
        )
        raise typer.BadParameter(said, param_hint="--on")
    return day


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check that the centre is well, and say what to do where it is not. Ends with 1 if something is bad."""
    from hcrm_central.doctor import Level, examine
    from hcrm_central.store.opening import open_store

    settings = read_settings()
    with open_store(settings) as store:
        findings = examine(store, settings, clock=CLOCK)
    if as_json:
        say(json.dumps([finding.as_json() for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            say(f"{finding.level:<4}  {finding.check:<26} {finding.said}")
            if finding.remedy:
                say(f"{'':<32} → {finding.remedy}")
    raise typer.Exit(1 if any(finding.level is Level.BAD for finding in findings) else 0)
