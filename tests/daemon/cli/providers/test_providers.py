"""``hecate providers``: list, add, remove and reload, on a daemon of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hecate.daemon.cli import CLI
from tests.daemon.child import Child
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import Terminal
from tests.fakes.scripted_server import ScriptedServer
from tests.serving import serving

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def daemon(place: Path) -> Iterator[Child]:
    """A daemon without any provider."""
    with serving(place) as child:
        yield child


def shown(hecate: Hecate, *words: str) -> list[list[str]]:
    """Return the fields of each line that *words* print."""
    return [line.split("\t") for line in hecate("providers", *words).stdout.splitlines()]


def test_from_nothing_and_back(hecate: Hecate, provider: ScriptedServer) -> None:
    """A provider is added, listed, used, reloaded and removed."""
    url = f"{provider.url}/v1"
    assert hecate("providers").stdout == ""
    added = ["mine", "openai", "healthy", "1", "set", "added", url, ""]
    assert shown(hecate, "add", "mine", "--url", url, "--key-file", "-") == [[*added[:4], "not set", *added[5:]]]
    result = hecate("providers", "add", "mine", "--url", url, "--key-file", "-", stdin=f"{KEY}\n")
    assert result.stdout.rstrip("\n").split("\t") == added
    assert KEY not in result.output
    assert shown(hecate) == shown(hecate, "list") == [added]
    assert hecate("chat", "mine/parrot", "hello").stdout == "hello \n"
    assert hecate("providers", "reload").stderr == "nothing has changed\n"
    assert shown(hecate, "remove", "mine") == [["removed", "mine"]]
    assert shown(hecate) == []


def test_the_list_is_the_daemons_for_scripts(hecate: Hecate) -> None:
    """With the kinds that there are, and the variables that configure them."""
    answer = json.loads(hecate("providers", "--json").stdout)
    assert answer["providers"] == []
    assert {"kind": "groq", "key_variables": ["GROQ_API_KEY"]}.items() <= next(
        {name: kind[name] for name in ("kind", "key_variables")} for kind in answer["kinds"] if kind["kind"] == "groq"
    ).items()


def test_what_does_not_answer_is_not_added(hecate: Hecate) -> None:
    """The reason is the provider's, and the exit code that of a model that does not answer."""
    words = ("providers", "add", "mine", "--url", "http://127.0.0.1:1", "--no-key")
    result = hecate(*words, exit_code=4)
    assert "mine was not added: mine at http://127.0.0.1:1 does not answer: Connection refused" in result.stderr
    assert hecate(*words, "--even-if-ill").exit_code == 0
    assert shown(hecate)[0][2] == "unhealthy"
    assert "Warning: mine: mine at http://127.0.0.1:1 does not answer" in hecate("providers", "reload").stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add", "groq"), "provider 'groq' needs an api_key"),
        (("add", "mine", "--url", "http://169.254.169.254"), "never asked"),
        (("remove", "mine"), "there is no provider 'mine'"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], message: str, hecate: Hecate) -> None:
    """In the daemon's words."""
    assert message in hecate("providers", *words, exit_code=1).stderr


def test_what_is_configured_stays_away(place: Path, provider: ScriptedServer) -> None:
    """Who removes a provider of the configuration is told that it is still there; a reload tells what has changed."""
    configuration = f'[providers.mine]\nbase_url = "{provider.url}/v1"\nmodels = ["a"]\n'
    with serving(place, configuration=configuration) as child:

        def run(*words: str) -> Result:
            return CliRunner().invoke(CLI, ["--socket", str(child.socket_path), "providers", *words])

        assert "still has mine" in run("remove", "mine").stderr
        assert "removed, though configured: mine" in run().stderr
        run("add", "mine")
        file = place / "config.toml"
        file.write_text(file.read_text().replace('["a"]', '["b"]'))
        assert run("reload").stdout == "changed\tmine (models)\n"


def test_the_key_is_asked_for_and_not_shown(daemon: Child, provider: ScriptedServer) -> None:
    """On a terminal, where it is typed."""
    words = ("--socket", daemon.socket_path, "providers", "add", "mine", "--url", f"{provider.url}/v1")
    with Terminal(*words) as terminal:
        terminal.wait_for("Key for mine (empty: none):")
        terminal.type(f"{KEY}\n".encode())
        assert terminal.end() == 0
        assert KEY not in terminal.seen
    assert "set" in terminal.seen
    exchange = next(exchange for exchange in reversed(provider.exchanges) if exchange.method == "GET")
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
