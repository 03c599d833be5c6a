"""Every process of the domain beside a model of its specification, with eight clients and a daemon that is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.child import Child
from tests.faults.conftest import Say
from tests.faults.daemons import serving_from
from tests.faults.domain_model import Divergence
from tests.faults.domain_model_programs import Batch, Program, Ref, Step, program
from tests.faults.domain_model_rig import Rig, Serve, rig
from tests.faults.domain_model_runs import Run
from tests.faults.domain_model_shrinking import as_text, smaller
from tests.faults.domain_model_wrong_daemon import FAULTS
from tests.faults.sizes import LONG, SEED, size
from tests.serving import serving

RUNS = size(50, 250)
"""Of random programs, with each kind of gates; the short form does as many as there is time for."""
SECONDS = size(4.0, 3000.0)
RUNS_A_DAEMON = 25
BATCHES = 14
SECONDS_TO_SHRINK = size(30.0, 300.0)
WRONG_DAEMON = Path(__file__).with_name("domain_model_wrong_daemon.py")


@contextmanager
def lenient(folder: Path) -> Iterator[Child]:
    """Serve as it is done by default: the order of the processes is advice."""
    with serving(folder) as child:
        yield child


@contextmanager
def strict(folder: Path) -> Iterator[Child]:
    """Serve with strict gates."""
    with serving(folder, configuration='[lifecycle]\ngates = "strict"\n') as child:
        yield child


def diverges(serve: Serve, program: Program, seed: int, *, is_strict: bool = False, times: int = 2) -> str:
    """Return how a new daemon and the model do not agree on *program*, empty if they do."""
    for _ in range(times):
        with rig(serve) as opened:
            try:
                Run(opened, seed, strict=is_strict)(program)
            except Divergence as divergence:
                return str(divergence)
    return ""


@pytest.mark.timeout(size(120, 4000))
@pytest.mark.parametrize("serve", [lenient, strict])
def test_the_daemon_does_what_the_model_does(serve: Serve, say: Say) -> None:
    """Whatever is asked, in whichever order, and whenever it is killed; what fails is told as small as it can be."""
    until = time.monotonic() + SECONDS
    runs, calls, kills = 0, 0, 0
    while runs < RUNS and time.monotonic() < until:
        with rig(serve) as opened:
            for _ in range(RUNS_A_DAEMON):
                runs += 1
                calls += one_run(opened, serve, SEED * 1000 + runs)
                if time.monotonic() > until:
                    break
            kills += opened.kills
    say(f"{runs} runs, {calls} commands, {kills} kills")


def one_run(opened: Rig, serve: Serve, seed: int) -> int:
    """Run the program of *seed*, and return how many commands it had."""
    whole, is_strict = program(seed, batches=BATCHES), serve is strict
    run = Run(opened, seed, strict=is_strict)
    try:
        run(whole)
    except Divergence as divergence:
        again = partial(diverges, serve, seed=seed, is_strict=is_strict, times=2)
        found = smaller(whole, lambda part: bool(again(part)), seconds=SECONDS_TO_SHRINK)
        pytest.fail(f"seed {seed}: {divergence}\n{as_text(found)}")
    return run.calls


# -- the model notices


def together(*steps: Step) -> Batch:
    """Return a batch of what is asked at once."""
    return Batch("together", steps)


def one_after_the_other(process: str, *commands: str, **fields: Any) -> Program:
    """Return the commands of the first division's *process*, all with the same *fields*."""
    return tuple(together(Step(process, command, 0, fields)) for command in commands)


def status(said: str, **fields: Any) -> Batch:
    """Return what says how the first check stands."""
    return together(Step("monitor", "status", 0, {"check_id": Ref("check", 0), "status": said, **fields}))


BEGUN: Program = (
    together(Step("setup", "", 0, {"name": "one"})),
    together(Step("discovery", "start", 0, {})),
    together(Step("discovery", "discover", 0, {"division_name": "auth"})),
)
MONITORED: Program = (
    *BEGUN,
    *one_after_the_other("monitor", "start"),
    together(
        Step(
            "monitor",
            "check",
            0,
            {"name": "api", "target": "http://127.0.0.1:1/", "interval_seconds": 86_400, "failure_threshold": 99},
        )
    ),
)
SHOWN_BY: dict[str, Program] = {
    "complete_paused": (*BEGUN, *one_after_the_other("test", "start", "pause", "complete")),
    "let_all_win": (*BEGUN, Batch("contest", (Step("test", "start", 0, {}),))),
    "forget_keys": (*BEGUN, Batch("contest", (Step("setup", "", 0, {"name": "two"}, key=1),))),
    "give_names_twice": (*BEGUN, together(Step("discovery", "discover", 0, {"division_name": "auth"}))),
    "close_cycles": (
        *BEGUN,
        *one_after_the_other("plan", "start"),
        together(*(Step("plan", "desk", 0, {"desk_name": name}) for name in "ab")),
        *(together(Step("plan", "dependency", 0, {"from_desk": a, "to_desk": b})) for a, b in ("ab", "ba")),
    ),
    "forget_escalations": (
        *BEGUN,
        *one_after_the_other("design", "start", "complete"),
        *one_after_the_other("rescue", "start"),
        *one_after_the_other("rescue", "escalate", reason="too slow"),
        *one_after_the_other("design", "start"),
    ),
    "leave_rescues": (
        *BEGUN,
        *one_after_the_other("monitor", "start"),
        *one_after_the_other("monitor", "incident", title="down", severity="sev1"),
    ),
    "leave_incidents_open": (*MONITORED, status("unhealthy", failures_in_a_row=100), status("healthy")),
}
"""What shows each fault in the fewest words; random programs do, too, in time."""


@pytest.mark.timeout(size(60, 1800))
@pytest.mark.parametrize("fault", size(["complete_paused", "let_all_win", "forget_keys"], list(FAULTS)))
def test_a_wrong_daemon_is_found_out(fault: str, say: Say) -> None:
    """With one rule broken it does not do what the model does; the long form finds the program for that itself."""

    @contextmanager
    def wrong(folder: Path) -> Iterator[Child]:
        with serving_from(folder, (WRONG_DAEMON, fault)) as child:
            yield child

    assert diverges(wrong, SHOWN_BY[fault], 0, times=1)
    if LONG:
        found = (seed for seed in range(200) if diverges(wrong, program(seed, batches=3 * BATCHES), seed, times=1))
        shown_by = next(found, None)
        assert shown_by is not None
        say(f"shown by random program {shown_by}")


def test_the_right_daemon_does_all_of_it() -> None:
    """So that it is the fault that is found, and not the program."""
    with rig(lenient) as opened:
        for seed, right in enumerate(SHOWN_BY.values()):
            Run(opened, seed, strict=False)(right)
