"""What a job that was broken off has come to in the git repository of its workspace: whether its commit is there.

A commit is made beside the index that a person works with, which follows it at once.  Should the daemon be killed in
between, that index would have the commit's files staged to be as they were before, and the person's next commit would
take them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hecate.workspaces.repository import Repository

MOST_COMMITS = "--max-count=50"
"""That are looked at: some may have come after the one of a job."""
LITERALLY = {"GIT_LITERAL_PATHSPECS": "1"}


async def commit_with(repository: Repository, mark: str, ref: str = "HEAD") -> str:
    """Return the newest commit of *ref* whose message has *mark* in it; empty: there is none."""
    found = await repository.try_git("log", MOST_COMMITS, "--format=%H", "--fixed-strings", f"--grep={mark}", ref, "--")
    return found.output.strip().partition("\n")[0] if found.end.succeeded else ""


async def have_index_follow(repository: Repository, commit: str, paths: Sequence[str]) -> None:
    """Have the person's index know what *commit* has made of *paths*, but for what they have staged there since.

    Args:
        repository: Around the workspace that the paths begin in.
        commit: What is checked out, or has been.
        paths: Of the commit's files, and of those that it has removed.

    Raises:
        Refused: git fails, or somebody has the index locked.
    """
    if not paths:
        return
    prefix = (await repository.git("rev-parse", "--show-prefix")).strip()
    parent = await repository.try_git("rev-parse", "--verify", "--quiet", f"{commit}^")
    # git knows the empty tree though nobody has written it.
    before = parent.output.strip() if parent.end.succeeded else await repository.git("mktree", given=b"")
    differing = await repository.git(
        "diff-index", "--cached", "--name-only", before.strip(), "--", *paths, environment=LITERALLY
    )
    staged = set(differing.splitlines())
    stale = [path for path in paths if f"{prefix}{path}" not in staged]
    if not stale:
        return
    listed = await repository.git("ls-tree", "-r", "--full-name", commit, "--", *stale, environment=LITERALLY)
    there = {line.partition("\t")[2] for line in listed.splitlines()}
    gone = [f"0 {'0' * len(commit)}\t{prefix}{path}" for path in stale if f"{prefix}{path}" not in there]
    changes = "".join(f"{line}\n" for line in (*listed.splitlines(), *gone))
    await repository.git("update-index", "--add", "--index-info", given=changes.encode())
