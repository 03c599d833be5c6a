"""Where the HTTP listener's token comes from."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import structlog.testing

from hecate.daemon.config import HttpSettings
from hecate.daemon.errors import CannotStart, ConfigurationWrong
from hecate.daemon.http_token import FILE_NAME, read_token, token_file

TOKEN = "0123456789abcdef"


def test_the_first_start_makes_one(tmp_path: Path) -> None:
    """A token of 256 bits, which only the owner can read, and which stays."""
    token = read_token(HttpSettings(), tmp_path)
    file = tmp_path / FILE_NAME
    assert token_file(HttpSettings(), tmp_path) == file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(token) >= 43
    assert read_token(HttpSettings(), tmp_path) == token
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_removed_one_is_made_anew(tmp_path: Path) -> None:
    """That is how it is changed."""
    first = read_token(HttpSettings(), tmp_path)
    (tmp_path / FILE_NAME).unlink()
    assert read_token(HttpSettings(), tmp_path) != first


def test_what_an_interrupted_start_left_is_written_again(tmp_path: Path) -> None:
    """Half a token is never taken for one."""
    (tmp_path / FILE_NAME).with_suffix(".new").write_text("ha")
    assert len(read_token(HttpSettings(), tmp_path)) >= 43


def test_it_may_be_in_the_configuration(tmp_path: Path) -> None:
    """Then no file is made."""
    assert read_token(HttpSettings(token=TOKEN), tmp_path) == TOKEN
    assert token_file(HttpSettings(token=TOKEN), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_it_may_be_in_a_file_of_the_users(tmp_path: Path) -> None:
    """White space around it is none of it; a file for everybody's eyes is worth a warning."""
    file = tmp_path / "t"
    file.write_text(f"  {TOKEN}\n")
    file.chmod(0o604)
    with structlog.testing.capture_logs() as logs:
        assert read_token(HttpSettings(token_file=str(file)), tmp_path) == TOKEN
    assert [(entry["log_level"], entry["file"]) for entry in logs] == [("warning", str(file))]
    file.chmod(0o600)
    with structlog.testing.capture_logs() as logs:
        read_token(HttpSettings(token_file=str(file)), tmp_path)
    assert logs == []


@pytest.mark.parametrize(
    "content", [b"", b"short", b"with a space in its middle", "0123456789abcdé".encode(), b"\xff" * 20]
)
def test_an_unfit_one_is_refused(tmp_path: Path, content: bytes) -> None:
    """What could be guessed, or not be sent in a header."""
    file = tmp_path / "t"
    file.write_bytes(content)
    with pytest.raises(ConfigurationWrong, match="at least 16 characters of visible ASCII"):
        read_token(HttpSettings(token_file=str(file)), tmp_path)


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    """The sentence has the path and the system's reason."""
    with pytest.raises(ConfigurationWrong, match=r"cannot read the HTTP token .*/absent: No such file"):
        read_token(HttpSettings(token_file=str(tmp_path / "absent")), tmp_path)
    with pytest.raises(CannotStart, match=r"cannot write the HTTP token .*/none/http\.token"):
        read_token(HttpSettings(), tmp_path / "none")
