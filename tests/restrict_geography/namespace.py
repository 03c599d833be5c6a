"""A network of a test's own, which leads nowhere: its addresses may be anybody's."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

import pytest

_AS_ROOT = os.geteuid() == 0
UNSHARE = ("unshare", "--net") if _AS_ROOT else ("unshare", "--map-root-user", "--net")
"""Begins a command that is to run in a network of its own."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """The network that a process is in."""

    pid: int

    def ip(self, *words: str) -> None:
        """Run ``ip`` in it."""
        enter = ["nsenter", "--target", str(self.pid), "--net"]
        if not _AS_ROOT:
            enter += ["--user", "--preserve-credentials"]
        done = subprocess.run([*enter, "ip", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr)

    def plug_in(self, interface: str) -> None:
        """Add an interface that is up: one end of a cable whose other end is there as well."""
        self.ip("link", "add", interface, "type", "veth", "peer", "name", f"{interface}-far")
        for end in (interface, f"{interface}-far"):
            self.ip("link", "set", end, "up")


def skip_without_namespaces() -> None:
    """Skip the test where a process may not have a network of its own."""
    missing = [tool for tool in ("unshare", "nsenter", "ip") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"there is no {missing[0]} command")
    link = ("ip", "link", "add", "t0", "type", "veth", "peer", "name", "t1")
    tried = subprocess.run([*UNSHARE, *link], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"a network namespace cannot be made: {tried.stderr.strip()}")
