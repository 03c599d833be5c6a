"""Process 2, discover_divisions: find the bounded contexts of a venture."""

from hecate.dossiers.lifecycle import LONG
from hecate.dossiers.process import VENTURE, Process

PROCESS = Process(
    name="discover_divisions",
    number=2,
    phase="dna",
    path="/api/ventures/{venture_id}/discovery",
    noun="discovery",
    subject=VENTURE,
    lifecycle=LONG,
)
