"""Commands about rules for whoever keeps the centre: what is in force, a rule as a file, and a file as a draft.

A file becomes a draft and nothing more: a manager looks at it and publishes it at a workstation.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hcrm_central.console import Json, opened, say, show
from hcrm_central.settings import read_settings
from hcrm_core.errors import Rejected
from hcrm_core.rules.messages import SaveDraftRequest
from hcrm_core.wire import RefusalCode
from hcrm_store.clock import SystemClock

CLOCK = SystemClock()

rules = typer.Typer(help="Rules in force and drafts; a rule as a file, a file as a draft.")


def add_to(app: typer.Typer) -> None:
    """Offer these commands among the others."""
    app.add_typer(rules, name="rules")


@rules.callback(invoke_without_command=True)
def show_rules(context: typer.Context, *, as_json: Json = False) -> None:
    """List the rules: the version in force, the open draft, and the customers in its segment."""
    if context.invoked_subcommand is not None:
        return
    from sqlalchemy.orm import Session

    from hcrm_central.api.rules.shelf import all_heads

    with opened(read_settings()) as store, Session(store.jobs) as session:
        heads = all_heads(session)
    if as_json:
        show({"rules": [head.model_dump(mode="json", exclude={"draft_author"}) for head in heads]}, as_json=True)
        return
    for head in heads:
        force = f"version {head.published}" if head.published else "not in force"
        draft = f" · {head.draft_state} {head.draft}" if head.draft else ""
        say(f"{head.key:<24} {force}{draft} · {head.customers} customers{' · FAILED' if head.failed else ''}")
    say(f"{len(heads)} rules")


@rules.command("export")
def export_rule(
    key: Annotated[str, typer.Argument(metavar="KEY")],
    *,
    number: Annotated[int | None, typer.Option(help="of a version; the one in force if not given")] = None,
) -> None:
    """Print a rule as JSON."""
    from sqlalchemy.orm import Session

    from hcrm_central.jobs.versions import in_force, versions_of

    with opened(read_settings()) as store, Session(store.jobs) as session:
        versions = versions_of(session, key)
        found = next((one for one in versions if one.number == number), None) if number else in_force(versions)
        if found is None:
            raise Rejected("version_unknown", f"{key} has no such version")
        say(json.dumps(found.definition, ensure_ascii=False, indent=2))


@rules.command("import")
def import_rule(
    file: Annotated[Path, typer.Argument(help="JSON as `rules export` prints it, or YAML as in resources/rules")],
    *,
    as_json: Json = False,
) -> None:
    """Keep a file as a draft, for a manager to look at and publish. An open draft is not written over."""
    from hcrm_central.api.refusals import Refused
    from hcrm_central.api.rules.authors import CENTRE
    from hcrm_central.api.rules.drafts import keep_draft
    from hcrm_central.jobs.versions import latest_number, versions_of
    from hcrm_central.store.engine import transaction

    definition = _read(file)
    key = str(definition.get("key", ""))
    with opened(read_settings()) as store, transaction(store.jobs) as session:
        request = SaveDraftRequest(definition=definition, ver=None, based_on=latest_number(versions_of(session, key)))
        try:
            draft = keep_draft(session, key, request, clock=CLOCK, by=CENTRE)
        except Refused as refused:
            raise _with_its_reason(refused, key) from None
    show({"rule": key, "number": draft.number, "state": draft.state}, as_json=as_json)


def _with_its_reason(refused: Rejected, key: str) -> Rejected:
    if refused.code == RefusalCode.STALE:
        return Rejected(refused.code, f"{key} has an open draft already: publish it or throw it away at a workstation")
    return refused


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))  # JSON is YAML
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        raise Rejected("file_unreadable", f"{file.name} cannot be read ({type(failure).__name__})") from None
    if not isinstance(found, dict):
        raise Rejected("file_unreadable", f"{file.name} holds no rule")
    return found
