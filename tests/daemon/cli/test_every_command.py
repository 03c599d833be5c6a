"""What holds for every command: JSON for scripts, a remedy where there is no daemon, help with examples."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hecate.client.errors import REMEDY
from hecate.daemon.cli import CLI
from hecate.daemon.cli.command_folder import Command
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.reference import all_commands

COMMANDS = {path: command for path, command in all_commands() if isinstance(command, Command)}

WITHOUT_A_DAEMON = {
    "hecate completion": "prints a script",
    "hecate init": "comes before there is one",
    "hecate serve": "is one",
}
"""Those that have no use for a daemon, and why."""
BESIDE_A_DAEMON = ("archive", "audit", "backup", "doctor", "export", "import", "rebuild", "restore", "template")
"""Those, groups included, that work on files, whether it runs or not."""
NEEDS_A_TERMINAL = ("hecate watch",)


def least_call(path: str, command: Command) -> list[str]:
    """Return the words that call *command* with as little as it takes."""
    words = path.split()[1:]
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.required:
            kind = parameter.type
            words.append(str(kind.choices[0]) if isinstance(kind, click.Choice) else "8.8.8.8")
        elif parameter.required:
            words += [parameter.opts[0], "1"]
    return words


ASKING = [
    path
    for path in COMMANDS
    if path not in {*WITHOUT_A_DAEMON, *NEEDS_A_TERMINAL} and path.split()[1] not in BESIDE_A_DAEMON
]
"""The commands that ask the daemon."""


@pytest.mark.parametrize("path", ASKING)
def test_without_a_daemon_the_remedy_is_named(path: str, tmp_path: Path) -> None:
    """In a sentence with exit code 3, and as the envelope of an error where JSON was asked for."""
    words = least_call(path, COMMANDS[path])
    environ = {"HECATE_SOCKET": str(tmp_path / "none.sock")}
    told = CliRunner().invoke(CLI, words, env=environ, prog_name="hecate", input="")
    assert (told.exit_code, f"the daemon is not running: {REMEDY}" in told.output) == (3, True), told.output
    as_json = CliRunner().invoke(CLI, [*words, "--json"], env=environ, prog_name="hecate", input="")
    envelope = json.loads(as_json.stdout)
    assert (as_json.exit_code, envelope["ok"], envelope["code"]) == (3, False, "daemon_unreachable")


NOUNS = (
    "list",
    "providers",
    "models",
    "usage",
    "events",
    "status",
    "peers",
    "capabilities",
    "health",
    "board",
    "timeline",
)
LISTS = [path for path in COMMANDS if path.split()[-1] in NOUNS]


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_json_for_scripts(path: str, hecate: Hecate) -> None:
    """One document, or one a line; nothing else is on standard output."""
    command = COMMANDS[path]
    words = least_call(path, command)
    if "8.8.8.8" in words:
        name = path.replace(" ", "-")
        hecate("venture", "setup", name)
        words[words.index("8.8.8.8")] = name
    lines = hecate(*words, "--json").stdout.splitlines()
    assert lines or path == "hecate events"
    for line in lines:
        assert isinstance(json.loads(line), dict)


def test_the_list_of_what_can_be_done_is_json_too(hecate: Hecate) -> None:
    """Each command with its fields, and which of them must be given."""
    listed = json.loads(hecate("division", "do", "any", "design", "--json").stdout)["commands"]
    (aggregate,) = [one for one in listed if one["name"] == "design/aggregate"]
    assert aggregate["fields"][0] == {"name": "aggregate_name", "kind": "string", "is_required": True}


@pytest.mark.parametrize("path", COMMANDS)
def test_examples_are_calls_of_the_command(path: str) -> None:
    """Each of them parses, up to what only a daemon could say."""
    command = COMMANDS[path]
    assert command.examples
    for example in command.examples:
        calls = [part for part in example.replace("$(", " | ").replace(")", " | ").split(" | ") if "hecate " in part]
        assert any(path in call for call in calls), example
