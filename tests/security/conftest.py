"""A daemon with a model that says what a test wants, and a division in trouble."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asked_models import asker, model, with_model
from tests.calling import Caller
from tests.rescue_division.trouble import Trouble, trouble

__all__ = ["asker", "model", "with_model"]


@pytest.fixture
def division(asker: Caller, tmp_path: Path) -> Trouble:
    """A division whose tests fail, with an incident; its workspace is a repository."""
    return trouble(asker, tmp_path / "workspace")


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a directory whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as directory:
        yield Path(directory)
