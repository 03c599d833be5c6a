"""What a child prints comes to us: all of it, line by line, and nobody else's."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import uvloop

from hecate.child_processes.child_process import run_child
from hecate.child_processes.output_pipe import LONGEST_LINE_BYTES, OutputPipe

WORKERS = 8
CHILDREN = 25
"""Of each worker, one after the other."""


async def read(printed: bytes) -> list[str]:
    """Return the lines that are read when *printed* is written."""
    pipe, lines = OutputPipe(), list[str]()
    reading = asyncio.create_task(pipe.read(lines.extend))
    await asyncio.to_thread(_write, pipe.theirs, printed)
    pipe.close_theirs()
    await reading
    pipe.close()
    return lines


def _write(pipe: int, printed: bytes) -> None:
    while printed:
        printed = printed[os.write(pipe, printed) :]


async def test_lines_are_read_to_the_end() -> None:
    """With either line break, whatever the encoding, and the last one without."""
    assert await read("a\r\nbä\n\nc".encode()) == ["a", "bä", "", "c"]
    assert await read(b"\xff\n") == ["\ufffd"]
    assert await read(b"") == []


async def test_a_long_line_is_cut() -> None:
    """However long it is."""
    lines = await read(b"x" * 1_000_000)
    assert "".join(lines) == "x" * 1_000_000
    assert max(map(len, lines)) <= LONGEST_LINE_BYTES


def test_many_children_at_once_are_told_apart(tmp_path: Path) -> None:
    """What begins while another ends keeps its own pipe, under the daemon's event loop too."""

    async def run_some(worker: int, lines: list[str]) -> None:
        for number in range(CHILDREN):
            await run_child(
                ("echo", "hello"),
                mark=f"{os.getpid()}-pipe/{worker}/{number}/",
                folder=tmp_path,
                timeout_seconds=30,
                on_lines=lines.extend,
            )

    async def run() -> list[str]:
        lines = list[str]()
        await asyncio.gather(*(run_some(worker, lines) for worker in range(WORKERS)))
        return lines

    assert uvloop.run(run()) == ["hello"] * CHILDREN * WORKERS
