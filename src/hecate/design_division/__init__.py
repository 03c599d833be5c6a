"""Process 3, design_division: name the aggregates of a division and what can happen to them."""

from hecate.dossiers.lifecycle import LONG
from hecate.dossiers.process import DIVISION, Process

PROCESS = Process(
    name="design_division",
    number=3,
    phase="anp",
    path="/api/divisions/{division_id}/design",
    noun="design",
    subject=DIVISION,
    lifecycle=LONG,
    redesigned=True,
)
