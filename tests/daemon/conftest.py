"""Fixtures for tests of the daemon's process."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a directory whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as directory:
        yield Path(directory)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the event loop that the daemon runs on."""
    return {"uvloop": uvloop.new_event_loop}
