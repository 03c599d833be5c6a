"""What a command is at: told on a terminal for as long as it takes, and gone at its end."""

from __future__ import annotations

from pathlib import Path

from tests.daemon.cli.terminal import CTRL_C, Terminal

CLEARED = "\r\x1b[K"


def test_it_says_what_it_is_at_and_for_how_long(tmp_path: Path) -> None:
    """An import that waits for its lines: words, seconds, how many there were; an error has a line of its own."""
    with Terminal("import", "-", "--data-dir", tmp_path / "data") as terminal:
        terminal.wait_for(f"{CLEARED}reading events … 1 s")
        terminal.type(b"\n")
        terminal.wait_for(f"{CLEARED}1 events … ")
        terminal.type(b"no event\n")
        assert terminal.end() == 1
    assert f"{CLEARED}\x1b[31mError:\x1b[0m line 2" in terminal.seen


def test_ctrl_c_leaves_nothing_of_it(tmp_path: Path) -> None:
    """The line is taken away, no traceback comes, and the exit code is 130."""
    with Terminal("import", "-", "--data-dir", tmp_path / "data") as terminal:
        terminal.wait_for("reading events … 1 s")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    assert "…" not in terminal.seen.rpartition(CLEARED)[2]
