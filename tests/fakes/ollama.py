"""An Ollama server that has one model, which always says the same: the one of the API's documentation."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.scripted_server import Exchange, ScriptedServer

MODEL = "llama3.2:latest"
SAYS = ("Hello", "!", " How", " can I help you today?")
TAGS = {
    "models": [
        {
            "name": MODEL,
            "model": MODEL,
            "size": 2019393189,
            "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
            "details": {"family": "llama", "parameter_size": "3.8B", "quantization_level": "Q4_K_M"},
        }
    ]
}
SHOWN = {
    "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
    "capabilities": ["completion", "tools"],
}
END = {"done": True, "done_reason": "stop", "prompt_eval_count": 15, "eval_count": 8}
DEADLINE_SECONDS = 10


async def answer(exchange: Exchange) -> None:
    """Answer as Ollama does."""
    match exchange.path:
        case "/api/tags":
            await exchange.answer(TAGS)
        case "/api/show":
            await exchange.answer(SHOWN)
        case "/api/chat" if exchange.json().get("stream", True):
            await exchange.begin("application/x-ndjson")
            for text in SAYS:
                await exchange.piece(json.dumps(line(text)) + "\n")
            await exchange.piece(json.dumps({**line(""), **END}) + "\n")
            await exchange.end()
        case "/api/chat":
            await exchange.answer({**line("".join(SAYS)), **END})
        case _:
            await exchange.answer({"error": "no such path"}, 404)


def line(text: str) -> dict[str, object]:
    """Return a line of a chat in which the model says *text*."""
    return {"model": MODEL, "message": {"role": "assistant", "content": text}, "done": False}


@contextmanager
def ollama() -> Iterator[ScriptedServer]:
    """Serve on the loopback interface, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ScriptedServer(answer)
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(DEADLINE_SECONDS)
        yield server
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(DEADLINE_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
