"""A disk of its own that is soon full; tests that need one are skipped where it cannot be mounted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(at: Path, kibibytes: int) -> Iterator[None]:
    """Have a disk with so much room at *at*, in place of what is there."""
    at.mkdir(mode=0o700, exist_ok=True)
    options = f"size={kibibytes}k,mode=0700"
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


def fill(ballast: Path) -> None:
    """Write into *ballast* until there is no room left on its disk."""
    with ballast.open("ab", buffering=0) as file:
        for step in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(step))
            except OSError:
                pass
