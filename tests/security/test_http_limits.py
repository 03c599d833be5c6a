"""The limits that docs/security.md tells are the ones in force, each tried with bytes."""

from __future__ import annotations

import json
import resource

import pytest

from hecate.daemon.http_protocol import HEADER_LIMIT_BYTES, Patience
from hecate.daemon.server import KEEP_ALIVE_SECONDS, OTHER_FILES, connection_limit
from hecate.endpoints import BODY_LIMIT_BYTES, CHAT_BODY_LIMIT_BYTES
from hecate.rest.body import DEEPEST_NESTING
from tests.calling import Caller
from tests.daemon.child import Child, connect

KIB = 1024
MIB = 1024 * KIB


def test_the_documented_limits_are_the_ones_in_force() -> None:
    """32 KiB, 1 MiB (8 for a chat), 64 levels, 30 s, and 64 open files left to others."""
    assert (HEADER_LIMIT_BYTES, BODY_LIMIT_BYTES, CHAT_BODY_LIMIT_BYTES) == (32 * KIB, MIB, 8 * MIB)
    assert (DEEPEST_NESTING, KEEP_ALIVE_SECONDS, OTHER_FILES) == (64, 30, 64)
    assert (Patience().header_seconds, Patience().body_gap_seconds) == (30, 30)
    limit = connection_limit()
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert limit == max(files - 64, files // 2)


def answered(daemon: Child, sent: bytes) -> bytes:
    """Send bytes and return what comes back until the connection closes."""
    with connect(daemon.socket_path) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


@pytest.mark.parametrize(("padding", "status"), [(31 * KIB, b"200"), (33 * KIB, b"431")])
@pytest.mark.parametrize("many", [False, True], ids=["one header", "many headers"])
def test_a_header_may_have_32_kib(daemon: Child, padding: int, status: bytes, *, many: bool) -> None:
    """In one line or in many; a hair more is too much."""
    lines = (
        [b"X-%d: %s" % (number, b"x" * 90) for number in range(padding // 100)] if many else [b"X: " + b"x" * padding]
    )
    request = b"\r\n".join([b"GET /api/health HTTP/1.1", b"Host: localhost", b"Connection: close", *lines, b"", b""])
    assert answered(daemon, request).split(b" ", 2)[1] == status


@pytest.mark.parametrize(("size", "status"), [(MIB, 400), (MIB + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_body_may_have_1_mib(daemon: Child, size: int, status: int, *, chunked: bool) -> None:
    """Declared or not; what is that large and no JSON is told so."""
    body = b"x" * size
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if chunked else body
    header = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    head = b"POST /api/ventures HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + b"\r\n\r\n"
    assert int(answered(daemon, head + framed).split(b" ", 2)[1]) == status


@pytest.mark.parametrize("depth", [64, 65, 10_000, 200_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_may_have_64_levels(caller: Caller, depth: int, opening: str) -> None:
    """In a field that nobody reads, too: it is the parser that must not be led so deep."""
    inner = depth - 1
    closing = "]" if opening == "[" else "}"
    value = opening * inner + "1" + closing * inner
    reply = caller.post("/api/ventures", f'{{"name": "deep", "unknown": {value}}}'.encode())
    assert reply.status == (201 if depth <= 64 else 413 if len(value) > MIB else 400), reply
    if reply.status == 400:
        assert "nested deeper than 64 levels" in reply.json["error"]


def test_many_keys_and_long_strings_are_no_weakness(caller: Caller) -> None:
    """As much as a megabyte holds is read in no time that another caller would notice."""
    names = {f"key{number}": number for number in range(50_000)}
    reply = caller.post("/api/ventures", json.dumps({"name": "many", **names}).encode())
    assert reply.status == 201
    assert caller.post("/api/ventures", json.dumps({"name": "x" * 900_000}).encode()).status == 400
