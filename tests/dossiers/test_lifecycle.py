"""The lifecycle: every command in every state, for a process that runs once and for one that restarts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hecate.dossiers.dossier import Dossier, Progress
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import InvalidState
from hecate.dossiers.lifecycle import (
    LONG,
    RESTARTABLE,
    Archive,
    Archived,
    Complete,
    Completed,
    Pause,
    Paused,
    Resume,
    Resumed,
    Start,
    Started,
    evolve,
)
from hecate.dossiers.messages import Command, Event
from hecate.dossiers.process import Process
from hecate.dossiers.processes import progress_in
from tests.dossiers.shelf import DESKS, FILL_SHELF, LEND_SHELF, READ_MODELS, carry_out, content, new_shelf, order

STATES = ("pending", "active", "paused", "completed", "archived")
COMMANDS: tuple[Command, ...] = (Start(), Pause(reason="rain"), Resume(), Complete(), Archive(reason="full"))
MOVES = {
    (LONG, "pending", Start): "active",
    (LONG, "active", Pause): "paused",
    (LONG, "active", Complete): "completed",
    (LONG, "active", Archive): "archived",
    (LONG, "paused", Resume): "active",
    (LONG, "paused", Archive): "archived",
    (LONG, "completed", Archive): "archived",
}
MOVES |= {(RESTARTABLE, state, command): after for (_, state, command), after in MOVES.items()}
MOVES[RESTARTABLE, "completed", Start] = "active"
"""All that is taken, and where it leads; what is not here is refused."""

PATHS: dict[str, Sequence[Event]] = {
    "pending": (),
    "active": (Started(iteration=1),),
    "paused": (Started(iteration=1), Paused(reason="fog")),
    "completed": (Started(iteration=1), Completed()),
    "archived": (Started(iteration=1), Archived()),
}


def dossier_in(process: Process, state: str) -> Dossier:
    """Return a dossier in *state*."""
    dossier = Dossier(process, "v-1", "v-1")
    for at, event in enumerate(PATHS[state], start=1):
        dossier.record(event, at)
    assert dossier.state == state
    return dossier


@pytest.mark.parametrize("process", [FILL_SHELF, LEND_SHELF], ids=["long", "restartable"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_every_command_in_every_state(process: Process, state: str, command: Command) -> None:
    """It is taken where the table says so, and leads where the table says."""
    (desk,) = [desk for desk in process.lifecycle.desks if desk.command is type(command)]
    after = MOVES.get((process.lifecycle, state, type(command)))
    assert (state in desk.states) == (after is not None)
    if after is None:
        return
    dossier = dossier_in(process, state)
    (event,) = desk.decide(dossier, command)
    assert type(event) in desk.events
    dossier.record(event, 9)
    assert dossier.state == after


@pytest.mark.parametrize("desk", LONG.desks, ids=lambda desk: desk.action)
def test_the_examples_hold(desk: Any) -> None:
    """Given what has happened after the start, the command has the events that the documents show."""
    dossier = dossier_in(FILL_SHELF, "pending" if desk.action == "start" else "active")
    for event in desk.example.given:
        dossier.record(event, 2)
    assert dossier.state in desk.states
    assert tuple(desk.decide(dossier, desk.example.when)) == desk.example.then


def progress_after(*events: Event) -> Progress:
    """Return the progress after *events*, which happened at 10, 20 and so on."""
    progress = Progress()
    for at, event in enumerate(events, start=1):
        evolve(progress, event, at * 10)
    return progress


def test_times_and_reasons_are_those_of_the_state() -> None:
    """A reason is kept until the process goes on or is put away; a restart has not been completed."""
    paused = progress_after(Started(iteration=1), Paused(reason="rain"))
    assert paused == Progress("paused", 1, started_at=10, paused_at=20, pause_reason="rain")
    assert progress_after(Started(iteration=1), Paused()).pause_reason is None
    resumed = progress_after(Started(iteration=1), Paused(reason="rain"), Resumed())
    assert resumed == Progress("active", 1, started_at=10)
    archived = progress_after(Started(iteration=1), Paused(reason="rain"), Archived(reason="full"))
    assert archived == Progress("archived", 1, started_at=10, archived_at=30)
    again = progress_after(Started(iteration=1), Completed(), Started(iteration=2))
    assert again == Progress("active", 2, started_at=30)


def test_every_state_has_its_bits() -> None:
    """INITIATED 1, ACTIVE 2, PAUSED 4, COMPLETED 8, ARCHIVED 16."""
    bits = {"pending": 0, "active": 3, "paused": 5, "completed": 9, "archived": 17}
    for lifecycle in (LONG, RESTARTABLE):
        assert dict(lifecycle.status) == bits
        assert lifecycle.moving == set(lifecycle.events)


class Shelf(RuleBasedStateMachine):
    """Commands in any order on both processes of a shelf, beside a model of a few words.

    Now and then the engine is closed and opened again, or forgets its dossiers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.engine = self.open()
        self.model: dict[str, tuple[str, int, int]] = {}
        """Of each process: its state, its version and its iteration."""

    def open(self) -> Engine:
        """Open the engine."""
        return Engine.open(Path(self.folder.name) / "hecate.db", DESKS, read_models=READ_MODELS, cached_dossiers=2)

    @initialize()
    def begin(self) -> None:
        """Open the shelf."""
        self.shelf_id = new_shelf(self.engine, filling=False)
        self.model = {process.name: ("pending", 0, 0) for process in (FILL_SHELF, LEND_SHELF)}

    @rule(process=st.sampled_from([FILL_SHELF, LEND_SHELF]), command=st.sampled_from(COMMANDS))
    def command(self, process: Process, command: Command) -> None:
        """Give a command: it is taken or refused as the model says, and says what the model knows."""
        state, version, iteration = self.model[process.name]
        after = MOVES.get((process.lifecycle, state, type(command)))
        if after is None:
            with pytest.raises(InvalidState, match=f"it is {state}"):
                carry_out(self.engine, order(process, command, self.shelf_id))
            return
        answer = content(*carry_out(self.engine, order(process, command, self.shelf_id, expected_version=version)))
        self.model[process.name] = (after, version + 1, iteration + isinstance(command, Start))
        assert (answer["state"], answer["version"]) == (after, version + 1)
        assert {action for action in answer["available_actions"] if action not in {"book", "stumble"}} == {
            kind.__name__.lower() for lifecycle, at, kind in MOVES if (lifecycle, at) == (process.lifecycle, after)
        }

    @rule()
    def restart(self) -> None:
        """Close the engine and open it again."""
        self.engine.close()
        self.engine = self.open()

    @rule()
    def crowd_out(self) -> None:
        """Have other shelves take the place of this one's dossiers."""
        for _ in range(2):
            new_shelf(self.engine, filling=False)

    @invariant()
    def the_read_model_agrees(self) -> None:
        """What is kept of each process is what the model says."""
        for process in (FILL_SHELF, LEND_SHELF):
            if process.name in self.model:
                state, version, iteration = self.model[process.name]
                progress, kept = self.engine.store.read_from_thread(
                    lambda db, of=process: progress_in(db, of, self.shelf_id)  # type: ignore[misc]
                ).result(10)
                assert (progress.state, kept, progress.iteration) == (state, version, iteration)

    def teardown(self) -> None:
        """Close it all."""
        self.engine.close()
        self.folder.cleanup()


TestShelf = Shelf.TestCase
TestShelf.settings = settings(max_examples=25, stateful_step_count=30)
