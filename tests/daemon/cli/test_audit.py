"""``hecate audit``: the last requests, for whoever owns the data directory."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from hecate.daemon.cli import CLI
from tests.calling import Caller
from tests.daemon.child import wait_until
from tests.serving import serving


@pytest.fixture
def asked(place: Path) -> Path:
    """Give the folder of a daemon that was asked for three things, and has ended."""
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        for name in ("one", "two"):
            caller.post("/api/ventures", {"name": name})
        caller.post("/api/llm/providers/reload")
        file = place / "data" / "audit.log"
        wait_until(lambda: file.exists() and len(file.read_text().splitlines()) == 3)
    return place


def audit(place: Path, *words: str) -> list[str]:
    """Return the lines that the command prints."""
    environ = {"HECATE_DATA_DIR": str(place / "data"), "HECATE_CONFIG": str(place / "config.toml")}
    result = CliRunner().invoke(CLI, ["audit", *words], env=environ, prog_name="hecate")
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_it_shows_the_last_with_the_newest_at_the_end(asked: Path) -> None:
    """One line each, with who it was."""
    shown = [line.split("\t") for line in audit(asked)]
    assert [fields[5] for fields in shown] == ["/api/ventures", "/api/ventures", "/api/llm/providers/reload"]
    assert {fields[1] for fields in shown} == {str(os.getuid())}
    assert len(audit(asked, "--last", "1")) == 1


def test_it_chooses_by_user_and_path(asked: Path) -> None:
    """Both at once, as JSON lines if that is wanted."""
    assert audit(asked, "--uid", "4000000") == []
    (found,) = audit(asked, "--path", "/api/llm", "--uid", str(os.getuid()), "--json")
    assert json.loads(found)["path"] == "/api/llm/providers/reload"


def test_without_a_log_there_is_nothing(place: Path) -> None:
    """As before the first start."""
    (place / "config.toml").touch()
    assert audit(place) == []
