"""A daemon that is killed at any step of a release leaves no half release, and the next one goes on."""

from __future__ import annotations

import http.client
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, started, wait_until
from tests.deploy_division.projects import Deployed, deployed

PROGRAM = Path(__file__).with_name("dying_daemon.py")
NEVER = 10**9
BUILD = ["sh", "-c", 'echo "$HECATE_VERSION" >"$HECATE_ARTIFACTS/app.txt"']


@contextmanager
def dying(folder: Path, die_at: int) -> Iterator[tuple[Child, Caller]]:
    """Serve in *folder* with a daemon that dies at a step of the first release or rollback that it makes."""
    with starting(folder, die_at, "job") as child:
        with closing(Caller(child.ready().socket_path)) as caller:
            yield child, caller
        child.signal(signal.SIGTERM)
        child.end()


@contextmanager
def starting(folder: Path, die_at: int, die_in: str) -> Iterator[Child]:
    """Start a daemon in *folder* that dies at a step: of a ``job``, or of its own ``start``."""
    socket = folder / "daemon.sock"
    (folder / "config.toml").write_text("[providers.ollama]\nenabled = false\n")
    arguments = ("serve", "--socket", socket, "--data-dir", folder / "data", "--config", folder / "config.toml")
    environ = {"DIE_AT": str(die_at), "DIE_IN": die_in}
    with started(arguments, socket, program=(PROGRAM,), environ=environ) as child:
        yield child


def deploy(division: Deployed, version: str) -> bool:
    """Deploy *version*; tell whether the daemon has lived to answer."""
    try:
        division.do("release", version=version, command=BUILD)
    except (http.client.HTTPException, OSError):
        return False
    return True


def is_whole(division: Deployed) -> None:
    """Check that what is on disk is what is recorded."""
    recorded = [item["version"] for item in division.listed["deployments"] if item["kind"] == "release"]
    live = [f"current -> {division.live}"] if division.live else []
    assert division.on_disk == sorted({*recorded, *live})
    for version in recorded:
        subprocess.run(
            ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=division.releases / version, check=True
        )
        assert (division.releases / version / "app.txt").read_text() == f"{version}\n"


def jobs(division: Deployed) -> list[Any]:
    """Return the jobs, the newest first."""
    listed: list[Any] = division.caller.get("/api/jobs").json["jobs"]
    return listed


@pytest.mark.timeout(600)
def test_killed_at_every_step_of_a_release() -> None:
    """The link leads to the old release or to the new one, each is whole, and the same version can be tried again."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as name:
        folder = Path(name)
        with dying(folder, NEVER) as (_, caller):
            division = deployed(caller, folder / "workspace", folder / "data")
            assert deploy(division, "1.0.0")
        deaths = 0
        for step in range(1, 200):
            with dying(folder, step) as (child, caller):
                division = division._replace(caller=caller)
                is_whole(division)
                assert [job["state"] for job in jobs(division)] == ["interrupted"] * deaths + ["succeeded"]
                if deploy(division, "1.1.0"):
                    break
                assert child.end() == -signal.SIGKILL
                deaths += 1
        assert deaths >= 15
        with dying(folder, NEVER) as (_, caller):
            division = division._replace(caller=caller)
            is_whole(division)
            assert division.live == "1.1.0"
            failure = division.last("release_failure")
            assert (failure["stage"], failure["reason"]) == ("unknown", "the daemon stopped while the job was running")


@pytest.mark.timeout(600)
def test_killed_at_every_step_of_a_rollback() -> None:
    """What is recorded as live is live, and the rollback can be asked for again."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as name:
        folder = Path(name)
        with dying(folder, NEVER) as (_, caller):
            division = deployed(caller, folder / "workspace", folder / "data")
            assert deploy(division, "1.0.0")
            assert deploy(division, "1.1.0")
        deaths = 0
        for step in range(1, 50):
            with dying(folder, step) as (child, caller):
                division = division._replace(caller=caller)
                if rolls_back(division):
                    break
                assert child.end() == -signal.SIGKILL
                deaths += 1
            with dying(folder, NEVER) as (_, caller):
                division = division._replace(caller=caller)
                is_whole(division)
                assert division.live == "1.1.0"
                assert jobs(division)[0]["state"] == "interrupted"
        assert deaths >= 2
        with dying(folder, NEVER) as (_, caller):
            division = division._replace(caller=caller)
            is_whole(division)
            assert division.live == "1.0.0"


def rolls_back(division: Deployed) -> bool:
    """Roll back; tell whether the daemon has lived to answer."""
    try:
        division.do("rollback")
    except (http.client.HTTPException, OSError):
        return False
    return True


def comes_up(child: Child) -> bool:
    """Wait until *child* serves or has ended, and tell which."""
    wait_until(lambda: child.process.poll() is not None or any('"ready"' in line for line in child.err))
    return child.process.poll() is None


@pytest.mark.timeout(600)
def test_killed_at_every_step_of_putting_right() -> None:
    """The next start goes on with what the one before has begun."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as name:
        folder = Path(name)
        with dying(folder, NEVER) as (child, caller):
            division = deployed(caller, folder / "workspace", folder / "data")
            assert deploy(division, "1.0.0")
            job_id = division.begin("release", version="1.1.0", command=BUILD, health_check="false")
            wait_until(lambda: division.on_disk[-1] == "current -> 1.1.0")
            assert division.job(job_id)["state"] == "running"
            child.signal(signal.SIGKILL)
            child.end()
        deaths = 0
        for step in range(1, 50):
            with starting(folder, step, "start") as child:
                if comes_up(child):
                    child.signal(signal.SIGTERM)
                    assert child.end() == 0
                    break
                assert child.end() == -signal.SIGKILL
                deaths += 1
        assert deaths >= 5
        with dying(folder, NEVER) as (_, caller):
            division = division._replace(caller=caller)
            is_whole(division)
            assert division.live == "1.0.0"
