"""Daemons whose ``[geo]`` is a test's."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, started
from tests.serving import HECATE

BECOME = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"
"""A program that becomes the command that it is given."""


class Daemon:
    """A daemon, a client of it, and its configuration, which may be written anew."""

    def __init__(self, folder: Path, geo: str) -> None:
        self.folder = folder
        self.configuration = folder / "config.toml"
        self.configure(geo)
        self.child: Child
        self.caller: Caller

    def configure(self, geo: str, rest: str = "") -> None:
        """Write ``[geo]``, to be read at the next start or reload."""
        self.configuration.write_text(f"[providers.ollama]\nenabled = false\n{rest}\n[geo]\n{geo}\n")

    @property
    def status(self) -> dict[str, object]:
        """What ``GET /api/geo/status`` says."""
        reply = self.caller.get("/api/geo/status")
        assert reply.status == 200
        status: dict[str, object] = reply.json
        return status

    @property
    def problems(self) -> list[str]:
        """What the status says is wrong."""
        problems: list[str] = self.caller.get("/api/geo/status").json["problems"]
        return problems

    @property
    def is_blocked(self) -> bool:
        """Whether what is no exception is refused."""
        reply = self.caller.get("/api/ventures")
        assert reply.status in {200, 403}
        return reply.status == 403


class Start(Protocol):
    """Starts a daemon and waits until it is ready."""

    def __call__(self, geo: str = "", *, rest: str = "", around: Sequence[str] = (), **environ: str) -> Daemon:
        """Start it with the table *geo*, the tables *rest*, as a child of the command *around*."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts daemons, each in a folder of its own."""
    with ExitStack() as stack:

        def start_one(geo: str = "", *, rest: str = "", around: Sequence[str] = (), **environ: str) -> Daemon:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hecate-")))
            daemon = Daemon(folder, geo)
            daemon.configure(geo, rest)
            socket = folder / "s"
            arguments = ("serve", "--socket", socket, "--data-dir", folder / "data", "--config", folder / "config.toml")
            unset = {name: "" for name in os.environ if name.endswith(("_API_KEY", "_BASE_URL", "_HOST"))}
            program: tuple[str | Path, ...] = ("-c", BECOME, *around, sys.executable, HECATE) if around else (HECATE,)
            context = started(arguments, socket, program=program, environ=unset | environ)
            daemon.child = stack.enter_context(context).ready()
            daemon.caller = Caller(socket)
            stack.callback(daemon.caller.close)
            return daemon

        yield start_one
