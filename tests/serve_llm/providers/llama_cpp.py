"""The provider `local` with the stand-in for xllamacpp: what it is asked, and what its processes do."""

from __future__ import annotations

import os
from pathlib import Path

from hecate.serve_llm.providers.local_files import ModelFile, ModelFolder
from tests.fakes.gguf import write_gguf

PACKAGE = Path(__file__).parents[2] / "fakes" / "llama_cpp"
"""Put before everything else on the path, it is what `import xllamacpp` finds."""


def model_file(folder: Path, name: str) -> ModelFile:
    """Put a model called *name* into *folder*, and return it."""
    write_gguf(folder / f"{name}.gguf")
    return next(model for model in ModelFolder(folder).models() if model.name == name)


def loads(folder: Path, name: str) -> list[int]:
    """Return the ids of the processes that have begun to load *name*, in order."""
    noted = folder / f"{name}.loads"
    return [int(line) for line in noted.read_text().splitlines()] if noted.exists() else []


def let_load(folder: Path, name: str) -> None:
    """Let a model that is slow come to the end of its loading."""
    (folder / f"{name}.go").touch()


def runs(pid: int) -> bool:
    """Tell whether a process is there; one that has ended and was not looked at yet is not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_process(pid: int, number: int) -> None:
    """Send a signal to a process."""
    os.kill(pid, number)
