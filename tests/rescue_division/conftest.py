"""A model that diagnoses, and a division in trouble."""

from pathlib import Path

import pytest

from tests.asked_models import asker, model, with_model
from tests.calling import Caller
from tests.rescue_division.trouble import Trouble, trouble

__all__ = ["asker", "model", "with_model"]


@pytest.fixture
def division(asker: Caller, tmp_path: Path) -> Trouble:
    """A division with a bug that its tests find, and an incident."""
    return trouble(asker, tmp_path / "workspace")
