"""The fact that a venture is forgotten, and what follows from it: it takes no command any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hecate.dossiers.errors import Forgotten
from hecate.dossiers.messages import Event

if TYPE_CHECKING:
    import apsw

STORED_NAME: Final = "venture_forgotten_v1"

# The plus keeps SQLite from the venture's events, of which there may be many: few ventures are forgotten.
IS_FORGOTTEN: Final = "SELECT 1 FROM events WHERE type = ? AND +venture_id = ?"


class VentureForgotten(Event, frozen=True):
    """Every text in the venture's events was erased, and the key with it."""

    events: int
    """How many had texts."""


def is_forgotten(db: apsw.Connection, venture_id: str) -> bool:
    """Tell whether *venture_id* was forgotten."""
    return db.execute(IS_FORGOTTEN, (STORED_NAME, venture_id)).fetchone() is not None


def refusal(venture_id: str) -> Forgotten:
    """Return what a caller is told who asks for more of *venture_id*."""
    return Forgotten(f"venture {venture_id!r} is forgotten: its texts are erased, and it takes no command")
