"""Opens a folder of a workspace step by step, through no link: whoever swaps one in while we look is not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened_folder(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Give a descriptor of the folder *parts* in *root*; what is opened by it is in no other one.

    Args:
        root: Where the walk begins.
        parts: The names of the folders on the way.
        make: Whether those that are missing are made.

    Raises:
        OSError: One is missing, or a link, or no folder.
    """
    folder = os.open(root, _FOLDER)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)
