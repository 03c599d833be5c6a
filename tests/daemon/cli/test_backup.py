"""``hecate backup`` beside a daemon that serves, and ``hecate restore`` once it has ended."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hecate.daemon.cli import CLI
from tests.calling import Caller
from tests.serving import serving

Run = Callable[..., Result]


@pytest.fixture
def run(place: Path) -> Run:
    """Give the command line, for the daemon in *place*."""

    def run(*words: str | Path, exit_code: int = 0) -> Result:
        environ = {"HECATE_DATA_DIR": str(place / "data"), "HECATE_CONFIG": str(place / "config.toml")}
        result = CliRunner().invoke(CLI, [str(word) for word in words], env=environ, prog_name="hecate")
        assert result.exit_code == exit_code, (result.output, result.exc_info)
        return result

    return run


def test_what_was_backed_up_is_there_again(place: Path, run: Run) -> None:
    """All that was acknowledged before the backup, and nothing of what came after; the daemon serves all the time."""
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        venture_id = caller.venture("kept")
        made = json.loads(run("backup", place / "copy.tar.gz", "--json").stdout)
        assert made["manifest"]["head"]["position"] == caller.head
        caller.venture("too late")
        told = run("restore", place / "copy.tar.gz", "--force", exit_code=1)
        assert "another daemon" in told.stderr
        daemon.signal(signal.SIGTERM)
        assert daemon.end() == 0
    refused = json.loads(run("restore", place / "copy.tar.gz", "--json", exit_code=1).stdout)
    assert (refused["ok"], refused["code"]) == (False, "conflict")
    restored = run("restore", place / "copy.tar.gz", "--force").stdout
    assert "replaced" in restored
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        assert [venture["id"] for venture in caller.get("/api/ventures").json["ventures"]] == [venture_id]


def test_the_backup_is_told_in_words(place: Path, run: Run) -> None:
    """Where it is, and up to which event."""
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        caller.venture()
    shown = dict(line.split("\t") for line in run("backup", place / "copy").stdout.splitlines())
    assert shown["backup"] == str(place / "copy")
    assert shown["events"] == "1"
    assert len(shown["hash"]) == 64


def test_without_a_store_there_is_nothing_to_back_up(place: Path, run: Run) -> None:
    """The refusal names the option."""
    (place / "config.toml").write_text("")
    assert "--data-dir" in run("backup", place / "copy", exit_code=1).stderr
