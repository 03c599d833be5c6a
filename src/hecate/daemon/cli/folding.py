"""What the daemon reads its events with, for the commands that do it themselves."""

from __future__ import annotations

from collections.abc import Sequence

from hecate import catalog
from hecate.dossiers import processes
from hecate.dossiers.event_types import EventTypes
from hecate.dossiers.fold import Folding
from hecate.dossiers.read_model import ReadModel


def find_folding() -> tuple[Folding, Sequence[ReadModel]]:
    """Return how events are folded, and every read model that the daemon has."""
    found = catalog.find()
    event_types = EventTypes(found.desks.items(), found.upcasters)
    return Folding(tuple(found.desks), event_types), (processes.READ_MODEL, *found.read_models)
