"""A workspace: what may be read and written is in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hecate.dossiers.errors import Refused
from hecate.workspaces.workspace import Workspace
from tests.small_disk import fill, small_disk


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace.open(tmp_path / "work", is_named=True, make=True)


@pytest.mark.parametrize(
    "path", ["../outside", "a/../../outside", "/etc/passwd", "", ".git/config", "a/.GIT/hooks/x", "a\0b", "a\nb", ".."]
)
def test_a_path_that_leads_out_is_refused(workspace: Workspace, path: str) -> None:
    """By two dots, from the root, or into the repository's own folder."""
    for use in (workspace.path, workspace.read, workspace.remove):
        with pytest.raises(Refused):
            use(path)
    with pytest.raises(Refused):
        workspace.write(path, b"x")


def test_a_link_that_leads_out_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """Of a file or of a folder above it; one that stays inside is a path like any other."""
    (tmp_path / "secret").write_text("secret")
    (workspace.root / "file").symlink_to(tmp_path / "secret")
    (workspace.root / "folder").symlink_to(tmp_path)
    for path in ("file", "folder/secret", "folder/new"):
        with pytest.raises(Refused, match="leads out of the workspace"):
            workspace.write(path, b"x")
        with pytest.raises(Refused, match="leads out of the workspace"):
            workspace.read(path)
    assert (tmp_path / "secret").read_text() == "secret"
    workspace.write("inside/a", b"1")
    (workspace.root / "near").symlink_to("inside")
    assert workspace.read("near/a") == b"1"


def test_a_link_into_the_repository_is_refused(workspace: Workspace) -> None:
    """What is behind it is no less the repository's."""
    (workspace.root / ".git" / "hooks").mkdir(parents=True)
    (workspace.root / "harmless").symlink_to(".git")
    with pytest.raises(Refused, match="git repository"):
        workspace.write("harmless/hooks/post-commit", b"#!/bin/sh\n", executable=True)


def test_a_loop_of_links_is_refused(workspace: Workspace) -> None:
    """It is said, and no recursion."""
    (workspace.root / "a").symlink_to("b")
    (workspace.root / "b").symlink_to("a")
    with pytest.raises(Refused):
        workspace.write("a/x", b"1")


def test_a_file_is_written_whole(workspace: Workspace) -> None:
    """With its folders, readable for others as files are, and nothing beside it."""
    workspace.write("src/app/main.py", b"print()\n")
    workspace.write("run", b"#!/bin/sh\n", executable=True)
    assert workspace.read("src/app/main.py") == b"print()\n"
    assert workspace.read("src/app/other.py") is None
    assert workspace.read("src/app/main.py/x") is None
    assert stat.S_IMODE((workspace.root / "src/app/main.py").stat().st_mode) == 0o644
    assert os.access(workspace.root / "run", os.X_OK)
    assert sorted(path.name for path in workspace.root.rglob("*") if path.is_file()) == ["main.py", "run"]


def test_what_is_removed_leaves_no_empty_folder(workspace: Workspace) -> None:
    """But every folder in which something is left."""
    workspace.write("a/b/c", b"1")
    workspace.write("a/d", b"1")
    workspace.remove("a/b/c")
    workspace.remove("a/b/never")
    assert sorted(path.name for path in workspace.root.rglob("*")) == ["a", "d"]


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """Missing, a file, below a file, relative."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="does not exist"):
        Workspace.open(tmp_path / "missing", is_named=True, make=False)
    with pytest.raises(Refused, match="cannot be used: File exists"):
        Workspace.open(tmp_path / "file", is_named=True, make=True)
    with pytest.raises(Refused, match="is no folder"):
        Workspace.open(tmp_path / "file", is_named=True, make=False)
    with pytest.raises(Refused, match="cannot be used: Not a directory"):
        Workspace.open(tmp_path / "file" / "below", is_named=True, make=True)
    with pytest.raises(Refused, match="must be an absolute path"):
        Workspace.open(Path("work"), is_named=True, make=True)


def test_a_disk_that_takes_nothing_is_said(workspace: Workspace) -> None:
    """Here, a name that is too long for it; the caller gets the system's words and no trace."""
    with pytest.raises(Refused, match=r"cannot write .*File name too long"):
        workspace.write("x" * 300, b"1")
    assert list(workspace.root.iterdir()) == []


def test_who_may_use_a_file_stays_as_it_is(workspace: Workspace) -> None:
    """But for whether it is run."""
    workspace.write("a", b"1")
    path = workspace.root / "a"
    for mode, executable, then in ((0o600, False, 0o600), (0o664, True, 0o775), (0o750, False, 0o640)):
        path.chmod(mode)
        workspace.write("a", b"2", executable=executable)
        assert stat.S_IMODE(path.stat().st_mode) == then


def test_what_was_there_is_put_back_also_on_a_full_disk(tmp_path: Path) -> None:
    """In the file itself, since there is no room for another; it was larger, so there is enough in it."""
    with small_disk(tmp_path / "disk", 256):
        workspace = Workspace.open(tmp_path / "disk", is_named=True, make=False)
        workspace.write("a", b"after" * 10_000, executable=True)
        fill(tmp_path / "disk" / "ballast")
        with pytest.raises(Refused, match="No space left on device"):
            workspace.write("a", b"before" * 5_000)
        workspace.put_back("a", b"before" * 5_000)
        assert workspace.read("a") == b"before" * 5_000
        assert stat.S_IMODE((workspace.root / "a").stat().st_mode) == 0o644
        assert sorted(path.name for path in workspace.root.iterdir()) == ["a", "ballast"]


def test_what_cannot_be_put_back_is_said(tmp_path: Path) -> None:
    """A file that is gone takes room again."""
    with small_disk(tmp_path / "disk", 64):
        workspace = Workspace.open(tmp_path / "disk", is_named=True, make=False)
        fill(tmp_path / "disk" / "ballast")
        with pytest.raises(Refused, match="cannot write 'a' in the workspace"):
            workspace.put_back("a", b"before")
