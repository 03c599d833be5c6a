"""Desk: discover a division."""

from __future__ import annotations

import pytest

from hecate.discover_divisions import PROCESS
from hecate.discover_divisions.discover_division import DESK, DiscoverDivision, DivisionDiscovered
from hecate.dossiers.errors import Refused
from tests.deciding import decided


def discovered(name: str) -> DivisionDiscovered:
    """Return the event of a division called *name*."""
    return DivisionDiscovered(division_id="div-1", division_name=name, description="", rationale="")


def test_a_new_name_makes_a_division() -> None:
    """With an id of its own."""
    command = DiscoverDivision(division_name="auth")
    assert decided(PROCESS, DESK, command, [discovered("billing")]) == [discovered("auth")]


def test_a_used_name_is_refused() -> None:
    """The sentence names both the venture and the name."""
    with pytest.raises(Refused, match="venture 'subject-1' has a division named 'auth' already"):
        decided(PROCESS, DESK, DiscoverDivision(division_name="auth"), [discovered("auth")])
