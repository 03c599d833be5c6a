"""The models that lie in a folder: every GGUF file in it, however deep, by its path without the ending.

A file's head is read when it is first seen, and again when it has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from hecate.serve_llm.providers.gguf_header import Header, NotGguf, read_header

ENDING: Final = ".gguf"
TEMPLATE_ENDING: Final = ".jinja"
_PART: Final = re.compile(r"-(\d{5})-of-(\d{5})$")

log = structlog.get_logger(__name__)


class ModelFile(Struct, frozen=True):
    """A model on this machine."""

    name: str
    """Its path within the folder, without the ending, and without the number of its first part."""
    path: Path
    """The file to load; the first one where there are several."""
    size_bytes: int
    """Of all its parts."""
    header: Header

    def template(self) -> str:
        """Return how a chat is written down for it: what the file ``NAME.jinja`` beside it says, or the model itself.

        Raises:
            OSError, UnicodeDecodeError: That file cannot be read.
        """
        beside = self.path.with_name(_without_part(self.path.name.removesuffix(ENDING)) + TEMPLATE_ENDING)
        return beside.read_text(encoding="utf-8") if beside.is_file() else self.header.template


class ModelFolder:
    """What is in a folder.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: dict[Path, tuple[tuple[int, int], Header | None]] = {}
        """By file: its size and time of change, and its head; None for a file that is of no use."""

    def models(self) -> tuple[ModelFile, ...]:
        """Return the models that are there now, by name.

        Raises:
            OSError: The folder cannot be read.
        """
        found = {}
        seen = {}
        for path in self._files():
            try:
                status = path.stat()
                known = self._seen.get(path)
                key = (status.st_size, status.st_mtime_ns)
                header = known[1] if known is not None and known[0] == key else self._header(path)
                seen[path] = (key, header)
                if header is not None and header.kind == "model":
                    model = self._model(path, header)
                    found[model.name] = model
            except OSError as exc:
                # It may have gone since the folder was read.
                log.warning("model not listed", file=str(path), reason=exc.strerror)
        self._seen = seen
        return tuple(found[name] for name in sorted(found))

    def _files(self) -> Iterator[Path]:
        # A folder that is not there is an error, unlike one further down.
        with os.scandir(self.path):
            pass
        for folder, folders, names in os.walk(self.path, followlinks=False):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if name.endswith(ENDING) and not name.startswith(".") and _is_first(name):
                    yield Path(folder, name)

    @staticmethod
    def _header(path: Path) -> Header | None:
        try:
            return read_header(path)
        except NotGguf as exc:
            log.warning("model not listed", file=str(path), reason=str(exc))
            return None

    def _model(self, path: Path, header: Header) -> ModelFile:
        stem = path.name.removesuffix(ENDING)
        name = path.with_name(_without_part(stem)).relative_to(self.path).as_posix()
        return ModelFile(name, path, sum(part.stat().st_size for part in _parts(path)), header)


def _is_first(name: str) -> bool:
    part = _PART.search(name.removesuffix(ENDING))
    return part is None or int(part[1]) == 1


def _without_part(stem: str) -> str:
    return _PART.sub("", stem)


def _parts(first: Path) -> Iterator[Path]:
    """Give the files of a model that begins in *first*."""
    stem = first.name.removesuffix(ENDING)
    part = _PART.search(stem)
    if part is None:
        yield first
        return
    for number in range(1, int(part[2]) + 1):
        yield first.with_name(f"{_without_part(stem)}-{number:05d}-of-{part[2]}{ENDING}")
