"""A model that always answers the same to the same, and the four providers that it can be had from.

Each provider reads a request of its own API, lets the model answer, and gives that in its own API's
form, whole or streamed.  What the user says decides:

- ``refuse 429``: an error of this status; ``wait``: no answer ever; ``break off``: half an answer
- ``think …``: reasoning before the text
- with tools: a call of the first one; ``both …``: of the first two
- after a result: the result in a sentence
- with a schema: JSON; with an image: what it is
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.fakes.scripted_server import Exchange

PROMPT_TOKENS = 15
COMPLETION_TOKENS = 8
TEXT = 'Hello é! "usage": {"done": true}'
"""Holds what a careless reader of bytes would stumble over."""
THOUGHT = "Let me see."
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
KEY = "sk-secret-0123456789abcdef"


@dataclass
class Asked:
    """What a request comes down to."""

    model: str
    text: str = ""
    """What the user said last."""
    result: str | None = None
    """What a tool gave back, if that is the last that was said."""
    tools: Sequence[str] = ()
    has_schema: bool = False
    images: list[str] = field(default_factory=list)
    """Their media types."""
    streams: bool = False


@dataclass
class Said:
    """What the model answers."""

    text: str = ""
    thought: str = ""
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Id, name and arguments."""

    @property
    def texts(self) -> list[str]:
        """The text in three pieces."""
        third = len(self.text) // 3
        return [piece for piece in (self.text[:third], self.text[third : 2 * third], self.text[2 * third :]) if piece]


def answer_to(asked: Asked) -> Said:
    """Return what the model answers."""
    if asked.result is not None:
        return Said(f"It is {asked.result}.")
    if asked.tools:
        names = asked.tools[: 2 if asked.text.startswith("both") else 1]
        thought = THOUGHT if asked.text.startswith("think") else ""
        return Said("", thought, [(f"call_{name}", name, {"at": "é"}) for name in names])
    if asked.has_schema:
        return Said('{"answer": 4}')
    if asked.images:
        return Said(f"I see {', '.join(asked.images)}.")
    if asked.text.startswith("think"):
        return Said(TEXT, THOUGHT)
    return Said(TEXT)


class LittleProvider(ABC):
    """One provider of the little model; its bodies are kept to be looked at."""

    kind: ClassVar[str]
    models: ClassVar[dict[str, Any]]
    media_type: ClassVar[str] = "text/event-stream"

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        """All but the lists of models."""
        self.sent = b""
        """The body of the last answer."""
        self.waiting: list[Exchange] = []

    @property
    def model(self) -> str:
        """The model's name here."""
        return f"m-{self.kind}"

    @property
    def last(self) -> Exchange:
        """The last request."""
        return self.exchanges[-1]

    async def __call__(self, exchange: Exchange) -> None:
        """Answer a request."""
        if exchange.method == "GET":
            await self._send(exchange, self.models)
            return
        if exchange.path == "/api/show" and self.kind == "ollama":
            await self._send(exchange, {"model_info": {}, "capabilities": ["completion", "tools"]})
            return
        self.exchanges.append(exchange)
        if (other := self.other(exchange)) is not None:
            await self._send(exchange, other)
            return
        asked = self.asked(exchange)
        if asked.text.startswith("refuse "):
            await self._refuse(exchange, int(asked.text.removeprefix("refuse ")))
        elif asked.text == "wait":
            self.waiting.append(exchange)
            await exchange.gone.wait()
        elif asked.text == "say and wait":
            await exchange.begin(self.media_type)
            await exchange.piece(b"".join(self.events(asked, Said("Hello"))[:-1][:3]))
            self.waiting.append(exchange)
            await exchange.gone.wait()
        elif asked.text == "break off":
            await exchange.begin(self.media_type)
            await exchange.piece(b"".join(self.events(asked, Said("Hello"))[:-1][:3]))
            exchange.reset()
        elif asked.streams:
            await self._stream(exchange, self.events(asked, answer_to(asked)))
        else:
            await self._send(exchange, self.whole(asked, answer_to(asked)))

    async def _send(self, exchange: Exchange, content: Any) -> None:
        self.sent = json.dumps(content, ensure_ascii=False).encode()
        await exchange.answer(self.sent)

    async def _stream(self, exchange: Exchange, events: list[bytes]) -> None:
        self.sent = b"".join(events)
        await exchange.begin(self.media_type)
        for event in events:
            half = len(event) // 2
            await exchange.piece(event[:half])
            await asyncio.sleep(0)
            await exchange.piece(event[half:])
        await exchange.end()

    async def _refuse(self, exchange: Exchange, status: int) -> None:
        self.sent = json.dumps(self.refusal(status, f"no, {KEY} is wrong")).encode()
        await exchange.answer(self.sent, status, Retry_After="7")

    def other(self, exchange: Exchange) -> Any:
        """Return the answer to what is no chat; None: it is one."""
        return None

    @abstractmethod
    def asked(self, exchange: Exchange) -> Asked:
        """Read a request."""

    @abstractmethod
    def whole(self, asked: Asked, said: Said) -> Any:
        """Return an answer that is not streamed."""

    @abstractmethod
    def events(self, asked: Asked, said: Said) -> list[bytes]:
        """Return an answer that is streamed."""

    @abstractmethod
    def refusal(self, status: int, message: str) -> Any:
        """Return the body of an error."""


def event(content: Any, name: str = "") -> bytes:
    """Return a server-sent event."""
    head = f"event: {name}\n" if name else ""
    data = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return f"{head}data: {data}\n\n".encode()
