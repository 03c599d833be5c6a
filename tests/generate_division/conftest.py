"""A division to generate, and a model that fills in its desks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.asked_models import asker, model, with_model
from tests.calling import Caller
from tests.generate_division.generated import Generated, planned

__all__ = ["asker", "model", "with_model"]


@pytest.fixture
def division(caller: Caller, tmp_path: Path) -> Generated:
    """A division with a design and a plan, and a workspace of its own; its generation is active."""
    return planned(caller, tmp_path / "workspace")
