"""Process 5, generate_division: write the code of a division."""

from hecate.dossiers.lifecycle import LONG
from hecate.dossiers.process import DIVISION, Process

PROCESS = Process(
    name="generate_division",
    number=5,
    phase="tni",
    path="/api/divisions/{division_id}/generate",
    noun="generation",
    subject=DIVISION,
    lifecycle=LONG,
    comes_after="plan_division",
    redesigned=True,
)
