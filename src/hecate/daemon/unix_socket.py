"""The socket that the daemon listens on: bound by ourselves, or handed over by the service manager.

HTTP servers that bind a Unix socket themselves make it writable for everybody, take it away
from a daemon that is alive, and leave the file behind.  Here a lock beside the socket
decides who may serve it, and its mode is right before anybody can connect.
"""

from __future__ import annotations

import fcntl
import grp
import os
import socket
import stat
from collections.abc import MutableMapping
from pathlib import Path

from hecate.daemon.errors import CannotStart, ConfigurationWrong

# The kernel cuts this down to net.core.somaxconn (4096 by default).  When it is full, clients
# that do not block get EAGAIN, which few of them expect.
BACKLOG = 4096

# sockaddr_un has room for 108 bytes with the closing NUL.
PATH_LIMIT_BYTES = 107

FIRST_INHERITED_DESCRIPTOR = 3


class SocketPlace:
    """The right to serve one path: nobody else of our kind binds it until `leave`."""

    def __init__(self, path: Path, mode: int, group: int | None, lock: int) -> None:
        self.path = path
        self._mode = mode
        self._group = group
        self._lock = lock
        self._inode: tuple[int, int] | None = None

    @classmethod
    def claim(cls, path: Path, *, mode: int = 0o600, group: str | None = None) -> SocketPlace:
        """Lock *path* and see that no daemon serves it; nothing is bound or removed yet.

        A missing directory is made: 0700, or 0750 and *group*'s if there is a group.

        Raises:
            ConfigurationWrong: The path is too long, or the group unknown.
            CannotStart: A daemon serves the path, something else is in its place, or the
                directory cannot be written or could be changed by others.
        """
        if (length := len(os.fsencode(path))) > PATH_LIMIT_BYTES:
            raise ConfigurationWrong(
                f"the socket's path is {length} bytes long and may be {PATH_LIMIT_BYTES} at most: {path}"
            )
        group_id = _group_id(group) if group else None
        try:
            _make_directory(path.parent, group_id)
            lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise CannotStart(f"cannot put a socket into {path.parent}: {exc.strerror}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _refuse_if_taken(path)
        except BlockingIOError as exc:
            os.close(lock)
            raise CannotStart(f"another daemon is serving the socket {path}") from exc
        except CannotStart:
            os.close(lock)
            raise
        return cls(path, mode, group_id, lock)

    def bind(self) -> socket.socket:
        """Replace what a dead daemon left, and return a socket that is bound but does not listen.

        Between ``bind`` and ``listen`` nobody can connect, so the mode is never too wide.

        Raises:
            CannotStart: The system refuses, for example to give the socket to the group.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.path.unlink(missing_ok=True)
            listener.bind(str(self.path))
            found = self.path.lstat()
            self._inode = (found.st_dev, found.st_ino)
            if self._group is not None:
                os.chown(self.path, -1, self._group)
            self.path.chmod(self._mode)
        except OSError as exc:
            listener.close()
            self.remove()
            raise CannotStart(f"cannot bind the socket {self.path}: {exc.strerror}") from exc
        return listener

    def remove(self) -> None:
        """Delete the socket's file if it is still the one that we bound."""
        try:
            found = self.path.lstat()
            if self._inode == (found.st_dev, found.st_ino):
                self.path.unlink()
        except FileNotFoundError:
            pass
        self._inode = None

    def leave(self) -> None:
        """Delete the socket's file if it is ours, and let another daemon have the path."""
        self.remove()
        os.close(self._lock)


class InheritedSocket:
    """A listening socket that the service manager made and keeps; it has the shape of a `SocketPlace`."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    @classmethod
    def take(cls, environ: MutableMapping[str, str] = os.environ) -> InheritedSocket | None:
        """Return the socket that was passed to this process (systemd's socket activation), if one was.

        The variables are taken out of *environ*: a child process would misread them.

        Raises:
            CannotStart: Several sockets were passed, or something else than a listening Unix socket.
        """
        meant_for, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
        environ.pop("LISTEN_FDNAMES", None)
        if meant_for != str(os.getpid()) or not count.isdecimal() or int(count) == 0:
            return None
        if int(count) > 1:
            raise CannotStart(f"the service manager passed {count} sockets; the daemon serves one")
        try:
            listener = socket.socket(fileno=FIRST_INHERITED_DESCRIPTOR)
            listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError as exc:
            raise CannotStart(f"the service manager passed no socket as file descriptor 3: {exc.strerror}") from exc
        if listener.family != socket.AF_UNIX or listener.type != socket.SOCK_STREAM or not listens:
            raise CannotStart("the service manager passed something else than a listening Unix stream socket")
        listener.set_inheritable(False)
        return cls(listener)

    @property
    def path(self) -> Path:
        """Where clients find it."""
        return Path(os.fsdecode(self._listener.getsockname()))

    def bind(self) -> socket.socket:
        """Return the socket; the service manager has bound it."""
        return self._listener

    def remove(self) -> None:
        """Leave the file: clients that connect meanwhile are served by the next daemon."""

    def leave(self) -> None:
        """Leave the path to the service manager."""


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as exc:
        raise ConfigurationWrong(f"there is no group {name!r} to give the socket to") from exc


def _make_directory(directory: Path, group: int | None) -> None:
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        if group is not None:
            os.chown(directory, -1, group)
            directory.chmod(0o750)
    found = directory.stat()
    # Whoever may rename files in the directory could put a socket of their own in our place.
    if found.st_uid not in {0, os.geteuid()}:
        raise CannotStart(f"cannot put a socket into {directory}: it belongs to user id {found.st_uid}")
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise CannotStart(f"cannot put a socket into {directory}: everybody may change what is in it")


def _refuse_if_taken(path: Path) -> None:
    """Probe *path*: a daemon that does not know our lock may be alive behind it.

    Raises:
        CannotStart: Something answers, or is there and no socket.
    """
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise CannotStart(f"cannot bind the socket {path}: a file of another kind is in its place")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except (TimeoutError, BlockingIOError):
            pass  # a full backlog: a busy daemon, not a dead one
        except OSError as exc:
            raise CannotStart(f"cannot tell whether a daemon serves the socket {path}: {exc.strerror}") from exc
    raise CannotStart(f"another daemon is serving the socket {path}")
