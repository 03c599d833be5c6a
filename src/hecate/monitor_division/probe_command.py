"""Polls by a command: it passes when it ends with status 0 within its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.child_processes.child_process import run_child
from hecate.dossiers.errors import Refused
from hecate.monitor_division.poll_result import PASSED, PollResult, failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST_LINE = 300
"""What is kept of the last line that a command has printed."""


class CommandProbe:
    """Runs commands, which are gone with all that they have started when the poll is over.

    Args:
        mark: By which all child processes of this daemon are known.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark

    async def poll(self, command: Sequence[str], *, check_id: str, folder: Path, timeout_seconds: float) -> PollResult:
        """Run *command* in *folder*; no shell reads it, and it sees nothing of the daemon's secrets."""
        last_line = ""

        def keep_last(lines: Sequence[str]) -> None:
            nonlocal last_line
            last_line = next((line[:LONGEST_LINE] for line in reversed(lines) if line.strip()), last_line)

        try:
            end = await run_child(
                command,
                mark=f"{self._mark}/{check_id}",
                folder=folder,
                timeout_seconds=timeout_seconds,
                on_lines=keep_last,
            )
        except Refused as refusal:
            return failure(str(refusal))
        if end.succeeded:
            return PASSED
        said = f": {last_line.strip()}" if last_line else ""
        return failure(end.in_words + said, timed_out=end.timed_out)
