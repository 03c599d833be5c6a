"""Links in a workspace, also those that are swapped in while we write: nothing lands outside, nothing is read there."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hecate.dossiers.errors import Refused
from hecate.workspaces.workspace import Workspace

ROUNDS = 1000


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a folder, and another folder beside it."""
    (tmp_path / "work" / "sub").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    return Workspace.open(tmp_path / "work", is_named=True, make=False)


@contextmanager
def swapping(folder: Path, outside: Path) -> Iterator[None]:
    """Make *folder* now a folder, now a link to *outside*, as fast as that goes."""
    link, stop = folder.with_name("link"), threading.Event()
    link.symlink_to(outside)
    # The two at once, so that there is always one of them.
    renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    here, exchange = -100, 2

    def swap() -> None:
        while not stop.is_set():
            assert renameat2(here, bytes(folder), here, bytes(link), exchange) == 0, os.strerror(ctypes.get_errno())

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_what_is_written_does_not_follow_a_link_that_is_swapped_in(workspace: Workspace, tmp_path: Path) -> None:
    """Between the look at the path and the write there is time enough for whoever tries often."""
    outside = tmp_path / "outside"
    with swapping(workspace.root / "sub", outside):
        for _ in range(ROUNDS):
            with suppress(Refused):
                workspace.write("sub/file", b"mine")
    assert list(outside.iterdir()) == []


def test_what_is_read_does_not_follow_it_either(workspace: Workspace, tmp_path: Path) -> None:
    """What lies outside is none of a job's business."""
    (tmp_path / "outside" / "file").write_bytes(b"secret")
    (workspace.root / "sub" / "file").write_bytes(b"mine")
    seen: set[bytes | None] = set()
    with swapping(workspace.root / "sub", tmp_path / "outside"):
        for _ in range(ROUNDS):
            with suppress(Refused):
                seen.add(workspace.read("sub/file"))
    assert seen <= {b"mine", None}


def test_what_is_removed_does_not_follow_it_either(workspace: Workspace, tmp_path: Path) -> None:
    """A file outside stays."""
    kept = tmp_path / "outside" / "file"
    kept.write_bytes(b"secret")
    (workspace.root / "sub" / "another").touch()
    with swapping(workspace.root / "sub", tmp_path / "outside"):
        for _ in range(ROUNDS):
            with suppress(Refused):
                workspace.remove("sub/file")
    assert kept.exists()


def test_the_race_can_be_lost(workspace: Workspace, tmp_path: Path) -> None:
    """Whoever resolves a path and then opens it by its name is led outside: the tests above can fail."""
    outside = tmp_path / "outside"
    with swapping(workspace.root / "sub", outside):
        for _ in range(ROUNDS * 10):
            with suppress(OSError, Refused):
                workspace.path("sub/file").write_bytes(b"mine")
            if list(outside.iterdir()):
                break
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.parametrize("target", ["/etc", "../outside", "sub/../../outside", ".git"])
def test_a_link_that_leads_out_is_refused(workspace: Workspace, target: str) -> None:
    """Whatever it is called, and however deep."""
    (workspace.root / ".git").mkdir()
    (workspace.root / "link").symlink_to(target)
    for relative in ("link/file", "link/deep/file"):
        with pytest.raises(Refused):
            workspace.write(relative, b"x")


def test_a_link_within_the_workspace_is_fine(workspace: Workspace) -> None:
    """Many projects have some."""
    (workspace.root / "link").symlink_to("sub")
    workspace.write("link/file", b"x")
    assert (workspace.root / "sub" / "file").read_bytes() == b"x"
    assert workspace.read("link/file") == b"x"
    workspace.remove("link/file")
    assert not (workspace.root / "sub").exists()


def test_what_is_no_file_is_not_read(workspace: Workspace) -> None:
    """A pipe that nobody writes to would hold the job up for ever, a device might never end."""
    os.mkfifo(workspace.root / "pipe")
    for name in ("pipe", "sub"):
        with pytest.raises(Refused, match="no file"):
            workspace.read(name)
