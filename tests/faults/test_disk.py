"""A disk that fails, is full, or takes no larger file: nobody is told that something is recorded that is not.

Reads go on.  Where the disk has only refused, writing goes on by itself once there is room again; where nobody can
know what it holds, nothing is written until the next start, which reads it anew.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, started, wait_until
from tests.dossiers.crash import Journal
from tests.dossiers.oracle import wrongs
from tests.faults.conftest import Say
from tests.faults.sizes import size
from tests.faults.vitals import asking_after
from tests.faults.writing import Persevering, Refusals, big_ventures, lifecycles, writing
from tests.serving import HECATE, serving

HERE = Path(__file__).parent
WRITERS = 8
COMMANDS_BEFORE = size(100, 2000)
ROUNDS = size(1, 10)
MEBIBYTES = 8

pytestmark = pytest.mark.timeout(size(60, 600))


@contextmanager
def serving_from(place: Path, program: Sequence[str | Path]) -> Iterator[Child]:
    """Serve with a *program* that takes the arguments of ``hecate``."""
    (place / "config.toml").write_text("[providers.ollama]\nenabled = false\n")
    where = ("--socket", place / "s", "--data-dir", place / "data", "--config", place / "config.toml")
    with started(("serve", *where), place / "s", program=program) as child:
        yield child.ready()


class Crowd:
    """Writers, what they were told, and what they were refused."""

    def __init__(self, *, big: bool = False) -> None:
        self.journal, self.refusals = Journal(), Refusals()
        names = [f"writer-{number}" for number in range(WRITERS)]
        scripts = [big_ventures(name, 20) if big else lifecycles(name) for name in names]
        self.writers = [
            Persevering(name, script, self.journal, self.refusals) for name, script in zip(names, scripts, strict=True)
        ]

    @property
    def acknowledged(self) -> int:
        """How many commands were."""
        return len(self.journal.acknowledged)

    def wait_for_more(self, commands: int) -> None:
        """Wait until so many more were acknowledged."""
        wanted = self.acknowledged + commands
        wait_until(lambda: self.acknowledged >= wanted, seconds=60)

    def wait_for_refusals(self, more: int = 2 * WRITERS) -> None:
        """Wait until so many more were refused."""
        wanted = len(self.refusals.sentences) + more
        wait_until(lambda: len(self.refusals.sentences) >= wanted)

    def wrongs(self, place: Path) -> list[str]:
        """Return what is wrong with the store in *place*."""
        database = place / "data" / "hecate.db"
        return [*wrongs(database, self.journal), *self.refusals.wrongs(database)]


def assert_degraded(child: Child) -> str:
    """Check that *child* says that it cannot record anything, and can still be asked; return why."""
    with closing(Caller(child.socket_path)) as caller:
        health = caller.get("/api/health").json
        assert (health["status"], health["ready"]) == ("degraded", False), health
        assert caller.get("/api/ventures?limit=5").status == 200
        assert len(caller.get("/api/events?limit=5").json["events"]) == 5
    reason: str = health["error"]
    return reason


@pytest.mark.parametrize("order", ["sync", "write"])
def test_after_an_error_nothing_is_recorded_before_a_restart(place: Path, order: str, say: Say) -> None:
    """Also when the disk works again: what an interrupted write or sync has left, only a new start can know."""
    crowd = Crowd()
    orders = place / "orders"
    reason, lines = "", 0
    for _ in range(ROUNDS):
        orders.write_text("")
        with serving_from(place, (HERE / "on_failing_disk.py", orders)) as child:
            assert crowd.wrongs(place) == []
            with writing(child.socket_path, crowd.writers):
                crowd.wait_for_more(COMMANDS_BEFORE)
                orders.write_text(order)
                crowd.wait_for_refusals()
                reason = assert_degraded(child)
                assert "in doubt" in reason
                orders.write_text("")
                acknowledged = crowd.acknowledged
                crowd.wait_for_refusals()
                assert crowd.acknowledged == acknowledged
            assert crowd.refusals.wrongs(place / "data" / "hecate.db") == []
            child.process.terminate()
            assert child.end() == 0
            lines = max(lines, len(child.err))
        assert crowd.wrongs(place) == []
    with serving(place) as child, writing(child.socket_path, crowd.writers):
        crowd.wait_for_more(COMMANDS_BEFORE)
    assert crowd.wrongs(place) == []
    say(
        f"{ROUNDS} times: {crowd.acknowledged:,} commands acknowledged and there, "
        f"{len(crowd.refusals.sentences):,} refusals, {lines} log lines at most: {reason}"
    )


def test_a_disk_that_lies_would_be_seen(place: Path, say: Say) -> None:
    """The control: on a disk that takes everything and keeps nothing, what was acknowledged is not there."""
    crowd = Crowd()
    orders = place / "orders"
    orders.write_text("")
    with serving_from(place, (HERE / "on_failing_disk.py", orders)) as child:
        with writing(child.socket_path, crowd.writers):
            crowd.wait_for_more(COMMANDS_BEFORE)
            orders.write_text("lie")
            crowd.wait_for_more(WRITERS)
            child.process.kill()
        child.end()
    found = [wrong for wrong in crowd.wrongs(place) if "acknowledged and not there" in wrong]
    assert found
    say(f"{len(found)} commands acknowledged and not there")


@contextmanager
def small_disk(at: Path) -> Iterator[None]:
    """Have a disk of `MEBIBYTES` at *at*."""
    at.mkdir(mode=0o700)
    options = f"size={MEBIBYTES}m,mode=0700"
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


def fill(ballast: Path) -> None:
    """Write until there is no room left."""
    with ballast.open("ab", buffering=0) as file:
        for step in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(step))
            except OSError:
                pass


def test_a_full_disk_refuses_until_there_is_room(place: Path, say: Say) -> None:
    """Nothing is acknowledged meanwhile, all else is answered, the log stays short, and then it goes on by itself."""
    crowd = Crowd()
    with ExitStack() as stack:
        stack.enter_context(small_disk(place / "data"))
        child = stack.enter_context(serving(place))
        pulse = stack.enter_context(asking_after(child))
        with writing(child.socket_path, crowd.writers):
            for _ in range(ROUNDS):
                crowd.wait_for_more(COMMANDS_BEFORE)
                fill(place / "data" / "ballast")
                crowd.wait_for_refusals()
                assert assert_degraded(child) == "the disk is full"
                (place / "data" / "ballast").unlink()
                crowd.wait_for_more(WRITERS)
                with closing(Caller(child.socket_path)) as caller:
                    assert caller.get("/api/health").json["status"] == "healthy"
        assert crowd.wrongs(place) == []
        assert pulse.unanswered == []
        assert len(child.err) <= 1 + 3 * ROUNDS, "\n".join(child.err)
        say(
            f"{ROUNDS} times: {crowd.acknowledged:,} commands acknowledged and there, "
            f"{len(crowd.refusals.sentences):,} refusals; {len(child.err)} log lines; {pulse}"
        )


def test_a_file_that_may_not_grow_is_no_end(place: Path, say: Say) -> None:
    """At the limit of a file's size the daemon lives, refuses, and is asked; with a higher one all is there."""
    crowd = Crowd(big=True)
    limited = (HERE / "limited.py", f"FSIZE={MEBIBYTES << 20}", "--", sys.executable, HECATE)
    with serving_from(place, limited) as child:
        with writing(child.socket_path, crowd.writers):
            crowd.wait_for_refusals()
            reason = assert_degraded(child)
            acknowledged = crowd.acknowledged
            crowd.wait_for_refusals()
            assert crowd.acknowledged == acknowledged
        child.process.terminate()
        assert child.end() == 0
    assert crowd.wrongs(place) == []
    with serving(place) as child, writing(child.socket_path, crowd.writers):
        crowd.wait_for_more(WRITERS)
    assert crowd.wrongs(place) == []
    say(f"{crowd.acknowledged} commands acknowledged and there, {len(crowd.refusals.sentences)} refusals: {reason}")
