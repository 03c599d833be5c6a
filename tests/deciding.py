"""Given events, when a command, then events: a desk's decision by itself."""

from __future__ import annotations

from collections.abc import Sequence

from hecate.dossiers.desk import Desk
from hecate.dossiers.dossier import Dossier
from hecate.dossiers.messages import Command, Event
from hecate.dossiers.process import Process

NOW = 1_700_000_000_000
"""Milliseconds since 1970, UTC."""


def decided(process: Process, desk: Desk, command: Command, given: Sequence[Event] = ()) -> list[Event]:
    """Return what *desk* decides on *command* after *given*; ids end in ``-1``."""
    dossier = Dossier(process, "subject-1", "v-1")
    dossier.next_id = "1"
    for event in given:
        dossier.record(event, NOW)
    return list(desk.decide(dossier, command))
