"""Eight writers who take their applications through design and plan, whatever happens to the daemon."""

from __future__ import annotations

from pathlib import Path

import apsw

from tests.daemon.child import wait_until
from tests.dossiers.crash import Journal
from tests.dossiers.crash_rig import stored
from tests.dossiers.oracle import wrongs
from tests.faults.sizes import size
from tests.faults.writing import Persevering, Refusals, big_ventures, lifecycles

WRITERS = 8
PATIENCE_SECONDS = size(40.0, 300.0)


class Crowd:
    """Writers, what they were told, and what they were refused.

    Args:
        big: Whether they write much in few commands.
        pause_seconds: How long each waits after a command.
    """

    def __init__(self, *, big: bool = False, pause_seconds: float = 0.0) -> None:
        self.journal, self.refusals = Journal(), Refusals()
        self.others: set[str] = set()
        """Ventures that are not theirs."""
        names = [f"writer-{number}" for number in range(WRITERS)]
        scripts = [big_ventures(name, 20) if big else lifecycles(name) for name in names]
        self.writers = [
            Persevering(name, script, self.journal, self.refusals, pause_seconds=pause_seconds)
            for name, script in zip(names, scripts, strict=True)
        ]

    @property
    def acknowledged(self) -> int:
        """How many commands were."""
        return len(self.journal.acknowledged)

    def wait_for_more(self, commands: int) -> None:
        """Wait until so many more were acknowledged."""
        wanted = self.acknowledged + commands
        wait_until(lambda: self.acknowledged >= wanted, PATIENCE_SECONDS)

    def wait_for_refusals(self, more: int = 2 * WRITERS) -> None:
        """Wait until so many more were refused."""
        wanted = len(self.refusals.sentences) + more
        wait_until(lambda: len(self.refusals.sentences) >= wanted, PATIENCE_SECONDS)

    def wrongs(self, place: Path) -> list[str]:
        """Return what is wrong with the store in the folder ``data`` of *place*, while nobody writes."""
        database = place / "data" / "hecate.db"
        try:
            return [*wrongs(database, self.journal, others=self.others), *self.refusals.wrongs(database)]
        except (apsw.Error, UnicodeDecodeError, TypeError, ValueError) as error:  # NULL, or bytes, where text should be
            return [f"the store cannot be read: {error!r}"]

    def stored_though_unanswered(self, place: Path) -> int:
        """Return how many commands were recorded whose callers do not know it."""
        return stored(place / "data" / "hecate.db", self.journal.open)
