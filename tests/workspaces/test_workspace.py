"""A workspace: what may be read and written is in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hecate.dossiers.errors import Refused
from hecate.workspaces.workspace import Workspace


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
