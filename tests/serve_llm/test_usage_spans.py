"""Calls as traces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from hecate.serve_llm.settings import LlmSettings, Retries
from hecate.serve_llm.usage_spans import Spans, open_spans, spans_through
from tests.fakes.scripted_server import Exchange, ScriptedServer
from tests.serve_llm.accounting import Accounted, accounted, openai_like, priced
from tests.serve_llm.asking import OpenGateway, Serve

HELLO = [{"role": "user", "content": "a secret wish"}]
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """What takes the spans."""
    return InMemorySpanExporter()


@pytest.fixture
async def one(
    serve: Serve, open_gateway: OpenGateway, tmp_path: Path, exporter: InMemorySpanExporter
) -> AsyncIterator[Accounted]:
    """A gateway that tells of its calls as spans."""
    server = await serve(openai_like)
    gateway = await open_gateway({"openai": priced(server.url)}, LlmSettings(retries=Retries(attempts=1)))
    spans = spans_through(SimpleSpanProcessor(exporter), {})
    gateway.ledger.watchers.append(spans.tell)
    yield await accounted(gateway, tmp_path)
    spans.close()


async def test_a_chat_is_a_span_by_the_conventions(one: Accounted, exporter: InMemorySpanExporter) -> None:
    """Name, kind, times, and what the conventions name; of what was said nothing."""
    began = time.time_ns()
    await one.ask("/api/llm/chat", {"model": "gpt-4o", "messages": HELLO, "stream": True}, x_hecate_venture="v-1")
    await one.ledger.up_to_date()
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind, span.status.status_code) == ("chat gpt-4o", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.start_time is not None
    assert span.end_time is not None
    assert began - 1_000_000 <= span.start_time <= span.end_time <= time.time_ns()
    told = dict(span.attributes or {})
    assert told.pop("hecate.request_id")
    assert told.pop("gen_ai.response.time_to_first_chunk")
    assert told.pop("server.port")
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.stream": True,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 10,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "server.address": "127.0.0.1",
        "hecate.provider": "openai",
        "hecate.asked_model": "gpt-4o",
        "hecate.venture_id": "v-1",
        "hecate.cost_usd": 0.0034875,
    }
    assert "secret" not in span.to_json()
    assert span.resource.attributes["service.name"] == "hecate"


async def test_a_failed_call_is_a_failed_span(one: Accounted, exporter: InMemorySpanExporter) -> None:
    """With the code as the type of the error, and no tokens."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "fail"}]}
    await one.ask("/v1/chat/completions", body)
    await one.ledger.up_to_date()
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code == StatusCode.ERROR
    told = span.attributes or {}
    assert told["error.type"] == "provider_error"
    assert "gen_ai.usage.input_tokens" not in told


async def test_a_span_belongs_to_the_callers_trace(one: Accounted, exporter: InMemorySpanExporter) -> None:
    """If the caller says which; nonsense in the header makes a trace of its own."""
    body = {"model": "gpt-4o", "messages": HELLO}
    await one.ask("/api/llm/chat", body, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    await one.ask("/api/llm/chat", body, traceparent="nonsense")
    await one.ledger.up_to_date()
    first, second = exporter.get_finished_spans()
    assert first.parent is not None
    assert f"{first.parent.trace_id:032x}" == TRACE
    assert f"{first.context.trace_id:032x}" == TRACE
    assert second.parent is None


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nobody_is_told_unasked(environ: dict[str, str]) -> None:
    """Traces are off until somebody says where to."""
    assert open_spans("", environ) is None


async def test_spans_go_where_the_configuration_says(serve: Serve, open_gateway: OpenGateway, tmp_path: Path) -> None:
    """Over HTTP, to the collector's path for traces; what is left is sent at the end."""
    received: list[tuple[str, bytes]] = []

    async def collect(exchange: Exchange) -> None:
        received.append((exchange.path, exchange.body))
        await exchange.answer(b"", media_type="application/x-protobuf")

    collector: ScriptedServer = await serve(collect)
    server = await serve(openai_like)
    gateway = await open_gateway({"openai": priced(server.url)})
    spans = open_spans(f"{collector.url}/", {})
    assert isinstance(spans, Spans)
    gateway.ledger.watchers.append(spans.tell)
    one = await accounted(gateway, tmp_path)
    await one.ask("/api/llm/chat", {"model": "gpt-4o", "messages": HELLO})
    await one.ledger.up_to_date()
    await asyncio.to_thread(spans.close)
    assert [path for path, _ in received] == ["/v1/traces"]
    assert b"chat gpt-4o" in received[0][1]
    assert b"secret" not in received[0][1]
