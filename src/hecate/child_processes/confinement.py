"""What a child process may take of the machine, and what it may see of it.

Limits are set by the shell that stands between us and the child anyway (``ulimit``), so they cost no process more; a
sandbox is bubblewrap, where it is asked for.  That no child gains privileges is the whole daemon's doing, which its
children inherit: see `hecate.daemon.self_protection`.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hecate.dossiers.errors import Refused

KIB: Final = 1024
FILE_BLOCK_BYTES: Final = 512
"""The unit of ``ulimit -f`` and ``-c`` in every shell that is called ``sh``."""
KILLED_FIRST: Final = 500
"""``oom_score_adj``: when memory runs out, the kernel ends a child before the daemon and before a person's programs."""
CANNOT_CONFINE: Final = 126
"""The exit code of the shell between, where a limit cannot be set."""

# A shell that were ended by SIGTERM would leave its command no time to end in order; one that ignored it would have the
# command ignore it, too.  What the shell itself has to say of how its command ended is not output.
_RUN = 'trap : TERM; exec 3>&2 2>/dev/null; (exec "$@" 2>&3 3>&-); exit "$?"'
_BECOME = 'exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What each process of a child may take; 0: as much as the daemon itself may."""

    memory_bytes: int = 0
    """Of private, writable memory (``RLIMIT_DATA``)."""
    file_bytes: int = 0
    """The largest file that it may write."""
    processes: int = 0
    """At which number of its user's processes and threads it can start no further one; nothing to root."""
    core_bytes: int = 0
    """The largest core file; 0: none at all, since it would hold all that the process knew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap:
    """A sandbox: the machine's files are there to read, but for what is hidden, and only a few folders to write.

    It has its own processes, its own ``/tmp``, and by default no network but a loopback interface of its own.
    """

    hidden: tuple[Path, ...] = ()
    """Folders that are empty inside, and files that are."""
    shown: tuple[Path, ...] = ()
    """What is to be read all the same."""
    network: bool = False

    def words(self, folder: Path, writes: Iterable[Path]) -> tuple[str, ...]:
        """Return what stands before a command that runs in *folder*, and may write there and into *writes*.

        Raises:
            Refused: bubblewrap is not installed.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise Refused('jobs run in a sandbox ([jobs] sandbox = "bubblewrap"), and bubblewrap is not installed')
        return (
            *(program, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
            *(() if self.network else ("--unshare-net",)),
            *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),  # noqa: S108 - its own
            *self._hiding(),
            *(word for path in _there(self.shown) for word in ("--ro-bind", path, path)),
            *(word for path in _there((folder, *writes)) for word in ("--bind", path, path)),
            *("--chdir", str(folder), "--"),
        )

    def _hiding(self) -> Iterator[str]:
        for path in self.hidden:
            if path.is_dir():
                yield from ("--tmpfs", str(path.resolve()))
            elif path.exists():
                yield from ("--ro-bind", "/dev/null", str(path.resolve()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """All that bounds a child process, besides time and output."""

    limits: Limits = Limits()
    sandbox: Bubblewrap | None = None


FREE: Final = Confinement()
"""Without limits of ours."""


def shell_between(limits: Limits, *, stays: bool) -> tuple[str, ...]:
    """Return what stands before a command: a shell that sets *limits*.

    Args:
        limits: For the command and all that it starts.
        stays: Whether the shell remains the command's parent, and not the daemon: a test that kills its parent must
            not hit the daemon.
    """
    # The score is nobody's limit: where the kernel does not take it, the command runs all the same.
    first = f"{{ echo {KILLED_FIRST} >/proc/self/oom_score_adj; }} 2>/dev/null"
    bounds = " && ".join(_bounds(limits))
    script = f"{first}; {{ {bounds}; }} || exit {CANNOT_CONFINE}; {_RUN if stays else _BECOME}"
    return ("/bin/sh", "-c", script, "hecate-job")


def _bounds(limits: Limits) -> Iterator[str]:
    yield f"ulimit -c {_within(resource.RLIMIT_CORE, limits.core_bytes) // FILE_BLOCK_BYTES}"
    if limits.memory_bytes:
        yield f"ulimit -d {_within(resource.RLIMIT_DATA, limits.memory_bytes) // KIB}"
    if limits.file_bytes:
        yield f"ulimit -f {_within(resource.RLIMIT_FSIZE, limits.file_bytes) // FILE_BLOCK_BYTES}"
    if limits.processes:
        processes = _within(resource.RLIMIT_NPROC, limits.processes)
        # bash says -u, dash and busybox say -p, which is the size of a pipe to bash.
        yield f"{{ ulimit -u {processes} 2>/dev/null || ulimit -p {processes}; }}"


def _within(kind: int, wanted: int) -> int:
    """Return *wanted*, or what the daemon may have itself if that is less: more cannot be given."""
    _, most = resource.getrlimit(kind)
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most)


def _there(paths: Iterable[Path]) -> Iterator[str]:
    """Give those of *paths* that exist, each once, outer ones first."""
    found = {str(path.resolve()) for path in paths if path.exists()}
    yield from sorted(found, key=lambda path: (path.count("/"), path))


def sandbox_for(own: Sequence[Path], shown: Sequence[Path], *, network: bool) -> Bubblewrap:
    """Return a sandbox in which a command finds the programs of the machine, and nothing of its people.

    Args:
        own: What the daemon keeps for itself, hidden besides all homes and the sockets of services.
        shown: What is to be read all the same, such as a compiler that somebody has at home.
        network: Whether it may use the network.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - `Path.home` raises where there is none
    homes = (home,) if home.is_absolute() and home != Path("/") else ()
    # Our Python and our package run the tests of generated projects; names are resolved by what is under /run.
    ours = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[1], Path("/run/systemd/resolve"))
    return Bubblewrap(
        hidden=(*homes, Path("/home"), Path("/root"), Path("/run"), *own), shown=(*ours, *shown), network=network
    )
