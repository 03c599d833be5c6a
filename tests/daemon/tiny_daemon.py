"""A daemon that serves a handful of paths and no dossiers, for tests of the process around them.

Run as a program, with the arguments ``--socket``, ``--data-dir``, ``--config`` and ``--quiet``.
SIGUSR1 lets every held request go on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from hecate.daemon.config import Configuration, ServeOptions
from hecate.daemon.lifetime import Given
from hecate.daemon.main import run
from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw


class TinyAssembly:
    """Answers ``/peer``, ``/settings``, ``/length``, ``/hold``, ``/feed`` and ``/boom``."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.going_on = asyncio.Event()
        self.feeds_ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.going_on.set)

    def refusal(self, path: str, error: HecateError) -> Raw:
        return Raw(json.dumps(error.envelope()).encode(), status=error.status, headers=error.headers)

    def provider_names(self) -> Sequence[str]:
        return tuple(self.configuration.providers)

    async def describe_providers(self) -> Sequence[str]:
        return [f"{name}: 1 model" for name in self.configuration.providers]

    async def reload(self, configuration: Configuration) -> None:
        self.configuration = configuration

    async def is_sound(self) -> bool:
        return True

    def end_feeds(self) -> None:
        self.feeds_ended.set()

    async def application(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        """Be an ASGI application."""
        path = scope["path"]
        if path == "/peer":
            await answer(send, scope["state"]["peer"]._asdict())
        elif path == "/settings":
            await answer(send, {"level": self.configuration.log.level, "gates": self.configuration.lifecycle.gates})
        elif path == "/length":
            await answer(send, {"length": await length_of_body(receive)})
        elif path == "/hold":
            say("held")
            await self.going_on.wait()
            await answer(send, {"held": True})
        elif path == "/feed":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"data: begun\n\n", "more_body": True})
            await self.feeds_ended.wait()
            await send({"type": "http.response.body", "body": b"data: ended\n\n"})
        else:
            raise RuntimeError("boom, with the key canary-0123")


def say(line: str) -> None:
    """Let the test know."""
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())


async def answer(send: Callable[[Any], Awaitable[None]], content: object) -> None:
    """Send *content* as JSON."""
    body = json.dumps(content).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def length_of_body(receive: Any) -> int:
    """Return the length of the request's body; -1 if the caller is gone before its end."""
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return -1
        length += len(message["body"])
        if not message["more_body"]:
            return length


@contextlib.asynccontextmanager
async def assemble(given: Given) -> AsyncIterator[TinyAssembly]:
    """Put the tiny daemon together."""
    given.data.database.touch()
    given.hide(["canary-0123"])
    yield TinyAssembly(given.configuration)
    say("assembly closed")


def main() -> int:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser()
    for name in ("--socket", "--data-dir", "--config"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--quiet", action="store_true")
    arguments = parser.parse_args()
    options = ServeOptions(
        socket=arguments.socket, data_dir=arguments.data_dir, config=arguments.config, quiet=arguments.quiet
    )
    return run(options, assemble)


if __name__ == "__main__":
    sys.exit(main())
