"""Named points at which a process kills itself (SIGKILL), from outside: the product has no hooks for it."""

import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

Arm = Callable[[], None]


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def instead_of(owner: object, name: str) -> None:
    """Die where this function would begin."""
    assert callable(getattr(owner, name))
    setattr(owner, name, lambda *_args, **_options: die())


def after(owner: object, name: str) -> None:
    """Die where this function has ended."""
    original = getattr(owner, name)

    def last(*args: Any, **options: Any) -> NoReturn:
        original(*args, **options)
        die()

    setattr(owner, name, last)


def once(owner: object, name: str, arm: Arm) -> None:
    """Arm another point when this function is called."""
    original = getattr(owner, name)

    def arming(*args: Any, **options: Any) -> Any:
        arm()
        return original(*args, **options)

    setattr(owner, name, arming)


def workstation_points() -> dict[str, Arm]:
    """Where a workstation can be killed, in the order of a cycle."""
    from hcrm_desktop.cache import files, recovery, streams
    from hcrm_desktop.cache.outbox import Outbox
    from hcrm_desktop.cache.workspace import Workspace
    from hcrm_desktop.sync import snapshots
    from hcrm_desktop.sync.client import CentreClient

    return {
        "entry written, not shown": lambda: after(Outbox, "add"),
        "numbered, not sent": lambda: instead_of(CentreClient, "push"),
        "sent, answer not kept": lambda: after(CentreClient, "push"),
        "answer kept, not shown": lambda: after(Outbox, "answer"),
        "mid page": lambda: after(streams, "_put_sent"),
        "page applied, cursor not": lambda: instead_of(streams, "advance"),
        "page and cursor, nothing laid over": lambda: after(streams, "apply_page"),
        "settled, not laid again": lambda: after(Outbox, "settle"),
        "mid copy of the outbox": lambda: instead_of(files, "force_to_disk"),
        "copy of the outbox made": lambda: after(recovery, "_write_copy"),
        "outbox open, cache not": lambda: instead_of(Workspace, "_opened_cache"),
        "outdated cache removed": lambda: after(files, "remove"),
        "outdated outbox half brought forward": lambda: after(recovery, "_add_digests"),
        "part of a snapshot kept": lambda: as_files(lambda: after(snapshots._Parts, "add")),
        "snapshot half in the cache": lambda: as_files(lambda: after(snapshots._Applying, "_put")),
        "damaged outbox, nothing put together": lambda: after(recovery, "_begin_with_copy"),
        "damaged outbox, put together and not in place": lambda: instead_of(recovery, "_swap"),
        "damaged outbox set aside": lambda: after(files, "set_aside"),
    }


def as_files(arm: Arm) -> None:
    """However small a stream is, it comes as a file."""
    from hcrm_desktop.sync import reading

    assert reading.LARGE > 1
    reading.LARGE = 1
    arm()


def service_points() -> dict[str, Arm]:
    """Where the service can be killed while it applies a push."""
    from hcrm_central.api import push
    from hcrm_central.store import engine

    return {
        "mid push": lambda: after(push._Applier, "_first_time"),
        "before the stamp": lambda: once(push._Applier, "result", lambda: instead_of(engine, "stamp")),
        "stamped, not committed": lambda: once(push._Applier, "result", lambda: after(engine, "stamp")),
        "committed, not answered": lambda: after(push, "push"),
    }


def worker_points() -> dict[str, Arm]:
    """Where a worker can be killed, in the order of a run."""
    from hcrm_central.jobs import requests, scan
    from hcrm_central.store import engine

    return {
        "run noted, no lease": lambda: instead_of(scan, "_lease"),
        "leased, nothing taken": lambda: after(scan, "_lease"),
        "changed customers taken, nothing computed": lambda: instead_of(scan, "compute"),
        "facts written, segments not": lambda: instead_of(scan, "classify"),
        "segments written, tasks not": lambda: instead_of(scan, "keep_ledger"),
        "tasks written, request not answered": lambda: instead_of(requests, "_close"),
        "request answered, run not finished": lambda: after(requests, "_close"),
        "run finished, not stamped": lambda: once(scan, "finish_run", lambda: instead_of(engine, "stamp")),
        "stamped, not committed": lambda: once(scan, "finish_run", lambda: after(engine, "stamp")),
    }
