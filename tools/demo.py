"""A clinic on this machine, for `dev.py demo`: database, service, simulated customers, sample ledger, workstation.

Runs inside the virtual environment and talks to the product as an operator would: by its two commands. Everything it
starts is stopped again on leaving, also after Ctrl-C.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_LEDGER = ROOT / "resources" / "samples" / "ledger_sample.xlsx"
ROLES = ("assistant", "optometrist", "manager", "executive")
SEED = 20261122
BY_HAND, AUTO = "by-hand", "auto"  # how the cable is pulled


@dataclass(frozen=True, slots=True)
class Clinic:
    """Where the demo lives.

    Attributes:
        folder: database, extract, workstation profiles; readable for the server's own user.
        password: of all demo accounts, made for this folder.
    """

    folder: Path
    password: str

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "HCRM_DATA_DIR": str(self.folder / "central"), "HCRM_PORT": "0"}


def main() -> int:
    arguments = parse()
    with contextlib.ExitStack() as stack:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            return run(arguments, stack)
        except KeyboardInterrupt:
            say("stopping")
            return 130


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument("--as", dest="role", choices=ROLES, default="assistant", help="who works at the workstation")
    parser.add_argument("--customers", type=int, default=2000, metavar="N", help="simulated customers (2000)")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="an Excel ledger to import instead of the sample")
    parser.add_argument("--headless", action="store_true", help="no screen: drive the app and leave pictures")
    parser.add_argument("--shots", type=Path, metavar="DIR", help="where the pictures and summary.json go")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the clinic's data here and use it again")
    parser.add_argument("--theme", choices=("light", "dark", "system"), default="light")
    parser.add_argument("--flaky", nargs="?", const=BY_HAND, choices=(BY_HAND, AUTO),
                        help="a cable that can be pulled: by commands in this terminal, or by itself")  # fmt: skip
    arguments = parser.parse_args()
    if arguments.customers < 1:
        parser.error("--customers must be at least 1")
    if arguments.headless and arguments.shots is None:
        arguments.shots = ROOT / "build" / "shots"
    return arguments


def run(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> int:
    clinic = stack.enter_context(opened(arguments.keep))
    summary_file = clinic.folder / "summary.json"
    if not summary_file.exists():
        prepare_database(clinic, arguments.customers)
    url = stack.enter_context(service(clinic))
    if not summary_file.exists():
        summary = fill(clinic, arguments)
        summary_file.write_text(json.dumps(summary, ensure_ascii=False, indent=2), encoding="utf-8")
    summary = json.loads(summary_file.read_text(encoding="utf-8"))
    tell(summary)
    stack.enter_context(worker(clinic))
    if arguments.headless:
        return take_pictures(clinic, url, arguments, summary)
    environment = clinic.environment
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        say("there is no display: the workstation runs on a virtual one; --headless --shots DIR leaves pictures")
        environment = stack.enter_context(virtual_screen(environment))
    if arguments.flaky:
        url = stack.enter_context(cable(clinic, url, by_itself=arguments.flaky == AUTO))
    return workstation(clinic, url, arguments.role, "--theme", arguments.theme, environment=environment)


@contextlib.contextmanager
def opened(kept: Path | None) -> Iterator[Clinic]:
    """The demo's folder. Temporary ones are removed; the server's user must be able to pass through."""
    folder = kept.resolve() if kept else Path(tempfile.mkdtemp(prefix="hcrm-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not kept:
        folder.chmod(0o711)
    password_file = folder / "password"
    if not password_file.exists():
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(9))
    try:
        yield Clinic(folder, password_file.read_text())
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def prepare_database(clinic: Clinic, customers: int) -> None:
    say(f"simulating {customers:,} customers")
    command([sys.executable, "-m", "hcrm_sim", str(clinic.folder / "extract"), "--customers", str(customers),
             "--seed", str(SEED), "--today", today().isoformat()], clinic)  # fmt: skip
    say("starting a private PostgreSQL and making the schema")
    central(clinic, "migrate")


def today() -> date:
    """The clinic's day, wherever this machine stands (hcrm_store.clock)."""
    return datetime.now(timezone(timedelta(hours=8))).date()


def fill(clinic: Clinic, arguments: argparse.Namespace) -> dict[str, Any]:
    """Load the simulated clinic and the ledger, make accounts, scan; what each step reported."""
    summary: dict[str, Any] = {"customers": arguments.customers}
    say("loading the simulated clinic")
    summary["simulated"] = json.loads(central(clinic, "load-extract", str(clinic.folder / "extract"), "--json"))
    ledger = arguments.ledger or SAMPLE_LEDGER
    say(f"importing the ledger {ledger.name}")
    summary["imported"] = json.loads(central(clinic, "import-ledger", str(ledger), "--json"))
    say("making accounts")
    for role, staff_code in demo_staff(clinic).items():
        central(clinic, "create-account", "--username", role, "--role", role, "--staff-code", staff_code,
                "--password-stdin", text=clinic.password)  # fmt: skip
    say("scanning: classify everybody, make today's tasks")
    summary["scanned"] = json.loads(central(clinic, "scan", "--json"))
    return summary


def demo_staff(clinic: Clinic) -> dict[str, str]:
    """One member of staff for each role, at the first site: the ledger's."""
    organisation = json.loads((clinic.folder / "extract" / "organisation.json").read_text(encoding="utf-8"))
    site = organisation["sites"][0]["code"]
    found: dict[str, str] = {}
    for person in organisation["staff"]:
        if person["site_code"] == site:
            found.setdefault(person["role"], person["code"])
    return {role: found[role] for role in ROLES}


@contextlib.contextmanager
def service(clinic: Clinic) -> Iterator[str]:
    """The central service, ready, for as long as the block runs."""
    with running(clinic, "serve") as process:
        yield ready_address(process, clinic.folder / "central.log")


@contextlib.contextmanager
def worker(clinic: Clinic) -> Iterator[None]:
    """What is saved reaches segments and tasks within seconds, for as long as the block runs."""
    with running(clinic, "work"):
        yield


@contextlib.contextmanager
def running(clinic: Clinic, command: str) -> Iterator["subprocess.Popen[str]"]:
    """A command of the centre that goes on until it is stopped."""
    with (clinic.folder / "central.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hcrm_central", command],
            env=clinic.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            stop(process)


@contextlib.contextmanager
def cable(clinic: Clinic, url: str, *, by_itself: bool) -> Iterator[str]:
    """A cable to the service. It reads this terminal itself, so it stays in its session and hears Ctrl-C too."""
    command = [sys.executable, "-m", "hcrm_sim.flaky", "--to", url, *(["--random", str(SEED)] if by_itself else [])]
    process = subprocess.Popen(command, env=clinic.environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    say("the cable fails and heals by itself" if by_itself else "type pull, slow 500, heal … here; help tells all")
    try:
        yield ready_address(process, clinic.folder / "central.log")
    finally:
        stop(process)


def ready_address(process: "subprocess.Popen[str]", log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("READY "):
            return line.split()[1]
    sys.exit(f"the central service did not start:\n{log.read_text(errors='replace')[-2000:]}")


def stop(process: "subprocess.Popen[Any]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def workstation(
    clinic: Clinic,
    url: str,
    role: str,
    *options: str,
    environment: dict[str, str] | None = None,
    program: str = "hcrm_desktop",
) -> int:
    """The workstation, signed in as a role, until it is closed. Its key lies in a file: a demo has no key store."""
    profile = clinic.folder / "workstations" / role
    profile.mkdir(parents=True, exist_ok=True)
    if not options or "--shots" not in options:
        say(f"opening the workstation as {role} (user {role}, password {clinic.password}); close it to end the demo")
    process = subprocess.Popen(
        [sys.executable, "-m", program, "--server", url, "--profile", str(profile),
         "--key-file", str(profile / "key"), "--login", role, "--password-stdin", *options],
        env=environment or clinic.environment,
        stdin=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(clinic.password + "\n")
        process.stdin.close()
        return process.wait()
    finally:
        stop(process)


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────


def take_pictures(clinic: Clinic, url: str, arguments: argparse.Namespace, summary: dict[str, Any]) -> int:
    """Drive the workstation through its screens on a virtual screen; leave a PNG of each, and summary.json."""
    shots = arguments.shots.resolve()
    shots.mkdir(parents=True, exist_ok=True)
    walks = [("tools.cable_tour", "assistant")] if arguments.flaky else screens(arguments.role)
    with virtual_screen(clinic.environment) as environment:
        for program, role in walks:
            say(f"taking pictures as {role}")
            code = workstation(clinic, url, role, "--shots", str(shots), environment=environment, program=program)
            if code != 0:
                say(f"the workstation ended with {code}")
                return code
    pictures = sorted(path.name for path in shots.glob("*.png"))
    summary = {**summary, "pictures": pictures}
    (shots / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=2), encoding="utf-8")
    say(f"{len(pictures)} pictures and summary.json are in {shots}")
    return 0


def screens(first: str) -> list[tuple[str, str]]:
    """The workstation's own tour of its screens, for each role."""
    return [("hcrm_desktop", role) for role in dict.fromkeys((first, *ROLES))]


@contextlib.contextmanager
def virtual_screen(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """An X server without a screen where there is one to be had, else Qt's offscreen platform.

    With a window manager: without one no window is active, and keys reach nobody.
    """
    xvfb, manager = shutil.which("Xvfb"), shutil.which("openbox")
    if xvfb is None or manager is None:
        yield {**environment, "QT_QPA_PLATFORM": "offscreen"}
        return
    reader, writer = os.pipe()
    # -displayfd: the server picks a free display itself, so that two demos do not meet.
    server = subprocess.Popen(
        [xvfb, "-displayfd", str(writer), "-screen", "0", "3840x2160x24", "-nolisten", "tcp", "-dpi", "96"],
        pass_fds=(writer,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as answer:
            shown = {**environment, "DISPLAY": f":{answer.readline().strip()}", "QT_QPA_PLATFORM": "xcb"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        desk = subprocess.Popen([manager], env=shown, start_new_session=True, **quiet)
        try:
            yield shown
        finally:
            stop(desk)
    finally:
        stop(server)


# ── saying and running ───────────────────────────────────────────────────────────────────────────────────


def central(clinic: Clinic, *arguments: str, text: str | None = None) -> str:
    return command([sys.executable, "-m", "hcrm_central", *arguments], clinic, text=text)


def command(arguments: list[str], clinic: Clinic, *, text: str | None = None) -> str:
    """Run to the end and return what it printed.

    Its own session, so that Ctrl-C reaches this process alone, which then stops it in order.
    """
    process = subprocess.Popen(
        arguments,
        env=clinic.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        printed, complaints = process.communicate(text)
    finally:
        stop(process)
    if process.returncode != 0:
        sys.exit(f"{' '.join(arguments[2:4])} failed:\n{complaints.strip()[-2000:]}")
    return printed


_BEGAN = time.monotonic()


def say(message: str) -> None:
    print(f"» {time.monotonic() - _BEGAN:5.1f} s  {message}", flush=True)


def tell(summary: dict[str, Any]) -> None:
    """The day in figures."""
    created = summary["imported"]["created"]
    held = sum(sheet["held"] for sheet in summary["imported"]["sheets"])
    say("ledger: " + ", ".join(f"{n} {kind}" for kind, n in created.items()) + f"; {held} row(s) held with reasons")
    segments = {key: one["now"] for key, one in summary["scanned"]["segments"].items()}
    say("segments: " + ", ".join(f"{key} {n}" for key, n in segments.items()))
    tasks = {key: one["created"] for key, one in summary["scanned"]["sops"].items() if one["created"]}
    say(f"tasks today: {sum(tasks.values())} (" + ", ".join(f"{key} {n}" for key, n in tasks.items()) + ")")


if __name__ == "__main__":
    sys.exit(main())
