"""``GET /metrics``, of a daemon that has been used."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.calling import Caller
from tests.fakes.ollama import MODEL, ollama
from tests.serving import serving

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}]}


@pytest.fixture
def caller() -> Iterator[Caller]:
    """Calls a daemon with an Ollama behind it."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        ollama() as provider,
        serving(Path(folder), provider.url) as child,
    ):
        caller = Caller(child.socket_path)
        yield caller
        caller.close()


def metrics(caller: Caller) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample by its name and labels."""
    reply = caller.get("/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def test_what_has_happened_is_counted(caller: Caller) -> None:
    """Calls at once when they have ended, events, and the daemon itself."""
    before = metrics(caller)
    assert ("hecate_llm_open_calls", frozenset()) in before
    assert not any(name == "hecate_llm_calls_total" for name, _ in before)
    for stream in (False, True, True):
        assert caller.post("/api/llm/chat", {**CHAT, "stream": stream}).status == 200
    caller.post("/api/ventures", {"name": "counted"})
    now = metrics(caller)
    model = {("provider", "ollama"), ("model", MODEL)}

    def value(name: str, *labels: tuple[str, str]) -> float:
        return now[name, frozenset(labels)]

    assert value("hecate_llm_calls_total", *model, ("outcome", "ok")) == 3
    assert value("hecate_llm_tokens_total", *model, ("kind", "prompt")) == 45
    assert value("hecate_llm_tokens_total", *model, ("kind", "completion")) == 24
    assert value("hecate_llm_cost_usd_total", *model) == 0
    assert value("hecate_llm_unpriced_calls_total", *model) == 0
    assert value("hecate_llm_first_token_seconds_count", *model) == 2
    assert value("hecate_llm_call_seconds_count", *model) == 3
    assert value("hecate_llm_overhead_seconds_count", ("streamed", "true")) == 2
    assert value("hecate_llm_overhead_seconds_count", ("streamed", "false")) == 1
    for gauge in ("hecate_llm_open_calls", "hecate_llm_open_streams", "hecate_store_waiting_commands"):
        assert value(gauge) == 0, gauge
    assert value("hecate_store_events") == caller.get("/api/health").json["events"] == 1
    assert value("hecate_store_healthy") == 1
    assert value("hecate_usage_lost_calls_total") == 0
    assert value("process_resident_memory_bytes") > 10_000_000
    assert value("hecate_tasks") >= 1
