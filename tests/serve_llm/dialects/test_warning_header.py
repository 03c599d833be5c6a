"""Clients of a dialect are told in a header what was tried before."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hecate.endpoints import Call, Services
from hecate.serve_llm.dialects.warning_header import WarningHeader
from hecate.serve_llm.settings import LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Exchange
from tests.serve_llm.asking import OpenGateway, Serve, provider_that
from tests.serve_llm.socket_daemon import serve_at

HELLO = [{"role": "user", "content": "Hello!"}]


async def refuses(exchange: Exchange) -> None:
    """Refuse the key."""
    await exchange.answer({"error": {"message": "no credit"}}, 402)


async def greets(exchange: Exchange) -> None:
    """Say hello, as OpenAI does."""
    said = {"index": 0, "finish_reason": "stop"}
    if not exchange.json().get("stream"):
        await exchange.answer({"choices": [{**said, "message": {"role": "assistant", "content": "Hello!"}}]})
        return
    await exchange.begin()
    await exchange.event({"choices": [{**said, "delta": {"content": "Hello!"}}]})
    await exchange.event("[DONE]")
    await exchange.end()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("path", "more"),
    [("/v1/chat/completions", {}), ("/v1/messages", {"max_tokens": 9}), ("/api/chat", {})],
)
async def test_a_fallback_is_told(
    serve: Serve, open_gateway: OpenGateway, stack: AsyncExitStack, path: str, more: dict[str, Any], *, streamed: bool
) -> None:
    """Passed on or translated, whole or streamed; a call that went well at once has no such header."""
    one, two = await serve(provider_that(refuses)), await serve(provider_that(greets))
    gateway = await open_gateway(
        {"one": ProviderSettings(base_url=one.url), "two": ProviderSettings(base_url=two.url)},
        LlmSettings(aliases={"best": ("one/m", "two/m")}),
    )
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hecate-")))
    daemon = await serve_at(folder / "s", gateway, stack)
    asked = {"messages": HELLO, "stream": streamed, **more}
    answer = await daemon.ask({**asked, "model": "best"}, path)
    assert answer.status == 200
    assert b"Hello!" in answer.body
    assert answer.headers["x-hecate-warning"] == "tried before: one answered 402: no credit"
    at_once = await daemon.ask({**asked, "model": "two/m"}, path)
    assert (at_once.status, "x-hecate-warning" in at_once.headers) == (200, False)


def test_what_no_header_can_hold_is_left_out() -> None:
    """Line ends would begin another header; what is not ASCII is not read by all."""
    call = Call({}, None, None, b"", {}, None, "request", Services())
    warnings = WarningHeader(call)
    warnings.append("one\r\nSet-Cookie: two\x00 größer")
    warnings.append("x" * 1000)
    assert call.answer_headers["X-Hecate-Warning"] == "one Set-Cookie: two? gr?er | " + "x" * 500
    assert len(warnings) == 2
