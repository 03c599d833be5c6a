"""What a person may want to do next, as command lines that work."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import msgspec

from hecate.client import PROCESSES
from hecate.client.model_answers import Provider
from hecate.client.views import Board, DivisionOnBoard

MOST_STEPS = 5

_NAMES = tuple(PROCESSES)
_VERBS = {"pending": "start", "active": "do", "paused": "resume"}
_PURPOSES = {"pending": "begin with", "active": "go on with", "paused": "go on with"}


class Step(msgspec.Struct, frozen=True):
    """One thing to do."""

    command: str
    purpose: str


def next_steps(boards: Sequence[Board], providers: Sequence[Provider]) -> tuple[Step, ...]:
    """Return the most urgent steps, at most `MOST_STEPS`: incidents, what is in work, what is not yet there."""
    steps = [*_rescues(boards), *_work(boards)]
    if not boards:
        steps.append(Step('hecate venture setup NAME --brief "…"', "set up a first venture"))
    if not any(provider.health.status == "healthy" for provider in providers):
        steps.append(Step("hecate providers add NAME", "add a provider of models; none answers now"))
    elif not boards:
        steps.append(Step('hecate chat "Why is the sky blue?"', "ask a model"))
    return tuple(steps[:MOST_STEPS])


def _rescues(boards: Sequence[Board]) -> Iterator[Step]:
    for board in boards:
        for division in board.divisions:
            for incident in division.open_incidents[:1]:
                path = _path(board, division)
                yield Step(
                    f"hecate division do {path} rescue/diagnose incident_id={incident.incident_id}",
                    f"find the cause of {incident.severity} {incident.title!r}",
                )


def _work(boards: Sequence[Board]) -> Iterator[Step]:
    for board in boards:
        if not board.divisions:
            name = shlex.quote(board.name)
            yield Step(f"hecate venture start-discovery {name}", "begin to discover its divisions")
        for division in board.divisions:
            yield from _work_on(board, division)


def _work_on(board: Board, division: DivisionOnBoard) -> Iterator[Step]:
    name, state = division.process.removesuffix("_division"), division.state
    if state == "completed":
        later = [after for after in _NAMES[_NAMES.index(name) + 1 :] if _state(division, after) == "pending"]
        # A rescue is begun by an incident.
        name, state = (later[0], "pending") if later and later[0] != "rescue" else (name, "completed")
    if state in _VERBS:
        yield Step(
            f"hecate division {_VERBS[state]} {_path(board, division)} {name}",
            f"{_PURPOSES[state]} its {name}",
        )


def _state(division: DivisionOnBoard, name: str) -> str:
    process = division.processes.get(f"{name}_division")
    return process.state if process else "pending"


def _path(board: Board, division: DivisionOnBoard) -> str:
    return shlex.quote(f"{board.name}/{division.name}")
