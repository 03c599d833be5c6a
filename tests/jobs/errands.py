"""A small domain for tests of jobs: errands, each of which runs a shell script in the workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import apsw

from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.engine import Engine, Handled, Order
from hecate.dossiers.errors import Refused
from hecate.dossiers.lifecycle import EVERY_STATE, LONG, Start
from hecate.dossiers.messages import Command, Event
from hecate.dossiers.process import Lifecycle, Process, Subject
from hecate.dossiers.read_model import Fact, Meta, ReadModel

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier, Progress
    from hecate.jobs.job import Job

VENTURE = Subject("venture", "venture_id", "SELECT id FROM ventures WHERE id = ?")


class Begin(Command, frozen=True):
    """Ask for a venture, with a workspace if it names one."""

    workspace: str = ""


class Begun(Event, frozen=True):
    """There is a venture."""

    workspace: str


class RunErrand(Command, frozen=True):
    """Ask for *script* to be run."""

    script: str
    alone: bool = False
    workspace: str = ""
    """Where; empty: in the venture's workspace."""


class ErrandAsked(Event, frozen=True):
    """An errand will be run."""

    errand_id: str
    script: str


class FinishErrand(Command, frozen=True):
    """Record how an errand ended."""

    errand_id: str
    outcome: str


class ErrandFinished(Event, frozen=True):
    """An errand has ended."""

    errand_id: str
    outcome: str


def evolve(progress: Progress, event: Event, _recorded_at: int) -> None:
    """Move a venture on: it has begun."""
    if isinstance(event, Begun):
        progress.state = "begun"


def ask(dossier: Dossier, command: RunErrand) -> Sequence[Event]:
    """Ask for an errand."""
    if command.script == "forbidden":
        raise Refused("this errand is forbidden")
    return [ErrandAsked(errand_id=dossier.new_id("errand"), script=command.script)]


def finish(dossier: Dossier, command: FinishErrand) -> Sequence[Event]:
    """Record the outcome, once."""
    if dossier.has(ErrandFinished, errand_id=command.errand_id):
        raise Refused("it has finished")
    return [ErrandFinished(errand_id=command.errand_id, outcome=command.outcome)]


def errand_of(job: Job) -> ErrandAsked:
    """Return what the decision has recorded."""
    (asked,) = job.events
    assert isinstance(asked, ErrandAsked)
    return asked


async def run_errand(job: Job) -> Command:
    """Run the script; some names are faults of the work itself."""
    errand = errand_of(job)
    if errand.script in {"refuse", "refuse for good"}:
        raise Refused("there is nothing to be had")
    if errand.script == "bug":
        raise ZeroDivisionError("a bug in the work")
    if errand.script == "finish twice":
        return FinishErrand(errand_id="errand-0", outcome="once more")
    assert isinstance(job.command, RunErrand)
    workspace = await job.workspace(folder=job.command.workspace)
    job.progress("runs", 0, 1)
    end = await job.run(("sh", "-c", errand.script), folder=workspace.root, timeout_seconds=30)
    job.progress("has run", 1, 1)
    return FinishErrand(errand_id=errand.errand_id, outcome=end.in_words)


async def put_right(job: Job) -> None:
    """Take back what an errand has left; one cannot be."""
    if errand_of(job).script == "refuse for good":
        raise Refused("it is stuck")


def unfinished(job: Job) -> Command:
    """Record why an errand was not finished."""
    assert job.error is not None
    return FinishErrand(errand_id=errand_of(job).errand_id, outcome=f"{job.state}: {job.error.error}")


FINISH = Desk(
    path="",
    command=FinishErrand,
    events=(ErrandFinished,),
    decide=finish,
    states=EVERY_STATE,
    example=Example(
        when=FinishErrand(errand_id="errand-1", outcome="exit code 0"),
        then=(ErrandFinished(errand_id="errand-1", outcome="exit code 0"),),
    ),
)
ERRAND = Desk(
    path="errand",
    command=RunErrand,
    events=(ErrandAsked,),
    decide=ask,
    makes="errand_id",
    status=202,
    work=Work(do=run_errand, record=FINISH, put_right=put_right, unfinished=unfinished, holds_workspace=True),
    example=Example(when=RunErrand(script="true"), then=(ErrandAsked(errand_id="errand-", script="true"),)),
)
BEGIN = Desk(
    path="",
    command=Begin,
    events=(Begun,),
    decide=lambda _dossier, command: [Begun(workspace=command.workspace)],
    states=frozenset({"pending"}),
    makes_subject=True,
    example=Example(when=Begin(), then=(Begun(workspace=""),)),
)
BEGIN_VENTURE = Process(
    name="begin_venture",
    number=1,
    phase="dna",
    path="/api/ventures",
    noun="beginning",
    subject=VENTURE,
    lifecycle=Lifecycle(evolve=evolve, status={"pending": 0, "begun": 1}, moving=frozenset({Begun})),
)
RUN_ERRANDS = Process(
    name="run_errands",
    number=2,
    phase="tni",
    path="/api/ventures/{venture_id}/errands",
    noun="errands",
    subject=VENTURE,
    lifecycle=LONG,
)
DESKS: Mapping[Process, Sequence[Desk]] = {BEGIN_VENTURE: (BEGIN,), RUN_ERRANDS: (ERRAND, *LONG.desks)}


def keep_venture(db: apsw.Connection, fact: Fact) -> None:
    """Keep where the venture's workspace is."""
    assert isinstance(fact.event, Begun)
    db.execute("INSERT INTO ventures VALUES (?, ?)", (fact.subject_id, fact.event.workspace))


VENTURES = ReadModel(
    name="ventures",
    schema="CREATE TABLE ventures (id TEXT PRIMARY KEY, workspace TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    projections={"begun_v1": keep_venture},
)


async def ordered(engine: Engine, command: Command, venture_id: str = "", key: str = "") -> Handled:
    """Give *command* to the desk that takes it."""
    (found,) = [(process, desk) for process, desks in DESKS.items() for desk in desks if desk.command is type(command)]
    process, desk = found
    meta = Meta(correlation_id="request-1")
    return await engine.handle(
        Order(process=process, desk=desk, command=command, subject_id=venture_id, meta=meta, key=key, fingerprint=b"1")
    )


async def errands_open(engine: Engine, workspace: str = "") -> str:
    """Return the id of a venture that takes errands."""
    began = await ordered(engine, Begin(workspace=workspace))
    venture_id: str = json.loads(began.body)["id"]
    await ordered(engine, Start(), venture_id)
    return venture_id
