"""What gets into the audit log, and what of a caller's command line does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hecate.daemon.audited import harmless, program_of
from tests.calling import Caller
from tests.daemon.child import UnixConnection, wait_until
from tests.serving import serving

CALL = """
import http.client, socket, sys
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
connection.request("POST", "/api/ventures", b'{"name": "of-another-process"}')
print(connection.getresponse().status)
"""


def lines(place: Path) -> list[dict[str, Any]]:
    """Return what is in the audit log of the daemon in *place*."""
    file = place / "data" / "audit.log"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def caller(place: Path) -> Iterator[Caller]:
    """A client of a daemon with a log of its own."""
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        yield caller


def test_every_command_is_there_with_its_caller(caller: Caller, place: Path) -> None:
    """What was done, what was refused and what does not exist; the questions between them are not."""
    caller.get("/api/ventures")
    caller.post("/api/ventures", {"name": "one"}, x_request_id="first")
    caller.post("/api/ventures", {"name": 1})
    caller.post("/api/nonsense?key=canary")
    caller.get("/api/health")
    wait_until(lambda: len(lines(place)) >= 3)
    told = lines(place)
    assert [(line["path"], line["status"]) for line in told] == [
        ("/api/ventures", 201),
        ("/api/ventures", 400),
        ("/api/nonsense", 404),
    ]
    assert told[0]["request_id"] == "first"
    for line in told:
        assert (line["uid"], line["pid"], line["via"]) == (os.getuid(), os.getpid(), "socket")
        assert line["program"] == str(Path("/proc/self/exe").readlink())


def test_the_program_is_that_of_the_process_that_calls(caller: Caller, place: Path) -> None:
    """Not of whoever called before."""
    caller.post("/api/ventures", {"name": "ours"})
    words = [sys.executable, "-c", CALL, str(caller.socket_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.communicate(timeout=20)[0] == b"201\n"
    wait_until(lambda: len(lines(place)) >= 2)
    assert [line["pid"] for line in lines(place)] == [os.getpid(), process.pid]


def test_a_caller_that_goes_away_is_there_too(caller: Caller, place: Path) -> None:
    """Whether the answer was read is another matter."""
    with closing(UnixConnection(caller.socket_path)) as connection:
        connection.request("POST", "/api/ventures", b'{"name": "unread"}')
    wait_until(lambda: any(line["path"] == "/api/ventures" for line in lines(place)))


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["/usr/bin/python3", "-m", "hecate", "venture", "list"], ["/usr/bin/python3", "-m", "hecate", "venture"]),
        (["hecate", "providers", "add", "openai", "sk-canary"], ["hecate", "providers", "add", "openai"]),
        (["curl", "-H", "Authorization: Bearer canary"], ["curl"]),
        (["curl", "-ucanary:canary", "http://localhost"], ["curl"]),
        (["client", "0123456789abcdef0123456789abcdef"], ["client"]),
        (["client", "token=canary"], ["client"]),
        (["python3", "-c", "key = 'canary'"], ["python3"]),
        (["a program, renamed to canary"], []),
        ([], []),
    ],
)
def test_of_a_command_line_only_its_beginning_is_kept(words: list[str], kept: list[str]) -> None:
    """Up to the first option, text, or word that may be a key."""
    assert harmless(words) == kept


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    """And that is no error."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert program_of(process.pid) == ("", "")
