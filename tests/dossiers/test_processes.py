"""The read model of all processes: where each stands, as it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.dossiers.dossier import Progress
from hecate.dossiers.engine import Engine
from hecate.dossiers.lifecycle import Archive, Complete, Pause, Resume, Start
from hecate.dossiers.messages import Command
from hecate.dossiers.process import Process
from hecate.dossiers.processes import actions_in, process_view, progress_in
from tests.dossiers.shelf import DESKS, FILL_SHELF, LEND_SHELF, OPEN_SHELF, PutBook, carry_out, new_shelf, order

NOON = 1_770_717_600_000


def standing(engine: Engine, shelf_id: str, process: Process = FILL_SHELF) -> tuple[Progress, int]:
    """Return what is kept of a shelf's process."""
    return engine.store.read_from_thread(lambda db: progress_in(db, process, shelf_id)).result(10)


def test_a_process_without_events_is_pending(engine: Engine) -> None:
    """At version 0, whether its subject is known or not."""
    for shelf_id in (new_shelf(engine, filling=False), "v-unknown"):
        progress, version = standing(engine, shelf_id)
        assert (progress.state, progress.iteration, version) == ("pending", 0, 0)


def test_it_follows_the_lifecycle_and_counts_every_event(engine: Engine) -> None:
    """The state is the lifecycle's, the version is the dossier's, after each command."""
    shelf_id = new_shelf(engine)
    commands: list[tuple[Command, str]] = [
        (PutBook("Emma", copies=3), "active"),
        (Pause(reason="rain"), "paused"),
        (Resume(), "active"),
        (Complete(), "completed"),
        (Archive(reason="full"), "archived"),
    ]
    version, progress = 1, Progress()
    for command, state in commands:
        carry_out(engine, order(FILL_SHELF, command, shelf_id))
        version += 3 if isinstance(command, PutBook) else 1
        progress, kept = standing(engine, shelf_id)
        assert (progress.state, kept) == (state, version)
        assert progress.pause_reason == ("rain" if state == "paused" else None)
    assert None not in (progress.started_at, progress.completed_at, progress.archived_at)
    assert standing(engine, shelf_id, LEND_SHELF)[1] == 0
    assert standing(engine, shelf_id, OPEN_SHELF)[0].state == "open"


def test_a_restart_is_the_next_iteration(engine: Engine) -> None:
    """What was completed is not any more."""
    shelf_id = new_shelf(engine)
    carry_out(engine, *(order(LEND_SHELF, command, shelf_id) for command in (Start(), Complete(), Start())))
    progress, version = standing(engine, shelf_id, LEND_SHELF)
    assert (progress.state, progress.iteration, progress.completed_at, version) == ("active", 2, None, 3)


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("pending", ["start"]),
        ("active", ["book", "stumble", "pause", "complete", "archive"]),
        ("paused", ["resume", "archive"]),
        ("completed", ["archive"]),
        ("archived", []),
    ],
)
def test_actions_are_those_of_the_desks(state: str, actions: list[str]) -> None:
    """In the order of the desks."""
    assert actions_in(DESKS[FILL_SHELF], state) == actions


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (Progress(), {"state": "pending", "status": 0, "status_label": "pending", "iteration": 0, "started_at": None}),
        (
            Progress("paused", 2, NOON, NOON + 1000, "rain"),
            {
                "state": "paused",
                "status": 5,
                "iteration": 2,
                "started_at": "2026-02-10T10:00:00Z",
                "paused_at": "2026-02-10T10:00:01Z",
                "pause_reason": "rain",
                "completed_at": None,
                "available_actions": ["resume", "archive"],
                "version": 7,
                "name": "fill_shelf",
            },
        ),
        (Progress("active", 1, NOON), {"status": 3}),
        (Progress("completed", 1, NOON, completed_at=NOON), {"status": 9, "completed_at": "2026-02-10T10:00:00Z"}),
        (Progress("archived", 1, NOON, archived_at=NOON), {"status": 17, "archived_at": "2026-02-10T10:00:00Z"}),
    ],
)
def test_a_process_as_answers_show_it(progress: Progress, shown: dict[str, Any]) -> None:
    """Bits and label of the state, times as RFC 3339, and what a client may do next."""
    view = process_view(FILL_SHELF, DESKS[FILL_SHELF], progress, 7)
    assert {name: view[name] for name in shown} == shown
