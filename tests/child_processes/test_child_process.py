"""Child processes: what they print, how they end, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from hecate.child_processes import strays
from hecate.child_processes.child_process import ChildEnd, clean_environment, run_child
from hecate.dossiers.errors import Refused
from tests.daemon.child import wait_until

PR_SET_CHILD_SUBREAPER = 36


class Shell:
    """Runs shell scripts as a job would, and keeps what they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"test/{uuid4().hex}"
        self.lines: list[str] = []

    async def run(self, script: str, *, timeout_seconds: float = 20, given: bytes | None = None) -> ChildEnd:
        """Run *script* to its end."""
        return await run_child(
            ("sh", "-c", script),
            mark=self.mark,
            folder=self.folder,
            timeout_seconds=timeout_seconds,
            on_lines=self.keep,
            given=given,
        )

    def keep(self, lines: Sequence[str]) -> None:
        """Keep *lines*."""
        self.lines += lines

    @property
    def left(self) -> list[int]:
        """The processes that are still there."""
        return strays.marked(self.mark)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in a folder of its own."""
    return Shell(tmp_path)


async def test_it_ends_with_its_exit_code_and_all_that_it_prints(shell: Shell) -> None:
    """Both streams, as lines, with what has no line break at the end."""
    end = await shell.run("pwd; echo to error >&2; printf 'no end'; exit 3")
    assert shell.lines == [str(shell.folder), "to error", "no end"]
    assert (end.exit_code, end.timed_out, end.succeeded, end.in_words) == (3, False, False, "exit code 3")


async def test_what_it_is_given_it_can_read(shell: Shell) -> None:
    """And a child that reads nothing of it is no error."""
    await shell.run("cat", given=b"one\ntwo\n")
    assert shell.lines == ["one", "two"]
    assert (await shell.run("exit 0", given=b"x" * 10_000_000)).succeeded


async def test_its_environment_has_none_of_our_secrets(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows the path and the home, and nothing that may be a key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    await shell.run("env")
    assert not [line for line in shell.lines if "secret" in line]
    assert f"HOME={os.environ['HOME']}" in shell.lines
    assert clean_environment({"CI": "1"})["CI"] == "1"


async def test_at_its_time_limit_it_is_ended(shell: Shell) -> None:
    """With all that it has started, even what ignores SIGTERM or has left its session."""
    script = "trap '' TERM; setsid sleep 1000 & (trap '' TERM; sleep 1000) & echo up; sleep 1000; sleep 1000"
    end = await shell.run(script, timeout_seconds=0.5)
    assert end.timed_out
    assert "its time limit" in end.in_words
    assert shell.lines == ["up"]
    assert shell.left == []


@pytest.mark.parametrize(("seconds", "told"), [(0.54, "0.5 s"), (9.94, "9.9 s"), (60.99, "61 s")])
def test_a_short_time_is_told_with_its_tenths(seconds: float, told: str) -> None:
    """A limit of half a second is none of a second."""
    assert ChildEnd(-15, timed_out=True, seconds=seconds).in_words == f"stopped after {told}, its time limit"


async def test_it_is_told_before_it_is_ended(shell: Shell) -> None:
    """So it may put things in order, which takes a while; how it ends then is its own affair."""
    script = "trap 'sleep 0.3; echo in order; exit 7' TERM; echo up; sleep 1000 & wait"
    end = await shell.run(script, timeout_seconds=1)
    assert end.timed_out
    assert (shell.lines, end.exit_code) == (["up", "in order"], 7)


async def test_one_that_is_told_and_does_not_mind_is_ended_by_that(shell: Shell) -> None:
    """The shell between tells it as it was."""
    end = await shell.run("kill -TERM $$; sleep 1000")
    assert end.in_words == "ended by SIGTERM"


async def test_what_it_leaves_behind_is_ended_too(shell: Shell) -> None:
    """A child that ends well and has forked a server: the server is gone, and the pipe that it held is no trap."""
    end = await shell.run("setsid sh -c 'sleep 1000' & nohup sleep 1000 & echo done")
    assert end.succeeded
    assert "done" in shell.lines
    assert shell.left == []


@pytest.fixture
def takes_orphans() -> Iterator[None]:
    """Be whom orphans are handed to, as the first process of a container is."""
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.mark.usefixtures("takes_orphans")
async def test_in_a_container_none_is_left_that_nobody_lets_go(shell: Shell) -> None:
    """Neither what it has left behind, nor what has ended by itself by then."""
    before = set(children())
    await shell.run("setsid sleep 1000 & sleep 1000 & (sleep 0.01 &) ; sleep 0.1")
    assert set(children()) <= before


def children() -> list[str]:
    """Return the ids of our children, also of those that have ended and that nobody has let go."""
    return [one for task in Path("/proc/self/task").iterdir() for one in (task / "children").read_text().split()]


async def test_a_cancelled_one_is_gone(shell: Shell) -> None:
    """Whoever waits for it is cancelled only when nothing of it is left."""
    task = asyncio.create_task(shell.run("echo up; setsid sleep 1000 & sleep 1000"))
    while not shell.lines:  # noqa: ASYNC110 - the child's turn
        await asyncio.sleep(0.01)
    assert shell.left
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shell.left == []


@pytest.mark.parametrize("turns", range(6))
async def test_one_that_is_cancelled_while_it_is_started_is_gone(shell: Shell, turns: int) -> None:
    """Whether it has begun by then or not."""
    task = asyncio.create_task(shell.run("sleep 1000"))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shell.left == []


async def test_one_that_is_cancelled_twice_is_gone(shell: Shell) -> None:
    """The second time while it is given its moment to end by itself."""
    told = shell.folder / "told"
    task = asyncio.create_task(shell.run(f"trap 'touch {told}; sleep 1000' TERM; echo up; sleep 1000 & wait"))
    await asyncio.to_thread(wait_until, lambda: "up" in shell.lines)
    task.cancel()
    await asyncio.to_thread(wait_until, told.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shell.left == []


async def test_one_that_kills_its_parent_kills_not_us(shell: Shell) -> None:
    """Between us and a command that is not ours stands a process of its own."""
    end = await shell.run("kill -9 $PPID; sleep 0.1; echo still here")
    assert end.in_words == "ended by SIGKILL"
    assert shell.left == []


async def test_a_line_without_an_end_takes_no_memory(shell: Shell) -> None:
    """It comes in pieces."""
    await shell.run(f"{sys.executable} -c \"print('x' * 100_000, end='')\"")
    assert "".join(shell.lines) == "x" * 100_000
    assert max(map(len, shell.lines)) <= 8192


async def test_what_is_no_text_is_told_as_far_as_it_goes(shell: Shell) -> None:
    """Bytes that are no UTF-8 are replaced."""
    await shell.run(r"printf 'caf\303\251 \377\n'")
    assert shell.lines == ["café \N{REPLACEMENT CHARACTER}"]


async def test_what_cannot_be_run_is_said(shell: Shell) -> None:
    """An unknown program, a file that may not be run, a folder that is not there."""
    (shell.folder / "data").write_text("no program")
    for command in (("no-such-program",), ("./data",)):
        with pytest.raises(Refused, match="there is no such program, or it may not be run"):
            await run_child(command, mark=shell.mark, folder=shell.folder, timeout_seconds=5, on_lines=shell.keep)
    with pytest.raises(Refused, match=r"cannot run 'true' in .*gone"):
        await run_child(
            ("true",), mark=shell.mark, folder=shell.folder / "gone", timeout_seconds=5, on_lines=shell.keep
        )
