"""A commit of a job that was killed: whether it is there, and what the person's index then says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hecate.workspaces.interrupted_commit import commit_with, have_index_follow
from tests.workspaces.test_repository import Place


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    """An empty workspace, with a repository."""
    place = Place(tmp_path / "work")
    await place.repository.prepare()
    return place


async def killed_before_the_index_follows(place: Place, **files: str) -> str:
    """Commit *files*, an empty text for one that is removed, as a job does that is killed at the end."""
    index = place.workspace.root / ".git" / "index"
    before = index.with_name("before")
    if index.exists():
        shutil.copy(index, before)
    for path, content in files.items():
        if content:
            place.workspace.write(path, content.encode())
        else:
            place.workspace.remove(path)
    commit = await place.repository.commit(list(files), "a: fix", "Hecate-Job: job-1")
    if before.exists():
        before.replace(index)
    else:
        index.unlink()
    return commit


async def test_the_commit_of_a_job_is_found(place: Place) -> None:
    """Also under what has been committed since; no other is taken for it."""
    commit = await killed_before_the_index_follows(place, a="1")
    await place.written(b="2")
    assert await commit_with(place.repository, "Hecate-Job: job-1") == commit
    assert await commit_with(place.repository, "Hecate-Job: job-2") == ""
    assert await commit_with(place.repository, "Hecate-Job: job-1", "refs/heads/none") == ""


async def test_the_index_follows_a_first_commit(place: Place) -> None:
    """Until then it says that all of it is removed."""
    commit = await killed_before_the_index_follows(place, a="1", größe="2")
    assert place.git("status", "--porcelain", "a").startswith("D ")
    await have_index_follow(place.repository, commit, ["a", "größe"])
    assert place.git("status", "--porcelain") == ""


async def test_the_index_follows_what_was_changed_made_and_removed(place: Place) -> None:
    """Each in its way."""
    await place.written(changed="1", removed="1", other="1")
    commit = await killed_before_the_index_follows(place, changed="2", made="2", removed="")
    await have_index_follow(place.repository, commit, ["changed", "made", "removed"])
    assert place.git("status", "--porcelain") == ""


async def test_what_a_person_has_staged_since_stays_staged(place: Place) -> None:
    """They have seen what there was, and meant what they did."""
    await place.written(a="1", b="1")
    commit = await killed_before_the_index_follows(place, a="2", b="2")
    place.workspace.write("a", b"3")
    place.git("add", "a")
    await have_index_follow(place.repository, commit, ["a", "b"])
    assert place.git("status", "--porcelain") == "M  a"


async def test_paths_begin_at_the_workspace(tmp_path: Path) -> None:
    """Which may be a folder of a larger repository."""
    outer = Place(tmp_path / "outer", is_named=True)
    await outer.repository.prepare()
    await outer.written(a="1")
    inner = Place(tmp_path / "outer" / "apps", is_named=True)
    index = outer.workspace.root / ".git" / "index"
    before = index.read_bytes()
    commit = await inner.written(a="2")
    index.write_bytes(before)
    await have_index_follow(inner.repository, commit, ["a"])
    assert outer.git("status", "--porcelain") == ""


async def test_nothing_was_changed_in_the_workspace(place: Place) -> None:
    """As by a fix on a branch: the index stays as it is."""
    commit = await place.written(a="1")
    place.workspace.write("a", b"2")
    place.git("add", "a")
    await have_index_follow(place.repository, commit, [])
    assert place.git("status", "--porcelain") == "M  a"
