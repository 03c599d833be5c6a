"""Makes a program smaller, as long as the daemon and the model still do not agree on it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.domain_model_programs import Batch, Program, Step

Fails = Callable[[Program], bool]


def smaller(program: Program, fails: Fails, *, seconds: float) -> Program:
    """Return a part of *program* that fails, too: first without batches, then without steps in them.

    Clients that ask at once are not always served in the same order, so that what has not failed may have failed
    another time; what is returned has failed.
    """
    until = time.monotonic() + seconds
    while True:
        for part in _parts(program):
            if time.monotonic() > until:
                return program
            if fails(part):
                program = part
                break
        else:
            return program


def _parts(program: Program) -> list[Program]:
    """Return what is a little less than *program*, the least first."""
    halves = [program[: len(program) // 2]] if len(program) > 1 else []
    without_a_batch = [(*program[:at], *program[at + 1 :]) for at in reversed(range(len(program)))]
    without_a_step = [
        (*program[:at], batch._replace(steps=steps), *program[at + 1 :])
        for at, batch in enumerate(program)
        if len(batch.steps) > 1
        for steps in (batch.steps[: len(batch.steps) // 2], batch.steps[len(batch.steps) // 2 :])
    ]
    return [*halves, *without_a_batch, *without_a_step]


def as_text(program: Program) -> str:
    """Return *program* for a person to read, and to paste into a test."""
    return "".join(f"  {_batch(batch)}\n" for batch in program)


def _batch(batch: Batch) -> str:
    return f"{batch.kind}: " + ", ".join(_step(step) for step in batch.steps)


def _step(step: Step) -> str:
    more = {name: value for name, value in step._asdict().items() if value != step._field_defaults.get(name, value)}
    return f"{step.process}[{step.number}].{step.verb or 'new'}({step.body}{f' {more}' if more else ''})"
