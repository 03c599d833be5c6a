"""Server-sent events, cut anywhere."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, strategies as st

from hecate.client.sse import EventParser, ServerSentEvent

STREAM = (
    ": a comment\n"
    "id: 7\n"
    'data: {"content": "Grüße"}\n\n'
    "event: other\r\ndata:two\r\ndata: lines\r\n\r\n"
    "id: 8\rdata: carriage returns\r\r"
    "id: 9\n\n"
    "data: [DONE]\n\n"
).encode()

EVENTS = [
    ServerSentEvent('{"content": "Grüße"}', "7"),
    ServerSentEvent("two\nlines", "7"),
    ServerSentEvent("carriage returns", "8"),
    ServerSentEvent("[DONE]", "9"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_events_do_not_depend_on_where_the_bytes_are_cut(cuts: list[int]) -> None:
    """Any cut gives the same events, also inside a character and between the two halves of a line end."""
    parser = EventParser()
    edges = [0, *sorted(cuts), len(STREAM)]
    events = [event for a, b in pairwise(edges) for event in parser.feed(STREAM[a:b])]
    assert events == EVENTS


def test_an_unfinished_event_is_not_given() -> None:
    """Without its blank line an event is cut off, and half of its data would be wrong data."""
    assert EventParser().feed(b"data: half\n") == []
