"""Bodies that arrive in arbitrary pieces come out as lines and events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from hecate.serve_llm.event_lines import Cutter, Lines, Overlong, ServerSentEvents


def cut(body: bytes, places: list[int]) -> list[bytes]:
    """Return *body* in pieces, cut at *places*."""
    edges = [0, *sorted({place % (len(body) + 1) for place in places}), len(body)]
    return [body[start:end] for start, end in pairwise(edges) if start < end]


def read(cutter: Cutter, pieces: list[bytes]) -> list[bytes]:
    """Return the payloads that *cutter* finds in *pieces*."""
    return [payload for piece in pieces for payload in cutter.feed(piece)] + cutter.flush()


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1)
places = st.lists(st.integers(0, 10_000))
endings = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.lists(texts), endings, places)
def test_lines_survive_every_cut(lines: list[str], ending: str, at: list[int]) -> None:
    """Lines are the same wherever the body is cut, in a character and between CR and LF too."""
    body = "".join(line + ending for line in lines).encode()
    assert read(Lines(), cut(body, at)) == [line.encode() for line in lines]


@given(st.lists(texts), endings, places)
def test_events_survive_every_cut(data: list[str], ending: str, at: list[int]) -> None:
    """Events are the same wherever the body is cut."""
    body = "".join(f"event: x{ending}data: {text}{ending}: note{ending}{ending}" for text in data).encode()
    assert read(ServerSentEvents(), cut(body, at)) == [text.encode() for text in data]


def test_every_byte_alone() -> None:
    """A body that comes byte by byte is read like one that comes at once."""
    body = b'data: {"a": "\xc3\xa9"}\r\n\r\ndata: 2\r\n\r\n'
    assert read(ServerSentEvents(), [body[i : i + 1] for i in range(len(body))]) == [b'{"a": "\xc3\xa9"}', b"2"]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"data: 1\ndata: 2\n\n", [b"1\n2"]),
        (b"data:1\n\n", [b"1"]),
        (b"data:  1\n\n", [b" 1"]),
        (b": ping\n\ndata: 1\n\n", [b"1"]),
        (b"id: 7\nretry: 10\n\n", []),
        (b'error: {"code": 500}\n\n', [b'{"code": 500}']),
        (b"data: 1\n\ndata: [DONE]", [b"1", b"[DONE]"]),
        (b"", []),
        (b"\n\n\n", []),
    ],
)
def test_forms_of_events(body: bytes, events: list[bytes]) -> None:
    """Comments and other fields are skipped, lines of one event joined, an unfinished last one kept."""
    assert read(ServerSentEvents(), [body]) == events


def test_endless_line_is_refused() -> None:
    """A line without an end does not fill the memory."""
    lines = Lines(limit_bytes=100)
    assert lines.feed(b"x" * 100) == []
    with pytest.raises(Overlong):
        lines.feed(b"x")
