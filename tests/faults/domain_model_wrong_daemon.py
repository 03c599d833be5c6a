"""``hecate`` with one rule of the domain broken, so that the model can show that it would be noticed.

``python domain_model_wrong_daemon.py FAULT ARGUMENT…``: the arguments are those of ``hecate``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hecate.daemon.cli import main
from hecate.discover_divisions import discover_division
from hecate.dossiers import lifecycle, processes
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import Refused
from hecate.monitor_division import record_status
from hecate.plan_division import plan_dependency
from hecate.rescue_division import on_incident_raised_maybe_start_rescue


def _change(of: Any, name: str, value: Any) -> None:
    # What is no class or module is frozen.
    (setattr if isinstance(of, (type, ModuleType)) else object.__setattr__)(of, name, value)


def close_cycles() -> None:
    """A dependency may close a cycle."""
    _change(plan_dependency, "path_between", lambda *_: [])


def complete_paused() -> None:
    """A paused process may be completed."""
    (desk,) = [desk for desk in lifecycle.DESKS if desk.path == "complete"]
    _change(desk, "states", frozenset({"active", "paused"}))


def give_names_twice() -> None:
    """A division's name need not be new."""
    decide = discover_division.DESK.decide

    def lenient(dossier: Any, command: Any) -> Any:
        try:
            return decide(dossier, command)
        except Refused:
            return [
                discover_division.DivisionDiscovered(
                    division_id=dossier.new_id("div"),
                    division_name=command.division_name,
                    description=command.description,
                    rationale=command.rationale,
                )
            ]

    _change(discover_division.DESK, "decide", lenient)


def let_all_win() -> None:
    """Neither the state nor the version that is expected is looked at."""
    _change(Engine, "_check", lambda *_: None)


def forget_keys() -> None:
    """What was answered under an idempotency key is not kept."""
    _change(Engine, "_keep_answer", staticmethod(lambda *_: None))


def forget_escalations() -> None:
    """An escalation opens nothing again."""
    kept = {name: keep for name, keep in processes.READ_MODEL.projections.items() if name != processes.REDESIGN}
    _change(processes.READ_MODEL, "projections", kept)


def leave_rescues() -> None:
    """No incident starts a rescue."""
    _change(on_incident_raised_maybe_start_rescue.POLICY, "react", lambda *_: None)


def leave_incidents_open() -> None:
    """What passes again leaves its incident open."""
    _change(record_status, "open_incident", lambda *_, **__: None)


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        close_cycles,
        complete_paused,
        give_names_twice,
        let_all_win,
        forget_keys,
        forget_escalations,
        leave_rescues,
        leave_incidents_open,
    )
}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    main()
