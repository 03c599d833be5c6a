"""``hecate board``: a venture at a glance."""

from __future__ import annotations

import json

from hecate.client import Client
from hecate.daemon.cli.exit_codes import INTERRUPTED
from tests.daemon.child import Child
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import CTRL_C, Terminal
from tests.daemon.cli.test_names import venture_with


def test_each_division_is_a_line(hecate: Hecate, client: Client) -> None:
    """In a pipe, with the seven states at its end."""
    _, [auth, _] = venture_with(client, "boarded", "auth", "billing")
    for process in ("test", "monitor"):
        client.division_command(auth, process, "start")
    client.division_command(auth, "test", "result", {"suite_type": "unit", "passed": 40, "failed": 2})
    for severity in ("sev4", "sev3"):
        client.division_command(auth, "monitor", "incident", {"title": f"a {severity}", "severity": severity})
    pending = ["pending"] * 7
    states = [*pending[:3], "active", "pending", "active", "pending"]
    lines = [line.split("\t") for line in hecate("board", "boarded").stdout.splitlines()]
    assert lines == [
        ["auth", "monitor", "active", "degraded", "sev3 a sev3 and 1 more", "failed 40/42", "", *states],
        ["billing", "design", "pending", "unknown", "", "", "", *pending],
    ]
    assert json.loads(hecate("board", "boarded", "--json").stdout)["summary"]["open_incidents"] == 2


def test_what_is_not_there_is_said(hecate: Hecate, client: Client) -> None:
    """A venture without divisions, and none."""
    client.set_up_venture("bare")
    assert hecate("board", "bare").stdout == ""
    assert "there is no venture 'nobody'" in hecate("board", "nobody", exit_code=1).stderr


def test_people_watch_it_live(daemon: Child, client: Client) -> None:
    """A table in which what happens is seen at once, until Ctrl-C."""
    _, [auth] = venture_with(client, "watched", "auth")
    with Terminal("board", "watched", "--watch", environ={"HECATE_SOCKET": str(daemon.socket_path)}) as terminal:
        terminal.wait_for("· design  ·······")
        client.division_command(auth, "design", "start")
        terminal.wait_for("▶ design  ▶······")
        client.division_command(auth, "design", "complete")
        terminal.wait_for("· plan  ✓······")
        terminal.type(CTRL_C)
        assert terminal.end() == INTERRUPTED
    assert "Traceback" not in terminal.seen


def test_programs_watch_it_live(daemon: Child, client: Client) -> None:
    """A line of JSON for each state of the board."""
    _, [auth] = venture_with(client, "watched-by-program", "auth")
    words = ("board", "watched-by-program", "--watch", "--json")
    with Terminal(*words, environ={"HECATE_SOCKET": str(daemon.socket_path)}) as terminal:
        terminal.wait_for('"summary"')
        client.division_command(auth, "design", "start")
        terminal.wait_for('"summary"', times=2)
        last = json.loads(terminal.seen.splitlines()[-1])
    assert last["divisions"][0]["processes"]["design_division"]["state"] == "active"
