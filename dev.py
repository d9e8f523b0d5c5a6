#!/usr/bin/env python3
"""Set-up and daily commands. Needs Python 3.11 or newer and nothing else: `python3 dev.py` lists what there is.

Everything runs in `.venv`, which is made from the hash-pinned `requirements.lock` at first use and whenever the
lock changes. On Debian as root the system libraries that Qt needs are installed too; otherwise they are named.
"""

import argparse
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCK = ROOT / "requirements.lock"

# What Qt needs to draw Chinese on a bare Debian 12, with and without a screen (docs/architecture.md).
DEBIAN_PACKAGES = [
    "libgl1",
    "libegl1",
    "libglib2.0-0",
    "libfontconfig1",
    "libdbus-1-3",
    "libxkbcommon0",
    "libxkbcommon-x11-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xkb1",
    "fonts-noto-cjk",
]
VIRTUAL_SCREEN = ["xvfb", "xauth", "openbox"]
BROWSER = ["chromium"]  # reads the centre's pages in tests


# ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────


def setup() -> None:
    """Make the virtual environment and, on Debian, the system libraries."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file starts on whatever Python is there
        sys.exit(f"Python 3.11 or newer is needed; this is {platform.python_version()}")
    system_libraries()
    stamp = VENV / ".hcrm-lock"
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists():
        return
    say("setting up the virtual environment (about a minute, once)")
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", str(LOCK)])
    run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    stamp.write_text(wanted)


def system_libraries() -> None:
    """Install what Qt and the tests of pages need on Debian as root; name it to everybody else who lacks it."""
    if not Path("/etc/debian_version").exists() or not shutil.which("dpkg-query"):
        return
    wanted = DEBIAN_PACKAGES + BROWSER + ([] if os.environ.get("DISPLAY") else VIRTUAL_SCREEN)
    if importlib.util.find_spec("ensurepip") is None:  # Debian keeps it apart from Python
        wanted = [*wanted, "python3-venv"]
    missing = [name for name in wanted if not is_installed(name)]
    if not missing:
        return
    if os.geteuid() != 0:
        say(f"Qt may lack libraries; if a window does not open: sudo apt-get install {' '.join(missing)}")
        return
    say(f"installing {len(missing)} system packages (once)")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], env=quiet, quiet=True)


def is_installed(package: str) -> bool:
    asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout == "installed"


# ── checks ───────────────────────────────────────────────────────────────────────────────────────────────

CHECKS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy", "--no-error-summary"],
    "contracts": ["importlinter.cli"],
    "text": ["tools.check_text"],
    "size": ["tools.size_report"],
}


def check(arguments: argparse.Namespace) -> int:
    """Everything that decides what lands; stops at the first step that fails."""
    setup()
    for name, command in CHECKS.items():
        if step(name, command) != 0:
            say(f"{name} failed")
            return 1
    return test(arguments)


def step(name: str, command: Sequence[str]) -> int:
    began = time.monotonic()
    code = module(*command)
    say(f"{name}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - began:.0f} s)")
    return code


def test(arguments: argparse.Namespace) -> int:
    """All tests, quick ones first, in random order inside each kind."""
    setup()
    chosen = list(getattr(arguments, "rest", []) or [])
    selection = [] if getattr(arguments, "long", False) else ["-m", "not long"]
    workers = [] if chosen else ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]
    return module("pytest", "-q", *selection, *workers, *chosen)


def module(name: str, *arguments: str) -> int:
    command = [str(PYTHON), "-m", name, *arguments]
    if name == "importlinter.cli":  # has no __main__
        command = [str(PYTHON), "-c", "from importlinter.cli import lint_imports_command as run; run()", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode


def environment() -> dict[str, str]:
    """The environment of everything we start: compiled files are kept, or every start would compile again."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONUTF8": "1"}


# ── the other commands ───────────────────────────────────────────────────────────────────────────────────


def format_code(_: argparse.Namespace) -> int:
    """Format and fix what can be fixed."""
    setup()
    return module("ruff", "check", "--fix", "--quiet", ".") | module("ruff", "format", ".")


def lock(_: argparse.Namespace) -> int:
    """Resolve pyproject.toml into requirements.lock: hashes and markers, no addresses."""
    setup()
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "uv"])
    options = "--extra central --extra dev --universal --python-version 3.11 --generate-hashes --no-annotate"
    options += " --no-header --quiet -o requirements.lock"  # addresses are left out unless asked for
    return module("uv", "pip", "compile", "pyproject.toml", *options.split())


def demo(arguments: argparse.Namespace) -> int:
    """A clinic on this machine: database, service, 2,000 simulated customers, the sample ledger, the workstation."""
    setup()
    command = [str(PYTHON), "-m", "tools.demo", *arguments.rest]
    process = subprocess.Popen(command, cwd=ROOT, env=environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the demo hears Ctrl-C itself and cleans up


def package(_: argparse.Namespace) -> int:
    """Freeze the workstation with PyInstaller into dist/ (see build.spec)."""
    setup()
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "pyinstaller>=6.16"])
    return module("PyInstaller", "--noconfirm", "build.spec")


def run(command: Sequence[str], *, env: dict[str, str] | None = None, quiet: bool = False) -> None:
    output = subprocess.DEVNULL if quiet else None
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=output, check=False)
    if done.returncode != 0:
        sys.exit(f"failed ({done.returncode}): {' '.join(command[:4])} …")


def say(message: str) -> None:
    print(f"» {message}", flush=True)


def single(name: str) -> Callable[[argparse.Namespace], int]:
    def command(_: argparse.Namespace) -> int:
        setup()
        return module(*CHECKS[name])

    command.__doc__ = f"Only the {name} step of check."
    return command


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "fmt": format_code,
    **{name: single(name) for name in CHECKS},
    "lock": lock,
    "package": package,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Set-up and daily commands of HCRM Desktop.", add_help=True)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, function in COMMANDS.items():
        sub = commands.add_parser(name, help=(function.__doc__ or "").strip(), add_help=name != "demo")
        if name in ("test", "check"):
            sub.add_argument("--long", action="store_true", help="also the tests that take minutes")
    arguments, rest = parser.parse_known_args()
    arguments.rest = rest
    if arguments.command is None:
        parser.print_help()
        return 0
    if rest and arguments.command not in ("demo", "test"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    return COMMANDS[arguments.command](arguments)


if __name__ == "__main__":
    sys.exit(main())
