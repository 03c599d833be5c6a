"""The event log: a page, lines, CloudEvents, or live."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.calling import Caller


def told(caller: Caller) -> tuple[str, str, list[str]]:
    """Make a short history, and return the ids of its venture and its division, and the types of its events."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    caller.bring(f"/api/divisions/{division_id}/design", "active")
    caller.done(f"/api/divisions/{division_id}/design/aggregate", {"aggregate_name": "café"})
    types = ["venture_setup_v1", "discovery_started_v1", "division_discovered_v1", "design_started_v1"]
    return venture_id, division_id, [*types, "aggregate_designed_v1"]


def test_a_page_has_every_event_after_a_position(caller: Caller) -> None:
    """With all that is kept of it; ``next`` leads on, and back to itself at the end."""
    after = caller.head
    venture_id, division_id, types = told(caller)
    answer = caller.get(f"/api/events?after={after}").json
    events = answer["events"]
    assert [event["type"] for event in events] == types
    assert [event["position"] for event in events] == list(range(after + 1, after + 6))
    assert [event["version"] for event in events] == [1, 1, 2, 1, 2]
    assert events[-1]["stream"] == f"design-{division_id}"
    assert events[-1]["data"]["aggregate_name"] == "café"
    assert {event["venture_id"] for event in events} == {venture_id}
    assert all(event["recorded_at"].endswith("Z") and len(event["hash"]) == 64 for event in events)
    assert all(event["meta"]["actor"]["uid"] >= 0 and event["meta"]["correlation_id"] for event in events)
    assert answer["next"] == after + 5
    assert caller.get(f"/api/events?after={answer['next']}").json == {"ok": True, "events": [], "next": after + 5}


def test_the_request_id_is_kept_with_the_event(caller: Caller) -> None:
    """So that an event leads to the log lines of the request that caused it."""
    after = caller.head
    caller.post("/api/ventures", {"name": "x"}, x_request_id="request-1")
    (event,) = caller.get(f"/api/events?after={after}").json["events"]
    assert event["meta"]["correlation_id"] == "request-1"


def test_pages_follow_one_another(caller: Caller) -> None:
    """No event is left out, and none is shown twice."""
    after = caller.head
    _, _, types = told(caller)
    seen = []
    while events := (page := caller.get(f"/api/events?after={after}&limit=2").json)["events"]:
        assert len(events) <= 2
        seen += [event["type"] for event in events]
        after = page["next"]
    assert seen == types


def test_events_of_some_types_or_streams(caller: Caller) -> None:
    """Named once with commas, or many times."""
    after = caller.head
    venture_id, division_id, _ = told(caller)

    def types(query: str) -> list[str]:
        return [event["type"] for event in caller.get(f"/api/events?after={after}&{query}").json["events"]]

    assert types("type=venture_setup_v1") == ["venture_setup_v1"]
    both = ["venture_setup_v1", "design_started_v1"]
    assert types("type=design_started_v1,venture_setup_v1") == both
    assert types("type=design_started_v1&type=venture_setup_v1") == both
    assert types(f"stream=design-{division_id}") == ["design_started_v1", "aggregate_designed_v1"]
    assert types(f"stream=design-{division_id}&type=design_started_v1") == ["design_started_v1"]
    assert len(types(f"stream=design-{division_id},discovery-{venture_id}")) == 4
    assert types("type=nothing_happened_v1") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "after=-1", "after=x", "limit=1&limit=2"])
@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "text/event-stream"])
def test_a_wrong_query_is_refused_in_every_form(caller: Caller, query: str, accept: str) -> None:
    """With an HTTP status: no stream begins."""
    reply = caller.get(f"/api/events?{query}", accept=accept)
    assert (reply.status, reply.code) == (400, "validation_error")


def unproved(lines: list[Any]) -> list[Any]:
    """Return events in lines without what proves their hashes."""
    return [{name: value for name, value in line.items() if name not in {"texts", "key"}} for line in lines]


def test_lines(caller: Caller) -> None:
    """One JSON document a line, the same as on a page, with what proves its hash; without a limit, all there are."""
    after = caller.head
    told(caller)
    reply = caller.get(f"/api/events?after={after}", accept="application/x-ndjson")
    assert reply.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert unproved(lines) == caller.get(f"/api/events?after={after}").json["events"]
    assert {(line.get("texts", ""), len(line.get("key", ""))) for line in lines} > {
        ("", 0),
        ("name brief workspace", 64),
    }
    limited = caller.get(f"/api/events?after={after}&limit=2", accept="application/x-ndjson")
    assert [json.loads(line) for line in limited.body.splitlines()] == lines[:2]
    assert caller.get(f"/api/events?after={caller.head}", accept="application/x-ndjson").body == b""


def test_lines_go_on_beyond_one_read(caller: Caller) -> None:
    """More than is read at once, and no more than asked for."""
    after = caller.head
    venture_id = caller.discovering()
    for number in range(250):
        caller.division(venture_id, f"d{number}")
    reply = caller.get(f"/api/events?after={after}", accept="application/x-ndjson")
    assert [json.loads(line)["position"] for line in reply.body.splitlines()] == list(range(after + 1, after + 253))
    limited = caller.get(f"/api/events?after={after}&limit=230", accept="application/x-ndjson")
    assert len(limited.body.splitlines()) == 230


def test_cloud_events(caller: Caller) -> None:
    """A batch as the standard has it: version 1.0, with our place in the log as extensions."""
    after = caller.head
    told(caller)
    reply = caller.get(f"/api/events?after={after}", accept="application/cloudevents-batch+json")
    assert reply.headers["content-type"] == "application/cloudevents-batch+json"
    events = caller.get(f"/api/events?after={after}").json["events"]
    assert reply.json == [
        {
            "specversion": "1.0",
            "id": event["event_id"],
            "source": f"/streams/{event['stream']}",
            "type": event["type"],
            "time": event["recorded_at"],
            "datacontenttype": "application/json",
            "data": event["data"],
            "hecateposition": str(event["position"]),
            "hecateversion": event["version"],
            "hecatehash": event["hash"],
        }
        for event in events
    ]


def test_live_events_begin_with_what_has_happened(caller: Caller) -> None:
    """A comment at once, then the events after the position, then each as it happens; ``id`` is the position."""
    after = caller.head
    _, _, types = told(caller)
    with caller.feed(f"/api/events?after={after}") as feed:
        assert (feed.status, feed.headers["content-type"]) == (200, "text/event-stream")
        assert feed.headers["cache-control"] == "no-cache"
        assert feed.block() == [b": still here"]
        seen = [feed.event() for _ in types]
        assert [data["type"] for _, data in seen] == types
        assert [position for position, _ in seen] == list(range(after + 1, after + 6))
        venture_id = caller.venture()
        assert feed.event()[1]["stream"] == f"setup-{venture_id}"


def test_live_events_are_ascii(caller: Caller) -> None:
    """A client cuts lines at a byte offset."""
    after = caller.head
    told(caller)
    with caller.feed(f"/api/events?after={after}&type=aggregate_designed_v1") as feed:
        feed.block()
        _, data = feed.block()
        assert b"caf\\u00e9" in data
        assert data.isascii()


def test_a_feed_goes_on_where_it_was_left(caller: Caller) -> None:
    """``Last-Event-ID`` is what a browser sends when it connects again; it wins over ``after``."""
    after = caller.head
    told(caller)
    with caller.feed(f"/api/events?after={after}", last_event_id=str(after + 3)) as feed:
        assert feed.event()[0] == after + 4


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "1 2", "²", str(2**63), "9" * 5000])
def test_what_is_no_position_is_refused(caller: Caller, last: str) -> None:
    """400, before a stream begins."""
    for path in ("/api/events", "/api/facts/stream"):
        reply = caller.get(path, accept="text/event-stream", last_event_id=last)
        assert (reply.status, reply.code) == (400, "validation_error")
        assert len(reply.json["error"]) < 200


def test_a_feed_shows_what_was_asked_for(caller: Caller) -> None:
    """Others pass by, also many of them."""
    after = caller.head
    with caller.feed(f"/api/events?after={after}&type=venture_archived_v1") as feed:
        for _ in range(3):
            told(caller)
        venture_id = caller.venture()
        caller.done(f"/api/ventures/{venture_id}/archive", {"reason": "sold"})
        position, event = feed.event()
    assert (event["type"], event["data"], position) == ("venture_archived_v1", {"reason": "sold"}, caller.head)


def test_many_feeds_see_the_same(caller: Caller) -> None:
    """Each event once, in order, while others write."""
    after = caller.head
    seen: list[list[int]] = [[] for _ in range(4)]

    def follow(into: list[int]) -> None:
        with caller.feed(f"/api/events?after={after}") as feed:
            while len(into) < 60:
                into.append(feed.event()[0])

    followers = [threading.Thread(target=follow, args=(into,)) for into in seen]
    for follower in followers:
        follower.start()
    for _ in range(60):
        caller.venture()
    for follower in followers:
        follower.join()
    assert seen == [list(range(after + 1, after + 61))] * 4


def test_the_events_of_a_venture_are_those_of_its_divisions_too(caller: Caller) -> None:
    """And of no other venture."""
    told(caller)
    venture_id, division_id, types = told(caller)
    told(caller)

    def shown(path: str, **headers: str) -> list[Any]:
        reply = caller.get(path, **headers)
        if headers:
            return unproved([json.loads(line) for line in reply.body.splitlines()])
        events: list[Any] = reply.json["events"]
        return events

    of_venture = shown(f"/api/ventures/{venture_id}/events")
    assert [event["type"] for event in of_venture] == types
    assert shown(f"/api/ventures/{venture_id}/events", accept="application/x-ndjson") == of_venture
    of_division = shown(f"/api/divisions/{division_id}/events")
    assert [event["type"] for event in of_division] == types[3:]
    assert shown(f"/api/divisions/{division_id}/events?limit=1") == of_division[:1]
    assert shown(f"/api/divisions/{division_id}/events?type=aggregate_designed_v1") == of_division[1:]
    assert shown(f"/api/divisions/{division_id}/events?stream=design-{division_id}") == of_division
    for elsewhere in (f"plan-{division_id}", f"discovery-{venture_id}"):
        assert shown(f"/api/divisions/{division_id}/events?stream={elsewhere}") == []
    assert shown(f"/api/ventures/{venture_id}/events?stream=design-{division_id}") == of_division
    with caller.feed(f"/api/divisions/{division_id}/events") as feed:
        assert [feed.event()[1] for _ in of_division] == of_division


@pytest.mark.parametrize("path", ["/api/ventures/v-none/events", "/api/divisions/div-none/events"])
@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "text/event-stream"])
def test_unknown_subjects_have_no_events(caller: Caller, path: str, accept: str) -> None:
    """404 in every form, rather than a stream that would wait for ever."""
    reply = caller.get(path, accept=accept)
    assert (reply.status, reply.code) == (404, "not_found")
