"""The power goes: a real file system loses what it was not made to keep, and nothing else.

The data directory is on an ext4 or an XFS of its own, in a file.  Shutting the file system down without writing its log
(``xfs_io -x -c shutdown``, an ioctl that both know) leaves in the file what fsync had brought there; the rest is gone
with the mount.  It takes root and loop devices, mkfs.ext4, mkfs.xfs and xfs_io.
"""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.child import Child, wait_until
from tests.faults.conftest import Say
from tests.faults.crowd import WRITERS, Crowd
from tests.faults.daemons import serving_from
from tests.faults.sizes import SEED, size
from tests.faults.writing import writing

ROUNDS = size(1, 20)
COMMANDS_BEFORE = size((50, 100), (20, 1500))
LIBEATMYDATA = "libeatmydata.so"
MAKE = {"ext4": ("mkfs.ext4", "-q"), "xfs": ("mkfs.xfs", "-q")}
MEBIBYTES = 320
"""The least that XFS takes is 300."""

pytestmark = pytest.mark.timeout(size(60, 900))


class Disk:
    """A file system in a file, which can be cut off."""

    def __init__(self, place: Path, kind: str) -> None:
        self.mounted_at = place / "disk"
        self._kind = kind
        self._numbers = itertools.count()
        self._image = place / "image"
        self.mounted_at.mkdir()
        with self._image.open("wb") as file:
            file.truncate(MEBIBYTES << 20)
        run(*MAKE[kind], self._image)

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Have it mounted, with what its log says set right."""
        options = "loop,nouuid" if self._kind == "xfs" else "loop"
        run("mount", "-o", options, self._image, self.mounted_at)
        try:
            yield
        finally:
            run("umount", "--lazy", self.mounted_at)

    def cut_off(self) -> None:
        """Lose all that is not in the file yet."""
        run("xfs_io", "-x", "-c", "shutdown", self.mounted_at)
        # What comes now is another disk.  The old one may outlive its mount: a namespace that somebody makes meanwhile
        # has a copy of it.
        old, self._image = self._image, self._image.with_name(f"image-{next(self._numbers)}")
        run("cp", "--sparse=always", old, self._image)
        old.unlink()


def run(*words: str | Path) -> None:
    """Run a program that must succeed."""
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")


@pytest.fixture(params=[*MAKE])
def disk(place: Path, request: pytest.FixtureRequest) -> Disk:
    """Give a disk, where there can be one."""
    missing = [name for name in (MAKE[request.param][0], "xfs_io", "mount") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: xfsprogs, e2fsprogs, mount)")
    disk = Disk(place, request.param)
    try:
        with disk.mounted():
            pass
    except OSError as error:
        pytest.skip(f"a file cannot be mounted here: {error}")
    return disk


def lose_power(place: Path, disk: Disk, crowd: Crowd, commands: int, environ: Mapping[str, str] | None = None) -> None:
    """Serve *crowd*, and cut the disk off after so many commands."""
    with disk.mounted(), serving_from(place, data=disk.mounted_at / "data", environ=environ) as child:
        with writing(child.socket_path, crowd.writers):
            crowd.wait_for_more(commands)
            # The power goes for all at once.  Were the daemon to run on, a sync that is under way while ext4 is being
            # shut down might end well, one in some hundred times, though its data are not kept.
            child.signal(signal.SIGSTOP)
            wait_until(lambda: is_stopped(child))
            disk.cut_off()
            child.process.kill()
        child.end()


def is_stopped(child: Child) -> bool:
    """Tell whether the thread that answers callers does no more."""
    status = (Path("/proc") / str(child.process.pid) / "stat").read_text()
    return status.rpartition(")")[2].split()[0] == "T"


def test_what_was_acknowledged_is_there_when_the_power_is_back(place: Path, disk: Disk, say: Say) -> None:
    """At random moments under eight writers; the next start reads what the file system has kept."""
    crowd, chance, kept = Crowd(), random.Random(SEED), 0
    for _ in range(ROUNDS):
        lose_power(place, disk, crowd, chance.randint(*COMMANDS_BEFORE))
        with disk.mounted():
            assert crowd.wrongs(disk.mounted_at) == []
            kept += crowd.stored_though_unanswered(disk.mounted_at)
    with disk.mounted(), serving_from(place, data=disk.mounted_at / "data") as child:
        with writing(child.socket_path, crowd.writers):
            crowd.wait_for_more(WRITERS)
        assert crowd.wrongs(disk.mounted_at) == []
    say(
        f"power lost {ROUNDS} times: {crowd.acknowledged:,} commands acknowledged, none lost; "
        f"{kept} that were not answered were kept all the same"
    )


def test_a_daemon_that_does_not_sync_would_be_seen(place: Path, disk: Disk, say: Say) -> None:
    """The control: with an fsync that does nothing (eatmydata), what was acknowledged is gone."""
    if not [*Path("/usr/lib").glob(f"*/{LIBEATMYDATA}"), *Path("/usr/lib").glob(LIBEATMYDATA)]:
        pytest.skip("not installed: eatmydata")
    crowd = Crowd()
    lose_power(place, disk, crowd, WRITERS)
    with disk.mounted():
        assert crowd.wrongs(disk.mounted_at) == []
    lose_power(place, disk, crowd, COMMANDS_BEFORE[0], {"LD_PRELOAD": LIBEATMYDATA})
    with disk.mounted():
        found = [wrong for wrong in crowd.wrongs(disk.mounted_at) if "there" in wrong or "read" in wrong]
    assert found
    say(f"without fsync, of {crowd.acknowledged} acknowledged commands: {len(found)} findings, such as: {found[0]}")
