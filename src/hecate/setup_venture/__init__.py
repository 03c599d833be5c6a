"""Process 1, setup_venture: a venture begins, and one day is archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.forgotten import VentureForgotten
from hecate.dossiers.process import VENTURE, Lifecycle, Process
from hecate.setup_venture.archive_venture import VentureArchived
from hecate.setup_venture.setup_venture import VentureSetup

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Progress
    from hecate.dossiers.messages import Event


def evolve(progress: Progress, event: Event, recorded_at: int) -> None:
    """Move the venture on: it is set up, then archived."""
    match event:
        case VentureSetup():
            progress.state = "setup"
            progress.iteration = 1
            progress.started_at = progress.completed_at = recorded_at
        case VentureArchived():
            progress.state = "archived"
            progress.archived_at = recorded_at


PROCESS = Process(
    name="setup_venture",
    number=1,
    phase="dna",
    path="/api/ventures",
    noun="setup",
    subject=VENTURE,
    lifecycle=Lifecycle(
        evolve=evolve,
        status={"pending": 0, "setup": 1, "archived": 3},
        moving=frozenset({VentureSetup, VentureArchived}),
        facts=(VentureForgotten,),
    ),
)
