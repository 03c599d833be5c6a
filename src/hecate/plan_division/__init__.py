"""Process 4, plan_division: list the desks that the design needs, and their order."""

from hecate.dossiers.lifecycle import LONG
from hecate.dossiers.process import DIVISION, Process

PROCESS = Process(
    name="plan_division",
    number=4,
    phase="anp",
    path="/api/divisions/{division_id}/plan",
    noun="plan",
    subject=DIVISION,
    lifecycle=LONG,
    comes_after="design_division",
    redesigned=True,
)
