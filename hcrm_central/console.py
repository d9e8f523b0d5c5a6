"""What the commands share: the open store, questions to whoever types, and reports."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hcrm_central.settings import Settings
from hcrm_core.errors import StoreUnusable

if TYPE_CHECKING:
    from hcrm_central.store.opening import Store

EMPTY: tuple[object, ...] = (None, "", (), [], {})
Json = Annotated[bool, typer.Option("--json", help="print the report as JSON")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")]


@contextmanager
def opened(settings: Settings) -> Iterator["Store"]:
    """The store, at this program's schema."""
    from hcrm_central.store.migrate import current, head
    from hcrm_central.store.opening import open_store

    with open_store(settings) as store:
        revision = current(store.owner)
        if revision != head():
            raise StoreUnusable(
                f"the database is at revision {revision or 'none'}, this program needs {head()}",
                remedy="run hcrm-central migrate",
            )
        yield store


def require_owner(settings: Settings) -> None:
    """For commands that only the schema's owner may give.

    Raises:
        StoreUnusable: his address is not told.
    """
    if settings.database_url and not settings.owner_database_url:
        raise StoreUnusable("the owner's address is missing", remedy="set HCRM_OWNER_DATABASE_URL for this command")


def ask_password(*, from_stdin: bool) -> str:
    """A password, from standard input or from whoever types, who is asked for it twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    prompted: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return prompted


def say(text: str) -> None:
    """A line for whoever reads along; at once, because it may be a program."""
    print(text, flush=True)


def show(report: dict[str, Any], *, as_json: bool) -> None:
    """A report, for a machine or for a person."""
    if as_json:
        say(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        tell(report)


def tell(report: dict[str, Any]) -> None:
    """A report for a person at a terminal: lists one line each, counts side by side, nothing that is empty."""
    for name, value in report.items():
        if isinstance(value, list | tuple):
            for entry in value:
                say(f"{name}: {_line(entry)}")
        elif value not in EMPTY:
            say(f"{name}: {_line(value)}")


def _line(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return " · ".join(f"{name} {_line(found)}" for name, found in value.items() if found not in (*EMPTY, 0))
