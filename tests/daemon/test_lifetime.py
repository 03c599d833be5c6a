"""The daemon as a process: signals, drain, reload, socket activation, the service manager."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from hecate.daemon.data_directory import STOP_IT
from tests.daemon.child import TINY_DAEMON, Child, UnixConnection, child_environment, connect, started, wait_until

ACTIVATE = Path(__file__).with_name("activate.py")

Start = Callable[..., Child]


@pytest.fixture
def start(place: Path) -> Iterator[Start]:
    """Give a function that starts a tiny daemon in *place*."""
    with ExitStack() as stack:

        def start_one(*arguments: str | Path, **options: object) -> Child:
            usual: list[str | Path] = ["--socket", place / "s", "--data-dir", place / "data"]
            return stack.enter_context(started([*usual, *arguments], place / "s", **options))  # type: ignore[arg-type]

        yield start_one


def test_it_serves_and_knows_who_calls(start: Start) -> None:
    """A request carries the uid, gid and pid of the process that connected."""
    assert start().ready().request("/peer") == {"uid": os.getuid(), "gid": os.getgid(), "pid": os.getpid()}


def test_it_greets_with_what_a_newcomer_needs(start: Start, place: Path) -> None:
    """Standard output names the socket, the data, the providers and a curl line to try."""
    (place / "c.toml").write_text('[providers.here]\nbase_url = "http://127.0.0.1:1"\n')
    child = start("--config", place / "c.toml").ready()
    wait_until(lambda: len(child.out) == 4)
    assert child.out[0].endswith(f"listens on {place}/s")
    assert child.out[1].split() == ["data", f"{place}/data"]
    assert child.out[2].split() == ["providers", "here:", "1", "model"]
    assert child.out[3].endswith(f"curl --unix-socket {place}/s http://localhost/api/health")


def test_quiet_says_nothing_on_standard_output(start: Start) -> None:
    """``--quiet`` leaves the greeting out, the log line stays."""
    child = start("--quiet").ready()
    child.signal(signal.SIGTERM)
    assert child.end() == 0
    assert child.out == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_it_cleanly(start: Start, place: Path, number: int) -> None:
    """It exits 0, closes what it had opened, and takes its socket away."""
    child = start().ready()
    child.signal(number)
    assert child.end() == 0
    assert "assembly closed" in child.err
    assert not (place / "s").exists()


def test_a_request_under_way_is_answered_before_it_ends(start: Start) -> None:
    """SIGTERM refuses new connections, finishes the old, then ends."""
    child = start().ready()
    connection = UnixConnection(child.socket_path)
    connection.request("GET", "/hold")
    child.wait_for_line("held")
    child.signal(signal.SIGTERM)
    child.wait_for_line('"stopping"')
    wait_until(lambda: not child.socket_path.exists())
    child.signal(signal.SIGUSR1)
    answer = connection.getresponse()
    assert json.loads(answer.read()) == {"held": True}
    assert answer.getheader("connection") == "close"
    assert child.end() == 0
    connection.close()


def test_a_feed_is_ended_not_waited_for(start: Start) -> None:
    """An answer that would go on for ever gets its last piece, and the stop does not wait."""
    child = start().ready()
    connection = UnixConnection(child.socket_path)
    connection.request("GET", "/feed")
    answer = connection.getresponse()
    assert answer.readline() == b"data: begun\n"
    child.signal(signal.SIGTERM)
    assert answer.read() == b"\ndata: ended\n\n"
    assert child.end() == 0
    connection.close()


def test_an_idle_connection_does_not_hold_it_up(start: Start) -> None:
    """A kept-alive connection without a request is closed at once."""
    child = start().ready()
    connection = UnixConnection(child.socket_path)
    connection.request("GET", "/peer")
    connection.getresponse().read()
    child.signal(signal.SIGTERM)
    assert child.end() == 0
    connection.close()


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    """Who asks twice does not wait for the requests under way."""
    child = start().ready()
    connection = UnixConnection(child.socket_path)
    connection.request("GET", "/hold")
    child.wait_for_line("held")
    child.signal(signal.SIGTERM)
    child.wait_for_line('"stopping"')
    child.signal(signal.SIGTERM)
    assert child.end() == -signal.SIGTERM
    connection.close()


def test_hang_up_reloads_the_configuration(start: Start, place: Path) -> None:
    """SIGHUP takes over what may change, without dropping a connection."""
    file = place / "c.toml"
    file.write_text("")
    child = start("--config", file).ready()
    assert child.request("/settings") == {"level": "info", "gates": "advice"}
    file.write_text('[log]\nlevel = "debug"\n[lifecycle]\ngates = "strict"\n')
    child.signal(signal.SIGHUP)
    child.wait_for_line("configuration reloaded")
    assert child.request("/settings") == {"level": "debug", "gates": "strict"}


def test_a_wrong_configuration_is_not_taken_over(start: Start, place: Path) -> None:
    """A mistake in the file costs a log line and not the daemon."""
    file = place / "c.toml"
    file.write_text("")
    child = start("--config", file).ready()
    file.write_text('[log]\nlevle = "debug"\n')
    child.signal(signal.SIGHUP)
    assert "log.levle" in child.wait_for_line("configuration not reloaded")
    assert child.request("/settings") == {"level": "info", "gates": "advice"}


def test_a_reload_says_what_needs_a_restart(start: Start, place: Path) -> None:
    """The socket and the data directory stay as they are until the next start."""
    file = place / "c.toml"
    file.write_text("")
    child = start("--config", file).ready()
    file.write_text('[socket]\nmode = "0660"\ngroup = "root"\n')
    child.signal(signal.SIGHUP)
    child.wait_for_line("take effect at the next start")


def test_a_second_daemon_on_the_same_data_refuses_to_start(start: Start, place: Path) -> None:
    """One sentence names the owner; the first one is not disturbed and nothing is left behind."""
    first = start().ready()
    second = start("--socket", place / "other")
    assert second.end() == 1
    assert second.err == [
        f"hecate: another daemon (pid {first.process.pid}) is using the data directory {place}/data; {STOP_IT}"
    ]
    assert not (place / "other").exists()
    assert first.request("/peer")["uid"] == os.getuid()


def test_a_second_daemon_on_the_same_socket_refuses_to_start(start: Start, place: Path) -> None:
    """The socket of a living daemon is never taken away."""
    first = start().ready()
    before = first.socket_path.stat().st_ino
    second = start("--data-dir", place / "other")
    assert second.end() == 1
    assert second.err == [f"hecate: another daemon is serving the socket {place}/s"]
    assert first.socket_path.stat().st_ino == before


def test_of_many_starters_one_serves(start: Start, place: Path) -> None:
    """Six at once on one socket and one data directory: five refuse, one answers."""
    children = [start() for _ in range(6)]
    wait_until(lambda: sum(child.process.poll() is None for child in children) == 1)
    (survivor,) = (child for child in children if child.process.poll() is None)
    assert survivor.ready().request("/peer")["uid"] == os.getuid()
    assert [child.end() for child in children if child is not survivor] == [1] * 5


def test_what_a_killed_daemon_left_is_replaced(start: Start) -> None:
    """After a kill -9 the next start finds a stale socket and a free lock."""
    first = start().ready()
    first.process.kill()
    first.end()
    assert first.socket_path.exists()
    assert start().ready().request("/peer")["uid"] == os.getuid()


def test_a_socket_that_is_no_longer_ours_is_left_alone(start: Start) -> None:
    """Whoever has put another file in the socket's place keeps it."""
    child = start().ready()
    child.socket_path.unlink()
    child.socket_path.write_text("somebody else's")
    child.signal(signal.SIGTERM)
    assert child.end() == 0
    assert child.socket_path.read_text() == "somebody else's"


def test_it_takes_a_socket_from_the_service_manager(start: Start, place: Path) -> None:
    """Socket activation: the socket is served as it is, and stays when the daemon ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "activated"))
        listener.listen()
        descriptor = str(listener.fileno())
        program = (ACTIVATE, descriptor, sys.executable, TINY_DAEMON)
        child = start(program=program, pass_fds=(listener.fileno(),))
        child.ready()
        child.socket_path = place / "activated"
        assert child.request("/peer")["pid"] == os.getpid()
        assert not (place / "s").exists()
        child.signal(signal.SIGTERM)
        assert child.end() == 0
    assert (place / "activated").exists()


def test_it_tells_the_service_manager(start: Start, place: Path) -> None:
    """READY, RELOADING, READY again and STOPPING arrive, in that order, and the watchdog is fed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place / "notify"))
        manager.settimeout(20)
        child = start(environ={"NOTIFY_SOCKET": str(place / "notify"), "WATCHDOG_USEC": "200000"})

        def next_message(kind: str) -> str:
            while True:
                message = manager.recv(4096).decode()
                if message.startswith(kind):
                    return message

        assert f"MAINPID={child.process.pid}" in next_message("READY=1")
        assert next_message("WATCHDOG=1")
        child.signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in next_message("RELOADING=1")
        assert "STATUS=serving" in next_message("READY=1")
        child.signal(signal.SIGTERM)
        assert next_message("STOPPING=1")
        assert child.end() == 0
        assert child.out == []


def test_a_closed_terminal_ends_it(place: Path) -> None:
    """Who closes the window of a daemon in the foreground does not leave it running unseen."""
    ours, its = pty.openpty()
    arguments: list[str | Path] = ["--socket", place / "s", "--data-dir", place / "data", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, TINY_DAEMON, *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        env=child_environment(),
        start_new_session=True,
    )
    os.close(its)
    wait_until((place / "s").exists)
    os.close(ours)
    # A session leader with this terminal would get the signal from the kernel.
    process.send_signal(signal.SIGHUP)
    assert process.wait(20) == 0
    assert not (place / "s").exists()


def test_a_log_that_nobody_reads_does_not_disturb_it(place: Path) -> None:
    """With both outputs broken it serves, logs in vain, and ends as it should."""
    reading, writing = os.pipe()
    os.close(reading)
    (place / "c.toml").write_text('[log]\nlevel = "debug"\n')
    arguments: list[str | Path] = ["--socket", place / "s", "--data-dir", place / "data", "--config", place / "c.toml"]
    process = subprocess.Popen(
        [sys.executable, TINY_DAEMON, *arguments], stdout=writing, stderr=writing, env=child_environment()
    )
    os.close(writing)
    wait_until(partial(listens, place / "s"))
    for _ in range(3):
        connection = UnixConnection(place / "s")
        connection.request("GET", "/peer")
        assert connection.getresponse().status == 200
        connection.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def listens(path: Path) -> bool:
    """Return whether somebody answers at *path*."""
    try:
        connect(path).close()
    except OSError:
        return False
    return True


def test_512_clients_connect_at_once(start: Start) -> None:
    """The backlog takes a burst that arrives faster than it is accepted."""
    child = start().ready()
    child.signal(signal.SIGSTOP)
    connections = [connect(child.socket_path) for _ in range(512)]
    child.signal(signal.SIGCONT)
    for connection in connections:
        connection.sendall(b"GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in connections)
    for connection in connections:
        connection.close()


def test_keys_do_not_get_into_the_log(start: Start) -> None:
    """A traceback that holds a known key is written without it."""
    child = start().ready()
    connection = connect(child.socket_path)
    connection.sendall(b"GET /boom HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert connection.recv(12) == b"HTTP/1.1 500"
    connection.close()
    assert "boom, with the key ***" in child.wait_for_line("boom")
