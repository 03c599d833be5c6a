"""The golden file of texts: for each event, which of its fields go when its venture is forgotten."""

from __future__ import annotations

from pathlib import Path

from hecate import catalog
from hecate.dossiers.event_types import EventTypes

GOLDEN_TEXTS = Path(__file__).resolve().parent / "golden/texts.txt"


def texts_as_lines() -> str:
    """Return a line for each stored name, with the paths of its texts."""
    found = catalog.find()
    types = EventTypes(found.desks.items(), found.upcasters)
    return "".join(f"{name}: {types.texts_of(name) or '-'}\n" for name in sorted(types.names))
