"""Images that Gemini makes: seen by the caller, and sent back as they came."""

from __future__ import annotations

import json
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange, ScriptedServer
from tests.serve_llm.asking import KEY, OpenGateway, Serve, chat, streamed_chat
from tests.serve_llm.socket_daemon import serve_at

MODEL = "google/gemini-2.5-flash-image"
DRAFT = {"inlineData": {"mimeType": "image/png", "data": "ZHJhZnQ="}, "thought": True}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "aW1hZ2U="}, "thoughtSignature": "c2ln"}
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [DRAFT, {"text": "Here:"}, IMAGE]}, "finishReason": "STOP"}]
}


@pytest.fixture
async def provider(serve: Serve) -> ScriptedServer:
    """A provider that draws."""

    async def draw(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.answer({"models": []})
        elif "stream" in exchange.path:
            await exchange.begin()
            await exchange.event(ANSWER)
            await exchange.end()
        else:
            await exchange.answer(ANSWER)

    return await serve(draw)


@pytest.fixture
async def gateway(provider: ScriptedServer, open_gateway: OpenGateway) -> Gateway:
    """A gateway in front of it."""
    return await open_gateway({"google": ProviderSettings(base_url=provider.url, api_key=KEY)})


async def test_a_native_answer_shows_them(gateway: Gateway, provider: ScriptedServer) -> None:
    """Whole and in the last chunk, without drafts; and with its signatures the image goes back where it was."""
    shown = [{"media_type": "image/png", "data": "aW1hZ2U="}]
    whole = await chat(gateway, model=MODEL)
    last = (await streamed_chat(gateway, model=MODEL))[-1]
    assert (whole["content"], whole["images"], last["images"]) == ("Here:", shown, shown)
    said = {"role": "assistant", "content": whole["content"], "signatures": whole["signatures"]}
    more = {"role": "user", "content": "Brighter!"}
    await chat(gateway, model=MODEL, messages=[{"role": "user", "content": "Draw!"}, said, more])
    contents = provider.exchanges[-1].json()["contents"]
    assert [part for part in contents[1]["parts"] if "inlineData" in part] == [DRAFT, IMAGE]


@pytest.mark.parametrize("streamed", [False, True])
async def test_openais_clients_find_them_where_openrouter_puts_them(
    gateway: Gateway, stack: AsyncExitStack, *, streamed: bool
) -> None:
    """As URLs beside the content."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hecate-")))
    daemon = await serve_at(folder / "s", gateway, stack)
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Draw!"}], "stream": streamed}
    answer = await daemon.ask(body, "/v1/chat/completions")
    if streamed:
        messages = [event["choices"][0]["delta"] for event in answer.events if event["choices"]]
    else:
        messages = [json.loads(answer.body)["choices"][0]["message"]]
    (images,) = (message["images"] for message in messages if "images" in message)
    assert [image["image_url"]["url"] for image in images] == ["data:image/png;base64,aW1hZ2U="]
