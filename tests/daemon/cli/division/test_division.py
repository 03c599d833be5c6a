"""``hecate division``: work on a division, from its design to its plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hecate.client import Client
from tests.daemon.child import Child
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import Terminal
from tests.daemon.cli.test_names import venture_with
from tests.daemon.cli.venture.test_venture import fields


def rows(text: str) -> list[list[str]]:
    """Return the rows that a command has printed into a pipe."""
    return [line.split("\t") for line in text.splitlines()]


def test_a_division_is_designed_and_planned(hecate: Hecate, client: Client) -> None:
    """The tour, in words and names only."""
    venture_with(client, "tour", "identity")
    assert rows(hecate("division", "list", "tour").stdout)[0][2:5] == ["design_division", "pending", "unknown"]
    hecate("division", "start", "tour/identity", "design")
    hecate("division", "do", "tour/identity", "design/aggregate", "aggregate_name=user", "status_flags=NEW,KNOWN")
    hecate("division", "do", "tour/identity", "design/event", "event_name=user_registered", "payload_fields=email")
    assert fields(hecate("division", "complete", "tour/identity", "design").stdout)["state"] == "completed"
    designed = rows(hecate("division", "show", "tour/identity", "design").stdout)
    assert ["process", "design"] in designed
    assert [row[:2] for row in designed if len(row) == 4] == [["aggregate", "user"], ["event", "user_registered"]]
    assert [row[3] for row in designed if len(row) == 4] == ["status_flags=NEW,KNOWN", "payload_fields=email"]
    hecate("division", "start", "tour/identity", "plan_division")
    hecate("division", "do", "tour/identity", "plan/desk", "desk_name=register_user", "priority=P0")
    hecate("division", "do", "tour/identity", "plan/sequence")
    processes = {row[0]: row[1] for row in rows(hecate("division", "show", "tour/identity").stdout) if len(row) == 4}
    assert (processes["design_division"], processes["plan_division"]) == ("completed", "active")


def test_a_process_is_paused_resumed_and_archived(hecate: Hecate, client: Client) -> None:
    """The reason of a pause is shown until the process goes on."""
    venture_with(client, "verbs", "waiting")
    hecate("division", "start", "verbs/waiting", "rescue")
    hecate("division", "pause", "verbs/waiting", "rescue", "--reason", "for parts")
    assert fields(hecate("division", "show", "verbs/waiting", "rescue").stdout)["reason"] == "for parts"
    assert fields(hecate("division", "resume", "verbs/waiting", "rescue").stdout)["state"] == "active"
    assert fields(hecate("division", "archive", "verbs/waiting", "rescue").stdout)["state"] == "archived"


def test_a_refusal_says_what_could_be_done(hecate: Hecate, client: Client) -> None:
    """The process is pending: exit code 1, and the way on."""
    venture_with(client, "refused", "early")
    command = ("division", "do", "refused/early", "design/aggregate", "aggregate_name=user")
    result = hecate(*command, exit_code=1)
    assert "it takes start" in result.stderr
    assert json.loads(hecate(*command, "--json", exit_code=1).stdout)["code"] == "invalid_state"


def test_a_command_said_twice_is_refused(hecate: Hecate, client: Client) -> None:
    """Each call is a command of its own; only a retry of the connection is the same one."""
    venture_with(client, "twice", "same")
    hecate("division", "start", "twice/same", "design")
    command = ("division", "do", "twice/same", "design/aggregate", "aggregate_name=user")
    assert fields(hecate(*command).stdout)["recorded"] == "aggregate_designed_v1"
    assert "designed already" in hecate(*command, exit_code=1).stderr


def test_the_commands_of_a_process_are_listed(hecate: Hecate, client: Client) -> None:
    """With their fields, from the daemon's own document; the verbs of the lifecycle have commands of their own."""
    venture_with(client, "listed", "cmds")
    of_plan = rows(hecate("division", "do", "listed/cmds", "plan").stdout)
    verbs = ("accept", "dependency", "desk", "propose", "sequence")
    assert [row[0] for row in of_plan] == [f"plan/{verb}" for verb in verbs]
    everything = [row[0] for row in rows(hecate("division", "do", "listed/cmds").stdout)]
    assert "design/aggregate" in everything
    assert "design/start" not in everything


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("design/aggregat", "aggregate_name=x"), "there is no command 'design/aggregat'"),
        (("design/aggregate",), "design/aggregate needs aggregate_name=…"),
        (("design/aggregate", "aggregate_name=x", "colour=red"), "has no field 'colour'"),
    ],
)
def test_a_wrong_command_is_an_error_of_usage(hecate: Hecate, words: tuple[str, ...], complaint: str) -> None:
    """Told before the daemon is asked to do anything."""
    assert complaint in hecate("division", "do", "any", *words, exit_code=2).stderr


def test_a_field_comes_from_standard_input(hecate: Hecate, client: Client) -> None:
    """As a patch or a long description does."""
    _, [division] = venture_with(client, "piped", "in")
    client.division_command(division, "design", "start")
    hecate(
        "division", "do", "piped/in", "design/aggregate", "aggregate_name=a", "description=@-", stdin="Grüße, alle\n"
    )
    assert client.process(division, "design").items[0]["description"] == "Grüße, alle\n"


def test_people_see_tables_in_colour(daemon: Child, client: Client) -> None:
    """Heads, words of the domain in their colour, and no tabs."""
    _, [division] = venture_with(client, "seen", "by-people")
    client.division_command(division, "design", "start")
    with Terminal("--socket", daemon.socket_path, "division", "show", "seen/by-people") as terminal:
        assert terminal.end() == 0
    assert "\x1b[32mactive" in terminal.seen
    assert "ITERATION" in terminal.seen
    assert "\t" not in terminal.seen


@pytest.mark.parametrize(("words", "environ"), [(("--no-color",), {}), ((), {"NO_COLOR": "1"})])
def test_people_who_want_no_colour_get_none(
    daemon: Child, client: Client, words: tuple[str, ...], environ: dict[str, str]
) -> None:
    """By option or by the variable that many programs know; the table stays."""
    venture_with(client, f"plain-{len(words)}", "grey")
    command: tuple[str | Path, ...] = ("--socket", daemon.socket_path, *words, "division", "show")
    with Terminal(*command, f"plain-{len(words)}/grey", environ=environ) as terminal:
        assert terminal.end() == 0
    assert "\x1b[3" not in terminal.seen
    assert "ITERATION" in terminal.seen
