"""What holds for all tests, and a real daemon for those that want one."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.calling import Caller
from tests.daemon.child import Child
from tests.fakes.ollama import ollama
from tests.serving import serving

# How long one example takes says more about a busy machine than about the code.
settings.register_profile("hecate", deadline=None)
settings.load_profile("hecate")

# A shell without job control has what it starts with ``&`` ignore Ctrl-C, and so all that this starts in turn.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def daemon() -> Iterator[Child]:
    """``hecate serve`` as a process of its own, with Ollama as its one provider."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        ollama() as provider,
        serving(Path(folder), provider.url) as child,
    ):
        yield child


@pytest.fixture
def caller(daemon: Child) -> Iterator[Caller]:
    """A client of the daemon."""
    caller = Caller(daemon.socket_path)
    yield caller
    caller.close()
