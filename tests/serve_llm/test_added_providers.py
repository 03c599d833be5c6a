"""What is added at run time is kept in a file for its owner alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hecate.dossiers.errors import Invalid, Unavailable
from hecate.serve_llm.added_providers import FILE_NAME, AddedProviders
from hecate.serve_llm.settings import ProviderSettings

GROQ = {"groq": ProviderSettings(api_key="gsk_0123456789", headers={"X-Team": "a"}, options={"seed": 1})}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """All settings come back, from a file that only its owner may read, whatever stood there before."""
    path = tmp_path / FILE_NAME
    path.write_text("{}")
    path.chmod(0o644)
    (tmp_path / f"{FILE_NAME}.new").write_text("left by a crash")
    AddedProviders(path).write(GROQ)
    assert AddedProviders(path).read() == GROQ
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == [FILE_NAME]


def test_nothing_was_written(tmp_path: Path) -> None:
    """A file that is not there says nothing; without a place all is forgotten at the end."""
    assert AddedProviders(tmp_path / FILE_NAME).read() == {}
    forgetful = AddedProviders()
    forgetful.write(GROQ)
    assert forgetful.read() == GROQ


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b'{"groq": {"api_key": 5}}', b'{"groq": {"levle": "gsk_1"}}']
)
def test_a_file_that_is_not_ours(content: bytes, tmp_path: Path) -> None:
    """It is refused with its name, and without what may be a key."""
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(Invalid, match=f"{FILE_NAME} is not as Hecate writes it") as caught:
        AddedProviders(path).read()
    assert "gsk_" not in str(caught.value)


def test_a_file_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    """The reason is the system's; what was kept stays."""
    folder = tmp_path / FILE_NAME
    folder.mkdir()
    with pytest.raises(Invalid, match=f"cannot read {folder}: Is a directory"):
        AddedProviders(folder).read()
    added = AddedProviders(tmp_path / "missing" / FILE_NAME)
    with pytest.raises(Unavailable, match="No such file or directory"):
        added.write(GROQ)
    assert added.read() == {}
