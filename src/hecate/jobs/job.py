"""A job as the work of a desk sees it: what was asked, and what it may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hecate.child_processes.child_process import ChildEnd, run_child
from hecate.child_processes.confinement import FREE, Confinement
from hecate.dossiers.event_store import EventStore
from hecate.workspaces.places import place_of, project_folder, written_project
from hecate.workspaces.repository import Author, Captured, Repository
from hecate.workspaces.workspace import Workspace

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.dossier import Dossier
    from hecate.dossiers.engine import Engine
    from hecate.dossiers.job_records import JobError, JobState
    from hecate.dossiers.messages import Command, Event
    from hecate.dossiers.process import Process
    from hecate.endpoints import Services
    from hecate.jobs.asking import AsksModels, Question, Reply
    from hecate.jobs.job_log import JobLog
    from hecate.jobs.settings import JobSettings
    from hecate.workspaces.settings import WorkspaceSettings

MOST_CAPTURED = 10_000
"""Lines of `Job.capture`."""

T = TypeVar("T")


class Happened(NamedTuple):
    """An event of any process, as it reads today."""

    type: str
    event: Event
    recorded_at: int
    """Milliseconds since 1970, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every job works with."""

    engine: Engine
    services: Services
    asks: AsksModels
    data_dir: Path
    store_mark: str
    jobs: JobSettings
    workspaces: WorkspaceSettings
    confinement: Confinement = FREE
    """Bounds the child processes of jobs."""

    @property
    def default_workspaces(self) -> Path:
        """Where the workspaces of ventures lie that name none."""
        return Path(self.workspaces.dir) if self.workspaces.dir else self.data_dir / "workspaces"


@dataclass(slots=True, kw_only=True)
class Job:
    """One job, while its work is done."""

    id: str
    process: Process
    subject_id: str
    """The division's id, or the venture's."""
    venture_id: str
    command: Command
    """The desk's command, as it was asked."""
    events: tuple[Event, ...]
    """What the desk's decision has recorded."""
    log: JobLog
    surroundings: Surroundings
    state: JobState = "running"
    error: JobError | None = None
    """Why the work was not finished; for `hecate.dossiers.desk.Work.unfinished`."""
    stage: str = ""
    """What the work has come to, in a word of its own, for the same; empty again when the daemon has started anew."""
    children: int = 0
    """How many child processes it has begun."""

    # -- telling

    def tell(self, *lines: str) -> None:
        """Add lines to the job's output."""
        self.log.tell(*lines)

    def progress(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Say what the job is at, and how much of it is done where that can be told."""
        self.log.progress(message, done, total)

    # -- asking the store

    @property
    def services(self) -> Services:
        """The long-lived objects of the daemon."""
        return self.surroundings.services

    @property
    def data_dir(self) -> Path:
        """The daemon's data directory."""
        return self.surroundings.data_dir

    async def read(self, question: Callable[[apsw.Connection], T]) -> T:
        """Return what *question* gives, asked of a reader's connection in a thread."""
        return await self.surroundings.engine.store.read(question)

    async def dossier(self) -> Dossier:
        """Return the dossier of the job's own process, as it is now."""
        engine = self.surroundings.engine
        return await engine.store.read(lambda db: engine.rehydrate(db, self.process, self.subject_id))

    async def history(self, noun: str, *types: str) -> list[Happened]:
        """Return the events of another process of the same subject, oldest first.

        Args:
            noun: The process's noun, such as ``design``.
            types: Today's stored names of those wanted; none: all.
        """
        event_types = self.surroundings.engine.event_types
        wanted = {stored for name in types for stored in event_types.versions_of(name)}

        def ask(db: apsw.Connection) -> list[Happened]:
            return [
                Happened(name, event_types.decode(name, data), at)
                for name, data, at in EventStore.events_of(db, f"{noun}-{self.subject_id}", 0)
                if not wanted or name in wanted
            ]

        return await self.read(ask)

    # -- the workspace

    async def workspace(self, *, make: bool = False, folder: str = "") -> Workspace:
        """Return the venture's workspace.

        Args:
            make: Whether it is made where it is missing.
            folder: Another one, as an absolute path, for this job alone.

        Raises:
            Refused: It is missing, or cannot be used.
        """
        if folder:
            return await asyncio.to_thread(Workspace.open, Path(folder), is_named=True, make=make)
        default = self.surroundings.default_workspaces
        place = await self.read(lambda db: place_of(db, self.venture_id, default))
        # What is in our own directory is ours to make; one that a person has named may be on a disk that is not there.
        make = make or not place.is_named
        return await asyncio.to_thread(Workspace.open, place.folder, is_named=place.is_named, make=make)

    async def project(self) -> str:
        """Return the path of the division's project in the workspace."""
        return await self.read(lambda db: project_folder(db, self.subject_id))

    async def written_project(self) -> tuple[Workspace, str]:
        """Return the workspace that the division's code was last generated into, and the path of its project there.

        Raises:
            Refused: The workspace is missing, or cannot be used.
        """
        written = await self.read(lambda db: written_project(db, self.subject_id))
        return await self.workspace(folder=written.workspace), written.project

    def repository(self, workspace: Workspace) -> Repository:
        """Return the git repository around *workspace*; `Repository.prepare` makes it."""
        settings = self.surroundings.workspaces
        return Repository(workspace, self, Author(settings.author_name, settings.author_email))

    # -- child processes and models

    async def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        timeout_seconds: float | None = None,
        environment: Mapping[str, str] | None = None,
        given: bytes | None = None,
        on_lines: Callable[[Sequence[str]], None] | None = None,
        writes: Sequence[Path] = (),
        sandboxed: bool = True,
    ) -> ChildEnd:
        """Run *command* to its end; what it prints is the job's output.

        Args:
            command: The program and its arguments; no shell reads them.
            folder: Where it runs.
            timeout_seconds: None: as configured.
            environment: Besides the clean one that every child has.
            given: For its standard input.
            on_lines: Is told the lines too.
            writes: Folders besides *folder* that it writes to.
            sandboxed: Whether it runs in the sandbox that is configured, if one is; not so what is to act on the
                machine, such as the switch to a release.

        Raises:
            Refused: It cannot be run.
        """

        def tell(lines: Sequence[str]) -> None:
            self.log.tell_all(lines)
            if on_lines is not None:
                on_lines(lines)

        confinement = self.surroundings.confinement
        return await run_child(
            command,
            mark=self._new_mark(),
            folder=folder,
            timeout_seconds=timeout_seconds or self.surroundings.jobs.timeout_seconds,
            on_lines=tell,
            environment=environment,
            given=given,
            confinement=confinement if sandboxed else replace(confinement, sandbox=None),
            writes=writes,
        )

    async def capture(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        timeout_seconds: float | None = None,
        environment: Mapping[str, str] | None = None,
        given: bytes | None = None,
    ) -> Captured:
        """Run a well-known *command*, such as git, to its end, and return what it prints; see `run`."""
        lines: list[str] = []

        def keep(more: Sequence[str]) -> None:
            lines.extend(more[: MOST_CAPTURED - len(lines)])

        end = await run_child(
            command,
            mark=self._new_mark(),
            folder=folder,
            timeout_seconds=timeout_seconds or self.surroundings.jobs.timeout_seconds,
            on_lines=keep,
            environment=environment,
            given=given,
            own_parent=False,
            confinement=replace(self.surroundings.confinement, sandbox=None),
        )
        return Captured(end, "\n".join(lines))

    async def ask(self, question: Question) -> Reply:
        """Ask a language model.

        Raises:
            HecateError: No provider has the model, or it fails.
        """
        division_id = self.subject_id if self.subject_id != self.venture_id else ""
        return await self.surroundings.asks.ask(
            question, job_id=self.id, venture_id=self.venture_id, division_id=division_id
        )

    def _new_mark(self) -> str:
        """Return a mark for one more child: what it leaves behind is ended with it, and no other."""
        self.children += 1
        return f"{self.surroundings.store_mark}/{self.id}/{self.children}/"
