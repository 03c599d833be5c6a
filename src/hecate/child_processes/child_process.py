"""Child processes: bounded in time and output, without our secrets, and gone when their job is.

Each runs in a session of its own, with a mark in its environment that its own children inherit, so that
whatever it leaves behind, even what has left its process group, is found and ended.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from hecate.child_processes import strays
from hecate.child_processes.confinement import FREE, Confinement, shell_between
from hecate.child_processes.output_pipe import OnLines, OutputPipe
from hecate.child_processes.strays import MARK
from hecate.dossiers.errors import Refused

GRACE_SECONDS = 2.0
"""How long a process has between SIGTERM and SIGKILL."""
LAST_WORDS_SECONDS = 1.0
"""How long we read on after the process has ended: what it left behind may hold the pipe open."""
FEW_SECONDS = 10
"""Of fewer, tenths are told, too."""

PASSED_ON = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
        *("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("CARGO_HOME", "RUSTUP_HOME", "GOPATH", "GOROOT", "JAVA_HOME"),
    }
)
"""What a child may know of our environment, besides the locale; everything else may be a secret."""


class ChildEnd(NamedTuple):
    """How a child process ended."""

    exit_code: int
    """Negative: the number of the signal that ended it."""
    timed_out: bool
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself, with 0."""
        return self.exit_code == 0 and not self.timed_out

    @property
    def signal(self) -> signal.Signals | None:
        """The signal that ended it, if one did."""
        # The shell between us says it in its way.
        number = -self.exit_code if self.exit_code < 0 else self.exit_code - 128
        return signal.Signals(number) if number in set(signal.Signals) else None

    @property
    def in_words(self) -> str:
        """How it ended, for people."""
        if self.timed_out:
            tenths = 1 if self.seconds < FEW_SECONDS else 0
            return f"stopped after {self.seconds:.{tenths}f} s, its time limit"
        if self.signal is not None:
            return f"ended by {self.signal.name}"
        return f"exit code {self.exit_code}"


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment for a child: ours without anything that may be secret, and *more*."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    return {"PATH": os.defpath, **kept, **(more or {})}


async def run_child(
    command: Sequence[str],
    *,
    mark: str,
    folder: Path,
    timeout_seconds: float | None,
    on_lines: OnLines,
    environment: Mapping[str, str] | None = None,
    given: bytes | None = None,
    own_parent: bool = True,
    confinement: Confinement = FREE,
    writes: Sequence[Path] = (),
) -> ChildEnd:
    """Run *command* to its end, and end whatever it has started.

    Args:
        command: The program and its arguments; no shell reads them.
        mark: By which its processes are known, see `hecate.child_processes.strays`.
        folder: Where it runs.
        timeout_seconds: After so long it is ended, with all that it has started; None: it may run for ever.
        on_lines: Is told what it prints, to either stream, as text without line breaks.
        environment: Besides what `clean_environment` gives.
        given: For its standard input; None: that is empty.
        own_parent: Whether a process of its own is its parent, and not the daemon.
        confinement: What it may take, and see.
        writes: Folders besides *folder* that it may write to where it runs in a sandbox.

    Raises:
        Refused: There is no such program, or it cannot be run there.
    """
    began = monotonic()
    environment = {**clean_environment(environment), MARK: mark}
    words = (
        *shell_between(confinement.limits, stays=own_parent),
        *(() if confinement.sandbox is None else confinement.sandbox.words(folder, writes)),
        _found(command[0], folder, environment["PATH"]),
        *command[1:],
    )
    pipe = OutputPipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=folder,
            env=environment,
            stdin=DEVNULL if given is None else PIPE,
            stdout=pipe.theirs,
            stderr=STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as exc:
        pipe.close()
        raise Refused(f"cannot run {command[0]!r} in {folder}: {exc}") from exc
    except BaseException:
        pipe.close()
        # Cancelled while it is started, asyncio ends the shell between, and lets go of what that has started already.
        await _whatever_comes(_end_strays(mark))
        raise
    finally:
        pipe.close_theirs()
    reading = asyncio.create_task(pipe.read(on_lines))
    timed_out = False
    try:
        try:
            async with asyncio.timeout(timeout_seconds):
                if given is not None:
                    await _give(process, given)
                await process.wait()
        except TimeoutError:
            timed_out = True
    finally:
        try:
            await _whatever_comes(_end(process, mark, reading))
        finally:
            pipe.close()
    assert process.returncode is not None  # noqa: S101 - it has ended
    return ChildEnd(process.returncode, timed_out, monotonic() - began)


def _found(program: str, folder: Path, path: str) -> str:
    """Return where *program* is: the shell between would say in its own way that it is missing.

    Raises:
        Refused: There is no such program, or it may not be run.
    """
    found = shutil.which(program if "/" not in program else str(folder / program), path=path)
    if found is None:
        raise Refused(f"cannot run {program!r}: there is no such program, or it may not be run")
    return found


async def _give(process: Process, given: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()


async def _whatever_comes(ending: Coroutine[None, None, None]) -> None:
    """Carry *ending* to its end, though we be cancelled once more: the daemon may stop while a job is cancelled."""
    task, was_cancelled = asyncio.ensure_future(ending), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            was_cancelled = True
    task.result()
    if was_cancelled:
        raise asyncio.CancelledError


async def _end(process: Process, mark: str, reading: asyncio.Task[None]) -> None:
    """End the process, its group, whatever else carries *mark*, and the *reading* of what they print."""
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await process.wait()
    # The group outlives its leader, and its number is not given to another as long as it has members.
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()
    await asyncio.to_thread(strays.end, mark, process.pid)
    # What is still in the pipe belongs to the answer; who holds it open now is none of ours.
    await asyncio.wait((reading,), timeout=LAST_WORDS_SECONDS)
    reading.cancel()
    await asyncio.wait((reading,))


async def _end_strays(mark: str) -> None:
    await asyncio.to_thread(strays.end, mark)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
