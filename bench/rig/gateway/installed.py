"""Installs the peers, at their first use, into the user's cache: outside of the checkout, and never into `.venv`.

Each is pinned with hashes: LiteLLM by ``bench/peers/litellm.lock``, which ``make lock`` writes,
Portkey by ``bench/peers/package-lock.json``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.rig.run import say

LOCKS = Path(__file__).parents[2] / "peers"
PORTKEY_SERVER = "node_modules/@portkey-ai/gateway/build/start-server.js"


class NotHere(Exception):
    """A peer cannot be installed here; the message says why."""


def litellm() -> Path:
    """Return the program ``litellm``.

    Raises:
        NotHere: It cannot be installed.
    """
    lock = LOCKS / "litellm.lock"
    place = _place("litellm", lock)
    program = place / "bin" / "litellm"
    if not program.exists():
        say("  installing the LiteLLM proxy (750 MB, once)")
        _run(sys.executable, "-m", "venv", "--clear", place)
        pip = (place / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        try:
            _run(*pip, "--require-hashes", "--requirement", lock)
        except NotHere:
            # Else half of it would pass for all of it at the next run.
            shutil.rmtree(place)
            raise
    return program


def portkey() -> Path:
    """Return the script that starts Portkey's gateway.

    Raises:
        NotHere: It cannot be installed.
    """
    place = _place("portkey", LOCKS / "package-lock.json")
    server = place / PORTKEY_SERVER
    if not server.exists():
        say("  installing Portkey's gateway (25 MB, once)")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(LOCKS / name, place)
        try:
            _run("npm", "ci", "--prefix", place, "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
        except NotHere:
            shutil.rmtree(place)
            raise
    return server


def _place(name: str, lock: Path) -> Path:
    """Return where this very version of a peer is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    return cache / "hecate-bench" / f"{name}-{version}"


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PIP_USER": "0"})
    except FileNotFoundError as exc:
        raise NotHere(f"there is no {command[0]}") from exc
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise NotHere(f"{Path(command[0]).name} failed: {lines[-1] if lines else done.returncode}")
