"""The daemon's metrics, as Prometheus reads them.

    GET /metrics

Counters begin anew with each start of the daemon.  The label ``model`` has a bounded number of values.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hecate import __version__
from hecate.dossiers.engine import Engine
from hecate.endpoints import Call, Raw, Route
from hecate.report_health import Uptime
from hecate.report_metrics import process_figures
from hecate.report_metrics.exposition import MEDIA_TYPE, Exposition, Labels
from hecate.serve_llm.gateway import Gateway

if TYPE_CHECKING:
    from hecate.dossiers.event_store import EventStore
    from hecate.serve_llm.usage_figures import Figures, Histogram, ModelFigures
    from hecate.serve_llm.usage_ledger import Ledger


async def report_metrics(call: Call) -> Raw:
    """Write all metrics."""
    ledger = call.services.get(Gateway).ledger
    # So that a call which has ended is among them.
    ledger.note()
    exposition = Exposition()
    exposition.family("hecate_build_info", "gauge", "The version that runs.", [({"version": __version__}, 1)])
    uptime_seconds = time.monotonic() - call.services.get(Uptime).started
    exposition.gauge("hecate_uptime_seconds", "Seconds since the daemon started.", uptime_seconds)
    _tell_models(exposition, ledger.figures)
    _tell_ledger(exposition, ledger)
    _tell_store(exposition, call.services.get(Engine).store)
    exposition.gauge(
        "hecate_tasks", "Tasks of the event loop: some for good, and some for each request.", len(asyncio.all_tasks())
    )
    process_figures.tell(exposition)
    return Raw(exposition.text(), media_type=MEDIA_TYPE)


def _tell_models(exposition: Exposition, figures: Figures) -> None:
    def each() -> Iterator[tuple[Labels, ModelFigures]]:
        for (provider, model), counted in figures.models.items():
            yield {"provider": provider, "model": model}, counted

    exposition.family(
        "hecate_llm_calls_total",
        "counter",
        "Calls of models that have ended, by outcome: ok, cancelled, or an error's code.",
        (
            ({**labels, "outcome": outcome}, count)
            for labels, counted in each()
            for outcome, count in counted.outcomes.items()
        ),
    )
    exposition.family(
        "hecate_llm_tokens_total",
        "counter",
        "Tokens that providers have told: cached is part of prompt, reasoning of completion.",
        (
            ({**labels, "kind": kind}, getattr(counted, f"{kind}_tokens"))
            for labels, counted in each()
            for kind in ("prompt", "completion", "cached", "reasoning")
        ),
    )
    exposition.family(
        "hecate_llm_cost_usd_total",
        "counter",
        "What calls have cost, as far as it is known.",
        ((labels, counted.cost_usd) for labels, counted in each()),
    )
    exposition.family(
        "hecate_llm_unpriced_calls_total",
        "counter",
        "Calls that may have cost something, and nobody knows what.",
        ((labels, counted.unpriced) for labels, counted in each()),
    )
    exposition.histograms(
        "hecate_llm_first_token_seconds",
        "Until the first piece of a streamed answer.",
        (_sample(labels, counted.first_piece) for labels, counted in each()),
    )
    exposition.histograms(
        "hecate_llm_call_seconds",
        "Until the end of a call.",
        (_sample(labels, counted.total) for labels, counted in each()),
    )
    exposition.histograms(
        "hecate_llm_overhead_seconds",
        "What the gateway has taken itself until the answer began, the provider's time left out.",
        (
            _sample({"streamed": "true" if streamed else "false"}, histogram)
            for streamed, histogram in figures.overhead.items()
        ),
    )


def _sample(labels: Labels, histogram: Histogram) -> tuple[Labels, tuple[float, ...], list[int], float]:
    return labels, histogram.bounds, histogram.counts, histogram.total


def _tell_ledger(exposition: Exposition, ledger: Ledger) -> None:
    exposition.gauge("hecate_llm_open_calls", "Calls of models that have not ended yet.", ledger.open_calls)
    exposition.gauge("hecate_llm_open_streams", "Those of them that are streamed.", ledger.open_streams)
    exposition.gauge("hecate_llm_spent_today_usd", "What was spent since midnight (UTC).", ledger.budgets.spent_today())
    exposition.gauge("hecate_usage_waiting_calls", "Calls that have ended and are not recorded yet.", ledger.waiting)
    exposition.counter(
        "hecate_usage_lost_calls_total",
        "Calls that were not recorded, because the disk was too slow or refused.",
        0 if ledger.recorder is None else ledger.recorder.lost,
    )


def _tell_store(exposition: Exposition, store: EventStore) -> None:
    exposition.gauge("hecate_store_events", "Events in the store, which is also the newest one's position.", store.head)
    exposition.gauge("hecate_store_waiting_commands", "Commands that wait to be recorded.", store.writer.waiting)
    exposition.gauge(
        "hecate_store_healthy", "1 while events can be recorded, 0 while nothing can.", int(not store.trouble)
    )
    exposition.gauge("hecate_store_bytes", "Size of the database, without its log.", store.path.stat().st_size)


ROUTES = (
    Route(
        method="GET",
        path="/metrics",
        call=report_metrics,
        summary="Get the daemon's metrics, as Prometheus reads them",
        media_types=(MEDIA_TYPE,),
        tag="health",
    ),
)
