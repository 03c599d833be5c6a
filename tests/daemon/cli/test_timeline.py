"""``hecate timeline``: what has happened to a venture, in sentences."""

from __future__ import annotations

import json

from hecate.client import Client
from tests.daemon.child import Child
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import Terminal
from tests.daemon.cli.test_names import venture_with


def sentences(hecate: Hecate, *words: str) -> list[str]:
    """Return what is told."""
    return [line.split("\t")[2] for line in hecate("timeline", *words).stdout.splitlines()]


def test_it_tells_the_newest_last(hecate: Hecate, client: Client) -> None:
    """All of it, the last few, or one division's."""
    _, [auth, _] = venture_with(client, "told", "auth", "billing")
    client.division_command(auth, "design", "start")
    whole = [
        "venture 'told' set up",
        "discovery started",
        "division 'auth' discovered",
        "division 'billing' discovered",
        "auth: design started",
    ]
    assert sentences(hecate, "told") == sentences(hecate, "told", "--all") == whole
    assert sentences(hecate, "told", "--limit", "2") == whole[-2:]
    assert sentences(hecate, "told", "--division", "auth") == [whole[2], whole[4]]
    assert [json.loads(line)["sentence"] for line in hecate("timeline", "told", "--json").stdout.splitlines()] == whole


def test_what_is_not_there_is_said(hecate: Hecate, client: Client) -> None:
    """A venture, or a division of it."""
    client.set_up_venture("lonely")
    assert "there is no venture 'nobody'" in hecate("timeline", "nobody", exit_code=1).stderr
    assert "there is no division 'x'" in hecate("timeline", "lonely", "--division", "x", exit_code=1).stderr


def test_it_goes_on_with_what_happens(daemon: Child, client: Client) -> None:
    """Each sentence once, and with a division nothing of the others."""
    _, [auth, billing] = venture_with(client, "followed", "auth", "billing")
    words = ("timeline", "followed", "--watch", "--division", "auth", "--limit", "1")
    with Terminal(*words, environ={"HECATE_SOCKET": str(daemon.socket_path)}) as terminal:
        terminal.wait_for("division 'auth' discovered")
        client.division_command(billing, "design", "start")
        client.division_command(auth, "design", "start")
        terminal.wait_for("auth: design started")
        client.division_command(auth, "design", "complete")
        terminal.wait_for("auth: design completed")
    assert "billing" not in terminal.seen
    assert terminal.seen.count("auth: design started") == 1


def test_what_others_wrote_does_not_steer_the_terminal(daemon: Child, client: Client) -> None:
    """A reason with an escape sequence is shown without it."""
    _, [auth] = venture_with(client, "hostile", "auth")
    client.division_command(auth, "design", "start")
    client.division_command(auth, "design", "pause", {"reason": "red \x1b[35malert"})
    with Terminal("timeline", "hostile", environ={"HECATE_SOCKET": str(daemon.socket_path)}) as terminal:
        terminal.wait_for("design paused: red")
        assert terminal.end() == 0
    assert "\x1b[35m" not in terminal.seen
