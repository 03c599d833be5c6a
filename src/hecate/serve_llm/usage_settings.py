"""The tables ``[usage]`` and ``[telemetry]`` of the configuration file."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class UsageSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[usage]``: what is remembered of each call of a model."""

    keep_days: Annotated[int, Meta(ge=1, le=3650)] = 90
    """How long calls are kept."""
    store_messages: bool = False
    """Whether requests and answers are kept with them, as text; nobody but the daemon's user can read the file."""


class TelemetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[telemetry]``: who else is told of each call."""

    otlp_endpoint: str = ""
    """Where traces are sent (OTLP over HTTP), such as ``http://127.0.0.1:4318``; empty: as
    ``OTEL_EXPORTER_OTLP_ENDPOINT`` says, and nowhere if that is not set either."""
