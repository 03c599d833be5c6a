"""Requests that are wrong: each is refused in the contract's shape, and nothing is appended."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from hecate.endpoints import BODY_LIMIT_BYTES, CHAT_BODY_LIMIT_BYTES
from tests.calling import Caller

MEBIBYTE = 1024 * 1024


@pytest.fixture
def nothing_appended(caller: Caller) -> Iterator[None]:
    """Check that the log is as long after the test as before it."""
    head = caller.head
    yield
    assert caller.head == head


@pytest.mark.usefixtures("nothing_appended")
@pytest.mark.parametrize("path", ["/api/ventures", "/api/ventures/setup", "/api/llm/chat"])
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "not JSON"),
        (b'{"name": }', "not JSON"),
        (b"name=x&brief=y", "not JSON"),
        (b'{"name": "a\x00b"}', "not JSON"),
        (b'{"name": "\\ud83d"}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ('{"name": "x"}'.encode("utf-16"), "not"),
        (b'{"name": "\xff\xfe"}', "not valid UTF-8"),
        (b'{"\xff": 1}', "not valid UTF-8"),
        (b"[]", "Expected `object`, got `array`"),
        (b"17", "Expected `object`, got `int`"),
        (b'"text"', "Expected `object`, got `str`"),
        (b"{}", "missing required field"),
        (b"[" * 10_000, "nested deeper"),
        (b'{"name":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested deeper"),
    ],
)
def test_a_wrong_body_is_refused_in_words(caller: Caller, path: str, body: bytes, sentence: str) -> None:
    """400 ``validation_error``, with a sentence that helps."""
    reply = caller.post(path, body)
    assert (reply.status, reply.code) == (400, "validation_error")
    assert sentence in reply.json["error"]


def test_deep_nesting_does_not_pass_under_an_older_name(caller: Caller) -> None:
    """The field is renamed before it is decoded."""
    path = f"/api/ventures/{caller.discovering()}/discovery/identify"
    head = caller.head
    reply = caller.post(path, b'{"context_name":' + b"[" * 10_000 + b"]" * 10_000 + b"}")
    assert (reply.status, reply.code) == (400, "validation_error")
    assert caller.head == head


@pytest.mark.usefixtures("nothing_appended")
@pytest.mark.parametrize(
    "name", ["", " ", "\t", "a\nb", "a\n", "\n", "\x00", "a\x00", "a\x7f", "x" * 201, "\u2028", "\u3000 "]
)
def test_a_name_is_one_visible_line(caller: Caller, name: str) -> None:
    """Of 200 characters at the most."""
    reply = caller.post("/api/ventures", {"name": name})
    assert (reply.status, reply.code) == (400, "validation_error")
    assert "`$.name`" in reply.json["error"]


@pytest.mark.parametrize(
    "name",
    [
        "x" * 200,
        "a/b",
        "../../etc/passwd",
        "'; DROP TABLE events; --",
        '"',
        "\\",
        "%2F",
        "é",
        "e\u0301",
        "\U0001f525",
        "ไทย",
        "\u202e",
        "null",
        "0",
    ],
)
def test_a_name_may_be_odd(caller: Caller, name: str) -> None:
    """It comes back as it was given, wherever it is shown."""
    venture_id = caller.done("/api/ventures", {"name": name, "brief": name})["id"]
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    division_id = caller.division(venture_id, name)
    path = f"/api/divisions/{division_id}"
    caller.bring(f"{path}/design", "active")
    caller.done(f"{path}/design/aggregate", {"aggregate_name": name})
    caller.done(f"{path}/design/event", {"event_name": name, "aggregate_name": name, "payload_fields": [name]})
    assert caller.get(f"/api/ventures/{venture_id}").json["name"] == name
    assert list(caller.get(f"/api/ventures/{venture_id}/status").json["divisions"]) == [name]
    _, event = caller.get(f"{path}/designs").json["designs"]
    assert (event["event_name"], event["payload_fields"]) == (name, [name])
    refusal = caller.post(f"{path}/design/aggregate", {"aggregate_name": name})
    assert (refusal.status, refusal.code) == (409, "conflict")


def test_names_that_look_alike_are_two_names(caller: Caller) -> None:
    """A name is what it is, code point by code point: nothing is folded, nothing is trimmed."""
    venture_id = caller.discovering()
    for name in ("auth", "Auth", " auth", "auth ", "\u00e9", "e\u0301"):
        caller.division(venture_id, name)
    assert len(caller.get(f"/api/ventures/{venture_id}/status").json["divisions"]) == 6


# -- too much


@pytest.mark.usefixtures("nothing_appended")
@pytest.mark.parametrize(
    ("method", "path", "size", "status"),
    [
        ("POST", "/api/ventures", BODY_LIMIT_BYTES + 1, 413),
        ("POST", "/api/ventures", 10 * MEBIBYTE, 413),
        ("POST", "/api/divisions/div-none/design/start", 10 * MEBIBYTE, 413),
        ("POST", "/api/llm/providers/reload", 10 * MEBIBYTE, 413),
        ("POST", "/api/llm/chat", CHAT_BODY_LIMIT_BYTES + 1, 413),
        ("POST", "/api/llm/chat", 4 * MEBIBYTE, 400),
        ("POST", "/api/nothing", 10 * MEBIBYTE, 404),
        ("DELETE", "/api/ventures", 10 * MEBIBYTE, 405),
        ("GET", "/api/health", 10 * MEBIBYTE, 200),
    ],
)
def test_a_large_body_is_answered(caller: Caller, method: str, path: str, size: int, status: int) -> None:
    """The sender gets to the answer, and its connection can be used again."""
    reply = caller.ask(method, path, b"x" * size)
    assert reply.status == status
    assert status == 200 or reply.code == {404: "not_found", 405: "method_not_allowed"}.get(status, "validation_error")
    connection = caller._connection.sock
    assert caller.get("/api/health").status == 200
    assert caller._connection.sock is connection


def test_a_body_may_be_as_large_as_the_limit(caller: Caller) -> None:
    """Though its fields may not: of what is left out there may be any amount."""
    body = b'{"name": "x", "ignored": "'
    body += b"y" * (BODY_LIMIT_BYTES - len(body) - 2) + b'"}'
    assert len(body) == BODY_LIMIT_BYTES
    assert caller.post("/api/ventures", body).status == 201


@pytest.mark.usefixtures("nothing_appended")
def test_a_text_has_a_longest_length(caller: Caller) -> None:
    """100,000 characters."""
    reply = caller.post("/api/ventures", {"name": "x", "brief": "é" * 100_001})
    assert (reply.status, reply.code) == (400, "validation_error")
    assert "`$.brief`" in reply.json["error"]


# -- against what is recorded


@pytest.mark.parametrize("process", ["design", "plan", "generate", "test", "deploy", "monitor", "rescue"])
def test_a_second_start_is_refused(caller: Caller, process: str) -> None:
    """409 ``invalid_state``, with what the process takes instead."""
    path = f"/api/divisions/{caller.division_with(**{process: 'active'})}/{process}/start"
    head = caller.head
    reply = caller.post(path)
    assert (reply.status, reply.code) == (409, "invalid_state")
    assert reply.json["available_actions"][-3:] == ["pause", "complete", "archive"]
    assert f"cannot start {process}_division of division" in reply.json["error"]
    assert "it is active; it takes" in reply.json["error"]
    assert caller.head == head


def test_a_name_that_exists_is_refused(caller: Caller) -> None:
    """409 ``conflict``: a division's name is unique in its venture, and only there."""
    venture_id = caller.discovering()
    caller.division(venture_id, "auth")
    head = caller.head
    reply = caller.post(f"/api/ventures/{venture_id}/discovery/discover", {"division_name": "auth"})
    assert (reply.status, reply.code) == (409, "conflict")
    assert "'auth'" in reply.json["error"]
    assert caller.head == head
    caller.division(caller.discovering(), "auth")


# -- absurd addresses


@pytest.mark.usefixtures("nothing_appended")
@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "//",
        "/api/ventures/",
        "//api/ventures",
        "/api//ventures",
        "/API/VENTURES",
        "/api/ventures/../health",
        "/api/ventures/%2e%2e/health",
        "/api/ventures/a%2Fb",
        "/api/ventures/%00",
        "/api/ventures/%ff%fe",
        "/api/ventures/%",
        "/api/ventures/%zz",
        "/api/ventures/%E2%98%83",
        "/api/ventures/'%20OR%20'1'='1",
        "/api/ventures/;id",
        "/api/ventures/v-*",
        "/api/ventures/" + "x" * 20_000,
        "/api/" + "a/" * 10_000,
        "/api/divisions/div-none",
        "/api/divisions/%00/designs",
        "/api/divisions/v-1/events",
    ],
)
def test_an_absurd_path_is_not_found(caller: Caller, path: str) -> None:
    """404 ``not_found``, in an answer of a sensible length."""
    reply = caller.get(path)
    assert (reply.status, reply.code) == (404, "not_found")
    assert len(reply.body) < 2000


def test_an_id_may_be_percent_encoded(caller: Caller) -> None:
    """As any part of a path may be."""
    venture_id = caller.venture()
    encoded = "".join(f"%{ord(character):02X}" for character in venture_id)
    assert caller.get(f"/api/ventures/{encoded}").json["id"] == venture_id


@pytest.mark.usefixtures("nothing_appended")
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit",
        "limit=1&limit=2",
        "limit=٣",
        "limit=%00",
        "limit=%ff",
        "limit=" + "9" * 5000,
        "include_archived=perhaps",
        "&".join(["a=1"] * 101),
    ],
)
def test_an_absurd_query_is_refused(caller: Caller, query: str) -> None:
    """400 ``validation_error``."""
    reply = caller.get(f"/api/ventures?{quote(query, safe='=&%')}")
    assert (reply.status, reply.code) == (400, "validation_error")
    assert "the query" in reply.json["error"]


@pytest.mark.parametrize(
    "query", ["", "&", "unknown=1", "=", "a" * 20_000, "limit=500", "after=v-none", "after=" + "%00"]
)
def test_a_query_without_harm_is_ignored(caller: Caller, query: str) -> None:
    """As every web server does."""
    assert caller.get(f"/api/ventures?{query}").status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_another_method_is_not_allowed(caller: Caller, method: str) -> None:
    """405 ``method_not_allowed``, and the ``Allow`` header says which are."""
    reply = caller.ask(method, "/api/ventures")
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "method_not_allowed", "GET, HEAD, POST")


def test_head_is_get_without_the_body(caller: Caller) -> None:
    """Also where the body would never end, and where there is nothing."""
    venture_id = caller.venture()
    for path, status in (
        (f"/api/ventures/{venture_id}", 200),
        ("/api/facts/stream", 200),
        ("/api/ventures/v-none", 404),
    ):
        reply = caller.ask("HEAD", path)
        assert (reply.status, reply.body) == (status, b"")
    assert caller.get("/api/health").status == 200
