"""Streams are cut at the ends of events, wherever the network has cut them."""

from __future__ import annotations

import pytest

from hecate.serve_llm.dialects.whole_blocks import END_OF_EVENT, END_OF_LINE, WholeBlocks
from hecate.serve_llm.event_lines import Overlong

EVENTS = b": hi\n\ndata: a\n\n: wait\n\n: wait\n\nevent: x\r\ndata: b\r\n\r\ndata: c\ndata: d\n\n: bye\n\n"
LINES = b'{"a": 1}\n{"b": 2}\r\n{"c": 3}\n'


@pytest.mark.parametrize("cut", range(len(EVENTS) + 1))
def test_events_cut_anywhere(cut: int) -> None:
    """All bytes come out in order, each block ends where an event does, and none is only a comment."""
    blocks = WholeBlocks(END_OF_EVENT)
    given = [*blocks.feed(EVENTS[:cut]), *blocks.feed(EVENTS[cut:])]
    assert all(block.endswith(END_OF_EVENT) and b"data:" in block for block in given)
    assert b"".join([*given, *blocks.flush()]) == EVENTS


def test_events_byte_by_byte() -> None:
    """Comments go with the event that follows them."""
    blocks = WholeBlocks(END_OF_EVENT)
    given = [block for at in range(len(EVENTS)) for block in blocks.feed(EVENTS[at : at + 1])]
    assert given == [
        b": hi\n\ndata: a\n\n",
        b": wait\n\n: wait\n\nevent: x\r\ndata: b\r\n\r\n",
        b"data: c\ndata: d\n\n",
    ]
    assert blocks.flush() == [b": bye\n\n"]
    assert blocks.flush() == []


@pytest.mark.parametrize("cut", range(len(LINES) + 1))
def test_lines_cut_anywhere(cut: int) -> None:
    """The same for lines."""
    blocks = WholeBlocks(END_OF_LINE)
    given = [*blocks.feed(LINES[:cut]), *blocks.feed(LINES[cut:])]
    assert all(block.endswith(b"\n") for block in given)
    assert b"".join(given) == LINES


def test_what_has_not_ended_waits_for_the_end_of_the_body() -> None:
    """A last event that nothing ends is not lost."""
    blocks = WholeBlocks(END_OF_EVENT)
    assert blocks.feed(b"data: a\n\ndata: [DONE]") == [b"data: a\n\n"]
    assert blocks.flush() == [b"data: [DONE]"]


def test_an_event_without_end_is_refused() -> None:
    """Memory is bounded."""
    blocks = WholeBlocks(END_OF_EVENT, limit_bytes=100)
    blocks.feed(b"data: " + b"a" * 80)
    with pytest.raises(Overlong):
        blocks.feed(b"a" * 20)
