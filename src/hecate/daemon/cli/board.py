"""``hecate board``: a venture at a glance."""

from __future__ import annotations

from collections.abc import Iterator

import click

from hecate.client import PROCESSES, Client
from hecate.client.views import Board, DivisionOnBoard, board as board_of
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.output import COLOURS, printable
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.watching import positions_after

SIGNS = {"pending": "·", "active": "▶", "paused": "‖", "completed": "✓", "archived": "✗"}
"""The states of a process, where seven of them stand side by side."""
LEGEND = f"{', '.join(f'{sign} {state}' for state, sign in SIGNS.items())}; ALL: {', '.join(PROCESSES)}"
COLUMNS = ("DIVISION", "NOW", "ALL", "HEALTH", "INCIDENTS", "TESTS", "LIVE")


@command("board", examples=("hecate board my-saas", "hecate board my-saas --watch", "hecate board my-saas --json"))
@venture_argument()
@click.option("--watch", "-w", is_flag=True, help="Show it anew whenever something happens, until Ctrl-C.")
@click.pass_obj
def board(session: Session, *, venture: str, watch: bool) -> None:
    """Show a venture at a glance: how each of its divisions stands.

    Of each: its processes, health, open incidents, last test and live release.  In a pipe each division is a line with
    the seven states at its end; with --json each board is a line.
    """
    with session.client() as client:
        boards = _boards(session, client, venture_id(client, venture), watch=watch)
        if watch and session.output.for_people and not session.as_json:
            _show_live(session, boards)
            return
        for one in boards:
            if not session.as_json:
                _print(session, one)


def _boards(session: Session, client: Client, id_: str, *, watch: bool) -> Iterator[Board]:
    """Yield the board, and with *watch* each one after it; as JSON they are printed at once."""
    shown = _fetched(session, client, id_)
    yield shown
    if watch:
        for position in positions_after(client, id_, shown.position):
            # What happens together is one change.
            if position > shown.position:
                shown = _fetched(session, client, id_)
                yield shown


def _fetched(session: Session, client: Client, id_: str) -> Board:
    fetched = client.fetch(board_of(id_))
    if session.as_json:
        session.output.raw(fetched.raw)
    return fetched.value


def _print(session: Session, shown: Board) -> None:
    output = session.output
    cells = cells_for_people if output.for_people else _for_pipes
    output.table(COLUMNS, [cells(division) for division in shown.divisions], if_empty="no division is discovered yet")
    if output.for_people and shown.divisions:
        output.note(LEGEND)


def _show_live(session: Session, boards: Iterator[Board]) -> None:
    """Draw each board in the place of the one before."""
    # rich takes longer to import than most commands to run.
    from rich.console import Console, Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(no_color=session.colour is False, highlight=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for shown in boards:
            table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
            for division in shown.divisions:
                table.add_row(
                    *(Text(printable(cell), style=COLOURS.get(cell, "")) for cell in cells_for_people(division))
                )
            live.update(Group(table, Text(LEGEND, style="bright_black")), refresh=True)


def cells_for_people(division: DivisionOnBoard) -> tuple[str, ...]:
    """Return what `COLUMNS` show of a division."""
    now = f"{SIGNS.get(division.state, division.state)} {division.process.removesuffix('_division')}"
    every = "".join(SIGNS.get(state, "?") for state in _states(division))
    return (division.name, now, every, *_findings(division))


def _for_pipes(division: DivisionOnBoard) -> tuple[str, ...]:
    process = division.process.removesuffix("_division")
    return (division.name, process, division.state, *_findings(division), *_states(division))


def _findings(division: DivisionOnBoard) -> tuple[str, ...]:
    live = division.live_release.version if division.live_release else ""
    return (division.health, _incidents(division), _tests(division), live)


def _incidents(division: DivisionOnBoard) -> str:
    if not division.open_incidents:
        return ""
    worst = division.open_incidents[0]
    more = f" and {division.open_incident_count - 1} more" if division.open_incident_count > 1 else ""
    return f"{worst.severity} {worst.title}{more}"


def _tests(division: DivisionOnBoard) -> str:
    test = division.last_test
    if test is None:
        return ""
    return f"{test.outcome} {test.passed}/{test.total}" if test.total else test.outcome


def _states(division: DivisionOnBoard) -> tuple[str, ...]:
    return tuple(division.processes[f"{name}_division"].state for name in PROCESSES)


CLI = board
