"""Models in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hecate.serve_llm.providers.local_files import ModelFolder
from tests.fakes.gguf import USUAL, write_gguf


def names(folder: ModelFolder) -> list[str]:
    """Return the names of the models that are there."""
    return [model.name for model in folder.models()]


def test_models_are_called_by_their_path(tmp_path: Path) -> None:
    """Folders may be as deep as they like; what is hidden, or no model, is left out."""
    for name in ("b", "a", "maker/series/c", ".hidden/d", ".e"):
        write_gguf(tmp_path / f"{name}.gguf")
    write_gguf(tmp_path / "eyes.gguf", {"general.architecture": "clip"})
    (tmp_path / "notes.txt").write_text("GGUF")
    (tmp_path / "page.gguf").write_text("<html>")
    (tmp_path / "gone.gguf").symlink_to(tmp_path / "nowhere.gguf")
    assert names(ModelFolder(tmp_path)) == ["a", "b", "maker/series/c"]


def test_a_model_in_parts_is_one(tmp_path: Path) -> None:
    """Its first part stands for all, and all count for its size; without one of them it is not there."""
    parts = [write_gguf(tmp_path / f"big-0000{number}-of-00003.gguf") for number in (1, 2, 3)]
    folder = ModelFolder(tmp_path)
    (model,) = folder.models()
    assert (model.name, model.path) == ("big", parts[0])
    assert model.size_bytes == sum(part.stat().st_size for part in parts)
    parts[1].unlink()
    assert names(folder) == []


def test_what_has_changed_is_read_again(tmp_path: Path) -> None:
    """A file that was not complete yet is there when it is; one that was removed is not."""
    path = write_gguf(tmp_path / "a.gguf")
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    folder = ModelFolder(tmp_path)
    assert names(folder) == []
    path.write_bytes(whole)
    assert names(folder) == ["a"]
    write_gguf(path, {**USUAL, "llama.context_length": 77})
    os.utime(path, ns=(1, 1))
    assert folder.models()[0].header.context_length == 77
    path.unlink()
    assert names(folder) == []


def test_a_template_may_lie_beside_it(tmp_path: Path) -> None:
    """It wins over the model's own, for a model in parts, too."""
    write_gguf(tmp_path / "own.gguf")
    write_gguf(tmp_path / "plain.gguf", {})
    (tmp_path / "plain.jinja").write_text("beside")
    write_gguf(tmp_path / "parts-00001-of-00001.gguf")
    (tmp_path / "parts.jinja").write_text("beside it, too")
    templates = {model.name: model.template() for model in ModelFolder(tmp_path).models()}
    assert templates == {
        "own": USUAL["tokenizer.chat_template"],
        "plain": "beside",
        "parts": "beside it, too",
    }


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """Unlike one that is empty."""
    assert names(ModelFolder(tmp_path)) == []
    with pytest.raises(FileNotFoundError):
        ModelFolder(tmp_path / "nowhere").models()
