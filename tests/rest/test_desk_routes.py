"""Commands over the socket: their headers, their answers, and what makes them safe to send again."""

from __future__ import annotations

import pytest

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Invalid
from hecate.dossiers.messages import Command
from hecate.rest.desk_routes import expected_version, in_words
from tests.calling import Caller


def test_a_command_answers_with_what_it_did(caller: Caller) -> None:
    """Ids, the state it left, what may follow, and the events as they are kept."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    caller.done(f"/api/divisions/{division_id}/design/start")
    reply = caller.post(f"/api/divisions/{division_id}/design/aggregate", {"aggregate_name": "user"})
    made = reply.json["id"]
    assert made.startswith("agg-")
    assert reply.json == {
        "ok": True,
        "id": made,
        "aggregate_id": made,
        "venture_id": venture_id,
        "division_id": division_id,
        "process": "design_division",
        "state": "active",
        "version": 2,
        "status": 3,
        "status_label": "active",
        "available_actions": ["accept", "aggregate", "event", "propose", "pause", "complete", "archive"],
        "events": [
            {
                "type": "aggregate_designed_v1",
                "data": {
                    "aggregate_id": made,
                    "aggregate_name": "user",
                    "stream_pattern": "",
                    "status_flags": [],
                    "description": "",
                },
            }
        ],
    }
    assert reply.headers["etag"] == '"2"'


def test_an_unknown_field_is_named(caller: Caller) -> None:
    """It is ignored, and said to be."""
    answer = caller.done("/api/ventures", {"name": "x", "colour": "red"})
    assert answer["warnings"] == ["unknown field 'colour' was ignored"]


def test_a_process_out_of_order_is_advised_against(caller: Caller) -> None:
    """It starts all the same: gates are advice unless they are configured to be strict."""
    answer = caller.done(f"/api/divisions/{caller.division()}/plan/start")
    assert answer["warnings"] == ["design_division is pending; it is usually completed before plan_division starts"]


# -- Idempotency-Key


def test_the_same_key_gets_the_same_answer(caller: Caller) -> None:
    """To the letter; and nothing is appended."""
    first = caller.post("/api/ventures", {"name": "once"}, idempotency_key="key-once")
    head = caller.head
    again = caller.post("/api/ventures", {"name": "once"}, idempotency_key="key-once")
    assert (again.status, again.body, again.headers["etag"]) == (201, first.body, '"1"')
    assert caller.head == head


def test_a_repeated_command_is_answered_whatever_has_happened_since(caller: Caller) -> None:
    """A client that lost an answer gets it, though the process has moved on."""
    path = f"/api/divisions/{caller.division()}/design"
    first = caller.post(f"{path}/start", idempotency_key=f"{path}-start")
    caller.done(f"{path}/complete")
    again = caller.post(f"{path}/start", idempotency_key=f"{path}-start")
    assert (again.status, again.body) == (201, first.body)


@pytest.mark.parametrize("change", ["body", "path", "desk"])
def test_the_same_key_with_another_request_is_refused(caller: Caller, change: str) -> None:
    """422, whether the body, the subject or the desk differs, and nothing is appended."""
    one, other = caller.division_with(design="active"), caller.division_with(design="active")
    key = f"key-{one}"
    path, body = f"/api/divisions/{one}/design/aggregate", {"aggregate_name": "user"}
    caller.post(path, body, idempotency_key=key)
    head = caller.head
    if change == "body":
        body = {"aggregate_name": "group"}
    elif change == "path":
        path = path.replace(one, other)
    else:
        path = path.replace("aggregate", "pause")
    reply = caller.post(path, body, idempotency_key=key)
    assert (reply.status, reply.code) == (422, "validation_error")
    assert key in reply.json["error"]
    assert caller.head == head


def test_a_refused_command_leaves_its_key_free(caller: Caller) -> None:
    """What was refused may be sent again when it can be granted."""
    path = f"/api/divisions/{caller.division()}/design"
    key = f"key-{path}"
    assert caller.post(f"{path}/pause", idempotency_key=key).status == 409
    caller.done(f"{path}/start")
    assert caller.post(f"{path}/pause", idempotency_key=key).status == 200


def test_a_key_has_a_longest_length(caller: Caller) -> None:
    """255 characters; and one of those may be anything that a header can hold."""
    assert caller.post("/api/ventures", {"name": "x"}, idempotency_key="k" * 255).status == 201
    reply = caller.post("/api/ventures", {"name": "x"}, idempotency_key="k" * 256)
    assert (reply.status, reply.code) == (400, "validation_error")


# -- If-Match and ETag


def test_a_command_may_expect_a_version(caller: Caller) -> None:
    """It is taken at that version, and refused with 412 when the dossier has moved on."""
    division_id = caller.division_with(design="active")
    path = f"/api/divisions/{division_id}/design/aggregate"
    etag = caller.get(f"/api/divisions/{division_id}/designs").headers["etag"]
    assert caller.post(path, {"aggregate_name": "user"}, if_match=etag).status == 201
    head = caller.head
    reply = caller.post(path, {"aggregate_name": "group"}, if_match=etag)
    assert (reply.status, reply.code, reply.json["version"]) == (412, "conflict", 2)
    assert caller.head == head
    assert caller.post(path, {"aggregate_name": "group"}, if_match='"2"').status == 201


def test_version_zero_is_that_of_a_process_that_has_not_started(caller: Caller) -> None:
    """So that two clients cannot both start it."""
    path = f"/api/divisions/{caller.division()}/design/start"
    assert caller.post(path, if_match='"0"').status == 201
    assert caller.post(path, if_match='"0"').status == 412


@pytest.mark.parametrize(
    ("header", "version"), [('"3"', 3), ("3", 3), (' "3" ', 3), ('W/"3"', 3), ("*", None), ('"0"', 0)]
)
def test_a_version_is_read(header: str, version: int | None) -> None:
    """In quotes as an ETag has it, or without; ``*`` is whichever it has."""
    assert expected_version(header) == version


@pytest.mark.parametrize("header", ["", '""', '"x"', '"-1"', '"1", "2"', '"1.0"', '"' + "9" * 19 + '"', "x" * 9000])
def test_what_is_no_version_is_refused(header: str) -> None:
    """400, with what it should look like."""
    with pytest.raises(Invalid, match='must be a version in quotes, such as "3"'):
        expected_version(header)


# -- in the documents


class Paint(Command, frozen=True):
    """A command of a desk that is documented here."""


def decide(_dossier: object, _command: Paint) -> list[object]:
    """Decide nothing."""
    return []


def test_a_desk_is_described_by_its_module() -> None:
    """The first line is the summary, the rest the description; a summary of its own wins."""
    example = Example(when=Paint(), then=())
    desk = Desk(path="paint", command=Paint, events=(), decide=decide, example=example)  # type: ignore[arg-type]
    assert in_words(desk)[0].startswith("Commands over the socket")
    alike = Desk(path="paint", command=Paint, events=(), decide=decide, example=example, summary="Paint it.")  # type: ignore[arg-type]
    assert in_words(alike) == ("Paint it.", "")
