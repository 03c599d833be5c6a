"""The repository around a workspace: a commit of what was written, and of nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from hecate.child_processes.child_process import run_child
from hecate.dossiers.errors import Refused
from hecate.workspaces.repository import Author, Captured, Repository
from hecate.workspaces.workspace import Workspace


class Runs:
    """Runs child processes as a job does."""

    async def capture(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        timeout_seconds: float | None = None,
        environment: Mapping[str, str] | None = None,
        given: bytes | None = None,
    ) -> Captured:
        """Run *command* to its end."""
        lines: list[str] = []
        end = await run_child(
            command,
            mark=f"test/{uuid4().hex}",
            folder=folder,
            timeout_seconds=timeout_seconds or 20,
            on_lines=lines.extend,
            environment=environment,
            given=given,
            own_parent=False,
        )
        return Captured(end, "\n".join(lines))


class Place:
    """A workspace with its repository, and git as a person uses it."""

    def __init__(self, folder: Path, *, is_named: bool = False) -> None:
        self.workspace = Workspace.open(folder, is_named=is_named, make=True)
        self.repository = Repository(self.workspace, Runs(), Author("Hecate", "hecate@localhost"))

    def git(self, *arguments: str) -> str:
        """Run git in the workspace and return what it prints."""
        me = ("-c", "user.name=Me", "-c", "user.email=me@localhost")
        ran = subprocess.run(
            ("git", *me, *arguments), cwd=self.workspace.root, check=True, capture_output=True, text=True
        )
        return ran.stdout.rstrip("\n")

    async def written(self, **files: str) -> str:
        """Write *files* and commit them; return the commit's id."""
        for path, content in files.items():
            self.workspace.write(path, content.encode())
        return await self.repository.commit(list(files), "generate: a skeleton")


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    """An empty workspace, with a repository."""
    place = Place(tmp_path / "work")
    await place.repository.prepare()
    return place


async def test_a_commit_has_what_was_written(place: Place) -> None:
    """In the name of the configured author; the tree is clean after it."""
    commit = await place.written(a="1", b="2")
    assert place.git("log", "--format=%H %an <%ae> %s") == f"{commit} Hecate <hecate@localhost> generate: a skeleton"
    assert place.git("ls-tree", "-r", "--name-only", "HEAD") == "a\nb"
    assert place.git("status", "--porcelain") == ""
    assert await place.repository.head() == commit


async def test_the_same_again_is_no_commit(place: Place) -> None:
    """Nothing has changed, and nothing is said to have."""
    first = await place.written(a="1")
    assert await place.written(a="1") == ""
    assert await place.repository.commit([], "nothing") == ""
    assert await place.repository.head() == first


async def test_what_is_gone_is_committed_as_removed(place: Place) -> None:
    """A path that was written and is there no more."""
    await place.written(a="1", b="2")
    place.workspace.remove("a")
    await place.repository.commit(["a"], "remove a")
    assert place.git("ls-tree", "-r", "--name-only", "HEAD") == "b"
    assert place.git("status", "--porcelain") == ""


async def test_a_dirty_tree_is_not_swept_in(place: Place) -> None:
    """What a person has staged stays staged, what is changed stays changed, what is new stays untracked."""
    await place.written(a="1", staged="old", dirty="old")
    for path, content in {"staged": "new", "dirty": "new", "untracked": "x"}.items():
        (place.workspace.root / path).write_text(content)
    place.git("add", "staged")
    await place.written(a="2")
    assert place.git("show", "--name-only", "--format=", "HEAD") == "a"
    assert place.git("status", "--porcelain").splitlines() == [" M dirty", "M  staged", "?? untracked"]


async def test_an_executable_file_stays_one(place: Place) -> None:
    """Its mode is part of the commit."""
    place.workspace.write("run", b"#!/bin/sh\n", executable=True)
    await place.repository.commit(["run"], "add run")
    assert place.git("ls-tree", "HEAD", "run").startswith("100755")


async def test_nothing_of_the_repository_is_run(place: Place) -> None:
    """Hooks, filters and a monitor of a repository that came from elsewhere: none leaves a trace."""
    trace = place.workspace.root.parent / "trace"
    hooks = place.workspace.root / ".git" / "hooks"
    for name in ("pre-commit", "post-commit", "commit-msg", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {trace}\n")
        (hooks / name).chmod(0o755)
    for key in ("filter.evil.clean", "filter.evil.smudge", "core.fsmonitor", "gpg.program"):
        place.git("config", key, f"touch {trace}; cat")
    place.git("config", "commit.gpgSign", "true")
    (place.workspace.root / ".gitattributes").write_text("* filter=evil\n")
    commit = await place.written(a="1")
    assert commit
    assert not trace.exists()


async def test_a_workspace_within_a_repository_uses_that(tmp_path: Path) -> None:
    """If a person has named it: the commit's paths begin at the repository's top."""
    outer = Place(tmp_path / "outer", is_named=True)
    await outer.repository.prepare()
    inner = Place(tmp_path / "outer" / "apps" / "shop", is_named=True)
    await inner.repository.prepare()
    assert not (inner.workspace.root / ".git").exists()
    await inner.written(a="1")
    assert outer.git("ls-tree", "-r", "--name-only", "HEAD") == "apps/shop/a"
    assert outer.git("status", "--porcelain") == ""


async def test_a_workspace_of_our_own_has_its_own_repository(tmp_path: Path) -> None:
    """Though the data directory may lie within somebody's."""
    outer = Place(tmp_path / "outer", is_named=True)
    await outer.repository.prepare()
    inner = Place(tmp_path / "outer" / "data")
    await inner.repository.prepare()
    assert (inner.workspace.root / ".git").is_dir()


async def test_a_repository_that_is_broken_is_said(place: Place) -> None:
    """With git's own last words."""
    (place.workspace.root / ".git" / "HEAD").write_text("garbage")
    with pytest.raises(Refused, match=r"git rev-parse in .* failed"):
        await place.written(a="1")


@pytest.mark.parametrize("has_commit", [True, False], ids=["with a commit before", "the first commit"])
async def test_an_index_that_somebody_has_locked_is_said_and_no_commit_left(place: Place, *, has_commit: bool) -> None:
    """Else the person's index would lack the files, and their next commit remove them; without the lock it works."""
    before = await place.written(a="1") if has_commit else ""
    lock = place.workspace.root / ".git/index.lock"
    lock.touch()
    with pytest.raises(Refused, match=r"Unable to create '.*index\.lock': File exists"):
        await place.written(b="2")
    assert await place.repository.head() == before
    lock.unlink()
    assert await place.written(b="2")
    assert place.git("status", "--porcelain") == ""


async def test_a_repository_that_was_begun_only_is_made_whole(tmp_path: Path) -> None:
    """A disk that was full, or a kill, has broken ``git init`` off: what it has left is no repository yet."""
    place = Place(tmp_path / "work")
    (place.workspace.root / ".git" / "hooks").mkdir(parents=True)
    await place.repository.prepare()
    assert await place.written(a="1")
    assert place.git("status", "--porcelain") == ""


async def test_a_repository_that_has_lost_its_head_is_not_made_anew(place: Place) -> None:
    """There are commits in it, and which was checked out is not for us to say."""
    await place.written(a="1")
    (place.workspace.root / ".git" / "HEAD").unlink()
    await place.repository.prepare()
    with pytest.raises(Refused, match="not a git repository"):
        await place.written(b="2")
    assert not (place.workspace.root / ".git" / "HEAD").exists()


async def test_the_reason_is_said_where_git_says_it_before_its_last_words(place: Place) -> None:
    """Of objects that cannot be written it says in the end only that they cannot."""
    objects = place.workspace.root / ".git" / "objects"
    objects.rename(objects.with_name("elsewhere"))
    objects.symlink_to("/proc/self/fdinfo")
    with pytest.raises(Refused, match=r"git hash-object .*: error: .*; fatal: Unable to add .* to database"):
        await place.written(a="1")
