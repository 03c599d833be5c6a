"""Process 7, deploy_division: build and switch a division's releases."""

from hecate.dossiers.lifecycle import LONG
from hecate.dossiers.process import DIVISION, Process

PROCESS = Process(
    name="deploy_division",
    number=7,
    phase="dno",
    path="/api/divisions/{division_id}/deploy",
    noun="deployment",
    subject=DIVISION,
    lifecycle=LONG,
    comes_after="test_division",
    redesigned=True,
)
