"""What concerns a request as a whole: whose it is far below its endpoint, what it says in headers, what it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import msgspec
import pytest

from hecate.dossiers.errors import NotFound
from hecate.endpoints import CURRENT_CALL, Call, Raw, Result, Stream
from tests.rest.asgi import PEER, application, ask, route, say_hello


class Note(msgspec.Struct, frozen=True):
    """A body."""

    text: str


def current() -> Call:
    """Return the call that is being answered, as something far below an endpoint would find it."""
    call = CURRENT_CALL.get()
    assert call is not None
    return call


async def wait_for_another() -> None:
    """Let another have its turn."""
    current().stopwatch.wait()
    await asyncio.sleep(0)
    current().stopwatch.go_on()


async def test_the_call_is_known_below_its_endpoint() -> None:
    """Also in the tasks that it starts; not where there is none."""

    async def peer_seen() -> bool:
        return current().peer == PEER

    async def say(_call: Call) -> Result:
        return {"seen": await asyncio.create_task(peer_seen())}

    assert (await ask(application(route(say)), "GET", "/it")).json["seen"] is True
    assert CURRENT_CALL.get() is None


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_overhead_is_told_where_another_was_waited_for(*, streamed: bool) -> None:
    """In milliseconds, of a whole answer and of a stream."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        await wait_for_another()
        yield b"one"

    async def say(_call: Call) -> Result:
        if streamed:
            return Stream(pieces())
        await wait_for_another()
        return Raw(b"{}")

    reply = await ask(application(route(say)), "GET", "/it")
    assert float(reply.headers["x-hecate-overhead-ms"]) >= 0


async def test_an_error_has_the_headers_of_its_call() -> None:
    """Whatever becomes of the request."""

    async def refuse(call: Call) -> Result:
        call.answer_headers["X-Hecate-Warning"] = "soon"
        await wait_for_another()
        raise NotFound("nothing here")

    reply = await ask(application(route(refuse)), "GET", "/it")
    assert reply.status == 404
    assert reply.headers["x-hecate-warning"] == "soon"
    assert "x-hecate-overhead-ms" in reply.headers


async def test_other_answers_tell_no_overhead() -> None:
    """There is nobody to blame for their time."""
    assert "x-hecate-overhead-ms" not in (await ask(application(route(say_hello)), "GET", "/it")).headers


async def test_a_body_is_not_kept() -> None:
    """What outlives a request may refer to its call, but not to 32 MB of body."""
    seen: list[Call] = []

    async def take(call: Call) -> Result:
        seen.append(call)
        return {"text": call.body.text}

    reply = await ask(application(route(take, "POST", body=Note)), "POST", "/it", b'{"text": "hello"}')
    assert reply.json["text"] == "hello"
    assert (seen[0].body, seen[0].raw_body) == (None, b"")
