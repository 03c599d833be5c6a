"""Capabilities that their daemon has signed: the same each time, and by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hecate.join_mesh.mesh_events import CapabilityAnnounced
from hecate.join_mesh.mesh_log import Decisions
from hecate.join_mesh.network.identity import Identity
from hecate.join_mesh.network.signed_capabilities import capability_cards, is_signed

ANNOUNCED = CapabilityAnnounced(
    mri="mri:x",
    agent_identity="",
    tags=("a", "b"),
    description="Counts",
    demo_procedure="",
    metadata={"b": 1, "a": 2},
    input_schema={"type": "object"},
    output_schema={},
    serve_at="http://127.0.0.1:9000/",
)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    """Whose they are."""
    return Identity.kept_in(tmp_path)


def announced(event: CapabilityAnnounced) -> Decisions:
    """Return what is decided by it, at 1000."""
    decisions = Decisions()
    decisions.record(event, 1000)
    return decisions


def test_what_was_announced_is_signed_the_same_each_time(identity: Identity, tmp_path: Path) -> None:
    """After a start, too; whatever the order in which an object's fields were written."""
    (card,) = capability_cards(announced(ANNOUNCED), identity)
    assert is_signed(identity.did, card)
    again = announced(replace(ANNOUNCED, metadata={"a": 2, "b": 1}))
    assert capability_cards(again, Identity.kept_in(tmp_path))[0].signature == card.signature


@pytest.mark.parametrize(
    "changes",
    [{"mri": "mri:y"}, {"tags": ("a",)}, {"callable": False}, {"announced_at": 1001}, {"signature": b""}],
)
def test_what_was_changed_is_not_signed(identity: Identity, changes: dict[str, object]) -> None:
    """Not one field of it."""
    (card,) = capability_cards(announced(ANNOUNCED), identity)
    assert not is_signed(identity.did, replace(card, **changes))


def test_it_is_not_anothers(identity: Identity, tmp_path: Path) -> None:
    """Whoever shows it in its own name has not signed it."""
    (card,) = capability_cards(announced(ANNOUNCED), identity)
    assert not is_signed(Identity.kept_in(tmp_path / "other").did, card)
