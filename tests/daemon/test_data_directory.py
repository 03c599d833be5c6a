"""The data directory: private, and one daemon's at a time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hecate.daemon.data_directory import STOP_IT, DataDirectory
from hecate.daemon.errors import CannotStart


def test_it_is_made_private(tmp_path: Path) -> None:
    """A new directory is the daemon's user's alone, and so is the lock."""
    claimed = DataDirectory.claim(tmp_path / "deep" / "data")
    assert stat.S_IMODE(claimed.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((claimed.path / "daemon.lock").stat().st_mode) == 0o600
    assert claimed.database.parent == claimed.path
    claimed.release()


def test_a_second_claim_is_refused_and_names_the_owner(tmp_path: Path) -> None:
    """Whoever comes second learns which process to look at, and leaves the lock as it is."""
    claimed = DataDirectory.claim(tmp_path / "data")
    with pytest.raises(CannotStart) as caught:
        DataDirectory.claim(tmp_path / "data")
    assert (
        str(caught.value)
        == f"another daemon (pid {os.getpid()}) is using the data directory {tmp_path}/data; {STOP_IT}"
    )
    assert (tmp_path / "data" / "daemon.lock").read_text() == f"{os.getpid()}\n"
    claimed.release()


def test_a_released_directory_can_be_claimed(tmp_path: Path) -> None:
    """The lock file that stays means nothing; the lock on it does."""
    DataDirectory.claim(tmp_path).release()
    (tmp_path / "daemon.lock").write_text("a much longer text than a pid\n")
    DataDirectory.claim(tmp_path).release()
    assert (tmp_path / "daemon.lock").read_text() == f"{os.getpid()}\n"


def test_a_directory_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Whoever may write there could change what was recorded."""
    tmp_path.chmod(0o770)
    with pytest.raises(CannotStart, match=r"others may write to it \(mode 0770; use 0700\)"):
        DataDirectory.claim(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_another_users_directory_is_refused(tmp_path: Path) -> None:
    """Data that belongs to somebody else is not ours to serve."""
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(CannotStart, match="it belongs to user id 12345"):
        DataDirectory.claim(tmp_path)


def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    """A file in its place is told in a sentence, and left alone."""
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CannotStart, match=f"cannot use the data directory {tmp_path}/file"):
        DataDirectory.claim(tmp_path / "file")
    with pytest.raises(CannotStart, match="Not a directory"):
        DataDirectory.claim(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "precious"
