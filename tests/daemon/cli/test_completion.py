"""``hecate completion``: the Tab key."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hecate.client import Client
from tests.daemon.child import Child, child_environment
from tests.daemon.cli.completion_scripts import FOLDER, PLACES
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.test_names import venture_with
from tests.serving import HECATE


def completed(words: str, socket: Path) -> list[str]:
    """Return what bash would offer for the last word of *words*."""
    environ = child_environment() | {
        "_HECATE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "HECATE_SOCKET": str(socket),
    }
    run = subprocess.run([HECATE], env=environ, capture_output=True, check=True, text=True)
    return [line.partition(",")[2] for line in run.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(hecate: Hecate, shell: str) -> None:
    """The script asks this program, so that it never grows old."""
    assert "_HECATE_COMPLETE" in hecate("completion", shell).stdout


def test_bash_takes_the_script(hecate: Hecate) -> None:
    """A shell that sources it has a completion for ``hecate``."""
    script = hecate("completion", "bash").stdout
    command = ["bash", "--norc", "-c", f"{script}\ncomplete -p hecate"]
    run = subprocess.run(command, capture_output=True, check=True, text=True, env=os.environ | {"HECATE_SOCKET": ""})
    assert "-F _hecate_completion hecate" in run.stdout


def test_the_scripts_in_the_package_are_those_of_the_command(hecate: Hecate) -> None:
    """If this fails: ``make man``."""
    for shell, place in PLACES.items():
        assert (FOLDER / place).read_text() == hecate("completion", shell).stdout


def test_commands_and_names_are_completed(daemon: Child, client: Client) -> None:
    """Ventures and divisions come from the daemon, also in the form that says which venture is meant."""
    venture_with(client, "tabbed", "tab-division")
    assert completed("hecate ven", daemon.socket_path) == ["venture"]
    assert completed("hecate venture show tabb", daemon.socket_path) == ["tabbed"]
    assert completed("hecate division show tab", daemon.socket_path) == ["tab-division", "tabbed/tab-division"]
    assert completed("hecate division start tab-division de", daemon.socket_path) == ["design", "deploy"]


def test_without_a_daemon_nothing_is_offered(tmp_path: Path) -> None:
    """A shell in the middle of a line has no place for an error."""
    assert completed("hecate venture show x", tmp_path / "nobody") == []
