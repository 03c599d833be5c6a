"""Calls of models as OpenTelemetry traces, by the semantic conventions for generative AI.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/

Off unless the configuration or ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where traces are sent; then it needs
``pip install hecate[otel]``.  No message is ever part of a trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog
from yarl import URL

from hecate import __version__
from hecate.serve_llm.finished_calls import OK

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    from hecate.serve_llm.usage_entry import Entry

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROVIDERS: Final = {
    "deepseek": "deepseek",
    "google": "gcp.gemini",
    "groq": "groq",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""The conventions' names of providers, where they are not ours."""
EXPORT_SECONDS: Final = 3.0

log = structlog.get_logger(__name__)


class Spans:
    """Tells of each call as a span.

    Args:
        provider: Makes and exports the spans; closed with this.
    """

    def __init__(self, provider: TracerProvider) -> None:
        # Imported by those alone who want traces: it takes 0.2 s.
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._provider = provider
        self._tracer = provider.get_tracer("hecate", __version__)
        self._client = SpanKind.CLIENT
        self._failed = Status(StatusCode.ERROR)
        self._caller = TraceContextTextMapPropagator()

    def tell(self, entry: Entry) -> None:
        """Make the span of a call that has ended; as a child of the caller's own, if there is one."""
        finished = entry.finished
        span = self._tracer.start_span(
            f"{entry.operation} {finished.model}",
            context=self._caller.extract({"traceparent": entry.traceparent}) if entry.traceparent else None,
            kind=self._client,
            attributes=attributes(entry),
            start_time=int(finished.began_at * 1e9),
        )
        if finished.outcome != OK:
            span.set_status(self._failed)
        span.end(end_time=int((finished.began_at + finished.total_seconds) * 1e9))

    def close(self) -> None:
        """Export what is left; takes a while."""
        self._provider.shutdown()


def attributes(entry: Entry) -> dict[str, Any]:
    """Return what the conventions, and we, say of a call."""
    finished, usage, account = entry.finished, entry.finished.usage, entry.account
    server = URL(account.base_url)
    told: dict[str, Any] = {
        "gen_ai.operation.name": entry.operation,
        "gen_ai.provider.name": PROVIDERS.get(account.kind, account.kind),
        "gen_ai.request.model": finished.model,
        "server.address": server.host,
        "server.port": server.port,
        "hecate.provider": finished.provider,
        "hecate.asked_model": entry.asked_model,
    }
    if finished.streamed:
        told["gen_ai.request.stream"] = True
        if finished.first_piece_seconds is not None:
            told["gen_ai.response.time_to_first_chunk"] = finished.first_piece_seconds
    if usage.total_tokens:
        told["gen_ai.usage.input_tokens"] = usage.prompt_tokens
        told["gen_ai.usage.output_tokens"] = usage.completion_tokens
        told["gen_ai.usage.cache_read.input_tokens"] = usage.cached_tokens
        told["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write_tokens
        told["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning_tokens
    if finished.finish_reason:
        told["gen_ai.response.finish_reasons"] = (finished.finish_reason,)
    if finished.outcome != OK:
        told["error.type"] = finished.outcome
    if entry.cost_usd is not None:
        told["hecate.cost_usd"] = entry.cost_usd
    ours = {name: getattr(entry, name) for name in ("request_id", "venture_id", "division_id")}
    return told | {f"hecate.{name}": value for name, value in ours.items() if value}


def open_spans(otlp_endpoint: str, environ: Mapping[str, str]) -> Spans | None:
    """Return what tells of calls as traces; None where nobody wants any.

    Args:
        otlp_endpoint: Where they are sent; empty: as the environment says.
        environ: The environment.
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    if not otlp_endpoint and not any(environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        log.warning("no traces are sent", reason=f"{exc}; pip install 'hecate[otel]'")
        return None
    exporter = OTLPSpanExporter(
        f"{otlp_endpoint.rstrip('/')}/v1/traces" if otlp_endpoint else None,
        # A collector that is away must not hold up the daemon's end.
        timeout=None if "OTEL_EXPORTER_OTLP_TIMEOUT" in environ else EXPORT_SECONDS,
    )
    return spans_through(BatchSpanProcessor(exporter), environ)


def spans_through(processor: SpanProcessor, environ: Mapping[str, str]) -> Spans:
    """Return what tells of calls through *processor*."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    name = environ.get("OTEL_SERVICE_NAME") or "hecate"
    resource = Resource.create({"service.name": name, "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return Spans(provider)
