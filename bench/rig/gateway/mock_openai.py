"""A mock of OpenAI's API, fast enough to be no part of what is measured.

    python -m bench.rig.gateway.mock_openai      prints its port, and serves until it is killed

A model's name says how it behaves: of ``mock-n200-d5-t20`` a stream has 200 chunks, 5 ms apart,
the first after 20 ms, and a whole answer comes after 20 ms.  With ``d0`` each chunk is still
written by itself, one in a turn of the loop.  ``GET /calls`` tells when callers hung up; below
``/silent`` nothing is ever answered.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from functools import cache
from typing import NamedTuple

import httptools
import msgspec
import uvloop

WORD = b"quick"
"""What every chunk says, after a sign."""
HOST = "127.0.0.1"
NEVER_MS = 3_600_000
MODELS = ("mock-n1-d0-t0", "mock-n200-d0-t0", "mock-n200-d5-t20", f"mock-n2-d{NEVER_MS}-t0", f"mock-n1-d0-t{NEVER_MS}")

_NAME = re.compile(r"mock-n(\d+)-d(\d+)-t(\d+)")
_ABOUT = '"id":"chatcmpl-B1mZqk3jVYXhxVb4nKqF5yTz8w2Lr","created":1790000000,"model":"mock"'
_CHUNK = f'{{{_ABOUT},"object":"chat.completion.chunk","system_fingerprint":"fp_1","choices":[%s]%s}}'
_DELTA = '{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}'
_USAGE = '"usage":{"prompt_tokens":12,"completion_tokens":200,"total_tokens":212}'


def _event(choices: str, more: str = "") -> bytes:
    data = b"data: %b\n\n" % (_CHUNK % (choices, more)).encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


BEGIN = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + _event(
    _DELTA % ('{"role":"assistant","content":""}', "null")
)
# Two of them, in turn: LiteLLM takes a hundred that are alike for a model that has run wild, and ends the stream.
CHUNK, OTHER_CHUNK = (_event(_DELTA % (f'{{"content":"{sign}{WORD.decode()}"}}', "null")) for sign in " -")
FINISH = _event(_DELTA % ("{}", '"stop"'))
USAGE = _event("", f",{_USAGE}")
DONE = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
WHOLE = (
    f'{{{_ABOUT},"object":"chat.completion","choices":[{{"index":0,"message":{{"role":"assistant","content":'
    f'"The {WORD.decode()} brown fox jumps over the lazy dog."}},"finish_reason":"stop"}}],{_USAGE}}}'
).encode()
LIST = msgspec.json.encode({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})


class Behaviour(NamedTuple):
    """How a model answers; times in seconds."""

    chunks: int
    gap: float
    first: float


class Asked(msgspec.Struct):
    """What of a request matters here."""

    model: str = ""
    stream: bool = False
    stream_options: dict[str, bool] = {}


class Calls(msgspec.Struct):
    """What became of the calls of chats."""

    open: int = 0
    """How many are under way."""
    hang_ups: list[float] = []
    """When callers hung up on a call that was under way, on the monotonic clock, in seconds."""


decode = msgspec.json.Decoder(Asked).decode


@cache
def behaviour(model: str) -> Behaviour:
    """Read a model's name."""
    match = _NAME.search(model)
    chunks, gap, first = match.groups() if match else ("1", "0", "0")
    return Behaviour(int(chunks), int(gap) / 1000, int(first) / 1000)


def json_answer(body: bytes) -> bytes:
    """Return an answer with *body*."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


class Connection(asyncio.Protocol):
    """One connection of a gateway, with a call at a time."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url = self._body = b""
        self._next: asyncio.Handle | None = None
        self._paused = False
        self._left = 0
        self._gap = 0.0
        self._due = 0.0
        self._end = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # what a server gets
        """Begin."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's signature
        """Note it if a call was under way."""
        if self._next is not None:
            self._next.cancel()
            self._calls.open -= 1
            self._calls.hang_ups.append(time.monotonic())

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self._parser.feed_data(data)

    def pause_writing(self) -> None:
        """Wait for a caller that reads slowly."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False

    # -- the parser's

    def on_url(self, url: bytes) -> None:
        """Take a piece of the path."""
        self._url += url

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer."""
        url, body = self._url, self._body
        self._url = self._body = b""
        if url.startswith(b"/silent"):
            return
        if url == b"/calls":
            self._transport.write(json_answer(msgspec.json.encode(self._calls)))
        elif url.endswith(b"/models"):
            self._transport.write(json_answer(LIST))
        else:
            self._chat(decode(body))

    # -- a chat

    def _chat(self, asked: Asked) -> None:
        chunks, self._gap, first = behaviour(asked.model)
        if not asked.stream and not first:
            self._transport.write(json_answer(WHOLE))
            return
        self._calls.open += 1
        if not asked.stream:
            self._next = self._loop.call_later(first, self._whole)
            return
        self._left = chunks
        self._end = FINISH + (USAGE if asked.stream_options.get("include_usage") else b"") + DONE
        self._due = self._loop.time() + first
        self._next = self._loop.call_at(self._due, self._first) if first else self._loop.call_soon(self._first)

    def _whole(self) -> None:
        self._ended()
        self._transport.write(json_answer(WHOLE))

    def _first(self) -> None:
        self._write(BEGIN)

    def _chunk(self) -> None:
        if self._paused:
            self._next = self._loop.call_later(0.001, self._chunk)
        elif self._left:
            self._write(b"")
        else:
            self._ended()
            self._transport.write(self._end)

    def _write(self, before: bytes) -> None:
        self._transport.write(before + (OTHER_CHUNK if self._left & 1 else CHUNK))
        self._left -= 1
        if self._gap and self._left:
            self._due += self._gap
            self._next = self._loop.call_at(self._due, self._chunk)
        else:
            self._next = self._loop.call_soon(self._chunk)

    def _ended(self) -> None:
        self._next = None
        self._calls.open -= 1


async def serve() -> None:
    """Serve, and say where."""
    calls = Calls()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(calls), HOST, 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
