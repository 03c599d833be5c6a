"""``hecate watch`` on a terminal: what is drawn, its keys, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte

from hecate.client import Client
from hecate.client.answers import RecordedEvent
from hecate.daemon.cli.live_screen.event_line import event_line, is_of
from tests.daemon.child import Child, child_environment
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import CTRL_C, Terminal
from tests.serving import serving


class Watched:
    """The command on a terminal, and what a person sees there."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._screen = pyte.Screen(120, 40)
        self._stream = pyte.Stream(self._screen)
        self._drawn = 0

    @property
    def lines(self) -> list[str]:
        """The lines of the screen as it is now."""
        self._stream.feed(self.terminal.seen[self._drawn :])
        self._drawn = len(self.terminal.seen)
        return [line.rstrip() for line in self._screen.display]

    def resize(self, rows: int, columns: int) -> None:
        """Make the terminal so large."""
        self._screen.resize(rows, columns)
        self.terminal.resize(rows, columns)

    def shows(self, *texts: str) -> None:
        """Wait until all *texts* are on the screen."""
        self.terminal.read_until(lambda: all(text in "\n".join(self.lines) for text in texts), f"all of {texts}")

    def hides(self, text: str) -> None:
        """Wait until *text* is on the screen no more."""
        self.terminal.read_until(lambda: text not in "\n".join(self.lines), f"without {text!r}")


@contextmanager
def watching(socket: Path, *words: str) -> Iterator[Watched]:
    """Run ``hecate watch`` for the daemon at *socket*."""
    with Terminal("watch", *words, environ={"HECATE_SOCKET": str(socket)}) as terminal:
        yield Watched(terminal)


def a_shop(client: Client, *names: str) -> list[str]:
    """Set up a venture with divisions of *names*, and return their ids."""
    venture = client.set_up_venture("shop").id
    client.discovery_command(venture, "start")
    return [
        str(client.discovery_command(venture, "discover", {"division_name": name}).events[0].data["division_id"])
        for name in names
    ]


def test_it_shows_what_happens_takes_keys_and_ends_with_q(place: Path) -> None:
    """Events as they come, those of one division alone, and held still."""
    with serving(place) as daemon, Client(daemon.socket_path) as client:
        catalog, orders = a_shop(client, "catalog", "orders")
        with watching(daemon.socket_path, "shop") as watched:
            watched.shows("DIVISION", "catalog", "orders", "· design", "division_discovered_v1", "Quit")
            watched.shows("  shop          venture_setup_v1  ")
            client.division_command(orders, "design", "start")
            watched.shows("▶ design", "design_started_v1")
            watched.terminal.type(b"\r")
            watched.shows("only catalog")
            watched.hides("design_started_v1")
            watched.terminal.type(b"\x1b")
            watched.shows("design_started_v1")
            watched.terminal.type(b"p")
            watched.shows("held still")
            client.division_command(catalog, "design", "start")
            client.division_command(catalog, "design", "pause")
            watched.shows("‖ design")
            assert "design_paused_v1" not in "\n".join(watched.lines)
            watched.terminal.type(b"p")
            watched.shows("design_paused_v1")
            watched.terminal.type(b"q")
            assert watched.terminal.end() == 0


def test_it_is_drawn_anew_on_a_terminal_of_another_size(place: Path) -> None:
    """From the first line to the footer on the last."""
    with serving(place) as daemon, Client(daemon.socket_path) as client:
        a_shop(client, "catalog", "orders")
        with watching(daemon.socket_path, "shop") as watched:
            watched.shows("catalog", "Quit")
            for rows, columns in ((20, 60), (30, 100)):
                watched.resize(rows, columns)
                # What is left of the old size has its footer on the last line, but not its first line on the first.
                watched.terminal.read_until(
                    lambda rows=rows: "Hecate" in watched.lines[0] and "Quit" in watched.lines[rows - 1],  # type: ignore[misc]
                    "a footer on the last line",
                )
                watched.shows("catalog")
            watched.terminal.type(b"q")
            assert watched.terminal.end() == 0


def test_ctrl_c_gives_the_terminal_back(place: Path) -> None:
    """With the exit code of every command that is ended so: the other screen is left, the cursor is there."""
    with serving(place) as daemon, watching(daemon.socket_path) as watched:
        watched.shows("VENTURE", "Quit")
        watched.terminal.type(CTRL_C)
        assert watched.terminal.end() == 130
        assert "\x1b[?1049l" in watched.terminal.seen
        assert watched.terminal.seen.rindex("\x1b[?25h") > watched.terminal.seen.rindex("\x1b[?25l")
        assert "Traceback" not in watched.terminal.seen


def test_a_daemon_that_is_started_again_is_waited_for(place: Path) -> None:
    """It says that the daemon is away, and how to start it; nothing is missed."""
    with serving(place) as daemon:
        with Client(daemon.socket_path) as client:
            a_shop(client, "catalog")
        with watching(daemon.socket_path) as watched:
            watched.shows("catalog")
            _end(daemon)
            watched.shows("the daemon is not running: `hecate serve`")
            with serving(place) as again, Client(again.socket_path) as client:
                client.set_up_venture("second shop")
                watched.shows("name=second shop")
                watched.hides("not running")


def test_without_a_terminal_it_names_what_scripts_take(hecate: Hecate) -> None:
    """It is a usage error, told in a sentence."""
    assert "hecate events --follow --json" in hecate("watch", exit_code=2).output


def test_without_textual_it_names_the_extra() -> None:
    """As after a plain `pip install hecate`."""
    code = (
        "import sys; sys.modules['textual'] = None; sys.stdout.isatty = lambda: True\n"
        "from hecate.daemon.cli import CLI; CLI(['watch'], prog_name='hecate')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "hecate[watch]" in ran.stderr


def test_help_does_not_load_textual() -> None:
    """Which takes longer than all the rest."""
    code = (
        "import sys; from hecate.daemon.cli import CLI\n"
        "try: CLI(['--help'], prog_name='hecate')\n"
        "finally: print('textual' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert ran.stdout.endswith("False\n")


def test_an_event_is_a_line_that_cannot_steer_the_terminal() -> None:
    """With the name of the division that it is of."""
    data = {"division_name": "cat\x1b[2J", "reason": "one\ntwo", "nothing": None}
    event = RecordedEvent(7, "design-div-1", 1, "design_paused_v1", data, "2026-11-25T10:00:00.000Z")
    line = event_line(event, {"div-1": "catalog"}).plain
    assert line[8:] == "  catalog       design_paused_v1  division_name=cat[2J reason=one …"
    assert is_of(event, "div-1")
    assert not is_of(event, "div-2")


def _end(daemon: Child) -> None:
    os.kill(daemon.process.pid, signal.SIGTERM)
    daemon.end()
