"""``hecate events``: what has happened, and what happens."""

from __future__ import annotations

import json

from hecate.client import Client
from tests.daemon.child import Child
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import CTRL_C, Terminal
from tests.daemon.cli.test_names import venture_with


def test_events_are_lines(hecate: Hecate, client: Client) -> None:
    """Position, time, stream, type and data, oldest first; a venture's are those of its divisions too."""
    venture, [division] = venture_with(client, "eventful", "auth")
    client.division_command(division, "design", "start")
    lines = [line.split("\t") for line in hecate("events", "--venture", "eventful").stdout.splitlines()]
    assert [line[3] for line in lines] == [
        "venture_setup_v1",
        "discovery_started_v1",
        "division_discovered_v1",
        "design_started_v1",
    ]
    assert [int(line[0]) for line in lines] == sorted(int(line[0]) for line in lines)
    assert (lines[0][2], json.loads(lines[0][4])["name"]) == (f"setup-{venture}", "eventful")


def test_a_person_is_told_where_there_are_none(daemon: Child) -> None:
    """An empty screen would leave open whether it has worked."""
    with Terminal("events", "--type", "never_v1", environ={"HECATE_SOCKET": str(daemon.socket_path)}) as terminal:
        assert terminal.end() == 0
    assert terminal.seen.strip() == "there are no such events"


def test_events_are_chosen(hecate: Hecate, client: Client) -> None:
    """By division, type, stream, position and number."""
    venture, [division] = venture_with(client, "choosy", "auth")
    client.division_command(division, "design", "start")
    client.division_command(division, "design", "pause")

    def types(*options: str) -> list[str]:
        return [line.split("\t")[3] for line in hecate("events", *options).stdout.splitlines()]

    assert types("--division", "choosy/auth") == ["design_started_v1", "design_paused_v1"]
    assert types("--venture", "choosy", "--type", "venture_setup_v1,design_paused_v1") == [
        "venture_setup_v1",
        "design_paused_v1",
    ]
    assert types("--stream", f"discovery-{venture}", "--limit", "1") == ["discovery_started_v1"]
    position = client.health().events - 1
    assert types("--after", str(position)) == ["design_paused_v1"]


def test_events_as_json_are_a_document_a_line(hecate: Hecate, client: Client) -> None:
    """Whole, with what people are not shown."""
    client.set_up_venture("raw")
    [line] = hecate("events", "--json", "--after", str(client.health().events - 1)).stdout.splitlines()
    event = json.loads(line)
    assert event == json.loads(json.dumps(client.events().events and event))
    assert {"position", "stream", "version", "type", "data", "recorded_at", "meta", "hash"} <= event.keys()


def test_a_chosen_venture_that_does_not_exist_is_refused(hecate: Hecate) -> None:
    """An empty answer would say that nothing has happened to it."""
    hecate("events", "--venture", "nobody", exit_code=1)


def test_following_begins_with_the_last_ten_and_goes_on(daemon: Child, client: Client) -> None:
    """What happens while one watches is shown at once; Ctrl-C ends it."""
    for number in range(12):
        client.set_up_venture(f"before-{number}")
    with Terminal("--socket", daemon.socket_path, "events", "--follow") as terminal:
        terminal.wait_for("before-11")
        client.set_up_venture("while-watching")
        terminal.wait_for("while-watching")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert "before-2" in terminal.seen
    assert 'before-1"' not in terminal.seen


def test_following_ends_after_as_many_events_as_were_asked_for(hecate: Hecate, client: Client) -> None:
    """So that a script can wait for one event."""
    client.set_up_venture("awaited")
    result = hecate("events", "--follow", "--after", str(client.health().events - 1), "--limit", "1")
    assert len(result.stdout.splitlines()) == 1
