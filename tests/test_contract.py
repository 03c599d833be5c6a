"""The daemon's API, path by path and field by field, as its clients were promised it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hecate import __version__
from tests.calling import STEPS_TO, Caller
from tests.fakes.ollama import MODEL, SAYS

PROCESSES = {
    "design": "designs",
    "plan": "plans",
    "generate": "generations",
    "test": "tests",
    "deploy": "deployments",
    "monitor": "monitoring",
    "rescue": "rescues",
}
"""Each process of a division, and where what it has made is read."""
VERBS = {
    "start": ("pending", 201, "active", 3),
    "pause": ("active", 200, "paused", 5),
    "resume": ("paused", 200, "active", 3),
    "complete": ("active", 200, "completed", 9),
    "archive": ("completed", 200, "archived", 17),
}
"""From which state, with which HTTP status, to which state, with which bits."""
CHAT = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Hello!"},
    ],
}
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def has(answer: Any, expected: Any) -> bool:
    """Tell whether *answer* has all that *expected* has; it may have more fields."""
    if isinstance(expected, dict):
        return isinstance(answer, dict) and all(
            name in answer and has(answer[name], value) for name, value in expected.items()
        )
    return bool(answer == expected and type(answer) is type(expected))


def test_health(caller: Caller) -> None:
    """``GET /api/health``."""
    reply = caller.get("/api/health")
    assert reply.status == 200
    assert has(reply.json, {"ok": True, "status": "healthy", "version": __version__})
    assert type(reply.json["uptime_seconds"]) is int


def test_models(caller: Caller) -> None:
    """``GET /api/llm/models``: the size is a string."""
    (model,) = caller.get("/api/llm/models").json["models"]
    assert has(model, {"name": MODEL, "provider": "ollama", "size": "3.8B"})


def test_llm_health(caller: Caller) -> None:
    """``GET /api/llm/health``: the configured providers and the well-known others."""
    caller.get("/api/llm/models")
    providers = caller.get("/api/llm/health").json["providers"]
    assert has(providers["ollama"], {"status": "healthy", "models": 1})
    assert [providers[name] for name in ("anthropic", "openai", "google")] == [{"status": "not_configured"}] * 3


@pytest.mark.parametrize("stream", [{"stream": False}, {}])
def test_chat(caller: Caller, stream: dict[str, bool]) -> None:
    """``POST /api/llm/chat``; no ``stream`` means not streamed."""
    answer = caller.post("/api/llm/chat", CHAT | stream).json
    usage = {"prompt_tokens": 15, "completion_tokens": 8}
    assert has(answer, {"ok": True, "content": "".join(SAYS), "model": MODEL, "usage": usage})


def test_streamed_chat(caller: Caller) -> None:
    """Server-sent events to the letter: a client cuts the line behind ``data: ``."""
    reply = caller.post("/api/llm/chat", CHAT | {"stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    lines = reply.body.split(b"\n\n")
    assert lines[: len(SAYS)] == [
        b'data: {"content": ' + json.dumps(text).encode() + b', "done": false}' for text in SAYS
    ]
    last = json.loads(lines[len(SAYS)].removeprefix(b"data: "))
    assert has(last, {"content": "", "done": True})


def test_reload(caller: Caller) -> None:
    """``POST /api/llm/providers/reload``."""
    assert has(caller.post("/api/llm/providers/reload").json, {"ok": True, "providers_loaded": ["ollama"]})


def test_set_up_a_venture(caller: Caller) -> None:
    """``POST /api/ventures``, then the list and the venture itself."""
    given = {"name": "my-saas-app", "brief": "A multi-tenant SaaS platform"}
    reply = caller.post("/api/ventures", given)
    assert reply.status == 201
    venture_id = reply.json["id"]
    assert venture_id.startswith("v-")
    venture = {"id": venture_id, **given, "status": 1}
    assert has(reply.json, {"ok": True, **venture})
    (listed,) = [one for one in caller.get("/api/ventures?limit=500").json["ventures"] if one["id"] == venture_id]
    shown = caller.get(f"/api/ventures/{venture_id}").json
    for answer in (listed, shown, shown["venture"]):
        assert has(answer, venture)
        assert RFC_3339.fullmatch(answer["setup_at"])


def test_venture_status(caller: Caller) -> None:
    """``GET /api/ventures/:id/status``: by name, the process touched last, its state and the health."""
    venture_id = caller.discovering()
    auth, billing = caller.division(venture_id, "auth"), caller.division(venture_id, "billing")
    caller.bring(f"/api/divisions/{auth}/generate", "active")
    caller.bring(f"/api/divisions/{billing}/design", "paused")
    answer = caller.get(f"/api/ventures/{venture_id}/status").json
    divisions = {
        "auth": {"process": "generate_division", "state": "active", "health": "unknown"},
        "billing": {"process": "design_division", "state": "paused", "health": "unknown"},
    }
    assert has(answer, {"ok": True, "venture_id": venture_id, "name": "my-saas-app", "divisions": divisions})


def test_discovery(caller: Caller) -> None:
    """Start, discover, complete; the divisions are listed."""
    venture_id = caller.venture()
    discovery = f"/api/ventures/{venture_id}/discovery"
    assert caller.post(f"{discovery}/start").status == 201
    given = {
        "division_name": "auth",
        "description": "Authentication and authorization bounded context",
        "rationale": "Separate identity concerns from billing and notifications",
    }
    discovered = caller.post(f"{discovery}/discover", given)
    assert discovered.status == 201
    assert discovered.json["id"].startswith("div-")
    assert caller.post(f"{discovery}/complete").status == 200
    (division,) = caller.get(f"/api/ventures/{venture_id}/divisions").json["divisions"]
    expected = {
        "id": discovered.json["id"],
        "division_id": discovered.json["id"],
        "venture_id": venture_id,
        "name": "auth",
        "description": given["description"],
        "rationale": given["rationale"],
        "process": "design_division",
        "state": "pending",
        "health": "unknown",
    }
    assert has(division, expected)
    assert RFC_3339.fullmatch(division["discovered_at"])


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("process", PROCESSES)
def test_lifecycle_of_a_process(caller: Caller, process: str, verb: str) -> None:
    """Every process of a division takes the same five commands."""
    state, status, becomes, bits = VERBS[verb]
    division_id = caller.division_with(**{process: state})
    reply = caller.post(f"/api/divisions/{division_id}/{process}/{verb}")
    assert reply.status == status
    expected = {"division_id": division_id, "process": f"{process}_division", "state": becomes, "status": bits}
    assert has(reply.json, {"ok": True, "status_label": becomes, **expected})


@pytest.mark.parametrize("verb", VERBS)
def test_lifecycle_of_the_discovery(caller: Caller, verb: str) -> None:
    """The discovery takes them too, on the venture."""
    state, status, becomes, bits = VERBS[verb]
    venture_id = caller.venture()
    caller.bring(f"/api/ventures/{venture_id}/discovery", state)
    reply = caller.post(f"/api/ventures/{venture_id}/discovery/{verb}")
    assert reply.status == status
    assert has(reply.json, {"venture_id": venture_id, "process": "discover_divisions", "state": becomes})
    assert has(caller.get(f"/api/ventures/{venture_id}/divisions").json["process"], {"state": becomes, "status": bits})


@pytest.mark.parametrize(
    ("command", "body", "kind"),
    [
        ("design/aggregate", {"aggregate_name": "user"}, "aggregate"),
        ("design/event", {"event_name": "user_registered"}, "event"),
        ("plan/desk", {"desk_name": "register_user"}, "desk"),
    ],
)
def test_domain_commands(caller: Caller, command: str, body: dict[str, str], kind: str) -> None:
    """What is made has an id, and stands in its process's list."""
    process = command.partition("/")[0]
    division_id = caller.division_with(**{process: "active"})
    made = caller.post(f"/api/divisions/{division_id}/{command}", body)
    assert made.status == 201
    listed = caller.get(f"/api/divisions/{division_id}/{PROCESSES[process]}").json[PROCESSES[process]]
    assert [has(item, {"id": made.json["id"], "kind": kind, **body}) for item in listed] == [True]


def test_sequence(caller: Caller) -> None:
    """``POST /api/divisions/:id/plan/sequence``: the daemon orders by priority and dependency."""
    plan = f"/api/divisions/{caller.division_with(plan='active')}/plan"
    for name, priority in (("show", "P0"), ("register", "P3"), ("log_in", "P1")):
        caller.done(f"{plan}/desk", {"desk_name": name, "priority": priority})
    caller.done(f"{plan}/dependency", {"from_desk": "show", "to_desk": "register"})
    (event,) = caller.done(f"{plan}/sequence")["events"]
    assert event["type"] == "desks_sequenced_v1"
    assert event["data"]["desk_names"] == ["register", "show", "log_in"]


@pytest.mark.parametrize("state", STEPS_TO)
@pytest.mark.parametrize(("process", "key"), PROCESSES.items())
def test_what_a_process_has_made_is_read(caller: Caller, process: str, key: str, state: str) -> None:
    """Under its own key, with where the process stands; also before it has started."""
    division_id = caller.division_with(**{process: state})
    answer = caller.get(f"/api/divisions/{division_id}/{key}").json
    assert answer["ok"] is True
    assert answer[key] == []
    view = answer["process"]
    assert view["state"] == view["status_label"] == state
    assert (view["iteration"], view["version"]) == (min(len(STEPS_TO[state]), 1), len(STEPS_TO[state]))
    times = {
        name: view[name] is not None
        for name in ("started_at", "paused_at", "completed_at", "archived_at")
        if view[name]
    }
    assert (
        set(times)
        == {
            "pending": set(),
            "active": {"started_at"},
            "paused": {"started_at", "paused_at"},
            "completed": {"started_at", "completed_at"},
            "archived": {"started_at", "archived_at"},
        }[state]
    )


def test_geo_status(caller: Caller) -> None:
    """``GET /api/geo/status``: off unless it is configured, and then everything is allowed."""
    answer = caller.get("/api/geo/status").json
    assert has(answer, {"ok": True, "allowed": True})
    assert answer["country"] is None
    assert RFC_3339.fullmatch(answer["checked_at"])


@pytest.mark.parametrize(
    ("request_line", "body", "expected"),
    [
        ("POST /api/llm/chat", {**CHAT, "model": "nobody"}, (404, "model_not_found")),
        ("POST /api/llm/chat", {"model": MODEL}, (400, "validation_error")),
        ("POST /api/ventures", {}, (400, "validation_error")),
        ("GET /api/ventures/v-none", None, (404, "not_found")),
        ("GET /api/nothing", None, (404, "not_found")),
        ("PUT /api/ventures", {}, (405, "method_not_allowed")),
    ],
)
def test_error_codes(caller: Caller, request_line: str, body: Any, expected: tuple[int, str]) -> None:
    """``{"ok": false, "error": "…", "code": "…"}``, whatever goes wrong."""
    method, _, path = request_line.partition(" ")
    reply = caller.ask(method, path, body)
    assert (reply.status, reply.code) == expected
    assert reply.headers["content-type"] == "application/json"
