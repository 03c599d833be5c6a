"""A daemon's life, in minutes: writers, streams, and one random fault after the other.

    python -m tests.faults.soak --minutes 20

A few times the daemon is killed or stopped, and the next one goes on with what it has left.  Nothing that was
acknowledged is missing at the end of a life, and memory, descriptors, threads and tasks are what they were when each
fault had come once.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, wait_until
from tests.faults.crowd import Crowd
from tests.faults.daemons import serving_from
from tests.faults.following import Follower
from tests.faults.passing_faults import FAULTS, fill_the_disk
from tests.faults.sizes import SEED
from tests.faults.vitals import Pulse, Vitals, asking_after, vitals
from tests.faults.writing import writing
from tests.small_disk import small_disk

LIVES = 4
SECONDS_BETWEEN_FAULTS = 2.0
SECONDS_BETWEEN_COMMANDS = 0.1
SECONDS_TO_COME_TO_REST = 5.0
DISK_KIBIBYTES = 1 << 20
STREAMS = 4
MORE_MIB: Final = 20.0
MORE_DESCRIPTORS: Final = 16
MORE_TASKS: Final = 8
LINES_A_MINUTE: Final = 60


def say(sentence: str) -> None:
    """Tell the person who waits."""
    print(sentence, flush=True)  # noqa: T201 - a program that talks to a person


class Stream:
    """A stream that is read beside the writers."""

    def __init__(self) -> None:
        self.follower = Follower()

    async def write(self, socket_path: Path, *, until: Callable[[], bool]) -> None:
        """Read on."""
        await self.follower.follow(socket_path, until=until)


def tasks(child: Child) -> int:
    """Return how many tasks the event loop of *child* has."""
    with closing(Caller(child.socket_path)) as caller:
        found = re.search(rb"^hecate_tasks (\d+)", caller.get("/metrics").body, re.MULTILINE)
    assert found
    return int(found[1])


@dataclass
class Soak:
    """Lives of a daemon, one after the other, in *place*."""

    place: Path
    seconds: float
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    crowd: Crowd = field(default_factory=lambda: Crowd(pause_seconds=SECONDS_BETWEEN_COMMANDS))
    streams: list[Stream] = field(default_factory=lambda: [Stream() for _ in range(STREAMS)])
    faults: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)

    def run(self, *, can_fill: bool) -> None:
        """Live `LIVES` lives."""
        kinds = [fault for fault in FAULTS if can_fill or fault is not fill_the_disk]
        for number in range(LIVES):
            began = time.monotonic()
            with (
                serving_from(self.place) as child,
                asking_after(child, keep_connection=True) as pulse,
                writing(child.socket_path, [*self.crowd.writers, *self.streams]),
            ):
                for fault in kinds:
                    self.have(fault, child)
                first, first_tasks = self.rest(child)
                while time.monotonic() - began < self.seconds / LIVES:
                    self.have(self.chance.choice(kinds), child)
                last, last_tasks = self.rest(child)
                how = signal.SIGKILL if number % 2 == 0 else signal.SIGTERM
                lines = len(child.err)
                beats = self.beats(pulse)
                child.signal(how)
                child.end()
            minutes = (time.monotonic() - began) / 60
            say(f"life {number + 1}, {minutes:.1f} minutes, ended by {how.name}; {lines} log lines; {beats}")
            say(f"  when each fault had come once: {first}, {first_tasks} tasks")
            say(f"  at the end:                    {last}, {last_tasks} tasks")
            self.compare(first, last, last_tasks - first_tasks)
            if lines > LINES_A_MINUTE * minutes:
                self.wrongs.append(f"{lines} log lines in {minutes:.1f} minutes")
            self.wrongs += self.crowd.wrongs(self.place)
        say(f"{self.crowd.acknowledged:,} commands acknowledged, {len(self.crowd.refusals.sentences):,} refusals")
        say("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items())))

    def have(self, fault: Callable[[Child, Path], None], child: Child) -> None:
        """Have *fault* come and go, and the daemon go on for a moment."""
        self.faults[fault.__name__] += 1
        fault(child, self.place)
        time.sleep(self.chance.uniform(0, SECONDS_BETWEEN_FAULTS))
        acknowledged = self.crowd.acknowledged
        wait_until(lambda: self.crowd.acknowledged > acknowledged)

    def rest(self, child: Child) -> tuple[Vitals, int]:
        """Let all that has to end come to an end, and return what the daemon takes then."""
        time.sleep(SECONDS_TO_COME_TO_REST)
        return vitals(child.process.pid), tasks(child)

    def beats(self, pulse: Pulse) -> str:
        """Return how the daemon answered, in words; a question that was not answered is wrong."""
        self.wrongs += pulse.unanswered
        return str(pulse)

    def compare(self, first: Vitals, last: Vitals, more_tasks: int) -> None:
        """Note what has become more than it may."""
        if last.resident_mib > first.resident_mib + MORE_MIB:
            self.wrongs.append(f"memory grew from {first.resident_mib:.0f} to {last.resident_mib:.0f} MiB")
        if last.descriptors > first.descriptors + MORE_DESCRIPTORS:
            self.wrongs.append(f"descriptors grew from {first.descriptors} to {last.descriptors}")
        if last.threads > first.threads + 2 or last.children > first.children:
            self.wrongs.append(f"threads or children grew: {first}; {last}")
        if more_tasks > MORE_TASKS:
            self.wrongs.append(f"there are {more_tasks} more tasks")


def main() -> int:
    """Soak, and say what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, ExitStack() as stack:
        soak = Soak(Path(folder), arguments.minutes * 60)
        can_fill = True
        try:
            stack.enter_context(small_disk(soak.place / "data", DISK_KIBIBYTES))
        except pytest.skip.Exception as reason:
            say(f"no full disk: {reason}")
            (soak.place / "data").rmdir()
            can_fill = False
        soak.run(can_fill=can_fill)
    for wrong in soak.wrongs:
        say(f"wrong: {wrong}")
    return 1 if soak.wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
