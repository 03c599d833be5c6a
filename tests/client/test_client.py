"""The client that waits, against a daemon that does what the test says."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from hecate.client import (
    AnswerBroken,
    AnswerUnreadable,
    Client,
    Conflict,
    DaemonSilent,
    DaemonUnreachable,
    HecateClientError,
    Invalid,
    InvalidState,
    ModelNotFound,
    ProviderFailed,
    Selection,
)
from tests.client.scripted_daemon import (
    answer,
    answer_and_close,
    break_off,
    scripted_daemon,
    stay_silent,
    stream,
    wait_for_hang_up,
)

HEALTH = {"ok": True, "status": "healthy", "version": "0.8.0", "uptime_seconds": 3600, "ready": True}
DONE = {
    "ok": True,
    "id": "v-1",
    "state": "completed",
    "version": 1,
    "status": 1,
    "events": [{"type": "a_v1", "data": {}}],
}


def event(position: int) -> bytes:
    """Return a recorded event as the live stream carries it."""
    data = {"position": position, "stream": "setup-v-1", "version": 1, "type": "venture_setup_v1", "data": {"n": 1}}
    return f"id: {position}\ndata: {json.dumps(data)}\n\n".encode()


def chunk(**fields: object) -> bytes:
    """Return a piece of a chat as the stream carries it."""
    return f"data: {json.dumps(fields)}\n\n".encode()


def test_calls_share_one_connection(tmp_path: Path) -> None:
    """A second call pays for no second connection."""
    with scripted_daemon(tmp_path, answer(HEALTH), answer(HEALTH)) as daemon, Client(daemon.path) as client:
        assert client.health().version == "0.8.0"
        assert client.health().uptime_seconds == 3600
    assert [request.connection for request in daemon.requests] == [0, 0]


def test_a_connection_that_the_daemon_closed_is_not_used_for_a_command(tmp_path: Path) -> None:
    """A command without a key cannot be repeated, so it must not go out on a connection known to be dead."""
    with (
        scripted_daemon(tmp_path, answer_and_close(HEALTH), answer(DONE, 201)) as daemon,
        Client(daemon.path) as client,
    ):
        client.health()
        daemon.ended.wait(5)
        assert client.set_up_venture("my-saas", brief="A platform").id == "v-1"
    assert json.loads(daemon.requests[1].body) == {"name": "my-saas", "brief": "A platform"}


def test_a_read_is_sent_again_when_the_connection_breaks(tmp_path: Path) -> None:
    """Reading twice does no harm, so the caller need not know."""
    with scripted_daemon(tmp_path, break_off, answer(HEALTH)) as daemon, Client(daemon.path) as client:
        assert client.health().status == "healthy"


def test_a_read_is_sent_again_once_only(tmp_path: Path) -> None:
    """A daemon that breaks every connection is told of, not hammered."""
    with scripted_daemon(tmp_path, break_off, break_off) as daemon, Client(daemon.path) as client:
        with pytest.raises(AnswerBroken):
            client.health()
        assert len(daemon.requests) == 2


def test_a_command_without_a_key_is_never_sent_twice(tmp_path: Path) -> None:
    """It may have been carried out before the connection broke."""
    with scripted_daemon(tmp_path, break_off) as daemon, Client(daemon.path) as client:
        with pytest.raises(AnswerBroken, match="before the answer"):
            client.set_up_venture("my-saas")
        assert len(daemon.requests) == 1


def test_a_command_with_a_key_is_sent_again_with_the_same_key(tmp_path: Path) -> None:
    """The daemon tells the repetition by its key."""
    with scripted_daemon(tmp_path, break_off, answer(DONE, 201)) as daemon, Client(daemon.path) as client:
        client.set_up_venture("my-saas", idempotency_key="k-1")
    assert [request.headers["idempotency-key"] for request in daemon.requests] == ["k-1", "k-1"]


def test_a_command_says_which_version_it_expects(tmp_path: Path) -> None:
    """``If-Match`` is quoted, as HTTP wants it; ids are escaped in the path."""
    with scripted_daemon(tmp_path, answer(DONE)) as daemon, Client(daemon.path) as client:
        client.division_command("div 1/x", "design", "aggregate", {"aggregate_name": "user"}, expected_version=3)
    assert daemon.requests[0].headers["if-match"] == '"3"'
    assert daemon.requests[0].path == "/api/divisions/div%201%2Fx/design/aggregate"


def test_a_refusal_carries_what_the_daemon_said(tmp_path: Path) -> None:
    """Sentence, code, status, the actions that are left and the request's id are the error's."""
    refused = {
        "ok": False,
        "error": "cannot design: the process is pending",
        "code": "invalid_state",
        "available_actions": ["start"],
    }
    with (
        scripted_daemon(tmp_path, answer(refused, 409, X_Request_Id="r-9")) as daemon,
        Client(daemon.path) as client,
        pytest.raises(InvalidState, match="process is pending") as caught,
    ):
        client.division_command("div-1", "design", "aggregate", {"aggregate_name": "user"})
    error = caught.value
    assert (error.code, error.status, error.request_id) == ("invalid_state", 409, "r-9")
    assert error.available_actions == ("start",)
    assert error.envelope() == refused


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "validation_error", Invalid),
        (404, "model_not_found", ModelNotFound),
        (412, "conflict", Conflict),
        (502, "provider_error", ProviderFailed),
        (418, "a_code_of_next_year", HecateClientError),
    ],
)
def test_each_code_is_an_error_of_its_own(
    tmp_path: Path, status: int, code: str, kind: type[HecateClientError]
) -> None:
    """A caller tells errors apart by their class; a code that is not known yet is the common one."""
    refused = answer({"ok": False, "error": "no", "code": code}, status)
    with (
        scripted_daemon(tmp_path, refused) as daemon,
        Client(daemon.path) as client,
        pytest.raises(HecateClientError) as caught,
    ):
        client.venture("v-1")
    assert type(caught.value) is kind


def test_a_provider_that_limits_says_how_long(tmp_path: Path) -> None:
    """``Retry-After`` is a number of seconds at the error."""
    limited = answer({"ok": False, "error": "slow down", "code": "provider_error"}, 429, Retry_After="20")
    with (
        scripted_daemon(tmp_path, limited) as daemon,
        Client(daemon.path) as client,
        pytest.raises(ProviderFailed) as caught,
    ):
        client.chat("m", "Hello!")
    assert caught.value.retry_after_seconds == 20


def test_a_refusal_of_a_body_too_large_is_read_though_sending_failed(tmp_path: Path) -> None:
    """The daemon answers 413 before it has read the body, and closes; the reason must not be lost."""
    refused = answer({"ok": False, "error": "the body is too large", "code": "validation_error"}, 413)

    with scripted_daemon(tmp_path, refused, reads_bodies=False) as daemon, Client(daemon.path) as client:
        daemon.steps[0] = lambda connection, request: refused(connection, request) and False
        with pytest.raises(Invalid, match="too large"):
            client.set_up_venture("x" * 4_000_000)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"ok": true}'])
def test_an_answer_of_something_else_is_not_taken(tmp_path: Path, body: bytes) -> None:
    """Another server at the socket is an error of its own, never a `KeyError`."""
    with scripted_daemon(tmp_path, answer(body), answer(body, 500)) as daemon, Client(daemon.path) as client:
        with pytest.raises(AnswerUnreadable):
            client.health()
        with pytest.raises(AnswerUnreadable):
            client.health()


def test_without_a_daemon_the_error_says_what_to_do(tmp_path: Path) -> None:
    """No socket: the remedy is in the message."""
    with pytest.raises(DaemonUnreachable, match="not running: `hecate serve`, or `systemctl --user start hecate`"):
        Client(tmp_path / "nobody.sock").health()


def test_a_socket_that_a_dead_daemon_left_is_no_daemon(tmp_path: Path) -> None:
    """Connection refused has the same remedy."""
    with scripted_daemon(tmp_path) as daemon:
        pass
    with pytest.raises(DaemonUnreachable, match="nobody listens"):
        Client(daemon.path).health()


def test_a_silent_daemon_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """The time limit holds, the request is not repeated, and the late answer is not taken for the next one."""
    over = threading.Event()
    with scripted_daemon(tmp_path, stay_silent(over), answer(HEALTH)) as daemon:
        client = Client(daemon.path, timeout_seconds=0.05)
        with pytest.raises(DaemonSilent, match=r"within 0.05 s"):
            client.health()
        client.timeout_seconds = 10
        assert client.health().status == "healthy"
        client.close()
        over.set()


def test_ventures_come_page_by_page(tmp_path: Path) -> None:
    """``every_venture`` follows ``next`` to the last page."""
    first = {"ok": True, "ventures": [{"id": "v-1", "name": "a", "status": 1}], "next": "v-1"}
    last = {"ok": True, "ventures": [{"id": "v-2", "name": "b", "status": 1}], "next": None}
    with scripted_daemon(tmp_path, answer(first), answer(last)) as daemon, Client(daemon.path) as client:
        assert [venture.name for venture in client.every_venture()] == ["a", "b"]
    assert daemon.requests[1].path == "/api/ventures?limit=500&after=v-1"


def test_a_process_is_read_with_what_it_has_made(tmp_path: Path) -> None:
    """The items are under another key for each process; the client puts them under one."""
    view = {
        "ok": True,
        "tests": [{"kind": "suite", "passed": 3}],
        "process": {"state": "active", "status": 3},
        "coverage": 0.9,
        "next": None,
    }
    with scripted_daemon(tmp_path, answer(view)) as daemon, Client(daemon.path) as client:
        test = client.process("div-1", "test")
    assert daemon.requests[0].path == "/api/divisions/div-1/tests?limit=50"
    assert test.process.state == "active"
    assert test.items == ({"kind": "suite", "passed": 3},)
    assert test.besides == {"coverage": 0.9}


def test_a_process_that_does_not_exist_is_not_asked_for(tmp_path: Path) -> None:
    """It is a mistake in the program, told without a request."""
    with pytest.raises(ValueError, match="there is no process 'designs'"):
        Client(tmp_path / "nobody.sock").process("div-1", "designs")


def test_a_chat_sends_a_text_as_the_users_message(tmp_path: Path) -> None:
    """A text is short for one message; options are fields of the request."""
    said = {"ok": True, "content": "Hi.", "model": "m", "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    with scripted_daemon(tmp_path, answer(said)) as daemon, Client(daemon.path) as client:
        reply = client.chat("m", "Hello!", temperature=0.5)
    assert (reply.content, reply.usage and reply.usage.completion_tokens) == ("Hi.", 2)
    assert json.loads(daemon.requests[0].body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello!"}],
        "stream": False,
        "temperature": 0.5,
    }


def test_a_streamed_chat_gives_its_pieces_and_ends_at_the_last(tmp_path: Path) -> None:
    """The last chunk is given too, since it carries the usage; ``[DONE]`` is not."""
    pieces = [chunk(content="Hel", done=False), chunk(content="lo", done=False)]
    last = chunk(content="", done=True, finish_reason="stop", usage={"prompt_tokens": 1, "completion_tokens": 2})
    with scripted_daemon(tmp_path, stream(*pieces, last, b"data: [DONE]\n\n")) as daemon, Client(daemon.path) as client:
        chunks = list(client.stream_chat("m", "Hello!"))
    assert "".join(piece.content for piece in chunks) == "Hello"
    assert chunks[-1].done
    assert chunks[-1].usage is not None


def test_a_chat_refused_before_it_began_raises_at_the_call(tmp_path: Path) -> None:
    """An unknown model is told before anything is read."""
    refused = answer({"ok": False, "error": "no provider has the model 'm'", "code": "model_not_found"}, 404)
    with (
        scripted_daemon(tmp_path, refused) as daemon,
        Client(daemon.path) as client,
        pytest.raises(ModelNotFound, match="no provider has"),
    ):
        client.stream_chat("m", "Hello!")


def test_a_failure_in_the_middle_of_a_chat_is_an_error(tmp_path: Path) -> None:
    """The pieces before it were given; the error has no status, for the answer had begun with 200."""
    failed = chunk(error="the provider hung up", code="provider_error", done=True)
    with (
        scripted_daemon(tmp_path, stream(chunk(content="Hel", done=False), failed)) as daemon,
        Client(daemon.path) as client,
        client.stream_chat("m", "Hello!") as chunks,
    ):
        assert next(chunks).content == "Hel"
        with pytest.raises(ProviderFailed, match="hung up") as caught:
            next(chunks)
    assert (caught.value.status, caught.value.request_id) == (None, "r-1")


@pytest.mark.parametrize("then", [None, break_off])
def test_a_chat_without_its_last_piece_is_broken(tmp_path: Path, then: None) -> None:
    """Half an answer is never taken for a whole one, however the stream ended."""
    with (
        scripted_daemon(tmp_path, stream(chunk(content="Hel", done=False), then=then)) as daemon,
        Client(daemon.path) as client,
        pytest.raises(AnswerBroken),
    ):
        list(client.stream_chat("m", "Hello!"))


@pytest.mark.parametrize("read_first", [True, False])
def test_closing_a_chat_hangs_up(tmp_path: Path, *, read_first: bool) -> None:
    """The daemon sees at once that nobody listens any more, also if no piece was read."""
    step = stream(chunk(content="Hel", done=False), then=wait_for_hang_up)
    with scripted_daemon(tmp_path, step) as daemon, Client(daemon.path) as client:
        chunks = client.stream_chat("m", "Hello!")
        if read_first:
            next(chunks)
        chunks.close()
        assert daemon.ended.wait(5)


def test_live_events_go_on_after_the_last_one_seen(tmp_path: Path) -> None:
    """A broken connection costs no event and repeats none: the daemon is told where the reader is."""
    with (
        scripted_daemon(
            tmp_path,
            stream(event(1), event(2), then=break_off),
            stream(),
            answer({"ok": False, "error": "stopping", "code": "unavailable"}, 503),
            stream(event(3), then=wait_for_hang_up),
        ) as daemon,
        Client(daemon.path) as client,
        client.follow_events(Selection(event_type="venture_setup_v1")) as events,
    ):
        assert [next(events).position for _ in range(3)] == [1, 2, 3]
    assert daemon.requests[0].path == "/api/events?after=0&type=venture_setup_v1"
    assert [request.headers.get("last-event-id") for request in daemon.requests] == [None, "2", "2", "2"]


def test_live_events_of_a_daemon_that_does_not_come_back_end(tmp_path: Path) -> None:
    """After the patience is over the reader is told."""
    with scripted_daemon(tmp_path, stream(event(1), then=break_off)) as daemon:
        events = Client(daemon.path).follow_events(patience_seconds=0.0)
        assert next(events).position == 1
    with pytest.raises(HecateClientError):
        next(events)


def test_live_events_of_a_daemon_that_was_never_there_end_at_once(tmp_path: Path) -> None:
    """Patience is for restarts; a daemon that is not running is told of at once."""
    with pytest.raises(DaemonUnreachable):
        next(Client(tmp_path / "nobody.sock").follow_events())


def event_line(position: int) -> bytes:
    """Return a recorded event as a line."""
    return event(position).partition(b"data: ")[2].replace(b"\n\n", b"\n")


def test_all_events_come_one_a_line(tmp_path: Path) -> None:
    """Lines may be cut anywhere on their way; the selection of one division has a path of its own."""
    text = event_line(1) + event_line(2)
    with scripted_daemon(tmp_path, stream(text[:30], text[30:90], text[90:])) as daemon, Client(daemon.path) as client:
        selection = Selection(after=1, division_id="div-1", stream="a-1,b-1")
        assert [event.position for event in client.every_event(selection)] == [1, 2]
    assert daemon.requests[0].path == "/api/divisions/div-1/events?after=1&stream=a-1%2Cb-1"
    assert daemon.requests[0].headers["accept"] == "application/x-ndjson"


def test_events_that_break_off_are_not_taken_for_all(tmp_path: Path) -> None:
    """A connection that ends early is an error after the last whole line."""
    with scripted_daemon(tmp_path, stream(event_line(1), then=break_off)) as daemon, Client(daemon.path) as client:
        events = client.every_event()
        assert next(events).position == 1
        with pytest.raises(AnswerBroken):
            next(events)


def test_threads_take_turns(tmp_path: Path) -> None:
    """Answers are not mixed up between threads that share a client."""
    pages = [answer({"ok": True, "events": [], "next": number}) for number in range(20)]
    with scripted_daemon(tmp_path, *pages) as daemon, Client(daemon.path) as client:
        seen: list[object] = []
        threads = [threading.Thread(target=lambda: seen.append(client.events().next)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(map(str, seen)) == sorted(map(str, range(20)))
