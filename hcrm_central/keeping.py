"""Commands of whoever keeps the centre: accounts, workstations, and operations that wait for a decision."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from hcrm_central.console import FromStdin, Json, ask_password, opened, say, show
from hcrm_central.settings import read_settings
from hcrm_core.fleet import DecisionRequest, DeviceOrder, Fleet, HeldItem, OrderRequest
from hcrm_core.wire import Decision, ResultStatus
from hcrm_store.clock import SystemClock

CLOCK = SystemClock()
_UNTOLD = {"body", "customer_name"}  # a terminal is no place for patients: managers see them at the workstation
MOST_WORDS = 400  # characters of a reason or a note, as on the wire

account = typer.Typer(no_args_is_help=True, help="Take an account out of use, or into use again.")
device = typer.Typer(no_args_is_help=True, help="Order something of a workstation.")
held = typer.Typer(help="Operations that wait for a decision.")

Username = Annotated[str, typer.Argument(metavar="USERNAME")]
DeviceId = Annotated[UUID, typer.Argument(metavar="ID")]
OpId = Annotated[UUID, typer.Argument(metavar="OP_ID")]
Reason = Annotated[str, typer.Option(help="why; kept in the audit log")]
Note = Annotated[str, typer.Option(help="told to whoever entered it")]


def add_to(app: typer.Typer) -> None:
    """Offer these commands among the others."""
    app.command()(set_password)
    app.command()(devices)
    for name, group in (("account", account), ("device", device), ("held", held)):
        app.add_typer(group, name=name)


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────


@account.command("block")
def block_account(username: Username) -> None:
    """The account is refused from now on; what its workstation has not sent stays there."""
    _set_active(username, active=False)
    say(f"account {username} is out of use")


@account.command("unblock")
def unblock_account(username: Username) -> None:
    """The account may sign in again."""
    _set_active(username, active=True)
    say(f"account {username} may sign in")


def _set_active(username: str, *, active: bool) -> None:
    from hcrm_central import accounts

    with opened(read_settings()) as store:
        accounts.set_active(store.jobs, username=username, active=active, clock=CLOCK)


def set_password(username: Username, *, password_stdin: FromStdin = False) -> None:
    """Give an account another password, and end its sessions."""
    from hcrm_central import accounts

    password = ask_password(from_stdin=password_stdin)
    with opened(read_settings()) as store:
        accounts.set_password(store.jobs, username=username, password=password, clock=CLOCK)
    say(f"account {username} has another password; its sessions ended")


# ── workstations ─────────────────────────────────────────────────────────────────────────────────────────


def devices(*, as_json: Json = False) -> None:
    """Show every workstation, the stuck and the silent first."""
    from sqlalchemy.orm import Session

    from hcrm_central.api.fleet import all_devices

    with opened(read_settings()) as store, Session(store.jobs) as session:
        found = all_devices(session, now=CLOCK.now())
    if as_json:
        show(found.model_dump(mode="json"), as_json=True)
    else:
        _tell_fleet(found)


def _tell_fleet(fleet: Fleet) -> None:
    for one in fleet.devices:
        unsent = f"{one.unsent} unsent since {_when(one.oldest_unsent_at)}" if one.unsent else "nothing unsent"
        heard = f"heard of {_when(one.seen_at)}"
        say(f"{one.state:<12}  {one.id}  {one.name} · {one.person} · {one.site} · {heard} · {unsent}")
    say(f"{len(fleet.devices)} workstations")


def _when(instant: datetime | None) -> str:
    return instant.isoformat(sep=" ", timespec="minutes") if instant else "never"


@device.command("block")
def block_device(device_id: DeviceId, *, reason: Reason) -> None:
    """Refuse a workstation everything, until it is unblocked."""
    _order(device_id, DeviceOrder.BLOCK, reason=reason)


@device.command("unblock")
def unblock_device(device_id: DeviceId, *, reason: Reason) -> None:
    """Let a blocked workstation sign in again."""
    _order(device_id, DeviceOrder.UNBLOCK, reason=reason)


@device.command("wipe")
def wipe_device(device_id: DeviceId, *, reason: Reason) -> None:
    """Have a workstation hand over what it has not sent, and delete its files and key. Final."""
    _order(device_id, DeviceOrder.WIPE, reason=reason)


def _order(device_id: UUID, order: DeviceOrder, *, reason: str) -> None:
    from hcrm_central.api.fleet import obey
    from hcrm_central.store.engine import transaction

    request = OrderRequest(order=order, reason=_short(reason, option="--reason", least=1))
    with opened(read_settings()) as store, transaction(store.jobs) as session:
        obey(session, device_id, request, clock=CLOCK, by=None)
    say(f"workstation {device_id}: {order} is ordered")


def _short(text: str, *, option: str, least: int = 0) -> str:
    if not least <= len(text) <= MOST_WORDS:
        raise typer.BadParameter(f"{least} to {MOST_WORDS} characters", param_hint=option)
    return text


# ── held operations ──────────────────────────────────────────────────────────────────────────────────────


@held.callback(invoke_without_command=True)
def show_held(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the operations that wait for a decision, oldest first; without what they say of patients."""
    if context.invoked_subcommand is not None:
        return
    from sqlalchemy.orm import Session

    from hcrm_central.api.held import queue

    with opened(read_settings()) as store, Session(store.jobs) as session:
        found = queue(session)
    if as_json:
        items = [item.model_dump(mode="json", exclude=_UNTOLD) for item in found.items]
        show({"items": items, "more": found.more}, as_json=True)
        return
    for item in found.items:
        say(_held_line(item))
    say(f"{len(found.items)} wait{', and there are more' if found.more else ''}")


def _held_line(item: HeldItem) -> str:
    return f"{_when(item.at)}  {item.op_id}  {item.kind} · {item.reason} · {item.author} · {item.site} · {item.device}"


@held.command("apply")
def apply_held(op_id: OpId, *, note: Note = "") -> None:
    """Try an operation again, with leave. Ends with 1 if something still stands in the way."""
    _decide(op_id, Decision.APPLY, note=note)


@held.command("dismiss")
def dismiss_held(op_id: OpId, *, note: Note = "") -> None:
    """Close an operation without effect."""
    _decide(op_id, Decision.DISMISS, note=note)


def _decide(op_id: UUID, decision: Decision, *, note: str) -> None:
    from hcrm_central.api.held import settle
    from hcrm_central.store.engine import transaction

    request = DecisionRequest(decision=decision, note=_short(note, option="--note"))
    with opened(read_settings()) as store, transaction(store.jobs) as session:
        response = settle(session, op_id, request, clock=CLOCK, by=None)
    if response.status is ResultStatus.HELD:
        say(f"operation {op_id} still cannot apply: {response.reason}")
        raise typer.Exit(1)
    say(f"operation {op_id}: {decision}, {response.status}")
