"""A provider of OpenAI's kind with one model, which says what a test has laid before it, one answer a call."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fakes.scripted_server import Exchange, ScriptedServer

MODEL = "parrot-1"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
DEADLINE_SECONDS = 10


class Parrot:
    """The model.  It answers calls with `says`, the first that was laid there first; without any it never answers."""

    def __init__(self) -> None:
        self.says: deque[str | tuple[int, str]] = deque()
        """Texts; or an HTTP status and the message of an error."""
        self.asked: list[dict[str, Any]] = []
        """The body of every call."""
        self.left = threading.Event()
        """Set when a caller has gone away before it was answered."""
        self.url = ""

    async def answer(self, exchange: Exchange) -> None:
        """Answer as OpenAI does."""
        if exchange.path == "/v1/models":
            await exchange.answer({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
            return
        self.asked.append(exchange.json())
        if not self.says:
            await exchange.gone.wait()
            self.left.set()
            exchange.hang_up()
            return
        said = self.says.popleft()
        if isinstance(said, tuple):
            status, message = said
            await exchange.answer({"error": {"message": message, "type": "invalid_request_error"}}, status)
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        await exchange.answer(
            {"id": "1", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": USAGE}
        )

    @property
    def prompts(self) -> list[str]:
        """What was said to the model last in each call."""
        return [str(body["messages"][-1]["content"]) for body in self.asked]

    @property
    def configuration(self) -> str:
        """The TOML of a daemon that asks it."""
        return f'[providers.openai]\nbase_url = "{self.url}/v1"\napi_key = "sk-parrot-1234567890"\n'


@contextmanager
def parrot() -> Iterator[Parrot]:
    """Serve on the loopback interface, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    model = Parrot()
    server = ScriptedServer(model.answer)
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(DEADLINE_SECONDS)
        model.url = server.url
        yield model
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(DEADLINE_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
