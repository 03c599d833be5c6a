"""``make demo``: one division through the whole cycle, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.child import child_environment

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


@pytest.mark.timeout(SECONDS + 30)
def test_the_demo_goes_through_the_whole_cycle(tmp_path: Path) -> None:
    """From the design to the redesign, without a model; no file and no process stays."""
    venv = Path(sys.executable).parent.parent
    if not (ROOT / ".venv").exists() or (ROOT / ".venv").resolve() != venv.resolve():
        pytest.skip("the demo runs what `make setup` has put into .venv, and the tests run in another environment")
    environment = child_environment() | {"TMPDIR": str(tmp_path)}
    ran = subprocess.run(
        [ROOT / "scripts" / "demo"], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr
    # A word of each stage's own, in their order.
    stages = (
        "venture_setup_v1",
        "list_book (P0)",
        "skeleton_generated_v1",
        "outcome\tpassed",
        "release_deployed_v1",
        "application_started_v1",
        '"isbn": "978-0-14-143958-7"',
        "\tok\t",
        "ORDER BY row_id",
        "\tdown\t",
        "fix_applied_v1",
        "design_started_v1",
    )
    place = 0
    for stage in stages:
        place = ran.stdout.find(stage, place)
        assert place >= 0, f"no {stage!r} in its place in {ran.stdout[-3000:]}"
    assert "is gone now" in ran.stdout or "are gone now" in ran.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that have *folder* in their environment or command line."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue  # it has ended, or is another user's
            if os.fsencode(folder) in known:
                found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found
