"""Template folders: the built-in templates, and a user's own that replace them file by file.

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


def read_templates(name: str, own: Path | None) -> TemplateFolder:
    """Return the templates called *name*: the built-in ones, and over them what ``own/name`` has.

    A user's folder of any other name is laid over the built-in default.

    Raises:
        Refused: There are no templates of this name, or one cannot be read.
    """
    own_folder = _own_folder(name, own)
    built_in = BUILT_IN / name
    if own_folder is None and not (name and Path(name).name == name and built_in.is_dir()):
        raise Refused(f"there is no template {name!r}; there are {', '.join(names(own))}")
    found = dict(_read(built_in if built_in.is_dir() else BUILT_IN / DEFAULT, is_own=False))
    if own_folder is not None:
        found.update(_read(own_folder, is_own=True))
    return TemplateFolder(name, tuple(found[path] for path in sorted(found)))


def names(own: Path | None) -> list[str]:
    """Return the names of all templates, the built-in ones first."""
    built_in = sorted(folder.name for folder in BUILT_IN.iterdir() if folder.is_dir())
    return [*built_in, *(name for name in _own_names(own) if name not in built_in)]


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


def _own_folder(name: str, own: Path | None) -> Path | None:
    if own is None or name not in _own_names(own):
        return None
    return own / name


def _own_names(own: Path | None) -> list[str]:
    if own is None:
        return []
    try:
        return sorted(folder.name for folder in own.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise Refused(f"cannot read the template folder {own}: {exc.strerror}") from exc


def _read(folder: Path, *, is_own: bool) -> Iterator[tuple[str, Template]]:
    for file in sorted(folder.rglob(f"*{ENDING}")):
        path = file.relative_to(folder).as_posix()
        try:
            if not file.is_file():
                continue
            if file.stat().st_size > LARGEST_BYTES:
                raise Refused(f"template {file} is larger than {LARGEST_BYTES:,} bytes")
            yield path, Template(path, file.read_text(encoding="utf-8"), is_own)
        except OSError as exc:
            raise Refused(f"cannot read template {file}: {exc.strerror}") from exc
        except UnicodeDecodeError as exc:
            raise Refused(f"template {file} is not UTF-8") from exc
