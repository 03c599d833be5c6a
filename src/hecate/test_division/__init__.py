"""Process 6, test_division: run a division's tests."""

from hecate.dossiers.lifecycle import LONG
from hecate.dossiers.process import DIVISION, Process

PROCESS = Process(
    name="test_division",
    number=6,
    phase="tni",
    path="/api/divisions/{division_id}/test",
    noun="testing",
    subject=DIVISION,
    lifecycle=LONG,
    comes_after="generate_division",
    redesigned=True,
)
