"""One application under supervision: a child process that listens on a port, and is started again when it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Final, Literal

from hecate.child_processes.child_process import run_child
from hecate.deploy_division.application_log import ApplicationLog
from hecate.deploy_division.deploy_settings import DeploySettings
from hecate.deploy_division.ports import HOST, check_port, listens
from hecate.deploy_division.release_folder import APP
from hecate.deploy_division.release_program import program_of
from hecate.dossiers.errors import Refused

State = Literal["starting", "running", "waiting", "failed", "stopped"]
"""``waiting``: it has ended, and is started again in a moment."""

PORT: Final = "{port}"
STEADY_SECONDS = 60.0
"""Whoever has run for so long may end again without being counted as one who ends again and again."""
LONGEST_WAIT_SECONDS = 60.0
OURS: Final = "[hecate]"
"""How lines of the log begin that are not the application's."""
STARTS: Final = f"{OURS} starts"
LAST_WORDS = 3
"""Lines of the log that an error quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is run."""

    release: Path
    version: str
    command: tuple[str, ...]
    """``{port}`` in a word is the port.  Empty: the package in the release, with ``serve --port``."""
    port: int
    ready_seconds: float
    """How long it may take until it listens."""

    def words(self) -> tuple[str, ...]:
        """Return the program and its arguments.

        Raises:
            Refused: The release is gone, or there is no command and no package that could be run.
        """
        if not self.release.is_dir():
            raise Refused(f"release {self.version} is not in {self.release.parent} any more; deploy another one")
        if self.command:
            return tuple(word.replace(PORT, str(self.port)) for word in self.command)
        return (*program_of(self.release), "serve", "--port", str(self.port))

    def environment(self) -> Mapping[str, str]:
        """Return what the application finds in its environment, besides the clean one."""
        return {
            "HOST": HOST,
            "PORT": str(self.port),
            "PYTHONPATH": str(self.release / APP),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HECATE_VERSION": self.version,
            "HECATE_RELEASE": str(self.release),
        }


class Application:
    """The application of one division, from its start to its stop.

    Args:
        plan: What is run.
        folder: Where it runs and keeps its files: another one than the release's, which nobody changes.
        mark: By which its processes are known.
        settings: How often it is started again.
        gave_up: Is told why, when it was started again too often.
        patient: Whether it is started again also before it has ever listened; else whoever waits for that is told.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        mark: str,
        settings: DeploySettings,
        gave_up: Callable[[str], Awaitable[None]],
        *,
        patient: bool,
    ) -> None:
        self.plan = plan
        self.state: State = "starting"
        self.error = ""
        """Why it last ended, or could not be started."""
        self.restarts = 0
        self.running_since: float | None = None
        """Seconds since 1970."""
        self.log = ApplicationLog(folder / "output.log")
        self._folder = folder
        self._mark = mark
        self._settings = settings
        self._gave_up = gave_up
        self._patient = patient
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, and return when it listens; from then on it is kept running.

        Raises:
            Refused: It does not come to that.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise Refused(f"cannot make the application's folder {self._folder}: {exc.strerror}") from exc
        self._task = task = asyncio.create_task(self._keep_running())
        task.add_done_callback(lambda _: self._news.set())
        try:
            while self.state not in {"running", "failed"} and not task.done():
                await self._news.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if self.state == "failed":
            raise Refused(self.error)
        if task.done():
            await task  # it has risen

    async def stop(self) -> None:
        """End it, and all that it has started."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None
        self._turn("stopped")

    def _turn(self, state: State) -> None:
        self.state = state
        # What has listened once is kept running.
        self._patient |= state == "running"
        self.running_since = time() if state == "running" else None
        self._news.set()
        self._news = asyncio.Event()

    async def _keep_running(self) -> None:
        failures = 0
        while True:
            began = monotonic()
            self._turn("starting")
            try:
                self.error = await self._run_once()
            except Refused as exc:
                self.error = str(exc)
            self.log.add([f"{OURS} {self.error}"])
            failures = 1 if monotonic() - began > STEADY_SECONDS else failures + 1
            if failures > self._settings.restarts or not self._patient:
                break
            self.restarts += 1
            self._turn("waiting")
            await asyncio.sleep(min(self._settings.restart_seconds * 2 ** (failures - 1), LONGEST_WAIT_SECONDS))
        said = "; ".join(self._last_words())
        times = f", {failures} times in a row" if failures > 1 else ""
        self.error = f"{self.error}{times}" + (f"; it said last: {said}" if said else "")
        self._turn("failed")
        await self._gave_up(self.error)

    def _last_words(self) -> list[str]:
        """Return what it has said since it was started last."""
        said: list[str] = []
        for line in (line.partition(" ")[2].strip() for line in self.log.last(50)):
            if line.startswith(STARTS):
                said.clear()
            elif line and not line.startswith(OURS):
                said.append(line)
        return said[-LAST_WORDS:]

    async def _run_once(self) -> str:
        """Run the application until it ends, and return why it has.

        Raises:
            Refused: It cannot be started.
        """
        plan = self.plan
        self.log.add([f"{STARTS} {plan.version} on port {plan.port}"])
        check_port(plan.port)
        words = plan.words()
        self.log.add([f"{OURS} runs {' '.join(words)}"])
        child = asyncio.create_task(
            run_child(
                words,
                mark=self._mark,
                folder=self._folder,
                timeout_seconds=None,
                on_lines=self.log.add,
                environment={**plan.environment(), "PATH": _path()},
            )
        )
        listening = asyncio.create_task(listens(plan.port))
        try:
            done, _ = await asyncio.wait(
                (child, listening), timeout=plan.ready_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                return f"the application does not listen on port {plan.port} after {plan.ready_seconds:g} s"
            if child not in done:
                self._turn("running")
            end = await child
            return f"the application has ended: {end.in_words}"
        finally:
            for task in (child, listening):
                task.cancel()
            await asyncio.wait((child, listening))


def _path() -> str:
    """Return where an application finds programs: ours are among them, after the system's."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
