"""The git repository around a workspace, to which a job adds one commit of what it has written, and nothing else.

Commits are made with git's plumbing, on an index of their own: what a person has staged stays staged, what is
dirty stays dirty, and no hook, filter or signature of the repository runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from hecate.child_processes.child_process import ChildEnd
from hecate.dossiers.errors import Refused
from hecate.workspaces.workspace import Workspace

GIT_SECONDS = 60.0

SAFE = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.attributesFile=/dev/null",
    "-c", "commit.gpgSign=false", "-c", "log.showSignature=false", "-c", "protocol.allow=never",
    "-c", "safe.directory=*", "-c", "core.quotePath=false",
)  # fmt: skip
"""A repository may come from anywhere, and its configuration must not decide what we run."""

ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    # What is missing in a repository is not fetched: it may name a command for that, and by ``protocol.ext.allow``
    # allow it, which wins over ``protocol.allow``.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}


OF_EVERY_REPOSITORY = ("HEAD", "objects", "refs")


class Author(NamedTuple):
    """In whose name commits are made."""

    name: str
    email: str


class Captured(NamedTuple):
    """How a command ended, and what it printed."""

    end: ChildEnd
    output: str


class RunsCommands(Protocol):
    """What can run a child process and keep what it prints: a `hecate.jobs.job.Job`."""

    def capture(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        timeout_seconds: float | None = None,
        environment: Mapping[str, str] | None = None,
        given: bytes | None = None,
    ) -> Awaitable[Captured]:
        """Run *command* to its end."""


class Repository:
    """The git repository that *workspace* is in.

    Args:
        workspace: Where git runs.
        runs: What runs it.
        author: In whose name commits are made.
        environment: Further variables for git, such as ``GIT_DIR``.
    """

    def __init__(
        self,
        workspace: Workspace,
        runs: RunsCommands,
        author: Author,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._workspace = workspace
        self.runs = runs
        self.author = author
        self._environment = environment or {}
        self._without_filters: Mapping[str, str] | None = None

    async def prepare(self) -> None:
        """Make the repository if there is none; a folder that a person has named may be within a larger one.

        Raises:
            Refused: git is not installed, or fails.
        """
        there = self._workspace.root / ".git"
        if there.exists() and not _is_half_made(there):
            return
        if (
            not there.exists()
            and self._workspace.is_named
            and (await self.try_git("rev-parse", "--is-inside-work-tree")).end.succeeded
        ):
            return
        await self.git("init", "--quiet", "--initial-branch=main")

    async def head(self) -> str:
        """Return the id of the newest commit, or an empty text where there is none yet."""
        found = await self.try_git("rev-parse", "--verify", "--quiet", "HEAD")
        return found.output.strip() if found.end.succeeded else ""

    async def commit(self, paths: Sequence[str], subject: str, body: str = "") -> str:
        """Commit *paths* as they are now, those that are gone as removed, and nothing else.

        Returns:
            The new commit's id; empty where nothing has changed.

        Raises:
            Refused: git fails, or somebody has the index locked; then there is no commit.
        """
        if not paths:
            return ""
        parent = await self.head()
        changes, commit = await self._commit_onto(parent, paths, subject, body)
        if not commit:
            return ""
        await self.git("update-ref", "-m", f"commit: {subject}", "HEAD", commit, parent or "0" * len(commit))
        # In the person's own index these files are as committed now; everything else there stays as it was.
        try:
            await self.git("update-index", "--add", "--index-info", given=changes)
        except Refused:
            # Somebody's git has it locked.  Were the commit left, that index would say that its files are removed.
            before = ("HEAD", parent) if parent else ("-d", "HEAD")
            await self.git("update-ref", "-m", "hecate: the index cannot be written", *before, commit)
            raise
        return commit

    async def commit_onto(self, parent: str, paths: Sequence[str], subject: str, body: str = "") -> str:
        """Commit as `commit` does, onto *parent*, and leave it to the caller what shall refer to the commit.

        Raises:
            Refused: git fails.
        """
        _, commit = await self._commit_onto(parent, paths, subject, body)
        return commit

    async def uncommitted(self, paths: Sequence[str]) -> list[str]:
        """Return those of *paths* that are files and are not, as they are now, in the newest commit.

        Raises:
            Refused: git fails.
        """
        there = [path for path in paths if self._workspace.path(path).is_file()]
        if not there:
            return []
        prefix = (await self.git("rev-parse", "--show-prefix")).strip()
        head = await self.head() or "HEAD"
        asked = "".join(f"{head}:{prefix}{path}\n" for path in there).encode()
        # An id, a kind and a size for each; or the question again and the word "missing".
        committed = (await self.git("cat-file", "--batch-check", given=asked)).splitlines()
        listed = "".join(f"{path}\n" for path in there).encode()
        ids = (await self.git("hash-object", "--no-filters", "--stdin-paths", given=listed)).split()
        return [
            path for path, blob, found in zip(there, ids, committed, strict=True) if found.partition(" ")[0] != blob
        ]

    async def _commit_onto(self, parent: str, paths: Sequence[str], subject: str, body: str) -> tuple[bytes, str]:
        """Return the changes as ``update-index`` reads them, and the commit's id, empty where nothing has changed."""
        # Git's paths begin at the repository's top, which may be above the workspace.
        prefix = (await self.git("rev-parse", "--show-prefix")).strip()
        changes = await self._index_lines(paths, prefix)
        with tempfile.TemporaryDirectory(prefix="hecate-git-") as scratch:
            own_index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            await self.git("read-tree", parent or "--empty", environment=own_index)
            await self.git("update-index", "--add", "--index-info", given=changes, environment=own_index)
            tree = (await self.git("write-tree", environment=own_index)).strip()
        if parent and tree == (await self.git("rev-parse", f"{parent}^{{tree}}")).strip():
            return changes, ""
        message = f"{subject}\n\n{body}\n" if body else f"{subject}\n"
        commit = await self.git(
            "commit-tree", tree, *(("-p", parent) if parent else ()), given=message.encode(), environment=self._who()
        )
        return changes, commit.strip()

    async def git(
        self, *arguments: str, given: bytes | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run git in the workspace and return what it prints.

        Raises:
            Refused: It fails, or is not installed.
        """
        ended, output = await self.try_git(*arguments, given=given, environment=environment)
        if not ended.succeeded:
            reason = _reason(output)
            raise Refused(f"git {arguments[0]} in {self._workspace.root} failed ({ended.in_words}): {reason}")
        return output

    async def try_git(
        self, *arguments: str, given: bytes | None = None, environment: Mapping[str, str] | None = None
    ) -> Captured:
        """Run git in the workspace and return how it ended and what it prints."""
        if self._without_filters is None:
            # Whoever writes an index may look at files anew, through the filters that the repository configures.
            named = await self._capture(("config", "--name-only", "--get-regexp", r"^filter\."), {}, None)
            self._without_filters = _switched_off(named.output.splitlines() if named.end.succeeded else ())
        return await self._capture(arguments, {**self._without_filters, **(environment or {})}, given)

    async def _capture(self, arguments: Sequence[str], environment: Mapping[str, str], given: bytes | None) -> Captured:
        return await self.runs.capture(
            ("git", *SAFE, *arguments),
            folder=self._workspace.root,
            timeout_seconds=GIT_SECONDS,
            environment={**ENVIRONMENT, **self._environment, **environment},
            given=given,
        )

    async def _index_lines(self, paths: Sequence[str], prefix: str) -> bytes:
        """Return *paths* as ``update-index --index-info`` reads them; their content is stored."""
        there = [path for path in paths if self._workspace.path(path).is_file()]
        ids: list[str] = []
        if there:
            # Absolute, since git itself works at the repository's top.
            listed = "".join(f"{self._workspace.path(path)}\n" for path in there).encode()
            ids = (await self.git("hash-object", "-w", "--no-filters", "--stdin-paths", given=listed)).split()
        lines = [
            f"{'100755' if self._workspace.path(path).stat().st_mode & 0o100 else '100644'} {blob}\t{prefix}{path}\n"
            for path, blob in zip(there, ids, strict=True)
        ]
        gone = [f"0 {'0' * 40}\t{prefix}{path}\n" for path in paths if path not in set(there)]
        return "".join([*lines, *gone]).encode()

    def _who(self) -> Mapping[str, str]:
        name, email = self.author
        return {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": email,
        }


def _is_half_made(there: Path) -> bool:
    """Tell whether ``git init`` was broken off in *there*, by a full disk or a kill, with nothing in it to lose."""
    if not there.is_dir() or all((there / name).exists() for name in OF_EVERY_REPOSITORY):
        return False
    return not any(path.is_file() for path in (there / "objects").rglob("*"))


def _reason(output: str) -> str:
    """Return what git says of its failure: the first error has the reason where the fatal one has only what follows."""
    lines = output.strip().splitlines() or ["it says nothing"]
    said = [next((line for line in lines if line.startswith(word)), "") for word in ("error: ", "fatal: ")]
    # Advice of several lines may follow.
    return "; ".join(filter(None, said)) or lines[-1]


def _switched_off(keys: Sequence[str]) -> dict[str, str]:
    """Return the environment in which none of the filters is run whose configuration has *keys*."""
    drivers = sorted({key.rpartition(".")[0] for key in keys})
    settings = [
        (f"{driver}.{name}", value)
        for driver in drivers
        for name, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    ]
    environment = {"GIT_CONFIG_COUNT": str(len(settings))} if settings else {}
    for number, (key, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment
