"""An engine for errands, and a runner that does them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import pytest

from hecate.child_processes.strays import mark_of_store
from hecate.dossiers.engine import Engine
from hecate.endpoints import Services
from hecate.jobs.asking import Question, Reply
from hecate.jobs.job import Surroundings
from hecate.jobs.runner import JobRunner
from hecate.jobs.settings import JobSettings
from hecate.workspaces.settings import WorkspaceSettings
from tests.jobs.errands import DESKS, VENTURES


class NoModels:
    """Stands where the gateway would be."""

    async def ask(self, question: Question, *, job_id: str, venture_id: str, division_id: str) -> Reply:
        """Repeat the question."""
        return Reply(content=f"{question.system} {job_id} {venture_id} {division_id}", model="none", provider="none")


class Running:
    """A runner at work, and its engine."""

    def __init__(self, engine: Engine, runner: JobRunner) -> None:
        self.engine = engine
        self.runner = runner


Run = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that opens the store in the test's folder and runs its jobs, as often as one likes."""

    @asynccontextmanager
    async def running(*, at_once: int = 4, runs: bool = True) -> AsyncIterator[Running]:
        with closing(Engine.open(tmp_path / "hecate.db", DESKS, read_models=(VENTURES,))) as engine:
            runner = JobRunner(
                Surroundings(
                    engine=engine,
                    services=Services(),
                    asks=NoModels(),
                    data_dir=tmp_path,
                    store_mark=mark_of_store(tmp_path),
                    jobs=JobSettings(at_once=at_once),
                    workspaces=WorkspaceSettings(),
                )
            )
            if runs:
                async with runner:
                    yield Running(engine, runner)
            else:
                yield Running(engine, runner)

    return running
