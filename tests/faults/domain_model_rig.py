"""A daemon that is killed again and again, and eight clients of it that ask at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.calling import Caller, Reply
from tests.daemon.child import Child
from tests.faults.domain_model import Happened
from tests.faults.domain_model_programs import CLIENTS
from tests.faults.domain_model_rules import Call

Serve = Callable[[Path], AbstractContextManager[Child]]
"""Starts a daemon on the data in a folder."""


class Rig:
    """Eight clients of the daemon that *serve* starts in *folder*."""

    def __init__(self, folder: Path, serve: Serve) -> None:
        self._folder = folder
        self._serve = serve
        self._serving = serve(folder)
        self.child = self._serving.__enter__()
        self._callers = [Caller(self.child.socket_path) for _ in range(CLIENTS)]
        self._threads = ThreadPoolExecutor(CLIENTS)
        self.kills = 0

    def close(self) -> None:
        """End it all."""
        self._threads.shutdown()
        for caller in self._callers:
            caller.close()
        self._serving.__exit__(None, None, None)

    def restart(self) -> None:
        """Kill the daemon, if it still runs, and start it again on the same data."""
        self.kills += 1
        self._serving.__exit__(None, None, None)
        self._serving = self._serve(self._folder)
        self.child = self._serving.__enter__()

    def send(self, calls: Sequence[Call], *, kill_after: float | None = None) -> list[Reply | None]:
        """Send all of *calls* at once and return what came back, None where nothing did.

        Args:
            calls: One for each client, at most.
            kill_after: Seconds after which the daemon is killed; it is not there any more afterwards.
        """
        asked = [self._threads.submit(ask, *pair) for pair in zip(self._callers, calls, strict=False)]
        if kill_after is not None:
            time.sleep(kill_after)  # nothing is waited for: this is when it happens
            self.child.process.kill()
            self.child.process.wait()
        return [future.result() for future in asked]

    def get(self, path: str) -> Any:
        """Return what is read at *path*."""
        reply = self._callers[0].get(path)
        assert reply.status == 200, reply
        return reply.json

    def events_after(self, position: int) -> list[Happened]:
        """Return all events after *position*."""
        reply = self._callers[0].get(f"/api/events?after={position}", Accept="application/x-ndjson")
        assert reply.status == 200, reply
        return [happened(json.loads(line)) for line in reply.body.splitlines()]


def ask(caller: Caller, call: Call) -> Reply | None:
    """Send *call* and return the answer, None if there was none."""
    headers = {"Idempotency-Key": call.key} if call.key else {}
    if call.expected_version is not None:
        headers["If-Match"] = f'"{call.expected_version}"'
    try:
        return caller.ask("POST", call.path, [1] if call.is_wrong else call.body, headers)
    except (OSError, HTTPException):
        return None


def happened(event: dict[str, Any]) -> Happened:
    """Return an event of the API as the model takes it."""
    policy = (event["meta"].get("actor") or {}).get("policy", "")
    return Happened(event["position"], event["stream"], event["version"], event["type"], event["data"], policy)


@contextmanager
def rig(serve: Serve) -> Iterator[Rig]:
    """Have a daemon with nothing in it."""
    with TemporaryDirectory(prefix="hecate-") as folder:
        opened = Rig(Path(folder), serve)
        try:
            yield opened
        finally:
            opened.close()
