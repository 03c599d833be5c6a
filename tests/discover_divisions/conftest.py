"""A daemon whose one model says what the test wants."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.fakes.openai_style import Parrot, parrot
from tests.serving import serving


@pytest.fixture(scope="module")
def model() -> Iterator[Parrot]:
    """The model."""
    with parrot() as model:
        yield model


@pytest.fixture(scope="module")
def _with_model(model: Parrot) -> Iterator[Caller]:
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        serving(Path(folder), configuration=model.configuration) as child,
    ):
        caller = Caller(child.socket_path)
        yield caller
        caller.close()


@pytest.fixture
def asker(_with_model: Caller, model: Parrot) -> Caller:
    """A client of the daemon that asks the model."""
    model.says.clear()
    model.asked.clear()
    model.left.clear()
    return _with_model
