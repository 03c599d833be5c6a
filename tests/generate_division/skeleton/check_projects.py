"""Runs the tools of each project in a folder, side by side: what the projects' own CI would do.

    python check_projects.py FOLDER

Prints what is wrong, by the name of the folder that the project is in; exits with 1 if anything is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api as mypy

CACHE = "types"
STANDARD = (
    "argparse, contextlib, dataclasses, datetime, enum, http.client, http.server, json, logging, pkgutil, re, signal, "
    "socketserver, sqlite3, subprocess, tempfile, unittest, urllib.parse, urllib.request"
)
LIBRARIES = "eventsourcing.persistence, eventsourcing.sqlite"
"""What generated code imports."""


def main(folder: Path) -> int:
    """Check every project in *folder*."""
    wrong = int(ruff("format", folder)) + int(ruff("check", folder))
    learn_types(folder / CACHE)
    projects = sorted(folder.glob("*/project"), reverse=True)
    running: dict[int, Path] = {}
    while projects or running:
        if projects and len(running) < (os.cpu_count() or 1):
            project = projects.pop()
            # A fork has pytest and mypy imported already.
            child = os.fork()
            if child == 0:
                os._exit(check(project, folder / CACHE))
            running[child] = project
            continue
        child, status = os.wait()
        project = running.pop(child)
        if status:
            sys.stdout.write(f"{project.parent.name}:\n{(project.parent / 'log').read_text()}\n")
            wrong += 1
    return min(wrong, 1)


def ruff(command: str, folder: Path) -> bool:
    """Return whether ruff has something to say of any project, each by its own settings."""
    program = Path(sys.executable).with_name("ruff")
    options = {"format": "--diff", "check": "--output-format=concise"}
    done = subprocess.run(
        [program, command, options[command], "--no-cache", "--quiet", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stdout.write(f"ruff {command}:\n{done.stdout}{done.stderr}\n")
    return bool(done.returncode)


def learn_types(cache: Path) -> None:
    """Fill *cache* with the types of what is imported, which take longer than a project's own."""
    options = ["--config-file=", "--strict", "--cache-dir", str(cache), "--sqlite-cache"]
    said, errors, status = mypy.run([*options, "-c", f"import {STANDARD}, {LIBRARIES}"])
    assert status == 0, said + errors


def check(project: Path, cache: Path) -> int:
    """Return 0 if types and tests of *project* are right; what the tools say goes into a file."""
    log = os.open(project.parent / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(project)
    # A copy for each: what mypy remembers of `tests` of one project would not fit the next.
    own = project.parent / CACHE
    shutil.copytree(cache, own)
    said, errors, types = mypy.run(["--cache-dir", str(own), "--sqlite-cache"])
    shutil.rmtree(own)
    if types:
        os.write(1, f"{said}{errors}".encode())
    tests = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--tb=short", "-W", "error"])
    return int(bool(types)) | 2 * int(bool(tests))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
