"""Commands, found by folder, and what every one of them does."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hecate import __version__
from hecate.client import Client
from hecate.daemon.cli import CLI
from tests.daemon.child import Child, child_environment
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.reference import all_commands
from tests.daemon.cli.terminal import Terminal
from tests.serving import HECATE

QUICK = ("aiohttp", "rich", "starlette", "uvicorn", "apsw", "asyncio", "structlog")


COMMANDS = {"hecate": CLI, **dict(all_commands())}


def test_the_commands_of_the_contract_are_there() -> None:
    """Each is a file of the folder; no other file has become a command."""
    top = set(CLI.list_commands(click.Context(CLI)))
    ours = {"serve", "health", "status", "venture", "division", "events", "openapi", "completion"}
    assert top >= ours | {"chat", "models", "providers", "usage", "job"}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help_with_examples(path: str) -> None:
    """The help says what the command is for, and shows how to call it."""
    command = COMMANDS[path]
    assert command.examples
    result = CliRunner().invoke(CLI, [*path.split()[1:], "--help"], prog_name="hecate")
    assert result.exit_code == 0
    assert command.get_short_help_str(200).endswith(".")
    assert all(example in result.output for example in command.examples)


EXAMPLES = {example for command in COMMANDS.values() for example in command.examples}


@pytest.mark.parametrize("example", sorted(EXAMPLES))
def test_every_example_is_a_command_line_that_would_be_taken(example: str) -> None:
    """Options and arguments of the examples exist; nothing is run."""
    words = shlex.split(example)
    words = words[words.index("hecate") + 1 :]
    ends = [words.index(sign) for sign in ("|", "<", ">") if sign in words]
    words = words[: min(ends, default=len(words))]
    command: click.Command = CLI
    context = CLI.make_context("hecate", list(words))
    while isinstance(command, click.Group):
        left = [*context._protected_args, *context.args]
        if not left and command.invoke_without_command:
            break
        name, found, rest = command.resolve_command(context, left)
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)


def test_the_options_of_the_session_are_taken_before_and_after_the_command(hecate: Hecate) -> None:
    """``hecate --json health`` and ``hecate health --json`` are the same."""
    before, after = json.loads(hecate("--json", "health").stdout), json.loads(hecate("health", "--json").stdout)
    assert before["version"] == after["version"] == __version__


def test_the_socket_that_is_named_is_the_one_that_is_called(daemon: Child, hecate: Hecate, tmp_path: Path) -> None:
    """The option wins over the environment, wherever it stands."""
    hecate("--socket", str(tmp_path / "other"), "health", exit_code=3)
    hecate("health", "--socket", str(tmp_path / "other"), exit_code=3)
    hecate("--socket", str(tmp_path / "other"), "health", "--socket", str(daemon.socket_path))


def test_the_version_is_told() -> None:
    """``hecate --version`` asks no daemon."""
    assert CliRunner().invoke(CLI, ["--version"], prog_name="hecate").output == f"hecate {__version__}\n"


@pytest.mark.parametrize("words", [("halth",), ("venture", "lst"), ("health", "--jsn"), ("output",), ("exit-codes",)])
def test_what_is_no_command_is_an_error_of_usage(hecate: Hecate, words: tuple[str, ...]) -> None:
    """Exit code 2; a module of the folder that is no command is none either."""
    assert "No such" in hecate(*words, exit_code=2).stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("halth",), "No such command 'halth'. Did you mean health?"),
        (("division", "shwo"), "No such command 'shwo'. Did you mean show?"),
        (("division", "do", "nobody", "desing"), "there is no command 'desing'; did you mean design?"),
        (("division", "do", "nobody", "x"), "there is no command 'x'; leave it out to see them all"),
    ],
)
def test_what_was_meant_is_guessed(hecate: Hecate, words: tuple[str, ...], meant: str) -> None:
    """Where something is spelt alike."""
    assert meant in hecate(*words, exit_code=2).stderr


GROUPS = [path for path, command in COMMANDS.items() if isinstance(command, click.Group)]


@pytest.mark.parametrize("path", GROUPS)
def test_in_a_list_of_commands_no_sentence_is_cut_off(path: str) -> None:
    """On a terminal of 80 columns."""
    shown = CliRunner().invoke(CLI, [*path.split()[1:], "--help"], prog_name="hecate", terminal_width=80).output
    assert [line for line in shown.splitlines() if line.endswith("...")] == [
        line for line in shown.splitlines() if line.startswith("Usage:") and line.endswith("...")
    ]


def test_without_a_daemon_every_command_says_what_to_do(tmp_path: Path) -> None:
    """Exit code 3, one sentence on standard error, no traceback."""
    result = CliRunner().invoke(CLI, ["--socket", str(tmp_path / "nobody"), "venture", "list"], prog_name="hecate")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr.startswith("Error: the daemon is not running: `hecate serve`, or `systemctl")


def test_a_refusal_is_a_sentence_for_people(hecate: Hecate) -> None:
    """Exit code 1; standard output stays empty."""
    result = hecate("venture", "show", "nobody", exit_code=1)
    assert result.stdout == ""
    assert "Error: there is no venture 'nobody'" in result.stderr


def test_a_refusal_is_json_for_scripts(hecate: Hecate, tmp_path: Path) -> None:
    """With --json a script finds the envelope where it looks for the answer, also without a daemon."""
    refused = json.loads(hecate("venture", "show", "nobody", "--json", exit_code=1).stdout)
    assert (refused["ok"], refused["code"]) == (False, "not_found")
    unreachable = hecate("health", "--json", "--socket", str(tmp_path / "nobody"), exit_code=3)
    assert json.loads(unreachable.stdout)["code"] == "daemon_unreachable"


def test_a_simple_command_imports_nothing_heavy(daemon: Child) -> None:
    """A command starts as fast as what it needs: the standard library, click and msgspec."""
    code = (
        "import sys\nfrom hecate.daemon.cli import CLI\nCLI(['health'], standalone_mode=False)\n"
        f"sys.exit(str([name for name in {QUICK} if name in sys.modules] or ''))"
    )
    environ = child_environment() | {"HECATE_SOCKET": str(daemon.socket_path)}
    run = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (1, b"\n")


@pytest.mark.parametrize("words", [("health",), ("openapi",), ("health", "--json")])
def test_a_reader_that_goes_away_ends_the_command_quietly(daemon: Child, words: tuple[str, ...]) -> None:
    """No traceback, and 141 as of any program whose pipe was closed."""
    reading, writing = os.pipe()
    os.close(reading)
    environ = child_environment() | {"HECATE_SOCKET": str(daemon.socket_path)}
    run = subprocess.run([HECATE, *words], env=environ, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (run.returncode, run.stderr) == (141, b"")


def test_a_refusal_that_nobody_reads_keeps_its_exit_code(tmp_path: Path) -> None:
    """The code of the refusal is the one that counts."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [str(HECATE), "--socket", str(tmp_path / "nobody"), "health", "--json"]
    run = subprocess.run(command, env=child_environment(), stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (run.returncode, run.stderr) == (3, b"")


def test_a_full_disk_is_told_of(daemon: Child) -> None:
    """An answer that cannot be written is an error in one sentence."""
    environ = child_environment() | {"HECATE_SOCKET": str(daemon.socket_path)}
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run([HECATE, "health"], env=environ, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (run.returncode, run.stderr) == (5, b"Error: cannot write the output: No space left on device\n")


def test_ctrl_c_ends_a_command_quietly(daemon: Child) -> None:
    """130, as of any program that was interrupted, and no traceback."""
    with Client(daemon.socket_path) as client:
        client.set_up_venture("interrupted")
    with Terminal("--socket", daemon.socket_path, "events", "--follow", "--after", "0") as terminal:
        terminal.wait_for("venture_setup_v1")
        terminal.type(b"\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
