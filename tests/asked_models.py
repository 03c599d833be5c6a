"""A daemon whose one model says what the test wants.

A folder's ``conftest.py`` takes the fixtures: ``from tests.asked_models import asker, model, with_model``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.fakes.openai_style import Parrot, parrot
from tests.serving import serving


@pytest.fixture(scope="package")
def model() -> Iterator[Parrot]:
    """The model."""
    with parrot() as model:
        yield model


@pytest.fixture(scope="package")
def with_model(model: Parrot) -> Iterator[Path]:
    """The socket of the daemon that asks the model."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        serving(Path(folder), configuration=model.configuration) as child,
    ):
        yield child.socket_path


@pytest.fixture
def asker(with_model: Path, model: Parrot) -> Iterator[Caller]:
    """A client of the daemon, whose model says nothing yet."""
    model.says.clear()
    model.asked.clear()
    model.left.clear()
    caller = Caller(with_model)
    yield caller
    caller.close()
