"""What clients of the original daemon need, each line of it seen to break one of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.calling import Caller
from tests.fakes.ollama import MODEL, SAYS

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}]}
WHOLE = "".join(SAYS)


def test_health_is_also_at_the_root(caller: Caller) -> None:
    """``GET /health`` says the same, and that the service is ready."""
    for path in ("/health", "/api/health"):
        answer = caller.get(path).json
        assert (answer["ready"], answer["service"], answer["status"]) == (True, "hecate", "healthy")
        assert type(answer["uptime_seconds"]) is int


@pytest.mark.parametrize("body", [None, b"", b"null", b"{}", b" \n"])
def test_a_command_without_fields_needs_no_body(caller: Caller, body: bytes | None) -> None:
    """Absent, empty, ``null`` or ``{}``."""
    division_id = caller.division()
    for verb in ("start", "pause", "resume", "complete", "archive"):
        assert caller.post(f"/api/divisions/{division_id}/design/{verb}", body).status in {200, 201}


@pytest.mark.parametrize("path", ["/api/ventures", "/api/ventures/setup", "/api/ventures/initiate"])
def test_a_venture_begins_on_each_of_its_paths(caller: Caller, path: str) -> None:
    """And its answer has the fields that older clients read."""
    answer = caller.done(path, {"name": "old", "brief": "b"})
    assert answer["venture_id"] == answer["id"]
    shown = caller.get(f"/api/ventures/{answer['id']}").json
    newest = caller.get("/api/venture").json
    for venture in (answer, shown, shown["venture"], newest, newest["venture"]):
        assert (venture["venture_id"], venture["name"], venture["brief"]) == (answer["id"], "old", "b")
        assert (venture["status"], venture["status_label"]) == (1, "setup")
        assert type(venture["initiated_at"]) is int
        assert venture["initiated_at"] > 1_700_000_000_000, "milliseconds"
        assert venture["initiated_by"].startswith("uid:")


def test_the_newest_venture_is_one_that_is_not_archived(caller: Caller) -> None:
    """Archived ones are passed over; so is nothing else."""
    first, second = caller.venture("first"), caller.venture("second")
    caller.done(f"/api/ventures/{second}/archive")
    assert caller.get("/api/venture").json["id"] == first


@pytest.mark.parametrize("path", ["identify", "divisions/discover", "discover"])
def test_a_division_is_discovered_on_each_of_its_paths(caller: Caller, path: str) -> None:
    """Older clients call its name ``context_name``, in the request and in the answers."""
    venture_id = caller.discovering()
    name = "division_name" if path == "discover" else "context_name"
    answer = caller.done(f"/api/ventures/{venture_id}/discovery/{path}", {name: "auth", "description": "Who is who"})
    assert answer["id"].startswith("div-")
    assert "warnings" not in answer
    (listed,) = caller.get(f"/api/ventures/{venture_id}/divisions").json["divisions"]
    shown = caller.get(f"/api/divisions/{answer['id']}").json["division"]
    for division in (listed, shown):
        assert (division["context_name"], division["name"]) == ("auth", "auth")
        assert (division["current_phase"], type(division["status"])) == ("anp", int)


def test_an_older_path_takes_the_newer_name_too(caller: Caller) -> None:
    """Whichever field is there."""
    venture_id = caller.discovering()
    assert caller.done(f"/api/ventures/{venture_id}/discovery/identify", {"division_name": "auth"})["id"]


@pytest.mark.parametrize(
    ("process", "phase"),
    [
        ("design", "anp"),
        ("plan", "anp"),
        ("generate", "tni"),
        ("test", "tni"),
        ("deploy", "dno"),
        ("monitor", "dno"),
        ("rescue", "dno"),
    ],
)
def test_a_division_is_in_a_phase(caller: Caller, process: str, phase: str) -> None:
    """That of the process under way."""
    division_id = caller.division_with(**{process: "active"})
    assert caller.get(f"/api/divisions/{division_id}").json["division"]["current_phase"] == phase


def test_a_whole_chat_answers_once_more_as_it_used_to(caller: Caller) -> None:
    """Under ``response``, with Ollama's names."""
    assert caller.post("/api/llm/chat", CHAT).json["response"] == {
        "content": WHOLE,
        "model": MODEL,
        "message": {"role": "assistant", "content": WHOLE},
        "done": True,
        "stop_reason": "stop",
        "eval_count": 8,
        "prompt_eval_count": 15,
    }


def test_the_last_chunk_of_a_chat_tells_all_about_it(caller: Caller) -> None:
    """Without content, with ``done``, usage and reason; after it, OpenAI's end mark."""
    reply = caller.post("/api/llm/chat", {**CHAT, "stream": True})
    assert reply.body.isascii()
    *_, last, end, nothing = reply.body.decode("ascii").split("\n\n")
    chunk = json.loads(last.removeprefix("data: "))
    assert (chunk["content"], chunk["done"], chunk["model"], chunk["stop_reason"]) == ("", True, MODEL, "stop")
    assert (chunk["eval_count"], chunk["prompt_eval_count"]) == (8, 15)
    assert (chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"]) == (15, 8)
    assert (end, nothing) == ("data: [DONE]", "")


def test_a_failure_before_the_first_token_is_no_stream(caller: Caller) -> None:
    """An HTTP status and the error's envelope."""
    reply = caller.post("/api/llm/chat", {**CHAT, "model": "nobody", "stream": True})
    assert (reply.status, reply.code) == (404, "model_not_found")
    assert reply.headers["content-type"] == "application/json"


def test_models_have_what_is_known_of_them(caller: Caller) -> None:
    """And the size is text."""
    (model,) = caller.get("/api/llm/models").json["models"]
    assert model["id"] == f"ollama/{MODEL}"
    assert model["size"] == model["parameter_size"] == "3.8B"
    assert (model["family"], model["size_bytes"], model["context_length"]) == ("llama", 2019393189, 131072)
    assert model["quantization_level"] == "Q4_K_M"


def test_llm_health_has_an_overall_status(caller: Caller) -> None:
    """At the top level."""
    caller.get("/api/llm/models")
    assert caller.get("/api/llm/health").json["status"] == "healthy"


def test_reload_lists_the_providers_twice(caller: Caller) -> None:
    """Under both names."""
    answer = caller.post("/api/llm/providers/reload").json
    assert answer["providers"] == answer["providers_loaded"] == ["ollama"]


def test_the_geo_status_is_told_twice(caller: Caller) -> None:
    """As a word, and whether it is on at all."""
    answer = caller.get("/api/geo/status").json
    assert (answer["status"], answer["enabled"], answer["database_loaded"]) == ("allowed", False, False)


def test_no_answer_has_a_result(caller: Caller) -> None:
    """A client takes a top-level ``result`` for the whole answer; and ``error`` is never an object."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    answers: list[Any] = [
        caller.get(path).json
        for path in (
            "/api/health",
            "/api/ventures",
            "/api/venture",
            f"/api/ventures/{venture_id}",
            f"/api/ventures/{venture_id}/status",
            f"/api/ventures/{venture_id}/divisions",
            f"/api/ventures/{venture_id}/events",
            f"/api/divisions/{division_id}",
            f"/api/divisions/{division_id}/designs",
            f"/api/divisions/{division_id}/events",
            "/api/events",
            "/api/llm/models",
            "/api/llm/health",
            "/api/geo/status",
            f"/api/ventures/{venture_id}/board",
            f"/api/ventures/{venture_id}/timeline",
            "/api/nothing",
        )
    ]
    answers.append(caller.post("/api/llm/chat", CHAT).json)
    answers.append(caller.post(f"/api/divisions/{division_id}/design/start").json)
    for answer in answers:
        assert "result" not in answer
        assert isinstance(answer.get("error", ""), str)
        assert type(answer.get("status", 0)) in {int, str}
