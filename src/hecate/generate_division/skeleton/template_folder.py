"""Template folders, one laid over the other: the built-in default, another built-in one, and a user's own.

Each replaces what is beneath it file by file, or extends it: a file of the default is also there by its path with the
default's name in front, ``{% extends "python/__project__/README.md.jinja" %}``.

A template's path says which files it makes.  ``__project__`` and ``__package__`` stand for the names of the project's
folder and package; a path with ``__aggregate__``, ``__event__``, ``__command__``, ``__projection__`` or ``__query__``
makes a file for each.  Only files that end in ``.jinja`` are templates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hecate.dossiers.errors import Refused
from hecate.generate_division.skeleton.project import Project

BUILT_IN = Path(__file__).parent / "templates"
ENDING = ".jinja"
DEFAULT = "python"
LARGEST_BYTES = 1024 * 1024

EACH = {
    "__aggregate__": "aggregates",
    "__event__": "events",
    "__command__": "commands",
    "__projection__": "projections",
    "__query__": "queries",
}
"""What in a path makes a file for each of which of the project's lists."""


class Template(NamedTuple):
    """A template, by its path in the folder."""

    path: str
    text: str
    is_own: bool
    """Whether it is a user's."""


class TemplateFolder(NamedTuple):
    """The templates of one name, in the order of their paths."""

    name: str
    templates: tuple[Template, ...]
    beneath: tuple[Template, ...] = ()
    """Those of the default, as they are built in, for templates that extend them; they make no files."""


def read_templates(name: str, own: Path | None) -> TemplateFolder:
    """Return the templates called *name*: the built-in ones, and over them what ``own/name`` has.

    All but the built-in default are laid over it.

    Raises:
        Refused: There are no templates of this name, or one cannot be read.
    """
    if name not in names(own):
        place = "" if own is None else f"; your own are folders in {own}"
        raise Refused(f"there is no template {name!r}; there are {', '.join(names(own))}{place}")
    default = dict(_read(BUILT_IN / DEFAULT, is_own=False))
    found = dict(default)
    if name != DEFAULT and name in _folders(BUILT_IN):
        found.update(_read(BUILT_IN / name, is_own=False))
    if own is not None and name in _folders(own):
        found.update(_read(own / name, is_own=True))
    beneath = tuple(template._replace(path=f"{DEFAULT}/{path}") for path, template in default.items())
    return TemplateFolder(name, tuple(found[path] for path in sorted(found)), beneath)


def names(own: Path | None) -> list[str]:
    """Return the names of all templates, the built-in ones first.

    Raises:
        Refused: The folder *own* cannot be read.
    """
    built_in = _folders(BUILT_IN)
    return built_in if own is None else [*built_in, *(name for name in _folders(own) if name not in built_in)]


def paths_of(template: Template, project: Project) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the path of each file that *template* makes, and what it is made from."""
    path = template.path.removesuffix(ENDING)
    path = path.replace("__project__", project.folder).replace("__package__", project.package)
    for mark, plural in EACH.items():
        if mark in path:
            kind = "desk" if mark in {"__command__", "__projection__", "__query__"} else mark.strip("_")
            for one in getattr(project, plural):
                yield path.replace(mark, one.module), {kind: one}
            return
    yield path, {}


def _folders(parent: Path) -> list[str]:
    try:
        return sorted(folder.name for folder in parent.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise Refused(f"cannot read the template folder {parent}: {exc.strerror}") from exc


def _read(folder: Path, *, is_own: bool) -> Iterator[tuple[str, Template]]:
    for file in sorted(folder.rglob(f"*{ENDING}")):
        path = file.relative_to(folder).as_posix()
        try:
            if not file.is_file():
                continue
            # The folder may come from anywhere, and what it makes is committed, and goes into releases.
            if not file.resolve().is_relative_to(folder.resolve()):
                raise Refused(f"template {file} is a link that leads out of its folder")
            if file.stat().st_size > LARGEST_BYTES:
                raise Refused(f"template {file} is larger than {LARGEST_BYTES:,} bytes")
            yield path, Template(path, file.read_text(encoding="utf-8"), is_own)
        except OSError as exc:
            raise Refused(f"cannot read template {file}: {exc.strerror}") from exc
        except UnicodeDecodeError as exc:
            raise Refused(f"template {file} is not UTF-8") from exc
