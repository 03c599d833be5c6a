"""``hecate doctor``: beside a daemon, without one, and where none can start."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hecate.daemon.cli import CLI
from tests.calling import Caller
from tests.daemon.child import started
from tests.keep_store.looking import change, flip
from tests.serving import HECATE, serving

Run = Callable[..., Result]


@pytest.fixture
def run(place: Path) -> Run:
    """Give the command line, for the daemon in *place*."""

    def run(*words: str | Path, exit_code: int = 0) -> Result:
        environ = {
            "HECATE_DATA_DIR": str(place / "data"),
            "HECATE_CONFIG": str(place / "config.toml"),
            "HECATE_SOCKET": str(place / "daemon.sock"),
        }
        result = CliRunner().invoke(CLI, [str(word) for word in words], env=environ, prog_name="hecate")
        assert result.exit_code == exit_code, (result.output, result.exc_info)
        return result

    return run


def found(result: Result) -> dict[str, Any]:
    """Return the findings by what was looked at."""
    return {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}


def test_a_daemon_that_is_well(place: Path, run: Run) -> None:
    """It answers, its store is sound, and a workspace that is missing is told."""
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        caller.venture("with code", workspace=str(place / "nowhere"))
        findings = found(run("doctor", "--json"))
    assert findings["daemon"]["state"] == findings["hash chain"]["state"] == findings["read models"]["state"] == "ok"
    assert findings["git"]["state"] == "ok"
    assert findings["providers"]["state"] == "warning"
    assert "nowhere" in findings["workspace"]["found"]


def test_what_is_wrong_beside_a_daemon_is_put_right(place: Path, run: Run) -> None:
    """Exit code 1 and a remedy; with --rebuild the daemon serves the right rows from then on."""
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        venture_id = caller.venture("right")
        change(place / "data/hecate.db", "UPDATE ventures SET name = 'wrong'")
        assert "hecate rebuild ventures" in run("doctor", exit_code=1).stdout
        run("doctor", "--rebuild")
        run("doctor")
        assert caller.get(f"/api/ventures/{venture_id}").json["name"] == "right"
        caller.venture("another")
        assert json.loads(run("rebuild", "--json").stdout)["ok"]
        assert [one["name"] for one in caller.get("/api/ventures").json["ventures"]] == ["right", "another"]


def test_a_store_with_which_no_daemon_starts(place: Path, run: Run) -> None:
    """What the daemon says in a sentence, the doctor says with a place and a remedy."""
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        for number in range(5):
            caller.venture(f"v{number}")
        daemon.signal(signal.SIGKILL)
        daemon.end()
    flip(place / "data/hecate.db-wal", 32 + 3 * 4120 + 30)
    arguments = ("serve", "--socket", place / "other.sock", "--data-dir", place / "data")
    with started(arguments, place / "other.sock", program=(HECATE,)) as refused:
        assert refused.end() == 1
        assert "write-ahead log" in refused.err[-1]
    findings = found(run("doctor", "--json", exit_code=1))
    assert findings["write-ahead log"]["state"] == "problem"
    assert f"at byte {32 + 3 * 4120}" in findings["write-ahead log"]["found"]
    assert "restore" in findings["write-ahead log"]["remedy"]
    assert findings["daemon"]["state"] == "warning"
    assert "write-ahead log" in run("backup", place / "copy", exit_code=1).stderr


def test_without_a_store(place: Path, run: Run) -> None:
    """It says where it has looked."""
    (place / "config.toml").write_text("")
    assert str(place / "data") in run("doctor", exit_code=1).stdout
