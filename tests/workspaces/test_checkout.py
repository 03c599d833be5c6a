"""A copy of what is committed, and commits onto it that touch nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hecate.dossiers.errors import Refused
from hecate.workspaces.checkout import check_out
from hecate.workspaces.repository import Author, Repository
from hecate.workspaces.workspace import Workspace
from tests.workspaces.test_repository import Place, Runs


async def committed(folder: Path, **files: str) -> Place:
    """Return a workspace in which *files* are committed; ``__`` in a name is a slash."""
    place = Place(folder)
    await place.repository.prepare()
    for name, content in files.items():
        place.workspace.write(name.replace("__", "/"), content.encode())
    place.git("add", "--all")
    place.git("commit", "--quiet", "--message", "as it is")
    return place


async def test_a_copy_holds_what_is_committed(tmp_path: Path) -> None:
    """Byte for byte, whatever attributes say; what is not committed is not in it."""
    place = await committed(tmp_path / "w", a="one\n", sub__b="two\n", **{".gitattributes": "* text eol=crlf\n"})
    place.workspace.write("a", b"mine")
    copy = await check_out(place.repository, await place.repository.head(), tmp_path / "copy")
    assert copy.workspace.read("a") == b"one\n"
    assert copy.workspace.read("sub/b") == b"two\n"
    assert place.workspace.read("a") == b"mine"


async def test_a_commit_onto_it_is_the_workspaces_own(tmp_path: Path) -> None:
    """Its objects are in the workspace's repository; no branch, index or file there has changed."""
    place = await committed(tmp_path / "w", a="one\n", b="two\n")
    head = await place.repository.head()
    copy = await check_out(place.repository, head, tmp_path / "copy")
    copy.workspace.write("a", b"changed\n")
    copy.workspace.remove("b")
    commit = await copy.repository.commit_onto(head, ["a", "b"], "try")
    assert place.git("show", "--name-status", "--format=%s %an %P", commit) == f"try Hecate {head}\n\nM\ta\nD\tb"
    assert (await place.repository.head(), place.git("status", "--porcelain")) == (head, "")
    assert place.git("fsck", "--strict", "--no-dangling") == ""


async def test_a_workspace_within_a_larger_repository(tmp_path: Path) -> None:
    """Has the whole of it copied, and its own place in the copy."""
    outer = await committed(tmp_path / "w", inner__a="one\n", b="two\n")
    inner = Workspace.open(tmp_path / "w" / "inner", is_named=True, make=False)
    repository = Repository(inner, Runs(), Author("Hecate", "hecate@localhost"))
    head = await repository.head()
    copy = await check_out(repository, head, tmp_path / "copy")
    assert copy.workspace.read("a") == b"one\n"
    assert (copy.workspace.root.parent / "b").read_text() == "two\n"
    copy.workspace.write("a", b"changed\n")
    commit = await copy.repository.commit_onto(head, ["a"], "try")
    assert outer.git("show", "--name-only", "--format=", commit) == "inner/a"


async def test_what_is_no_commit_cannot_be_copied(tmp_path: Path) -> None:
    """Git says so."""
    place = await committed(tmp_path / "w", a="one\n")
    with pytest.raises(Refused, match="git read-tree"):
        await check_out(place.repository, "0" * 40, tmp_path / "copy")


async def test_what_is_not_committed_as_it_is_is_told(tmp_path: Path) -> None:
    """Changed files and new ones; those that are gone are not there to be lost."""
    place = await committed(tmp_path / "w", same="1", changed="1", gone="1", **{"sub__a b": "1"})
    place.workspace.write("changed", b"2")
    place.workspace.write("new", b"1")
    place.workspace.remove("gone")
    asked = ["same", "changed", "gone", "new", "never", "sub/a b"]
    assert await place.repository.uncommitted(asked) == ["changed", "new"]
    assert await place.repository.uncommitted(["never"]) == []


async def test_without_any_commit_nothing_is_committed(tmp_path: Path) -> None:
    """In a repository that has just begun."""
    place = Place(tmp_path / "w")
    await place.repository.prepare()
    place.workspace.write("a", b"1")
    assert await place.repository.uncommitted(["a"]) == ["a"]


async def test_filters_of_the_repository_are_switched_off(tmp_path: Path) -> None:
    """Also where git looks at a file anew of its own accord, and whatever the filter is called."""
    place = await committed(tmp_path / "w", a="one\n", **{".gitattributes": "* filter=spy=x.y\n"})
    trace = tmp_path / "trace"
    place.git("config", "filter.spy=x.y.clean", f"tee -a {trace}")
    place.git("config", "filter.spy=x.y.required", "true")
    place.workspace.write("a", b"two\n")
    repository = Repository(place.workspace, Runs(), Author("Hecate", "hecate@localhost"))
    assert "M a" in await repository.git("status", "--porcelain")
    await repository.git("add", "a")
    assert not trace.exists()
