"""What ``hecate watch`` draws: the board above, the events below, and a line that says how it stands."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, RichLog, Static

from hecate.client import AsyncClient, HecateClientError, Selection
from hecate.client.answers import RecordedEvent
from hecate.client.errors import AnswerBroken, DaemonUnreachable, Unavailable
from hecate.client.views import Board, board as board_of
from hecate.daemon.cli.board import COLUMNS, cells_for_people
from hecate.daemon.cli.live_screen.event_line import event_line, is_of
from hecate.daemon.cli.output import COLOURS, one_line

MOST_VENTURES = 50
EVENTS_BEFORE = 100
"""How many of the last events it begins with."""
MOST_EVENTS = 2000
"""How many can be scrolled back to."""
REST_SECONDS = 0.2
"""Between two looks at the board: what happens together is one change."""
AWAY_SECONDS = 1.0
"""Between two tries to reach a daemon that is away."""


class WatchScreen(App[None]):
    """The whole terminal, until a key ends it.

    Args:
        socket_path: The daemon's.
        venture_id: The one venture to show; None shows all.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #board { height: 50%; }
    #events { height: 1fr; border-top: solid ansi_bright_black; }
    #events:focus { border-top: solid ansi_green; }
    #state { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True),
        Binding("tab", "focus_next", "Board/events"),
        Binding("enter", "choose", "Only this division", priority=True),
        Binding("escape", "choose_all", "All"),
        Binding("p", "hold", "Hold/go on"),
    ]

    def __init__(self, socket_path: str, venture_id: str | None) -> None:
        super().__init__(ansi_color=True)
        self.failed: HecateClientError | None = None
        """Why it has ended, if not by a key."""
        self.interrupted = False
        self._socket_path = socket_path
        self._venture_id = venture_id
        self._events: deque[RecordedEvent] = deque(maxlen=MOST_EVENTS)
        self._names: dict[str, str] = {}
        """Of ventures and divisions, by id."""
        self._chosen: str | None = None
        self._held = False
        self._daemon = ""
        self._changed = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="state")
        yield DataTable[Text](id="board", cursor_type="row", zebra_stripes=False)
        yield RichLog(id="events", max_lines=MOST_EVENTS, wrap=False, auto_scroll=True)
        yield Footer()

    def on_mount(self) -> None:
        """Begin to follow the daemon."""
        self._board.add_columns("VENTURE", *COLUMNS)
        self._board.focus()
        self._show_state()
        self.run_worker(self._follow())
        self.run_worker(self._look())

    # Keys

    def action_interrupt(self) -> None:
        """End, as Ctrl-C ends every command."""
        self.interrupted = True
        self.exit()

    def action_choose(self) -> None:
        """Show only the events of the division that the cursor is on."""
        if self._board.has_focus and self._board.row_count:
            key, _ = self._board.coordinate_to_cell_key(self._board.cursor_coordinate)
            self._show_only(key.value)

    def action_choose_all(self) -> None:
        """Show the events of all divisions again."""
        self._show_only(None)

    def action_hold(self) -> None:
        """Hold the events still, or go on with all that came meanwhile."""
        self._held = not self._held
        self._write_events()

    # What is shown

    @property
    def _board(self) -> DataTable[Text]:
        return self.query_one("#board", DataTable)

    @property
    def _lines(self) -> RichLog:
        return self.query_one("#events", RichLog)

    def _show_only(self, division_id: str | None) -> None:
        self._chosen = division_id
        self._write_events()

    def _write_events(self) -> None:
        self._show_state()
        if not self._held:
            self._lines.clear()
            for event in self._events:
                self._write(event)

    def _write(self, event: RecordedEvent) -> None:
        if self._chosen is None or is_of(event, self._chosen):
            self._lines.write(event_line(event, self._names))

    def _show_state(self) -> None:
        only = "" if self._chosen is None else f"   only {self._names.get(self._chosen, self._chosen)}"
        held = "   held still: p goes on" if self._held else ""
        self.query_one("#state", Static).update(Text(one_line(f"Hecate  {self._daemon}{only}{held}"), style="bold"))

    def _show_boards(self, boards: list[Board]) -> None:
        table, row, known = self._board, self._board.cursor_row, len(self._names)
        table.clear()
        for board in boards:
            self._names[board.venture_id] = one_line(board.name)
            for division in board.divisions:
                self._names[division.division_id] = one_line(division.name)
                cells = (board.name, *cells_for_people(division))
                drawn = (Text(one_line(cell), style=COLOURS.get(cell, "")) for cell in cells)
                table.add_row(*drawn, key=division.division_id)
        table.move_cursor(row=row)
        if len(self._names) > known:
            # Their lines may stand there with ids.
            self._write_events()

    # The daemon

    async def _look(self) -> None:
        """Show the boards anew whenever something has happened."""
        async with AsyncClient(self._socket_path) as client:
            while True:
                try:
                    self._show_boards(
                        [(await client.fetch(board_of(id_))).value for id_ in await self._ventures(client)]
                    )
                    await self._changed.wait()
                    await asyncio.sleep(REST_SECONDS)
                    self._changed.clear()
                except (DaemonUnreachable, Unavailable, AnswerBroken):
                    await asyncio.sleep(AWAY_SECONDS)
                except HecateClientError as error:
                    self._fail(error)
                    return

    async def _ventures(self, client: AsyncClient) -> list[str]:
        if self._venture_id is not None:
            return [self._venture_id]
        return [venture.id for venture in (await client.ventures(limit=MOST_VENTURES)).ventures]

    async def _follow(self) -> None:
        """Take each event as it happens; a daemon that is away is waited for, and nothing of it is missed."""
        position: int | None = None
        async with AsyncClient(self._socket_path) as client:
            while True:
                try:
                    health = await client.health()
                    self._say(f"{health.version}   {self._socket_path}")
                    if position is None:
                        position = max(0, health.events - EVENTS_BEFORE)
                    selection = Selection(after=position, venture_id=self._venture_id)
                    async with client.follow_events(selection, patience_seconds=0) as events:
                        async for event in events:
                            position = event.position
                            self._take(event)
                except (DaemonUnreachable, Unavailable, AnswerBroken) as error:
                    self._say(error.message)
                    await asyncio.sleep(AWAY_SECONDS)
                except HecateClientError as error:
                    self._fail(error)
                    return

    def _take(self, event: RecordedEvent) -> None:
        self._events.append(event)
        self._changed.set()
        if not self._held:
            self._write(event)

    def _say(self, text: str) -> None:
        self._daemon = text
        self._show_state()

    def _fail(self, error: HecateClientError) -> None:
        self.failed = error
        self.exit()
