"""``hecate division show``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from hecate.client import Client, questions
from hecate.client.client import PAGE_SIZE
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import division_argument, division_id, process_argument
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.values import in_short, spread


@command("show", examples=("hecate division show auth", "hecate division show my-saas/auth design"))
@division_argument()
@process_argument(required=False)
@click.pass_obj
def show(session: Session, division: str, process: str | None) -> None:
    """Show a division, or what one of its processes has made."""
    with session.client() as client:
        found = division_id(client, division)
        if process is None:
            _show_division(session, client, found)
        else:
            _show_process(session, client, found, process)


def _show_division(session: Session, client: Client, division_id: str) -> None:
    division = session.show(client, questions.division(division_id))
    if division is None:
        return
    session.output.details(
        {
            "name": division.name,
            "id": division.id,
            "venture": division.venture_id,
            "description": division.description,
            "rationale": division.rationale,
            "health": division.health,
        }
    )
    session.output.gap()
    session.output.table(
        ("PROCESS", "STATE", "ITERATION", "NEXT"),
        [
            (name, state.state, state.iteration or None, ", ".join(state.available_actions))
            for name, state in division.processes.items()
        ],
        if_empty="it has no processes",
    )


def _show_process(session: Session, client: Client, division_id: str, process: str) -> None:
    view = session.show(client, questions.process(division_id, process, limit=PAGE_SIZE, after=None))
    if view is None:
        return
    state = view.process
    session.output.details(
        {
            "process": process,
            "state": state.state,
            "reason": state.pause_reason,
            "iteration": state.iteration or None,
            "started": state.started_at,
            "completed": state.completed_at,
            "next": ", ".join(state.available_actions),
            **spread(view.besides),
        }
    )
    session.output.gap()
    session.output.table(
        ("KIND", "NAME", "ID", "DETAILS"), [_row(item) for item in view.items], if_empty="it has made nothing yet"
    )
    if view.next is not None:
        session.output.note("there is more: --json, or GET the rest with `after`")


def _row(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return an item's kind, name, id, and the rest as ``field=value``."""
    fields = {name: value for name, value in item.items() if name not in {"position", "recorded_at"}}
    kind = fields.pop("kind", "")
    own_id = fields.pop("id", "")
    fields.pop(f"{kind}_id", None)
    name = fields.pop(f"{kind}_name", None) or fields.pop("name", None)
    details = "  ".join(f"{field}={in_short(value)}" for field, value in fields.items() if in_short(value))
    return kind, name, own_id, details


CLI = show
