"""``hecate serve``: the daemon itself."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.daemon.child import started
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import CTRL_C, Terminal
from tests.serving import HECATE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_where_it_was_told_to_until_it_is_stopped(place: Path, number: int) -> None:
    """Both signals end it in good order; the database is where the options say."""
    arguments = ("serve", "--quiet", "--socket", place / "s", "--data-dir", place / "data", "--log-format", "json")
    with started(arguments, place / "s", program=(HECATE,)) as child:
        assert child.ready().request("/api/health")["status"] == "healthy"
        child.signal(number)
        assert child.end() == 0
    assert child.out == []
    assert list((place / "data").iterdir())
    assert not (place / "s").exists()


def test_ctrl_c_ends_it_cleanly(place: Path) -> None:
    """A person who stops it has done nothing wrong: exit code 0, no traceback."""
    with Terminal("serve", "--socket", place / "s", "--data-dir", place / "data") as terminal:
        terminal.wait_for("listens on")
        terminal.type(CTRL_C)
        assert terminal.end() == 0
    assert "Traceback" not in terminal.seen


def test_a_wrong_configuration_is_an_error_of_usage(place: Path) -> None:
    """One sentence that names the key; exit code 2, so that a service manager does not try again."""
    (place / "c.toml").write_text("[socket]\npth = 'x'\n")
    with started(("serve", "--config", place / "c.toml"), place / "s", program=(HECATE,)) as child:
        assert child.end() == 2
    assert "pth" in "".join(child.err)
    assert "Traceback" not in "".join(child.err)


def test_an_unknown_log_level_is_an_error_of_usage(hecate: Hecate) -> None:
    """The levels are listed."""
    assert "'debug', 'info', 'warning', 'error'" in hecate("serve", "--log-level", "loud", exit_code=2).stderr
