"""Strays: what carries a mark is found and ended, and nothing else is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from uuid import uuid4

from hecate.child_processes import strays
from hecate.child_processes.strays import MARK, mark_of_store
from tests.daemon.child import wait_until


def marked_sleep(mark: str) -> subprocess.Popen[bytes]:
    """Start a process that carries *mark*."""
    return subprocess.Popen(["sleep", "1000"], env={**os.environ, MARK: mark}, start_new_session=True)


def test_all_of_a_store_are_ended_and_no_others() -> None:
    """By the beginning of the mark."""
    ours, others = uuid4().hex, uuid4().hex
    first, second, other = marked_sleep(f"{ours}/job-1"), marked_sleep(f"{ours}/job-2"), marked_sleep(f"{others}/job-1")
    try:
        # In the middle of its exec a process has no environment yet.
        wait_until(lambda: set(strays.marked(ours)) == {first.pid, second.pid})
        assert strays.marked(f"{ours}/job-1") == [first.pid]
        assert strays.end(ours) == 2
        assert (first.wait(), second.wait()) == (-9, -9)
        assert other.poll() is None
    finally:
        for process in (first, second, other):
            process.kill()
            process.wait()
    assert strays.end(others) == 0


def test_a_store_has_one_mark_however_it_is_named(tmp_path: Path) -> None:
    """A link to the data directory is the data directory."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    assert mark_of_store(tmp_path / "data") == mark_of_store(tmp_path / "link")
    assert mark_of_store(tmp_path / "data") != mark_of_store(tmp_path / "other")
