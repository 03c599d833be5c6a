"""``hecate models``: what can be chatted with."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from hecate.daemon.cli import CLI
from tests.client.scripted_daemon import answer, scripted_daemon
from tests.daemon.cli.conftest import Hecate


def test_models_are_listed_with_their_provider(hecate: Hecate) -> None:
    """A row for each; as JSON the daemon's own answer."""
    assert hecate("models").stdout.split("\t")[:2] == ["parrot", "openai"]
    assert json.loads(hecate("models", "--json").stdout)["models"][0]["id"] == "openai/parrot"


def test_without_models_it_says_why(tmp_path: Path) -> None:
    """A newcomer has no provider yet: each is told with what is the matter with it."""
    providers = {
        "ollama": {"status": "unhealthy", "error": "it does not answer"},
        "openai": {"status": "not_configured"},
    }
    answers = answer({"ok": True, "models": []}), answer({"ok": True, "providers": providers})
    with scripted_daemon(tmp_path, *answers) as daemon:
        result = CliRunner().invoke(CLI, ["--socket", str(daemon.path), "models"])
    assert result.exit_code == 0
    assert result.stderr == "providers: ollama unhealthy (it does not answer), openai not configured\n"
