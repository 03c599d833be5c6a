"""Bytes that are no request, or more than one, or half of one."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, connect

HOST = b"Host: localhost\r\n"


def talk(daemon: Child, sent: bytes, *, until: bytes = b"") -> bytes:
    """Send bytes; return what comes back up to *until*, or until the daemon closes the connection."""
    with connect(daemon.socket_path) as connection:
        connection.sendall(sent)
        received = b""
        while (not until or not received.endswith(until)) and (piece := connection.recv(65536)):
            received += piece
    return received


def status_of(answer: bytes) -> int:
    """Return the status of the first answer in *answer*."""
    return int(answer.split(b" ", 2)[1])


def refusal_in(answer: bytes) -> dict[str, object]:
    """Return the refusal that *answer* ends with."""
    content: dict[str, object] = json.loads(answer.rpartition(b"\r\n\r\n")[2])
    assert content["ok"] is False
    return content


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"FROB /api/health HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /api/\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"No colon here\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Bad\x00Name: x\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length: ten\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length: 12\r\nContent-Length: 13\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length: 2, 2\r\n\r\n{}",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length: +2\r\n\r\n{}",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length : 2\r\n\r\n{}",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}",
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"X: a\rY: b\r\n\r\n",
        b"GET /api/health HTTP/1.1\rHost: localhost\r\n\r\n",
        b"GET /api/health HTTP/1.1\nHost: localhost\n\n",
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"X: a\r\n folded: b\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Host: example.org\r\n\r\n",
        b"CONNECT example.org:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b'Transfer-Encoding: chunked\r\n\r\n3\r\n{"n\r\nboom\r\n',
    ],
)
def test_what_is_not_http_is_told_so_and_closed(daemon: Child, caller: Caller, sent: bytes) -> None:
    """400 ``validation_error`` at once, and nothing is appended."""
    head = caller.head
    answer = talk(daemon, sent)
    assert status_of(answer) == 400
    assert refusal_in(answer)["code"] == "validation_error"
    assert b"connection: close" in answer
    assert caller.head == head


def test_a_request_that_nobody_finishes_changes_nothing(daemon: Child, caller: Caller) -> None:
    """The caller leaves in the middle of the body: there is no command."""
    head = caller.head
    with connect(daemon.socket_path) as connection:
        connection.sendall(b"POST /api/ventures HTTP/1.1\r\n" + HOST + b'Content-Length: 16\r\n\r\n{"name": "half"')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert caller.head == head


def test_requests_sent_at_once_are_answered_in_turn(daemon: Child, caller: Caller) -> None:
    """Pipelined, with bodies and with refusals among them."""
    head = caller.head
    bodies = (b'{"name": "first"}', b'{"name": 2}', b'{"name": "third"}')
    sent = b"".join(
        b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies
    )
    sent += b"GET /api/venture HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    answers = talk(daemon, sent)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"201", b"400", b"201", b"200"]
    assert answers.rpartition(b"\r\n\r\n")[2].count(b'"third"') == 2
    assert caller.head == head + 2


def test_an_answer_under_way_is_sent_before_what_follows_is_refused(daemon: Child) -> None:
    """Nonsense behind a good request does not cost its answer."""
    answer = talk(daemon, b"GET /api/health HTTP/1.1\r\n" + HOST + b"\r\n\x00nonsense\r\n\r\n")
    assert status_of(answer) == 200


def test_a_body_in_chunks_is_a_body(daemon: Child) -> None:
    """However it is cut."""
    sent = b"POST /api/ventures HTTP/1.1\r\n" + HOST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = talk(daemon, sent + b'5\r\n{"nam\r\n7\r\ne":"x"}\r\n0\r\n\r\n')
    assert status_of(answer) == 201


def test_an_offer_to_upgrade_is_declined(daemon: Child) -> None:
    """The request is answered in HTTP/1.1."""
    sent = b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert status_of(talk(daemon, sent, until=b"}")) == 200


def test_an_old_client_need_not_name_the_host(daemon: Child) -> None:
    """There is one service behind the socket, whatever it is called, and HTTP/1.0 knows no such header."""
    answer = talk(daemon, b"GET /api/health HTTP/1.0\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 200


def test_what_is_refused_hides_no_second_request(daemon: Child, caller: Caller) -> None:
    """Whatever follows, in the body or behind it, is not read: the shape of a smuggled request."""
    head = caller.head
    hidden = b"POST /api/ventures HTTP/1.1\r\n" + HOST + b'Content-Length: 20\r\n\r\n{"name": "smuggled"}'
    for framing in (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ):
        answers = talk(daemon, b"POST /api/ventures HTTP/1.1\r\n" + HOST + framing + hidden)
        assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"400"]
    assert caller.head == head


def test_a_header_of_absurd_length_is_refused(daemon: Child) -> None:
    """431, and closed."""
    answer = talk(daemon, b"GET /api/health HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 40_000 + b"\r\n\r\n")
    assert status_of(answer) == 431
    assert refusal_in(answer)["code"] == "validation_error"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("size", [2, 10])
@pytest.mark.parametrize(
    "headers", [(), ("-H", "Expect:"), ("-H", "Transfer-Encoding: chunked"), ("-H", "Connection: close")]
)
def test_curl_reads_why_its_body_is_too_large(
    daemon: Child, caller: Caller, tmp_path: Path, size: int, headers: tuple[str, ...]
) -> None:
    """Whether it asks first, sends at once, in chunks, or closes after: exit status 0 and a 413."""
    head = caller.head
    body = tmp_path / "body"
    body.write_bytes(b"x" * size * 1024 * 1024)
    curl = ["curl", "--silent", "--show-error", "--unix-socket", str(daemon.socket_path), "--data-binary", f"@{body}"]
    run = subprocess.run(
        [*curl, *headers, "http://localhost/api/ventures"], check=True, capture_output=True, text=True, timeout=30
    )
    assert json.loads(run.stdout)["code"] == "validation_error"
    assert "larger than 1048576 bytes" in run.stdout
    assert caller.head == head
