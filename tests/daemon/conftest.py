"""Fixtures for tests of the daemon's process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a directory whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as directory:
        yield Path(directory)
