"""What a suite of tests is run with: the interpreter, the environment, and the folder."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from hecate.child_processes.child_process import clean_environment
from hecate.dossiers.errors import Refused
from hecate.suites.project_environment import PLACE
from hecate.workspaces.workspace import Workspace

RelativePath = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]

OWN_SUITE = ("python", "-m", "pytest")
"""What is recorded as the command where none was given; see `own_suite` for what it becomes."""

PYTEST_OPTIONS = ("-v", "--color=no", "-o", "junit_family=xunit1", "--rootdir=.", "-p", "no:cacheprovider")
"""For our own suite: names as they come, files and lines in the report, and nothing left behind in the workspace."""


def folder_of_suite(workspace: Workspace, project: str, folder: str, *, own: bool) -> Path:
    """Return where a suite runs: in *folder*, else in *project*, else in the workspace itself.

    Raises:
        Refused: *folder* is no folder in the workspace, or our own suite is asked for where no project is.
    """
    if folder:
        found = workspace.path(folder)
        if not found.is_dir():
            raise Refused(f"there is no folder {folder!r} in the workspace {workspace.root}")
        return found
    found = workspace.path(project)
    if found.is_dir():
        return found
    if own:
        raise Refused(
            f"there is no project {project!r} in the workspace {workspace.root}; generate it, or name a command"
        )
    return workspace.root


def own_suite(folder: Path, report: Path) -> tuple[str, ...]:
    """Return the command that tests the Python project in *folder* and writes a JUnit *report*."""
    return (interpreter(folder), "-m", "pytest", *PYTEST_OPTIONS, f"--junitxml={report}")


def interpreter(folder: Path) -> str:
    """Return the Python that has pytest for the project in *folder*: of its own environment, else ours."""
    own = folder / PLACE / "bin"
    return str(own / "python") if (own / "pytest").exists() else sys.executable


def environment_of_suite(folder: Path, report: Path, *, own: bool) -> Mapping[str, str]:
    """Return what a suite's environment has besides the clean one.

    Any pytest writes *report*, also one that a command starts by and by; and programs of the project's own
    environment, or of ours, are found by their names.
    """
    places = (
        str(folder / PLACE / "bin"),
        clean_environment().get("PATH", os.defpath),
        str(Path(sys.executable).parent),
    )
    environment = {
        "PATH": os.pathsep.join(places),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "HECATE_JUNIT_XML": str(report),
    }
    if not own:
        return {**environment, "PYTEST_ADDOPTS": f"{shlex.quote(f'--junitxml={report}')} -o junit_family=xunit1"}
    if interpreter(folder) == sys.executable:
        # What happens to be installed beside the daemon is none of the project's business.
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return environment
