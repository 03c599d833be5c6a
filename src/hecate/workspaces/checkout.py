"""A copy of what is committed, in a folder of its own, to try something out without touching a person's files.

It is made with git's plumbing and a repository of its own that shares the objects: nothing of the workspace's
configuration has a say, and no file of the workspace, its index or its branches changes by it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from hecate.dossiers.errors import Refused
from hecate.workspaces.repository import Repository
from hecate.workspaces.workspace import Workspace

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""git reads attributes from it, and finds none: no file is rewritten on its way out."""


class Checkout(NamedTuple):
    """The copy."""

    workspace: Workspace
    """Where in it the workspace is, which may be a folder of a larger repository."""
    repository: Repository
    """Commits go among the objects of the workspace's own repository."""


async def check_out(origin: Repository, commit: str, folder: Path) -> Checkout:
    """Return a copy of *commit*.

    Args:
        origin: The workspace's repository.
        commit: Of that repository.
        folder: An empty one.

    Raises:
        Refused: git fails, or the disk does not take it.
    """
    prefix = (await origin.git("rev-parse", "--show-prefix")).strip()
    objects = (await origin.git("rev-parse", "--path-format=absolute", "--git-path", "objects")).strip()
    tree, own = folder / "tree", folder / "git"
    try:
        await asyncio.to_thread((tree / prefix).mkdir, parents=True)
    except OSError as exc:
        raise Refused(f"cannot make the folder {tree}: {exc.strerror}") from exc
    environment = {
        "GIT_DIR": str(own),
        "GIT_WORK_TREE": str(tree),
        "GIT_OBJECT_DIRECTORY": objects,
        "GIT_ATTR_SOURCE": EMPTY_TREE,
    }
    top = Repository(Workspace(tree, is_named=False), origin.runs, origin.author, environment)
    # Not told of a work tree, which a bare repository may not have; from then on it is none.
    await origin.git("init", "--quiet", "--bare", "--template=", str(own))
    await top.git("config", "core.bare", "false")
    await top.git("read-tree", commit)
    await top.git("checkout-index", "--all", "--quiet")
    workspace = Workspace(tree / prefix if prefix else tree, is_named=False)
    return Checkout(workspace, Repository(workspace, origin.runs, origin.author, environment))
