"""A gateway whose calls are remembered, asked as the REST layer asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hecate.endpoints import Route
from hecate.rest.app import Application
from hecate.serve_llm.chat import ROUTES as CHAT
from hecate.serve_llm.dialects.anthropic import ROUTES as ANTHROPIC
from hecate.serve_llm.dialects.ollama import ROUTES as OLLAMA
from hecate.serve_llm.dialects.openai import ROUTES as OPENAI
from hecate.serve_llm.dialects.openai_embeddings import ROUTES as EMBEDDINGS
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import ProviderSettings
from hecate.serve_llm.usage import ROUTES as USAGE
from hecate.serve_llm.usage_ledger import Ledger
from hecate.serve_llm.usage_store import COLUMNS, RecordedCall, UsageStore
from tests.calling import Reply
from tests.fakes.scripted_server import Exchange
from tests.rest.asgi import Request, application

ROUTES: Sequence[Route] = (*CHAT, *OPENAI, *EMBEDDINGS, *ANTHROPIC, *OLLAMA, *USAGE)
SAYS = ("Hello", "!", " How can I help?")


@dataclass
class Accounted:
    """A gateway and its ledger, behind an application."""

    gateway: Gateway
    store: UsageStore

    @property
    def ledger(self) -> Ledger:
        """The gateway's ledger."""
        return self.gateway.ledger

    @property
    def application(self) -> Application:
        """What answers requests."""
        return application(*ROUTES, services=[self.gateway])

    async def ask(self, path: str, body: Any = None, **headers: str) -> Reply:
        """Return the answer to a request for *path*; underscores in the names of headers are hyphens."""
        request = self.request(path, body, **headers)
        await self.application(request.scope, request.receive, request.send)
        return request.reply

    def request(self, path: str, body: Any = None, **headers: str) -> Request:
        """Return a request for *path*."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        pieces = (b"",) if body is None else (json.dumps(body).encode(),)
        return Request("GET" if body is None else "POST", path, pieces, given)

    async def calls(self) -> list[RecordedCall]:
        """Return every call that has been recorded, the oldest first."""
        await self.ledger.up_to_date()
        return [RecordedCall(*row) for row in self.found(f"SELECT {', '.join(COLUMNS)} FROM calls ORDER BY id")]

    def found(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what *sql* finds in the store."""
        with closing(self.store.reader()) as db:
            return list(db.execute(sql))


async def accounted(gateway: Gateway, folder: Path) -> Accounted:
    """Return *gateway* with a store in *folder*."""
    store = await asyncio.to_thread(UsageStore.open, folder / "usage.db")
    await gateway.ledger.record_in(store)
    return Accounted(gateway, store)


def priced(url: str, **more: Any) -> ProviderSettings:
    """Return the settings of a server at *url* that has OpenAI's prices."""
    return ProviderSettings(base_url=f"{url}/v1", api_key="sk-test", prices="openai", **more)


async def openai_like(exchange: Exchange) -> None:
    """Serve ``gpt-4o`` as OpenAI does: 1000 tokens in, 100 out, of which 10 were cached."""
    if exchange.method == "GET":
        await exchange.answer({"data": [{"id": "gpt-4o"}]})
        return
    asked = exchange.json()
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 10},
    }
    if exchange.path.endswith("/embeddings"):
        data = [{"index": 0, "embedding": [0.5, 0.25]}]
        await exchange.answer({"data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}})
    elif "fail" in json.dumps(asked):
        await exchange.answer({"error": {"message": "no"}}, 400)
    elif not asked.get("stream"):
        message = {"role": "assistant", "content": "".join(SAYS)}
        await exchange.answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})
    else:
        await exchange.begin()
        for word in SAYS:
            await exchange.event({"choices": [{"index": 0, "delta": {"content": word}}]})
        if "wait" in json.dumps(asked):
            await exchange.gone.wait()
            return
        await exchange.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await exchange.event({"choices": [], "usage": usage})
        await exchange.event("[DONE]")
        await exchange.end()
