"""``hecate export`` beside a daemon, and ``hecate import`` for another one."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import child_environment
from tests.serving import HECATE, serving


def hecate(folder: Path, *words: str | Path, stdin: bytes = b"", exit_code: int = 0) -> bytes:
    """Run the command line as a program, for the data directory in *folder*; return its standard output."""
    environ = child_environment() | {
        "HECATE_DATA_DIR": str(folder / "data"),
        "HECATE_CONFIG": str(folder / "config.toml"),
    }
    done = subprocess.run([HECATE, *words], env=environ, input=stdin, capture_output=True, check=False)
    assert done.returncode == exit_code, done.stderr
    return done.stdout


@pytest.mark.parametrize("form", ["ndjson", "cloudevents"])
def test_another_daemon_has_the_same_events(place: Path, form: str) -> None:
    """Its answers are the same, hashes included."""
    other = place / "other"
    other.mkdir()
    (other / "config.toml").write_text("")
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        caller.division()
        hecate(place, "export", "--format", form, place / "events")
        assert hecate(place, "export", "--format", form) == (place / "events").read_bytes()
        hecate(place, "export", place / "events", exit_code=1)  # nothing is overwritten
        hecate(place, "import", place / "events", exit_code=1)  # the daemon runs
        expected = [caller.get(path).json for path in ("/api/events", "/api/ventures")]
    answer = json.loads(hecate(other, "import", "-", "--json", stdin=(place / "events").read_bytes()))
    assert answer["imported"]["events"] == len(expected[0]["events"])
    with serving(other) as daemon, closing(Caller(daemon.socket_path)) as caller:
        assert [caller.get(path).json for path in ("/api/events", "/api/ventures")] == expected


def test_the_lines_of_the_api_can_be_imported(place: Path) -> None:
    """They are of the same form."""
    other = place / "other"
    other.mkdir()
    (other / "config.toml").write_text("")
    with serving(place) as daemon, closing(Caller(daemon.socket_path)) as caller:
        caller.division()
        lines = caller.get("/api/events", Accept="application/x-ndjson").body
        assert lines == hecate(place, "export")
    hecate(other, "import", "-", stdin=lines)
    assert hecate(other, "export") == lines
