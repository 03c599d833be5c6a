"""The fact stream: what happens from now on, as the original daemon told it."""

from __future__ import annotations

from tests.calling import Caller

LONGEST_LINE_BYTES = 64 * 1024


def test_a_fact_has_a_type_and_data(caller: Caller) -> None:
    """Of what happens from now on; the data line begins with ``data: ``, with the space."""
    caller.venture("before")
    with caller.feed("/api/facts/stream") as feed:
        assert feed.headers["content-type"] == "text/event-stream"
        assert feed.block() == [b": still here"]
        caller.venture("café")
        identity, data = feed.block()
    assert identity == b"id: %d" % caller.head
    assert data == (b'data: {"fact_type":"venture_setup_v1","data":{"name":"caf\\u00e9","brief":"","workspace":""}}')


def test_a_fact_stream_goes_on_from_a_position(caller: Caller) -> None:
    """From ``after``, or from where it was left."""
    after = caller.head
    caller.venture("one")
    caller.venture("two")
    for path, headers in (
        (f"/api/facts/stream?after={after}", {}),
        ("/api/facts/stream", {"last_event_id": str(after)}),
    ):
        with caller.feed(path, **headers) as feed:
            assert [feed.event()[1]["data"]["name"] for _ in range(2)] == ["one", "two"]


def test_a_line_is_64_kib_at_the_most(caller: Caller) -> None:
    """A longer fact comes without its data, and says so; the log has all of it."""
    after = caller.head
    caller.venture("long", brief="\u00e9" * 20_000)
    caller.venture("short")
    with caller.feed(f"/api/facts/stream?after={after}") as feed:
        feed.block()
        _, long = feed.block()
        _, short = feed.block()
    assert long == b'data: {"fact_type":"venture_setup_v1","data":{},"truncated":true}'
    assert b'"name":"short"' in short
    assert caller.get(f"/api/events?after={after}&limit=1").json["events"][0]["data"]["brief"] == "\u00e9" * 20_000


def test_the_longest_line_is_exactly_the_limit(caller: Caller) -> None:
    """What just fits is sent whole."""
    around = len(b'data: {"fact_type":"venture_setup_v1","data":{"name":"x","brief":"","workspace":""}}')
    after = caller.head
    caller.venture("x", brief="b" * (LONGEST_LINE_BYTES - around))
    caller.venture("x", brief="b" * (LONGEST_LINE_BYTES - around + 1))
    with caller.feed(f"/api/facts/stream?after={after}") as feed:
        feed.block()
        assert len(feed.block()[1]) == LONGEST_LINE_BYTES
        assert b"truncated" in feed.block()[1]
