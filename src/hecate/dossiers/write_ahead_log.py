"""Whether a write-ahead log has lost commits: SQLite reads it up to the first frame that is wrong, and is silent.

A power cut may leave the last transaction half written, and it was acknowledged to nobody.  A commit after a wrong
frame is another matter: the one before it was on the disk before it was begun (``synchronous = FULL``).  The format
is that of https://sqlite.org/fileformat2.html#walformat.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
SMALLEST_PAGE_BYTES: Final = 512
MAGIC: Final = 0x377F0682
"""The lowest bit says whether checksums are over big-endian words."""
INDEX_HEADER_BYTES: Final = 48
NO_SALTS: Final = bytes(8)
"""What an index says that was made anew where there is no log."""
COPIED_AT: Final = 96
"""Where the index says how much was checkpointed."""

_WORD: Final = 0xFFFFFFFF
_header = struct.Struct(">8I")
_frame_header = struct.Struct(">6I")
_count = struct.Struct("=I")
_index_header = struct.Struct("=IIIBBHII8s8s8s")

Sums = tuple[int, int]


class LostCommits(NamedTuple):
    """Commits that are in a log, or were, and that SQLite does not read."""

    at_byte: int
    """Where the log is wrong, or ends too early."""
    commits: int
    """How many come after that."""
    was_cut: bool
    """Whether the end of the log is missing; then there was one commit at least."""


class WriteAheadLog:
    """The log beside *database*, as it is before SQLite opens the two: that makes the log's index anew.

    Raises:
        OSError: It cannot be read.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(f"{database.name}-wal")
        self._log = path.read_bytes() if path.exists() else b""
        self._is_sound = len(self._log) >= HEADER_BYTES and _is_sound(self._log)
        self._salts = self._log[16:24] if self._is_sound else self._log[HEADER_BYTES + 8 : HEADER_BYTES + 16]
        self._frame_bytes = _frame_bytes(self._log) if len(self._log) > HEADER_BYTES else 0
        self._commits = tuple(self._find_commits())
        index = _index_of(database)
        told = index.read_bytes() if index.exists() else b""
        salts, frames = _told_by(told)
        self._once = frames if self._is_sound and salts == self._salts else 0
        """How many frames were committed when the index was last written; 0 where it does not say.

        That is done once a commit is on the disk; it is there after a kill, until the file is opened again.
        """
        self._uncopied = frames > _copied(told)

    def lost(self, read_frames: int) -> LostCommits | None:
        """Return the commits that SQLite does not read; None where there are none but, at most, an interrupted one.

        Args:
            read_frames: How many frames SQLite reads, as ``wal_checkpoint(NOOP)`` says.
        """
        lost = [number for number in self._commits if number > read_frames]
        if len(self._log) < HEADER_BYTES:
            return LostCommits(len(self._log), 1, was_cut=True) if self._uncopied else None
        if not self._is_sound:
            return LostCommits(0, len(lost), was_cut=False) if lost else None
        if self._once > read_frames and self._once * self._frame_bytes + HEADER_BYTES > len(self._log):
            return LostCommits(len(self._log), max(1, len(lost)), was_cut=True)
        # The last one may be what a power cut interrupted, unless the index tells that it was complete.
        if len(lost) > 1 or (lost and self._once > read_frames):
            wrong = self.first_wrong_frame() or read_frames + 1
            return LostCommits(HEADER_BYTES + (wrong - 1) * self._frame_bytes, len(lost), was_cut=False)
        return None

    def first_wrong_frame(self) -> int | None:
        """Return the number of the first frame, from 1, that does not follow from those before it; None: all do.

        It takes 0.1 ms a frame.  Frames of an earlier use of the file, behind those of this one, do not count.
        """
        log = self._log
        sums: Sums = _sums(log, log[:24], (0, 0))
        for number in range(1, max(self._commits, default=0) + 1):
            at = HEADER_BYTES + (number - 1) * self._frame_bytes
            frame = log[at : at + self._frame_bytes]
            sums = _sums(log, frame[:8], sums)
            sums = _sums(log, frame[FRAME_HEADER_BYTES:], sums)
            if frame[8:16] != self._salts or _frame_header.unpack_from(frame)[4:] != sums:
                return number
        return None

    def _find_commits(self) -> Iterator[int]:
        """Give the number of each frame, from 1, that ends a transaction of this use of the file, sound or not."""
        if self._frame_bytes < FRAME_HEADER_BYTES + SMALLEST_PAGE_BYTES:
            return
        last = len(self._log) - self._frame_bytes
        for number, at in enumerate(range(HEADER_BYTES, last + 1, self._frame_bytes), 1):
            _, size_after_commit, *_ = _frame_header.unpack_from(self._log, at)
            if size_after_commit and self._log[at + 8 : at + 16] == self._salts:
                yield number


@contextmanager
def keeping_index(database: Path) -> Iterator[None]:
    """Leave the index of the log beside *database* as it is, where it tells of more commits than SQLite reads.

    SQLite makes it anew when it opens the two and nobody else has them open.  Then nothing would tell the next one who
    looks that the end of the log is missing, and a daemon that is started again after a refusal would start.
    """
    path = _index_of(database)
    before = path.read_bytes() if path.exists() else b""
    try:
        yield
    finally:
        if before and path.exists():
            (salts, frames), (salts_now, frames_now) = _told_by(before), _told_by(path.read_bytes())
            # Of the same log, or of none, there are fewer frames only if it was read anew: who writes it adds to them.
            if frames_now < frames and salts_now in {salts, NO_SALTS}:
                path.write_bytes(before)


def _is_sound(log: bytes) -> bool:
    fields = _header.unpack_from(log)
    return fields[0] & ~1 == MAGIC and _sums(log, log[:24], (0, 0)) == fields[6:]


def _frame_bytes(log: bytes) -> int:
    (size,) = struct.unpack_from(">I", log, 8)
    return FRAME_HEADER_BYTES + (65536 if size == 1 else int(size))


def _told_by(index: bytes) -> tuple[bytes, int]:
    """Return the salts of the log that *index* is of, and how many of its frames were committed; 0 if unsound."""
    one, two = index[:INDEX_HEADER_BYTES], index[INDEX_HEADER_BYTES : 2 * INDEX_HEADER_BYTES]
    # It is there twice, so that a reader can tell a half-written one.
    if len(two) < INDEX_HEADER_BYTES or one != two:
        return b"", 0
    fields = _index_header.unpack(one)
    return bytes(fields[9]), int(fields[6])


def _copied(index: bytes) -> int:
    """Return how many frames of its log were copied into the database."""
    return int(_count.unpack_from(index, COPIED_AT)[0]) if len(index) >= COPIED_AT + _count.size else 0


def _index_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-shm")


def _sums(log: bytes, piece: bytes, sums: Sums) -> Sums:
    """Return the checksum of *piece* after *sums*, in the byte order that *log* has."""
    words = array("I", piece)
    if (log[3] & 1) == (sys.byteorder == "little"):
        words.byteswap()
    one, two = sums
    for at in range(0, len(words), 2):
        one = (one + words[at] + two) & _WORD
        two = (two + words[at + 1] + one) & _WORD
    return one, two
