"""The cable does what its faults promise: to those who listen and to those who speak."""

import itertools
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from hcrm_sim.flaky.cable import Cable
from hcrm_sim.flaky.console import HELP, obey
from hcrm_sim.flaky.faults import HEALTHY, USUAL, Fault, Mode, Pace, schedule

BODY = b"x" * 3000
PATIENCE = 0.3  # for answers that never come
ALWAYS = Pace(healthy=(0.01, 0.01), faulty=(0.01, 0.01))


class _Centre(ThreadingHTTPServer):
    """Counts what reached it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.asked = 0
        self.reached = threading.Event()


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, _Centre)
        self.server.asked += 1
        self.server.reached.set()
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def centre() -> Iterator[_Centre]:
    server = _Centre()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cable(centre: _Centre) -> Iterator[Cable]:
    with Cable(f"http://127.0.0.1:{centre.server_port}") as found:
        yield found


@contextmanager
def client(cable: Cable, *, patience: float = 10) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cable.url, timeout=patience, trust_env=False) as found:
        yield found


def test_a_healthy_cable_is_not_noticed(cable: Cable) -> None:
    with client(cable) as http:
        assert [http.get("/").content for _ in range(3)] == [BODY] * 3


@pytest.mark.parametrize("mode", [Mode.SLOW, Mode.DELAY])
def test_slow_is_late_and_whole(cable: Cable, mode: Mode) -> None:
    cable.become(Fault(mode=mode, amount=20_000 if mode is Mode.SLOW else 20, jitter=5))
    with client(cable) as http:
        assert http.get("/").content == BODY


@pytest.mark.parametrize("mode", [Mode.DROP, Mode.CUT])
def test_a_connection_breaks_also_while_it_is_kept_alive(cable: Cable, centre: _Centre, mode: Mode) -> None:
    with client(cable) as http:
        http.get("/")
        cable.become(USUAL[mode])
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                http.get("/")
        assert centre.asked == (1 if mode is Mode.DROP else 3)  # a cut answer was an answer of the centre
        cable.heal()
        assert http.get("/").content == BODY


def test_a_cut_lets_exactly_so_many_bytes_through(cable: Cable) -> None:
    cable.become(Fault(mode=Mode.CUT, amount=77))
    with socket.create_connection(("127.0.0.1", httpx.URL(cable.url).port or 0), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: centre\r\n\r\n")
        received = b"".join(iter(lambda: sock.recv(4096), b""))
    assert len(received) == 77


def test_refusing_means_that_nobody_listens_and_the_port_stays_ours(cable: Cable) -> None:
    cable.become(USUAL[Mode.REFUSE])
    with client(cable) as http:
        with pytest.raises(httpx.ConnectError):
            http.get("/")
        cable.heal()
        assert http.get("/").content == BODY


@pytest.mark.parametrize(("mode", "arrived"), [(Mode.BLACKHOLE, 0), (Mode.HALF_OPEN, 1)])
def test_silence_is_silence_and_a_link_that_lost_bytes_stays_lost(
    cable: Cable, centre: _Centre, mode: Mode, arrived: int
) -> None:
    cable.become(USUAL[mode])
    with client(cable, patience=PATIENCE) as http, pytest.raises(httpx.ReadTimeout):
        http.get("/")
    if arrived:
        assert centre.reached.wait(10)
    assert centre.asked == arrived
    with socket.create_connection(("127.0.0.1", httpx.URL(cable.url).port or 0), timeout=PATIENCE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: centre\r\n\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(1)
        cable.heal()
        sock.sendall(b"GET / HTTP/1.1\r\nHost: centre\r\n\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(1)
    with client(cable) as http:
        assert http.get("/").content == BODY


def test_something_else_answers_502(cable: Cable, centre: _Centre) -> None:
    with client(cable) as http:
        http.get("/")
        cable.become(USUAL[Mode.BAD_GATEWAY])
        assert [http.get("/").status_code for _ in range(3)] == [502] * 3
        assert centre.asked == 1
        cable.heal()
        assert http.get("/").content == BODY


def test_a_centre_that_is_not_there_breaks_the_connection(centre: _Centre) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with Cable(nowhere) as cable, client(cable) as http, pytest.raises(httpx.TransportError):
            http.get("/")


def test_a_schedule_repeats_itself_and_ends_healthy(cable: Cable) -> None:
    first, again, other = (list(itertools.islice(schedule(seed, pace=ALWAYS), 40)) for seed in (7, 7, 8))
    assert first == again != other
    assert [fault for fault, _ in first[1::2]] == [HEALTHY] * 20
    assert len({fault.mode for fault, _ in first}) > 5
    cable.play(first[:5])
    assert cable.wait_until_played(30)
    assert cable.fault == HEALTHY


def test_a_command_ends_a_schedule(cable: Cable) -> None:
    assert obey("random 1", cable)
    cable.become(USUAL[Mode.CUT])
    assert not cable.wait_until_played(0.1)
    assert cable.fault == USUAL[Mode.CUT]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cut", USUAL[Mode.CUT]),
        ("cut 5", Fault(mode=Mode.CUT, amount=5)),
        ("delay 10 20", Fault(mode=Mode.DELAY, amount=10, jitter=20)),
        ("502", USUAL[Mode.BAD_GATEWAY]),
        ("pull", USUAL[Mode.DROP]),
        ("  half-open ", USUAL[Mode.HALF_OPEN]),
    ],
)
def test_commands_switch_the_cable(cable: Cable, line: str, expected: Fault) -> None:
    assert obey(line, cable)
    assert cable.fault == expected
    for healing in ("heal", "ok"):
        assert obey(healing, cable)
        assert cable.fault == HEALTHY


@pytest.mark.parametrize("line", ["", "?", "cut x", "cut -1", "delay 1 2 3", "unplug", "random 1 2"])
def test_what_is_no_command_is_told_and_changes_nothing(cable: Cable, line: str) -> None:
    assert not obey(line, cable)
    assert cable.fault == HEALTHY


def test_the_program_obeys_lines_and_tells_of_every_change(centre: _Centre) -> None:
    command = [sys.executable, "-m", "hcrm_sim.flaky", "--to", f"http://127.0.0.1:{centre.server_port}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().removeprefix("READY ").strip()
        process.stdin.write("pull\nunplug\nheal\n")
        process.stdin.close()  # the end of the lines is not the end of the cable
        assert [process.stderr.readline() for _ in range(3)] == ["cable: drop\n", f"{HELP}\n", "cable: ok\n"]
        assert httpx.get(url, trust_env=False).content == BODY
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
