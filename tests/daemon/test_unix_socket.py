"""The daemon's own socket: claimed, bound, and given back."""

from __future__ import annotations

import errno
import grp
import os
import socket
import stat
from pathlib import Path

import pytest

from hecate.daemon.errors import CannotStart, ConfigurationWrong
from hecate.daemon.unix_socket import PATH_LIMIT_BYTES, InheritedSocket, SocketPlace

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def test_a_bound_socket_has_its_mode_before_anyone_can_connect(place: Path) -> None:
    """The mode is right when the socket is bound, and connecting is refused until it listens."""
    claimed = SocketPlace.claim(place / "s")
    with claimed.bind(), socket.socket(socket.AF_UNIX) as client:
        assert stat.S_IMODE((place / "s").stat().st_mode) == 0o600
        with pytest.raises(ConnectionRefusedError):
            client.connect(str(place / "s"))
    claimed.leave()


def test_a_group_may_be_let_in(place: Path) -> None:
    """Mode 0660 and the group's name give the group the socket, and a new directory to reach it."""
    own = grp.getgrgid(os.getgid())
    claimed = SocketPlace.claim(place / "new" / "s", mode=0o660, group=own.gr_name)
    with claimed.bind():
        found = (place / "new" / "s").stat()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, own.gr_gid)
        assert stat.S_IMODE((place / "new").stat().st_mode) == 0o750
    claimed.leave()


def test_a_missing_directory_is_made_private(place: Path) -> None:
    """Without a group nobody else may look into it."""
    SocketPlace.claim(place / "deep" / "new" / "s").leave()
    assert stat.S_IMODE((place / "deep" / "new").stat().st_mode) == 0o700


def test_leaving_takes_the_socket_away(place: Path) -> None:
    """Only the lock file stays, so that no two processes ever lock different files."""
    claimed = SocketPlace.claim(place / "s")
    with claimed.bind():
        claimed.leave()
    assert [path.name for path in place.iterdir()] == ["s.lock"]


def test_claiming_touches_nothing(place: Path) -> None:
    """A stale socket is replaced when the new one is bound, not before."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place / "s"))
    before = (place / "s").stat().st_ino
    claimed = SocketPlace.claim(place / "s")
    assert (place / "s").stat().st_ino == before
    with claimed.bind():
        pass
    claimed.leave()


def test_a_socket_that_answers_is_respected(place: Path) -> None:
    """Also when its daemon knows nothing of our lock."""
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(place / "s"))
        alive.listen()
        with pytest.raises(CannotStart, match="another daemon is serving the socket"):
            SocketPlace.claim(place / "s")


def test_a_socket_with_a_full_backlog_is_alive(place: Path) -> None:
    """A busy daemon is not taken for a dead one."""
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as client:
        busy.bind(str(place / "s"))
        busy.listen(0)
        client.connect(str(place / "s"))
        with pytest.raises(CannotStart, match="another daemon is serving the socket"):
            SocketPlace.claim(place / "s")


def test_a_claimed_place_is_refused_to_others(place: Path) -> None:
    """The lock decides, even before the socket is bound."""
    claimed = SocketPlace.claim(place / "s")
    with pytest.raises(CannotStart, match="another daemon is serving the socket"):
        SocketPlace.claim(place / "s")
    claimed.leave()
    SocketPlace.claim(place / "s").leave()


def test_a_file_of_another_kind_is_left_alone(place: Path) -> None:
    """A path that was mistyped does not cost anybody a file."""
    (place / "s").write_text("precious")
    with pytest.raises(CannotStart, match="a file of another kind is in its place"):
        SocketPlace.claim(place / "s")
    assert (place / "s").read_text() == "precious"


def test_a_link_in_place_of_the_lock_is_not_followed(place: Path) -> None:
    """Nobody can make us write elsewhere."""
    (place / "s.lock").symlink_to(place / "elsewhere")
    with pytest.raises(CannotStart, match=os.strerror(errno.ELOOP)):
        SocketPlace.claim(place / "s")
    assert not (place / "elsewhere").exists()


def test_a_path_that_is_too_long_is_refused(place: Path) -> None:
    """The kernel's limit is told with the path's length, before anything is made."""
    path = place / ("d" * 100) / "s"
    with pytest.raises(ConfigurationWrong, match=f"may be {PATH_LIMIT_BYTES} at most"):
        SocketPlace.claim(path)
    assert list(place.iterdir()) == []


def test_the_longest_path_can_be_bound(place: Path) -> None:
    """The limit is exact."""
    path = place / ("s" * (PATH_LIMIT_BYTES - len(os.fsencode(place)) - 1))
    claimed = SocketPlace.claim(path)
    with claimed.bind():
        assert path.is_socket()
    claimed.leave()


def test_an_unknown_group_is_refused(place: Path) -> None:
    """A group that does not exist is a mistake in the configuration."""
    with pytest.raises(ConfigurationWrong, match="there is no group 'nobody-has-this'"):
        SocketPlace.claim(place / "s", mode=0o660, group="nobody-has-this")


def test_a_directory_that_all_may_change_is_refused(place: Path) -> None:
    """Where everybody may rename files, somebody could put a socket of their own in our place."""
    place.chmod(0o777)
    with pytest.raises(CannotStart, match="everybody may change what is in it"):
        SocketPlace.claim(place / "s")


def test_a_sticky_directory_will_do(place: Path) -> None:
    """In /tmp nobody can rename what is another's."""
    place.chmod(0o1777)
    SocketPlace.claim(place / "s").leave()


@ROOT_ONLY
def test_another_users_directory_is_refused(place: Path) -> None:
    """Its owner could put a socket of their own in our place."""
    os.chown(place, 12345, -1)
    with pytest.raises(CannotStart, match="it belongs to user id 12345"):
        SocketPlace.claim(place / "s")


def test_a_path_below_a_file_is_refused(place: Path) -> None:
    """What cannot be a directory is told as such."""
    (place / "file").touch()
    with pytest.raises(CannotStart, match=f"cannot put a socket into {place}/file"):
        SocketPlace.claim(place / "file" / "s")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"},
    ],
)
def test_without_a_passed_socket_there_is_none(environ: dict[str, str]) -> None:
    """Variables for another process, or none, mean that we bind ourselves; children do not see them."""
    assert InheritedSocket.take(environ) is None
    assert environ == {}


def test_several_passed_sockets_are_refused() -> None:
    """The daemon serves one, and does not choose."""
    with pytest.raises(CannotStart, match="passed 2 sockets"):
        InheritedSocket.take({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"})
