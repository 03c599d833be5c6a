"""A copy of a project to build from: what a person changes meanwhile does not get into it, and it has the version."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tomllib
from pathlib import Path

from hecate.deploy_division.versions import Version
from hecate.dossiers.errors import Refused

LEFT_OUT = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "dist"),
        *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox"),
    }
)
"""Folders that are no part of what is released, whatever the project."""

_SECTION = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+", re.MULTILINE)
_VERSION = re.compile(r"""^(\s*version\s*=\s*)(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)


def copy_project(project: Path, copy: Path) -> None:
    """Copy the files of *project* to the new folder *copy*; links are left out, which may lead anywhere.

    Raises:
        Refused: It cannot be read, or the disk does not take the copy.
    """
    try:
        for folder, folders, files in os.walk(project, onerror=_rise):
            folders[:] = sorted(
                name for name in folders if name not in LEFT_OUT and not (Path(folder) / name).is_symlink()
            )
            there = copy / Path(folder).relative_to(project)
            there.mkdir(parents=True)
            for name in files:
                source = Path(folder) / name
                if stat.S_ISREG(source.lstat().st_mode):
                    shutil.copy2(source, there / name)
    except OSError as exc:
        raise Refused(f"cannot copy the project {project}: {exc.strerror or exc} ({exc.filename})") from exc


def _rise(error: OSError) -> None:
    raise error


def stamp_version(copy: Path, version: Version) -> bool:
    """Write *version* into the copy's ``pyproject.toml``; tell whether it has a place for it.

    A project whose version is dynamic keeps its own.

    Raises:
        Refused: There is no such file, or it is not sound; or Python packages have no such version.
    """
    file = copy / "pyproject.toml"
    try:
        text = file.read_text(encoding="utf-8")
        project = tomllib.loads(text).get("project", {})
    except FileNotFoundError as exc:
        raise Refused("the project has no pyproject.toml, so nothing can be built; name a command") from exc
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise Refused(f"the project's pyproject.toml cannot be read: {exc}") from exc
    if not isinstance(project, dict) or not isinstance(project.get("version"), str):
        return False
    begin = next((match.end() for match in _SECTION.finditer(text) if match[1] == "project"), None)
    if begin is None:
        return False  # it is written in some other way that TOML has
    after = next((match.start() for match in _SECTION.finditer(text, begin)), len(text))
    stamped, count = _VERSION.subn(rf'\g<1>"{version.as_python}"', text[begin:after], count=1)
    if count:
        file.write_text(text[:begin] + stamped + text[after:], encoding="utf-8")
    return bool(count)
