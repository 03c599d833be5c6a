"""A store and an engine, each with a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from hecate.dossiers.engine import Engine
from hecate.dossiers.event_store import EventStore
from tests.dossiers.failing_disk import FailingDisk
from tests.dossiers.shelf import DESKS, READ_MODELS

OpenEngine = Callable[..., Engine]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a store."""
    return tmp_path / "hecate.db"


@pytest.fixture
def store(path: Path) -> Iterator[EventStore]:
    """Give an empty store."""
    with closing(EventStore.open(path)) as store:
        yield store


@pytest.fixture
def open_engine(path: Path) -> Iterator[OpenEngine]:
    """Give a function that opens an engine for shelves, as often as one likes on the same file."""
    with ExitStack() as stack:

        def open_one(**options: object) -> Engine:
            return stack.enter_context(closing(Engine.open(path, DESKS, **{"read_models": READ_MODELS, **options})))

        yield open_one


@pytest.fixture
def engine(open_engine: OpenEngine) -> Engine:
    """Give an engine for shelves on an empty store."""
    return open_engine()


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    """Give a disk that fails on demand, under every store that is opened meanwhile."""
    with FailingDisk() as disk:
        yield disk
