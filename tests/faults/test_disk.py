"""A disk that fails, is full, or takes no larger file: nobody is told that something is recorded that is not.

Reads go on.  Where the disk has only refused, writing goes on by itself once there is room again; where nobody can
know what it holds, nothing is written until the next start, which reads it anew.
"""

from __future__ import annotations

import random
import shutil
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import Child
from tests.faults.conftest import Say
from tests.faults.crowd import WRITERS, Crowd
from tests.faults.daemons import serving_from
from tests.faults.sizes import SEED, size
from tests.faults.vitals import asking_after
from tests.faults.writing import writing
from tests.serving import HECATE, serving
from tests.small_disk import fill, small_disk

HERE = Path(__file__).parent
COMMANDS_BEFORE = size(100, 500)
ROUNDS = size(1, 10)
CALLS_BEFORE = (60, 400)
"""Of the system, until one fails: a start makes some itself."""
MEBIBYTES = size(8, 32)

pytestmark = pytest.mark.timeout(size(60, 600))


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


def test_a_full_disk_refuses_until_there_is_room(place: Path, say: Say) -> None:
    """Nothing is acknowledged meanwhile, all else is answered, the log stays short, and then it goes on by itself."""
    crowd = Crowd()
    with ExitStack() as stack:
        stack.enter_context(small_disk(place / "data", MEBIBYTES << 10))
        child = stack.enter_context(serving(place))
        pulse = stack.enter_context(asking_after(child))
        with writing(child.socket_path, crowd.writers):
            for _ in range(ROUNDS):
                crowd.wait_for_more(100)
                fill(place / "data" / "ballast")
                crowd.wait_for_refusals()
                assert assert_degraded(child) == "the disk is full"
                (place / "data" / "ballast").unlink()
                crowd.wait_for_more(WRITERS)
                with closing(Caller(child.socket_path)) as caller:
                    assert caller.get("/api/health").json["status"] == "healthy"
        assert crowd.wrongs(place) == []
        assert pulse.unanswered == []
        assert len(child.err) <= 1 + 6 * ROUNDS, "\n".join(child.err)
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


@pytest.mark.parametrize(("call", "error"), [("fdatasync", "EIO"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC")])
def test_errors_of_the_system_itself(place: Path, call: str, error: str, say: Say) -> None:
    """From some call on the kernel's answer is an error, also to what is no database: strace sees to that."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("not installed: strace")
    crowd, chance = Crowd(), random.Random(f"{SEED} {call} {error}")
    reasons = set()
    for _ in range(ROUNDS):
        inject = f"inject={call}:error={error}:when={chance.randint(*CALLS_BEFORE)}+"
        # -D: the daemon is our child, and strace beside it, so that our signals reach the daemon.
        traced = (strace, "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
        with serving_from(place, (HERE / "limited.py", "--", *traced, sys.executable, HECATE)) as child:
            with writing(child.socket_path, crowd.writers):
                crowd.wait_for_refusals()
                with closing(Caller(child.socket_path)) as caller:
                    assert caller.get("/api/events?limit=5").status == 200
                reasons.add(crowd.refusals.sentences[-1])
                child.process.kill()
            child.end()
        assert crowd.wrongs(place) == []
    say(f"{call} {error}, {ROUNDS} times: {crowd.acknowledged:,} commands, none lost: {'; '.join(sorted(reasons))}")
