"""``hecate health``: is the daemon there?"""

from __future__ import annotations

import json

from hecate import __version__
from tests.daemon.child import Child
from tests.daemon.cli.conftest import Hecate


def test_it_says_how_the_daemon_does(hecate: Hecate, daemon: Child) -> None:
    """Status, version, time and place."""
    lines = dict(line.split("\t") for line in hecate("health").stdout.splitlines())
    assert (lines["status"], lines["version"], lines["socket"]) == ("healthy", __version__, str(daemon.socket_path))
    assert "up" in lines


def test_scripts_get_the_daemons_own_answer(hecate: Hecate) -> None:
    """Unchanged, in one line."""
    line = hecate("health", "--json").stdout
    assert line.count("\n") == 1
    assert json.loads(line)["ok"] is True
