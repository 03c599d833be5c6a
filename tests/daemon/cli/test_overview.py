"""``hecate`` alone: what is going on, and what to do next."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hecate.client import Client
from tests.daemon.child import Child, child_environment
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import Terminal
from tests.fakes.scripted_server import ScriptedServer
from tests.serving import HECATE, serving


@pytest.fixture(scope="module")
def daemon(provider: ScriptedServer) -> Iterator[Child]:
    """A daemon with no ventures but the ones here."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        serving(
            Path(folder), configuration=f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "sk-test"\n'
        ) as child,
    ):
        yield child


def test_it_shows_ventures_and_what_their_divisions_take_next(hecate: Hecate, client: Client) -> None:
    """In a pipe as lines with tabs, whose first word says what they are."""
    venture = client.set_up_venture("overview-shop").id
    client.discovery_command(venture, "start")
    client.discovery_command(venture, "discover", {"division_name": "catalog"})
    output = hecate().output
    assert "\x1b" not in output
    lines = [line.split("\t") for line in output.splitlines()]
    assert [words[0] for words in lines][:2] == ["daemon", "models"]
    assert ["venture", "overview-shop: catalog · design"] in lines
    assert "next" in {words[0] for words in lines}
    shown = json.loads(hecate("--json").output)
    assert shown["running"] is True
    assert "overview-shop" in {board["name"] for board in shown["ventures"]}
    assert [provider["name"] for provider in shown["providers"]] == ["openai"]


def test_a_pipe_gets_no_colours(hecate: Hecate, client: Client) -> None:
    """Nor does a file, whatever it is that is told: an incident would be red."""
    venture = client.set_up_venture("overview-ill").id
    client.discovery_command(venture, "start")
    division = client.discovery_command(venture, "discover", {"division_name": "ill"}).id
    client.division_command(division, "monitor", "start")
    client.division_command(division, "monitor", "incident", {"title": "it is down", "severity": "sev3"})
    assert "incident\till: sev3 it is down\n" in hecate().stdout


def test_help_stays_the_help(hecate: Hecate) -> None:
    """With every command."""
    assert "Usage: hecate" in hecate("--help").output


def test_without_a_daemon_it_says_how_to_start_one(place: Path) -> None:
    """With exit code 3, and without loading what only the daemon needs."""
    code = (
        "import sys; from hecate.daemon.cli import CLI\n"
        "try: CLI(prog_name='hecate')\n"
        "finally: print(sorted({'aiohttp', 'apsw', 'rich', 'textual'} & sys.modules.keys()))"
    )
    environ = child_environment() | {"HECATE_SOCKET": str(place / "nothing.sock")}
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert "the daemon is not running: `hecate serve`, or `systemctl --user start hecate`" in ran.stderr
    assert ran.stdout.splitlines()[0].startswith("next\thecate serve\t")
    assert ran.stdout.splitlines()[-1] == "[]"
    as_json = subprocess.run([HECATE, "--json"], env=environ, capture_output=True, text=True, check=False)
    shown = json.loads(as_json.stdout)
    assert (as_json.returncode, shown["running"], shown["next_steps"][0]["command"]) == (3, False, "hecate serve")


def test_on_a_terminal_it_leads_a_new_user_to_a_first_venture(place: Path) -> None:
    """Nothing is there yet, so that is what comes next."""
    with serving(place) as daemon, Terminal(environ={"HECATE_SOCKET": str(daemon.socket_path)}) as terminal:
        assert terminal.end() == 0
        assert "What to do next" in terminal.seen
        assert "hecate venture setup NAME" in terminal.seen
        assert "hecate --help" in terminal.seen
