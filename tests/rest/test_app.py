"""One request in, one answer of the contract's shape out."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from hecate.dossiers.errors import HecateError, NotFound, Unavailable
from hecate.endpoints import Answer, Call, Raw, Result
from tests.rest.asgi import Request, application, ask, route, say_hello, streaming


class Note(msgspec.Struct, frozen=True):
    """A body."""

    text: str


async def repeat(call: Call) -> Result:
    """Answer with what was sent."""
    return {"text": call.body.text, "warnings": call.warnings}


async def fail(_call: Call) -> Result:
    """Be a bug."""
    raise RuntimeError("the secret is 0123")


def refuse(error: HecateError) -> Any:
    """Return an endpoint that refuses with *error*."""

    async def call(_call: Call) -> Result:
        raise error

    return call


async def test_an_answer_is_ok_and_has_an_id() -> None:
    """Fields beside ``ok``, the request's id, the status and headers that the endpoint chose."""

    async def make(_call: Call) -> Result:
        return Answer({"id": "x-1"}, status=201, headers={"ETag": '"1"'})

    reply = await ask(application(route(make)), "GET", "/it")
    assert (reply.status, reply.json) == (201, {"ok": True, "id": "x-1"})
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["etag"] == '"1"'
    assert reply.headers["x-request-id"]


async def test_a_plain_dict_has_the_status_of_its_route() -> None:
    """An endpoint need not know its status."""

    async def make(_call: Call) -> Result:
        return {"id": "x-1"}

    assert (await ask(application(route(make, status=201)), "GET", "/it")).status == 201


async def test_a_raw_body_is_sent_as_it_is() -> None:
    """Without the envelope, with its own type."""

    async def show(_call: Call) -> Result:
        return Raw(b"[]", media_type="application/cloudevents-batch+json")

    reply = await ask(application(route(show)), "GET", "/it")
    assert (reply.body, reply.headers["content-type"]) == (b"[]", "application/cloudevents-batch+json")


@pytest.mark.parametrize("given", ["abc-1", "a.b:c_d"])
async def test_a_usable_request_id_comes_back(given: str) -> None:
    """So that the caller can find the request again."""
    reply = await ask(application(route(say_hello)), "GET", "/it", headers={"X-Request-Id": given})
    assert reply.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "two words", "x" * 101, "naïve", "a\tb"])
async def test_an_unusable_request_id_is_replaced(given: str) -> None:
    """It would break a line of the log."""
    reply = await ask(application(route(say_hello)), "GET", "/it", headers={"X-Request-Id": given})
    assert reply.headers["x-request-id"] not in {given, ""}


async def test_a_refusal_has_the_envelope_with_its_details() -> None:
    """``ok`` is false, ``error`` a sentence, ``code`` for programs, and whatever helps beside them."""
    refusal = Unavailable("nothing can be recorded", headers={"Retry-After": "1"}, available_actions=["wait"])
    reply = await ask(application(route(refuse(refusal))), "GET", "/it")
    assert reply.status == 503
    assert reply.json == {
        "ok": False,
        "error": "nothing can be recorded",
        "code": "unavailable",
        "available_actions": ["wait"],
    }
    assert reply.headers["retry-after"] == "1"


async def test_a_bug_is_answered_without_a_detail() -> None:
    """500 ``internal_error`` with the request's id, under which the log has all of it."""
    reply = await ask(application(route(fail)), "GET", "/it", headers={"X-Request-Id": "r-1"})
    assert (reply.status, reply.code) == (500, "internal_error")
    assert "r-1" in reply.json["error"]
    assert b"secret" not in reply.body


async def test_an_unknown_path() -> None:
    """404 ``not_found``, and where to look."""
    reply = await ask(application(route(say_hello)), "GET", "/other")
    assert (reply.status, reply.code) == (404, "not_found")
    assert "/api/openapi.json" in reply.json["error"]


async def test_a_known_path_with_another_method() -> None:
    """405 ``method_not_allowed``, and which it takes."""
    reply = await ask(application(route(say_hello)), "DELETE", "/it")
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "method_not_allowed", "GET, HEAD")


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_tcp_takes_json_only(media_type: str) -> None:
    """415: a browser sends these types across origins without asking first."""
    app = application(route(repeat, "POST", body=Note))
    headers = {"Content-Type": media_type} if media_type else {}
    reply = await ask(app, "POST", "/it", b'{"text": "x"}', headers=headers, peer=None)
    assert (reply.status, reply.code) == (415, "validation_error")
    assert "application/json" in reply.json["error"]


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
async def test_tcp_takes_json_by_any_of_its_names(media_type: str) -> None:
    """Case and parameters do not matter."""
    app = application(route(repeat, "POST", body=Note))
    reply = await ask(app, "POST", "/it", b'{"text": "x"}', headers={"Content-Type": media_type}, peer=None)
    assert reply.status == 200


async def test_a_unix_socket_takes_json_of_any_type() -> None:
    """``curl -d`` sends a form's type; whoever can open the socket is no browser."""
    app = application(route(repeat, "POST", body=Note))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await ask(app, "POST", "/it", b'{"text": "x"}', headers=headers)).json["text"] == "x"


async def test_unknown_fields_are_named_in_warnings() -> None:
    """They are ignored, and not in silence."""
    app = application(route(repeat, "POST", body=Note))
    reply = await ask(app, "POST", "/it", b'{"text": "x", "colour": "red", "size": 1}')
    assert reply.json["warnings"] == ["unknown field 'colour' was ignored", "unknown field 'size' was ignored"]


async def test_a_body_in_pieces_is_one_body() -> None:
    """However it was cut."""
    app = application(route(repeat, "POST", body=Note))
    assert (await ask(app, "POST", "/it", b'{"te', b'xt": ', b'"x"}')).json["text"] == "x"


async def test_a_caller_that_leaves_in_the_middle_of_its_body_gets_no_answer() -> None:
    """There is nobody to answer, and nothing to do."""
    request = Request("POST", "/it", [b'{"text": '], complete=False)
    request.hang_up()
    await application(route(repeat, "POST", body=Note))(request.scope, request.receive, request.send)
    assert request.sent == []


async def test_head_is_get_without_waiting_for_a_body() -> None:
    """The server leaves the body out; the length is that of GET."""
    app = application(route(say_hello))
    get, head = await ask(app, "GET", "/it"), await ask(app, "HEAD", "/it")
    assert (head.status, head.headers["content-length"]) == (200, get.headers["content-length"])


async def test_head_of_a_stream_ends() -> None:
    """Only the headers are sent, and the stream is closed, also one that would never end."""
    closed = asyncio.Event()
    reply = await ask(application(route(streaming(b"data: 1\n\n", closed=closed))), "HEAD", "/it")
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, "text/event-stream", b"")


async def test_a_stream_is_sent_piece_by_piece() -> None:
    """Each piece is a part of the answer of its own, and nobody may cache it."""
    request = Request("GET", "/it")
    await application(route(streaming(b"data: 1\n\n", b"data: 2\n\n")))(request.scope, request.receive, request.send)
    assert [part.get("body") for part in request.sent[1:]] == [b"data: 1\n\n", b"data: 2\n\n", b""]
    assert request.reply.headers["cache-control"] == "no-cache"


async def test_a_stream_of_nothing_is_an_empty_body() -> None:
    """It ends like any other."""
    reply = await ask(application(route(streaming())), "GET", "/it")
    assert (reply.status, reply.body) == (200, b"")


async def test_a_stream_that_fails_at_once_is_an_error_answer() -> None:
    """The headers wait for the first piece."""
    reply = await ask(application(route(streaming(NotFound("there is no model 'x'")))), "GET", "/it")
    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize("error", [Unavailable("stopping"), RuntimeError("a bug")])
async def test_a_stream_that_fails_later_is_cut(error: Exception) -> None:
    """The server breaks the connection off, so that nobody takes what was sent for all there is."""
    request = Request("GET", "/it")
    app = application(route(streaming(b"data: 1\n\n", error)))
    with pytest.raises(type(error)):
        await app(request.scope, request.receive, request.send)
    assert [part.get("more_body") for part in request.sent] == [None, True]


@pytest.mark.parametrize("cancel_on_disconnect", [True, False])
async def test_a_stream_ends_with_its_caller(*, cancel_on_disconnect: bool) -> None:
    """When the caller hangs up, the stream is closed: whatever feeds it stops."""
    closed = asyncio.Event()
    app = application(route(streaming(b"x", closed=closed), cancel_on_disconnect=cancel_on_disconnect))
    request = Request("GET", "/it")
    answering = asyncio.create_task(app(request.scope, request.receive, request.send))
    await request.answered.wait()
    request.hang_up()
    await answering
    assert closed.is_set()


async def test_work_that_wants_it_is_cancelled_with_its_caller() -> None:
    """Before there is an answer, too; and all that it cleans up is done before the request is."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work(_call: Call) -> Result:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            ended.set()
        return {}

    request = Request("GET", "/it")
    app = application(route(work, cancel_on_disconnect=True))
    answering = asyncio.create_task(app(request.scope, request.receive, request.send))
    await begun.wait()
    request.hang_up()
    await answering
    assert ended.is_set()
    assert request.sent == []


async def test_a_websocket_is_closed() -> None:
    """There is none to talk to."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await application()({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == ["websocket.close"]
