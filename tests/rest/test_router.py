"""From a path to its route."""

from __future__ import annotations

import pytest

from hecate.dossiers.errors import MethodNotAllowed, NotFound
from hecate.rest.router import LONGEST_SEGMENT, Router
from tests.rest.asgi import route, say_hello

ROUTER = Router(
    [
        route(say_hello, path="/api/ventures"),
        route(say_hello, "POST", path="/api/ventures"),
        route(say_hello, path="/api/ventures/{venture_id}"),
        route(say_hello, "POST", path="/api/ventures/setup"),
        route(say_hello, path="/api/ventures/{venture_id}/status", aliases=("/status/{venture_id}",)),
        route(say_hello, "POST", path="/api/ventures/{id}/archive"),
        route(say_hello, path="/models/{name:path}"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "pattern", "values"),
    [
        ("GET", "/api/ventures", "/api/ventures", {}),
        ("HEAD", "/api/ventures", "/api/ventures", {}),
        ("GET", "/api/ventures/v-1", "/api/ventures/{venture_id}", {"venture_id": "v-1"}),
        ("GET", "/api/ventures/v-1/status", "/api/ventures/{venture_id}/status", {"venture_id": "v-1"}),
        ("GET", "/status/v-1", "/api/ventures/{venture_id}/status", {"venture_id": "v-1"}),
        ("POST", "/api/ventures/setup", "/api/ventures/setup", {}),
        ("POST", "/api/ventures/setup/archive", "/api/ventures/{id}/archive", {"id": "setup"}),
        ("GET", "/api/ventures/a b\u2603", "/api/ventures/{venture_id}", {"venture_id": "a b\u2603"}),
        ("GET", "/models/meta/llama/3", "/models/{name:path}", {"name": "meta/llama/3"}),
    ],
)
def test_a_path_finds_its_route(method: str, path: str, pattern: str, values: dict[str, str]) -> None:
    """A literal segment wins over a parameter, and a parameter takes whatever is there."""
    found, parameters = ROUTER.match(method, path)
    assert (found.path, parameters) == (pattern, values)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/api",
        "/api/ventures/",
        "//api/ventures",
        "/api//ventures",
        "/api/ventures//status",
        "/API/ventures",
        "/api/ventures/v-1/status/",
        "/api/ventures/v-1/nothing",
        "*",
        "/api/ventures/" + "x" * (LONGEST_SEGMENT + 1),
        "/a" * 20_000,
    ],
)
def test_other_paths_are_not_found(path: str) -> None:
    """A slash too many is another path; and the error does not repeat what is absurdly long."""
    with pytest.raises(NotFound) as refusal:
        ROUTER.match("GET", path)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/ventures", "GET, HEAD, POST"),
        ("OPTIONS", "/api/ventures", "GET, HEAD, POST"),
        ("POST", "/api/ventures/v-1", "GET, HEAD"),
        ("GET", "/api/ventures/v-1/archive", "POST"),
        ("HEAD", "/api/ventures/v-1/archive", "POST"),
    ],
)
def test_a_known_path_names_its_methods(method: str, path: str, allowed: str) -> None:
    """The ``Allow`` header has them."""
    with pytest.raises(MethodNotAllowed) as refusal:
        ROUTER.match(method, path)
    assert refusal.value.headers == {"Allow": allowed}


@pytest.mark.parametrize(("one", "other"), [("/a/{x}", "/a/{y}"), ("/a", "/a")])
def test_a_clash_stops_the_start(one: str, other: str) -> None:
    """Two routes for one method and path are a mistake, however their parameters are called."""
    with pytest.raises(ValueError, match="two routes answer GET"):
        Router([route(say_hello, path=one), route(say_hello, path=other)])
