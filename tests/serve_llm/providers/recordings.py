"""Recorded traffic of one provider, and a gateway in front of a server that plays it."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange
from tests.serve_llm.asking import KEY, OpenGateway, Serve, chat, streamed_chat, text_of

CORPUS = os.environ.get("HECATE_WIRE_CORPUS", "")

Recording = dict[str, Any]


def each_of(provider: str) -> list[Any]:
    """Return the recordings of *provider*'s answers as parameters of a test; skipped where there are none."""
    lines = Path(CORPUS).read_text(encoding="utf-8").splitlines() if CORPUS else []
    found = [recording for recording in map(json.loads, lines) if recording["provider"] == provider]
    if not found:
        return [pytest.param(None, marks=pytest.mark.skip(reason="HECATE_WIRE_CORPUS names no file of recordings"))]
    return [pytest.param(recording, id=recording["id"]) for recording in found]


async def replaying(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> tuple[Gateway, list[Any]]:
    """Return a gateway whose provider plays *recording*, cut at random, and the list that its requests go into."""
    rng = random.Random(recording["id"])
    requests: list[Any] = []

    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.answer({})
            return
        requests.append(exchange.json())
        await exchange.begin(recording["content_type"].partition(";")[0], recording["status"])
        for piece in in_pieces(recording["response"].encode(), rng):
            await exchange.piece(piece)
        await exchange.end()

    server = await serve(script)
    settings = ProviderSettings(base_url=server.url, api_key=KEY)
    return await open_gateway({recording["provider"]: settings}), requests


def in_pieces(body: bytes, rng: random.Random) -> list[bytes]:
    """Return *body* cut at some random bytes, as a network does."""
    places = sorted(rng.sample(range(1, len(body)), min(len(body) - 1, rng.choice((1, 7, 60)))))
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


async def answered(gateway: Gateway, **body: Any) -> dict[str, Any]:
    """Return the answer to *body*, whole or put together from its chunks."""
    if not body["stream"]:
        return await chat(gateway, **body)
    chunks = await streamed_chat(gateway, **body)
    calls = [call for chunk in chunks for call in chunk.get("tool_calls", [])]
    reasoning = "".join(chunk.get("reasoning", "") for chunk in chunks)
    return {**chunks[-1], "content": text_of(chunks), "reasoning": reasoning, "tool_calls": calls}


def sent_back(answer: dict[str, Any]) -> dict[str, Any]:
    """Return *answer* as a message of the conversation, as a client sends back what it was given."""
    names = ("content", "tool_calls", "reasoning", "signatures")
    return {"role": "assistant", **{name: answer[name] for name in names if name in answer}}
