"""Process 8, monitor_division: watch a division's health."""

from hecate.dossiers.lifecycle import RESTARTABLE
from hecate.dossiers.process import DIVISION, Process

PROCESS = Process(
    name="monitor_division",
    number=8,
    phase="dno",
    path="/api/divisions/{division_id}/monitor",
    noun="monitoring",
    subject=DIVISION,
    lifecycle=RESTARTABLE,
    comes_after="deploy_division",
)
