"""Daemons in one mesh."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.join_mesh.rig import Rig, a_rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Start daemons."""
    with a_rig() as found:
        yield found
