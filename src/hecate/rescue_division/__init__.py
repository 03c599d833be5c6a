"""Process 9, rescue_division: diagnose incidents and fix them."""

from hecate.dossiers.lifecycle import RESTARTABLE
from hecate.dossiers.process import DIVISION, Process

PROCESS = Process(
    name="rescue_division",
    number=9,
    phase="dno",
    path="/api/divisions/{division_id}/rescue",
    noun="rescue",
    subject=DIVISION,
    lifecycle=RESTARTABLE,
)
