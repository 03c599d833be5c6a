"""What the daemon's process keeps from others of its user, and hands on to its children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import subprocess, sys
from hecate.daemon.self_protection import protect_this_process
if "protected" in sys.argv:
    protect_this_process()
print(subprocess.run(["sh", "-c", sys.argv[1]], capture_output=True, text=True).stdout, end="")
"""


NOBODY = "65534"


def as_user() -> list[str]:
    """Return what stands before a command that no root shall run: nothing, for whoever is none."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []


def told(script: str, *, protected: bool) -> str:
    """Return what a child of a process prints, which has protected itself or has not."""
    environment = {"PATH": os.defpath, "A_KEY": "canary", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [*as_user(), sys.executable, "-c", PROGRAM, script, *(("protected",) if protected else ())]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd="/").stdout


def is_reachable() -> bool:
    """Tell whether that user can run our Python at all."""
    command = [*as_user(), sys.executable, "-c", "import hecate.daemon.self_protection"]
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        return subprocess.run(command, check=False, capture_output=True, env=environment, cwd="/").returncode == 0
    except FileNotFoundError:
        return False


on_linux = pytest.mark.skipif(sys.platform != "linux" or not is_reachable(), reason="needs Linux, as no root")


@on_linux
@pytest.mark.parametrize("file", ["environ", "fd/0", "maps"])
def test_a_child_cannot_look_into_its_parent(file: str) -> None:
    """Its environment has keys, its files are open; a process that does not protect itself shows them."""
    script = f"head -c 1 /proc/$PPID/{file} >/dev/null 2>&1 || echo refused"
    assert told(script, protected=False) == ""
    assert told(script, protected=True) == "refused\n"


@on_linux
def test_nothing_becomes_more_than_the_daemon() -> None:
    """Every child has ``no_new_privs``, which it cannot take off."""
    script = "grep NoNewPrivs /proc/self/status"
    assert told(script, protected=False).split() == ["NoNewPrivs:", "0"]
    assert told(script, protected=True).split() == ["NoNewPrivs:", "1"]


def test_no_core_file_is_written() -> None:
    """Not by the daemon, and by default not by what it starts."""
    assert told("ulimit -S -c", protected=True) == "0\n"


def test_the_daemon_protects_itself() -> None:
    """It is the first thing that its main function does."""
    source = (Path(__file__).parents[2] / "src/hecate/daemon/main.py").read_text()
    assert source.index("protect_this_process()") < source.index("load(options)\n")
