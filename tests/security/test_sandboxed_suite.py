"""A hostile test suite in the sandbox, as a job over the API: it runs, reports, and reaches nothing."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest

from tests.calling import Caller
from tests.child_processes.test_confinement import needs_bubblewrap
from tests.rescue_division.trouble import trouble
from tests.serving import serving

HOSTILE = dedent("""
    import os, pathlib, socket, subprocess
    import pytest

    FOLDER = pathlib.Path({folder!r})

    def test_the_database_cannot_be_read() -> None:
        assert not (FOLDER / "data" / "hecate.db").exists()

    def test_the_daemon_cannot_be_called() -> None:
        with pytest.raises(OSError):
            socket.socket(socket.AF_UNIX).connect(str(FOLDER / "daemon.sock"))

    def test_no_other_process_is_there() -> None:
        assert len([name for name in os.listdir("/proc") if name.isdecimal()]) < 9

    def test_nothing_can_be_sent_away() -> None:
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", {port}), timeout=1)

    def test_nothing_is_written_elsewhere() -> None:
        with pytest.raises(OSError):
            (pathlib.Path.cwd().parent / ".git" / "pwned").touch()
        pathlib.Path("/tmp/pwned-by-a-suite").touch()

    def test_homes_are_empty() -> None:
        assert not list(pathlib.Path.home().glob(".ssh*"))

    def test_its_own_folder_is_its_own() -> None:
        pathlib.Path("written").touch()
""")


@needs_bubblewrap
@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_a_hostile_suite_reaches_nothing(tmp_path: Path, sandbox: str) -> None:
    """All of its tests pass, which say so; without a sandbox, the same ones fail."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        configuration = f'[jobs]\nsandbox = "{sandbox}"\n[http]\nlisten = "127.0.0.1:0"\n'
        with (
            serving(Path(folder), configuration=configuration) as daemon,
            closing(Caller(daemon.socket_path)) as caller,
        ):
            port = int(daemon.wait_for_line('"ready"').partition("http://127.0.0.1:")[2].partition('"')[0])
            division = trouble(caller, tmp_path / "workspace")
            (division.workspace / "auth" / "test_sums.py").write_text(HOSTILE.format(folder=folder, port=port))
            division.commit()
            path = f"/api/divisions/{division.division_id}/test/suite?wait=true"
            finished = caller.post(path, {}).json["events"][-1]["data"]
    assert (finished["outcome"], finished["total"]) == ("passed" if sandbox == "bubblewrap" else "failed", 7), finished
    assert (division.workspace / "auth" / "written").exists()
    if sandbox == "bubblewrap":
        assert not Path("/tmp/pwned-by-a-suite").exists()
    else:
        assert finished["failed"] >= 4
        Path("/tmp/pwned-by-a-suite").unlink(missing_ok=True)
