"""What costs little or should: the list of models, and streams in which nothing happens."""

from __future__ import annotations

import time

from bench.rig.gateway.asking import ask_once, ask_whole, calls_of, open_streams
from bench.rig.gateway.gateways import KEY, url_of
from bench.rig.gateway.hanging_up import MID_STREAM
from bench.rig.gateway.target import Target

WARM_SECONDS = 0.5
MODELS = "/api/llm/models"
ENDED_SECONDS = 10.0
"""How long is waited for the provider's calls to end with their callers."""


def with_silent_provider(mock: Target) -> str:
    """Return the configuration of a provider that takes every call and never answers."""
    return f'[providers.silent]\nkind = "openai"\nbase_url = "{url_of(mock)}/silent/v1"\napi_key = "{KEY}"\n'


def models_cold(hecate: Target) -> float:
    """Return how long the first list of models takes, in seconds; to be asked of a daemon that has just started."""
    return ask_once(hecate, MODELS)


def models_warm(hecate: Target) -> float:
    """Return the median time of further lists, in seconds."""
    return ask_whole(hecate, hecate.request("GET", MODELS), 1, WARM_SECONDS).p50


def kilobytes_each(target: Target, count: int) -> float:
    """Return by how many kilobytes *count* open streams make the process grow, each; their first chunk has come.

    To be asked of a process that has had fewer: what has been taken before is not taken again.
    """
    for warmed in open_streams(target, MID_STREAM, 20):
        warmed.close()
    before = target.rss_bytes()
    streams = open_streams(target, MID_STREAM, count)
    grown = target.rss_bytes() - before
    for stream in streams:
        stream.close()
    return grown / count / 1000


def megabytes_more(target: Target, mock: Target, count: int, rounds: int) -> float:
    """Return by how many megabytes the process grows while *count* streams are opened and dropped again and again.

    From the end of the first third of the *rounds*, when all that is taken once has been taken.
    """
    held: list[int] = []
    for _ in range(rounds):
        for stream in open_streams(target, MID_STREAM, count):
            stream.close()
        limit = time.monotonic() + ENDED_SECONDS
        while calls_of(mock).open and time.monotonic() < limit:
            time.sleep(0.02)
        held.append(target.rss_bytes())
    return (held[-1] - held[rounds // 3]) / 1e6
