"""A division with a project to test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calling import Caller
from tests.test_division.projects import UnderTest, under_test


@pytest.fixture
def division(caller: Caller, tmp_path: Path) -> UnderTest:
    """A division whose tests are active, with an empty project in a workspace of its own."""
    return under_test(caller, tmp_path / "workspace")
