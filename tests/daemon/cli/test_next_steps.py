"""Next steps: what is urgent comes first, and each is a command for the state that there is."""

from __future__ import annotations

import pytest

from hecate.client import PROCESSES
from hecate.client.model_answers import Provider, ProviderHealth
from hecate.client.views import Board, DivisionOnBoard, OpenIncident, ProcessOnBoard
from hecate.daemon.cli.next_steps import MOST_STEPS, next_steps

HEALTHY = Provider("ollama", "ollama", "http://localhost", "default", has_key=False, health=ProviderHealth("healthy"))


def division(process: str, state: str, *, incidents: tuple[OpenIncident, ...] = (), **states: str) -> DivisionOnBoard:
    """Return a division that is at *process*; others are pending but for *states*."""
    all_states = dict.fromkeys(PROCESSES, "pending") | states | {process: state}
    return DivisionOnBoard(
        division_id="div-1",
        name="cat",
        process=f"{process}_division",
        state=state,
        health="unknown",
        processes={f"{name}_division": ProcessOnBoard(state) for name, state in all_states.items()},
        open_incidents=incidents,
        open_incident_count=len(incidents),
    )


def commands(*divisions: DivisionOnBoard) -> list[str]:
    """Return the command lines for a venture with *divisions* and a provider that is well."""
    return [step.command for step in next_steps([Board("v-1", "shop", 1, divisions)], [HEALTHY])]


@pytest.mark.parametrize(
    ("at", "command"),
    [
        (division("design", "pending"), "hecate division start shop/cat design"),
        (division("design", "active"), "hecate division do shop/cat design"),
        (division("plan", "paused"), "hecate division resume shop/cat plan"),
        (division("plan", "completed", design="completed"), "hecate division start shop/cat generate"),
        (division("test", "completed", deploy="completed"), "hecate division start shop/cat monitor"),
    ],
)
def test_a_division_goes_on_where_it_stands(at: DivisionOnBoard, command: str) -> None:
    """With the command that its state takes; after a completed process comes the next that is not begun."""
    assert commands(at) == [command]


@pytest.mark.parametrize("at", [division("monitor", "completed"), division("rescue", "completed")])
def test_a_rescue_is_no_next_step_by_itself(at: DivisionOnBoard) -> None:
    """It is begun by an incident."""
    assert commands(at) == []


def test_an_incident_comes_first() -> None:
    """Whatever else there is to do."""
    incident = OpenIncident(title="no answer", severity="sev1", incident_id="inc-7")
    steps = commands(division("design", "pending"), division("monitor", "active", incidents=(incident,)))
    assert steps[0] == "hecate division do shop/cat rescue/diagnose incident_id=inc-7"
    assert "hecate division start shop/cat design" in steps


def test_names_are_quoted_for_the_shell_and_there_are_few() -> None:
    """A venture may be called anything, and a hundred divisions are not a hundred steps."""
    board = Board("v-1", "my shop; rm -rf", 1, tuple(division("design", "pending") for _ in range(100)))
    steps = next_steps([board], [HEALTHY])
    assert steps[0].command == "hecate division start 'my shop; rm -rf/cat' design"
    assert len(steps) == MOST_STEPS
