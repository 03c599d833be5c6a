"""The whole daemon, as ``hecate serve`` starts it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from hecate.daemon.data_directory import STOP_IT
from tests.daemon.child import Child, UnixConnection, connect, started, wait_until

HECATE = ("-c", "import sys; from hecate.daemon.cli import main; sys.exit(main())", "serve")
DEAD = {"OLLAMA_HOST": "http://127.0.0.1:1"}

Start = Callable[..., Child]


@pytest.fixture
def start(place: Path) -> Iterator[Start]:
    """Give a function that starts ``hecate serve`` in *place*."""
    with ExitStack() as stack:

        def start_one(*arguments: str | Path, **environ: str) -> Child:
            usual: list[str | Path] = ["--socket", place / "s", "--data-dir", place / "data"]
            context = started([*usual, *arguments], place / "s", program=HECATE, environ=DEAD | environ)
            return stack.enter_context(context)

        yield start_one


def contents(directory: Path) -> dict[str, str]:
    """Return a digest of each file in *directory*."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}


def test_it_serves_what_the_catalog_finds(start: Start) -> None:
    """Health, a venture, and a path that does not exist, each in the contract's shape."""
    child = start().ready()
    assert child.request("/api/health")["status"] == "healthy"
    made = child.request("/api/ventures", b'{"name": "shop"}')
    assert child.request("/api/ventures")["ventures"][0]["id"] == made["id"]
    assert child.request("/api/nothing")["code"] == "not_found"
    assert "/api/ventures" in child.request("/api/openapi.json")["paths"]


def test_what_was_answered_is_there_after_a_kill(start: Start) -> None:
    """A kill -9 loses nothing that was acknowledged, and the next start needs no help."""
    first = start().ready()
    made = first.request("/api/ventures", b'{"name": "shop"}')
    first.process.kill()
    first.end()
    assert start().ready().request(f"/api/ventures/{made['id']}")["name"] == "shop"


def test_the_caller_is_recorded_with_the_event(start: Start) -> None:
    """The actor in an event's metadata is the process that the kernel saw connecting."""
    child = start().ready()
    child.request("/api/ventures", b'{"name": "shop"}')
    (event,) = child.request("/api/events")["events"]
    assert event["meta"]["actor"] == {"uid": os.getuid(), "pid": os.getpid()}


def test_a_live_stream_does_not_hold_the_stop_up(start: Start) -> None:
    """A follower of the events sees a proper end, and the daemon ends at once."""
    child = start().ready()
    connection = UnixConnection(child.socket_path)
    connection.request("GET", "/api/facts/stream")
    answer = connection.getresponse()
    child.request("/api/ventures", b'{"name": "shop"}')
    lines = iter(answer.readline, b"")
    fact = next(line for line in lines if line.startswith(b"data: "))
    assert json.loads(fact.removeprefix(b"data: "))["fact_type"] == "venture_setup_v1"
    child.signal(signal.SIGTERM)
    assert b"".join(lines).strip() == b""
    assert child.end() == 0
    connection.close()


def test_no_acknowledged_command_is_lost_by_a_stop(start: Start) -> None:
    """SIGTERM under load: who got a 201 finds the venture after the next start."""
    child = start().ready()
    acknowledged: list[str] = []

    def write(number: int) -> None:
        connection = UnixConnection(child.socket_path)
        try:
            for count in range(10_000):
                connection.request("POST", "/api/ventures", json.dumps({"name": f"v-{number}-{count}"}))
                answer = connection.getresponse()
                if answer.status == 201:
                    acknowledged.append(json.loads(answer.read())["id"])
        except OSError:
            pass  # the daemon has ended
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(acknowledged) > 100)
    child.signal(signal.SIGTERM)
    assert child.end() == 0
    for writer in writers:
        writer.join()
    again = start().ready()
    assert again.request("/api/health")["events"] >= len(acknowledged)
    assert all(again.request(f"/api/ventures/{venture}")["ok"] for venture in acknowledged[-50:])


@pytest.mark.parametrize("damage", ["header", "middle", "foreign"])
def test_a_damaged_store_is_refused_and_left_as_it_is(start: Start, place: Path, damage: str) -> None:
    """Exit code 1, one sentence, no traceback, and not a byte changed."""
    first = start().ready()
    first.request("/api/ventures", b'{"name": "shop"}')
    first.signal(signal.SIGTERM)
    first.end()
    store = place / "data" / "hecate.db"
    if damage == "foreign":
        store.unlink()
        with sqlite3.connect(store) as other:
            other.execute("CREATE TABLE precious (x)")
        other.close()
    else:
        content = bytearray(store.read_bytes())
        at = 0 if damage == "header" else len(content) // 2
        content[at : at + 4096] = b"\xff" * min(4096, len(content) - at)
        store.write_bytes(content)
    before = contents(place / "data")
    second = start()
    assert second.end() == 1
    (sentence,) = second.err
    assert sentence.startswith("hecate: ")
    assert str(store) in sentence
    assert "left as it is" in sentence or "left as it was" in sentence
    after = contents(place / "data")
    before.pop("daemon.lock")
    assert {name: after[name] for name in before} == before
    assert not (place / "s").exists()


def test_a_second_daemon_is_refused(start: Start, place: Path) -> None:
    """The store of a living daemon is not touched, whatever socket the second one is given."""
    first = start().ready()
    first.request("/api/ventures", b'{"name": "shop"}')
    second = start("--socket", place / "other")
    assert second.end() == 1
    assert second.err == [
        f"hecate: another daemon (pid {first.process.pid}) is using the data directory {place}/data; {STOP_IT}"
    ]
    assert first.request("/api/health")["ok"]


def test_a_directory_that_cannot_be_written_is_refused(start: Start) -> None:
    """Not even root can write into /proc: a sentence and exit code 1."""
    child = start("--data-dir", "/proc/hecate")
    assert child.end() == 1
    (sentence,) = child.err
    assert sentence.startswith("hecate: cannot use the data directory /proc/hecate: ")


def test_a_socket_path_that_is_too_long_is_refused(start: Start, place: Path) -> None:
    """Exit code 2, since it will be as long at the next start."""
    child = start("--socket", place / ("s" * 120))
    assert child.end() == 2
    (sentence,) = child.err
    assert "may be 107 at most" in sentence


def test_a_wrong_provider_is_refused_before_the_store_is_made(start: Start, place: Path) -> None:
    """What is wrong in the configuration costs no half-made store."""
    (place / "c.toml").write_text('[providers.x]\nkind = "nonsense"\n')
    child = start("--config", place / "c.toml")
    assert child.end() == 2
    (sentence,) = child.err
    assert "provider 'x' is of an unknown kind 'nonsense'" in sentence
    assert not (place / "data" / "hecate.db").exists()


@pytest.mark.parametrize("by_signal", [True, False])
def test_a_reload_brings_new_providers(start: Start, place: Path, by_signal: bool) -> None:  # noqa: FBT001
    """SIGHUP and ``POST /api/llm/providers/reload`` both read the file again; the new key stays hidden."""
    file = place / "c.toml"
    file.write_text("")
    child = start("--config", file, "--log-level", "debug").ready()
    file.write_text('[providers.mine]\nbase_url = "http://127.0.0.1:1"\napi_key = "canary-key-4711"\n')
    if by_signal:
        child.signal(signal.SIGHUP)
        assert "mine" in child.wait_for_line("configuration reloaded")
    else:
        assert child.request("/api/llm/providers/reload", b"")["providers_loaded"] == ["ollama", "mine"]
    assert "mine" in child.request("/api/llm/health")["providers"]
    child.signal(signal.SIGTERM)
    assert child.end() == 0
    assert not [line for line in (*child.err, *child.out) if "canary-key-4711" in line]


def test_a_reload_makes_the_gates_strict(start: Start, place: Path) -> None:
    """Advice becomes law without a restart."""
    file = place / "c.toml"
    file.write_text("")
    child = start("--config", file).ready()
    venture = child.request("/api/ventures", b'{"name": "shop"}')["id"]
    child.request(f"/api/ventures/{venture}/discovery/start", b"")
    division = child.request(f"/api/ventures/{venture}/discovery/discover", b'{"division_name": "auth"}')["id"]
    file.write_text('[lifecycle]\ngates = "strict"\n')
    child.signal(signal.SIGHUP)
    child.wait_for_line("configuration reloaded")
    assert child.request(f"/api/divisions/{division}/plan/start", b"")["code"] == "gate_closed"


def test_a_reload_of_a_wrong_file_changes_nothing(start: Start, place: Path) -> None:
    """The caller who asked is told what is wrong; the providers stay."""
    file = place / "c.toml"
    file.write_text('[providers.mine]\nbase_url = "http://127.0.0.1:1"\n')
    child = start("--config", file).ready()
    file.write_text("[providers.mine]\nbase = 1\n")
    refused = child.request("/api/llm/providers/reload", b"")
    assert (refused["ok"], refused["code"]) == (False, "validation_error")
    assert 'unknown key "providers.mine.base"' in refused["error"]
    child.signal(signal.SIGHUP)
    child.wait_for_line("configuration not reloaded")
    assert "mine" in child.request("/api/llm/health")["providers"]


def test_it_survives_being_out_of_file_descriptors(start: Start) -> None:
    """Nobody floods the log, and it serves again as soon as descriptors are free."""
    child = start().ready()
    # Told by itself: nobody else may look, see `hecate.daemon.self_protection`.
    with closing(UnixConnection(child.socket_path)) as asking:
        asking.request("GET", "/metrics")
        told = re.search(r"^process_open_fds (\d+)", asking.getresponse().read().decode(), re.MULTILINE)
    assert told is not None
    descriptors = int(told[1])
    resource.prlimit(child.process.pid, resource.RLIMIT_NOFILE, (descriptors + 20, descriptors + 20))
    connections: list[socket.socket] = []
    for _ in range(200):
        connections.append(connect(child.socket_path))  # noqa: PERF401 - each as soon as it can be
    for connection in connections:
        connection.close()

    def serves() -> bool:
        try:
            return bool(child.request("/api/health")["ok"])
        except (OSError, ValueError):
            return False

    wait_until(serves)
    child.signal(signal.SIGTERM)
    assert child.end() == 0
    assert len(child.err) < 10


def test_a_reader_that_goes_away_is_not_an_error(start: Start) -> None:
    """A caller that leaves in the middle of a stream costs no log line."""
    child = start().ready()
    connection = connect(child.socket_path)
    connection.sendall(b"GET /api/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n")
    assert connection.recv(12) == b"HTTP/1.1 200"
    connection.close()
    child.request("/api/ventures", b'{"name": "shop"}')
    child.signal(signal.SIGTERM)
    assert child.end() == 0
    assert [json.loads(line)["event"] for line in child.err] == ["ready", "stopping", "stopped"]
