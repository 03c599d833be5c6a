"""Polls by a command: it passes when it ends with status 0 within its time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hecate.child_processes.child_process import run_child
from hecate.child_processes.confinement import FREE, Confinement, Limits
from hecate.dossiers.errors import Refused
from hecate.monitor_division.poll_result import OUR_SHORTAGES, PASSED, CannotPoll, PollResult, failure, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST_LINE = 300
"""What is kept of the last line that a command has printed."""
MOST_PRINTED = 1024 * 1024
"""Characters that a command may print: who reads more, every few seconds, does nothing else."""


class CommandProbe:
    """Runs commands, which are gone with all that they have started when the poll is over.

    Args:
        mark: By which all child processes of this daemon are known.
        limits: What each process of a command may take.
    """

    def __init__(self, mark: str, limits: Limits = FREE.limits) -> None:
        self._mark = mark
        self._confinement = Confinement(limits=limits)

    async def poll(self, command: Sequence[str], *, check_id: str, folder: Path, timeout_seconds: float) -> PollResult:
        """Run *command* in *folder*; no shell reads it, and it sees nothing of the daemon's secrets.

        Raises:
            CannotPoll: There is no room for a process.
        """
        last_line, printed = "", 0

        def keep_last(lines: Sequence[str]) -> None:
            nonlocal last_line, printed
            last_line = next((line[:LONGEST_LINE] for line in reversed(lines) if line.strip()), last_line)
            printed += sum(map(len, lines)) + len(lines)
            if printed > MOST_PRINTED and not patience.expired():
                patience.reschedule(0)

        try:
            async with asyncio.timeout(None) as patience:
                end = await run_child(
                    command,
                    mark=f"{self._mark}/{check_id}",
                    folder=folder,
                    timeout_seconds=timeout_seconds,
                    on_lines=keep_last,
                    confinement=self._confinement,
                )
        except TimeoutError:
            return failure(f"it has printed more than {MOST_PRINTED // 1024} KiB")
        except OSError as exc:
            raise CannotPoll(in_words(exc)) from exc
        except Refused as refusal:
            if isinstance(refusal.__cause__, OSError) and refusal.__cause__.errno in OUR_SHORTAGES:
                raise CannotPoll(str(refusal)) from refusal
            return failure(str(refusal))
        if end.succeeded:
            return PASSED
        said = f": {last_line.strip()}" if last_line else ""
        return failure(end.in_words + said, timed_out=end.timed_out)
