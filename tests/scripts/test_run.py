"""`make run` on a real terminal, with a stand-in for the daemon that tells which signal ended it."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CTRL_C = b"\x03"
CTRL_Z = b"\x1a"
DEADLINE_SECONDS = 20

DAEMON = f"""#!{sys.executable}
import signal, sys
def end(number, frame):
    print("ended by", signal.Signals(number).name, flush=True)
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, end)
print("serving", *sys.argv[1:], flush=True)
while True:
    signal.pause()
"""


class Terminal:
    """A terminal with one foreground job, as a person has it."""

    def __init__(self, directory: Path, *command: str) -> None:
        self._ours, theirs = pty.openpty()
        self.seen = ""
        # A session of its own, so that the terminal can become its controlling one, as a login shell has it.
        self.job = subprocess.Popen(
            [sys.executable, "-c", CONTROL_TERMINAL, *command],
            cwd=directory,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def press(self, key: bytes) -> None:
        """Type *key*."""
        os.write(self._ours, key)

    def read_until(self, text: str) -> None:
        """Read on until *text* has been seen."""
        while text not in self.seen:
            self.seen += os.read(self._ours, 4096).decode()

    def close(self) -> None:
        """Kill what is left and hang up."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.job.pid, signal.SIGKILL)
        self.job.wait(DEADLINE_SECONDS)
        os.close(self._ours)


CONTROL_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with the real Makefile and scripts/run, set up already, and a stand-in for `hecate`."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "scripts" / "run", tmp_path / "scripts")
    for path, text in {"scripts/setup": "#!/bin/sh\n", ".venv/bin/hecate": DAEMON}.items():
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    return tmp_path


@pytest.fixture
def terminal(tree: Path) -> Iterator[Terminal]:
    """`make run` in a terminal of its own, up to where the daemon serves."""
    opened = Terminal(tree, "make", "run", "ARGS=--quiet")
    try:
        opened.read_until("serving serve --quiet")
        yield opened
    finally:
        opened.close()


def test_ctrl_c_ends_the_daemon_and_make_reports_no_error(terminal: Terminal) -> None:
    """Ctrl-C reaches the daemon alone; its exit status is make's."""
    terminal.press(CTRL_C)
    terminal.read_until("ended by SIGINT")
    assert terminal.job.wait(DEADLINE_SECONDS) == 0
    assert "***" not in terminal.seen


def test_ctrl_z_is_not_taken(terminal: Terminal) -> None:
    """Ctrl-Z leaves the daemon serving: stopped, it could not be continued from the shell."""
    terminal.press(CTRL_Z)
    terminal.press(CTRL_C)
    terminal.read_until("ended by SIGINT")
    assert terminal.job.wait(DEADLINE_SECONDS) == 0


def test_terminating_make_ends_the_daemon(terminal: Terminal) -> None:
    """A SIGTERM to make, as from a supervisor, is passed on and leaves no daemon behind."""
    terminal.job.terminate()
    terminal.read_until("ended by SIGTERM")
    assert terminal.job.wait(DEADLINE_SECONDS) != 0


def test_without_a_terminal_the_daemon_takes_the_place_of_the_script(tree: Path) -> None:
    """Under a supervisor there is one process, and its signals and exit status are the daemon's."""
    daemon = subprocess.Popen(
        [sys.executable, "scripts/run"], cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert daemon.stdout is not None
    with daemon.stdout:
        assert daemon.stdout.readline() == "serving serve\n"
        daemon.terminate()
        assert daemon.stdout.readline() == "ended by SIGTERM\n"
    assert daemon.wait(DEADLINE_SECONDS) == 0
