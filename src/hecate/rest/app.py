"""The ASGI application: one request in, one answer of the contract's shape out."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from typing import Any

import msgspec
import structlog

from hecate.dossiers.errors import HecateError, MethodNotAllowed
from hecate.endpoints import CURRENT_CALL, Answer, Call, Raw, Restriction, Result, Route, Services, Stopwatch, Stream
from hecate.rest.body import ClientGone, Receive, check_media_type, decode_body, decode_query, read_body
from hecate.rest.disconnect import unless_gone
from hecate.rest.headers import Headers as RequestHeaders
from hecate.rest.refusal_log import RefusalLog
from hecate.rest.router import Router

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

WITH_A_BODY = frozenset({"POST", "PUT", "PATCH"})
SERVER_ERROR = 500

log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class Application:
    """Answers requests by *routes*.

    Args:
        routes: Everything that can be asked.
        services: What the endpoints work with; the `Restriction` of this application becomes one of them.
    """

    def __init__(self, routes: Sequence[Route], services: Services) -> None:
        self._router = Router(routes)
        self._services = services
        self._restriction = Restriction()
        services.add(self._restriction)
        self._refusals = RefusalLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI)."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1000})
            return
        answer = _Answering(send, self._refusals, is_head=scope["method"] == "HEAD")
        try:
            await self._serve(scope, receive, answer)
        except ClientGone:
            log.debug("caller gone", path=scope["path"])
        except HecateError as error:
            if answer.begun:
                # Too late for an error answer: the connection is cut, so that nobody takes this for the end.
                raise
            await answer.refuse(error)
        except Exception:
            # Which request it was, and whose, the daemon's log adds to each line.
            log.exception("bug", method=scope["method"], path=scope["path"])
            if answer.begun:
                raise
            await answer.refuse(HecateError(f"this is a bug; the log tells more under request {answer.request_id}"))

    def refusal(self, path: str, error: HecateError) -> Raw:
        """Return how *error* is said to a caller of *path*."""
        say = self._router.refusal_at(path)
        return say(error) if say is not None else in_contracts_shape(error)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answering) -> None:
        route, call = await self._understood(scope, receive, answer)
        known = CURRENT_CALL.set(call)
        try:
            if route.cancel_on_disconnect:
                with unless_gone(scope):
                    await answer.give(await route.call(call), route)
            else:
                result = await route.call(call)
                if isinstance(result, Stream):
                    with unless_gone(scope):
                        await answer.give(result, route)
                else:
                    await answer.give(result, route)
        finally:
            CURRENT_CALL.reset(known)
            call.let_go()

    async def _understood(self, scope: Scope, receive: Receive, answer: _Answering) -> tuple[Route, Call]:
        """Return what is asked, of which route."""
        headers = RequestHeaders(scope["headers"])
        given = headers.get("x-request-id", "")
        answer.request_id = given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()
        # The server keeps the scope until the answer's end, and a stream may last; its id is asked for even then.
        scope["headers"] = [(b"x-request-id", answer.request_id.encode())]
        method: str = scope["method"]
        try:
            route, parameters = self._router.match(method, scope["path"])
        except HecateError as error:
            if isinstance(error, MethodNotAllowed):
                answer.refusal = self._router.refusal_at(scope["path"])
            if (refused := self._restriction.in_force) is not None:
                raise refused() from error
            raise
        answer.refusal = route.refusal
        if (refused := self._restriction.in_force) is not None and not route.unrestricted:
            raise refused()
        peer = scope.get("state", {}).get("peer")
        query = decode_query(route.query, scope["query_string"])
        raw, body = b"", None
        warnings: list[str] = []
        if method in WITH_A_BODY:
            declared = headers.get("content-length", "0")
            raw = await read_body(receive, route.body_limit_bytes, int(declared) if declared.isdecimal() else 0)
        # How long a caller takes to send the body is no time of ours.
        stopwatch = Stopwatch()
        if method in WITH_A_BODY and route.body is not None:
            if peer is None and raw:
                check_media_type(headers.get("content-type", ""))
            if route.prepare_body is not None:
                raw = route.prepare_body(raw)
            body, warnings = decode_body(route.body, raw, may_be_absent=route.body_may_be_absent)
        answer.call = call = Call(
            path=parameters,
            query=query,
            body=body,
            raw_body=raw,
            headers=headers,
            peer=peer,
            request_id=answer.request_id,
            services=self._services,
            warnings=warnings,
            stopwatch=stopwatch,
        )
        return route, call


class _Answering:
    """The answering side of one request."""

    __slots__ = ("_is_head", "_refusals", "_send", "begun", "call", "refusal", "request_id")

    def __init__(self, send: Send, refusals: RefusalLog, *, is_head: bool) -> None:
        self._send = send
        self._refusals = refusals
        self._is_head = is_head
        self.request_id = ""
        self.begun = False
        self.refusal: Callable[[HecateError], Raw] | None = None
        self.call: Call | None = None
        """None until the request is understood."""

    def give(self, result: Result, route: Route) -> Coroutine[Any, Any, None]:
        """Give *result* as the answer."""
        # No coroutine of its own: each would be passed by every piece of a stream.
        if isinstance(result, Stream):
            return self.stream_head(result) if self._is_head else self.stream(result)
        if isinstance(result, Raw):
            return self.send(result.status, result.body, result.media_type, result.headers)
        if isinstance(result, Answer):
            return self._send_ok(result.status, result.content, result.headers)
        return self._send_ok(route.status, result, {})

    def _send_ok(
        self, status: int, content: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Coroutine[Any, Any, None]:
        return self.send(status, _encode({"ok": True, **content}), "application/json", headers)

    async def refuse(self, error: HecateError) -> None:
        if error.status >= SERVER_ERROR:
            self._refusals.tell(error)
        said = (self.refusal or in_contracts_shape)(error)
        await self.send(said.status, said.body, said.media_type, said.headers)

    async def send(self, status: int, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        lines = self._headers(media_type, headers)
        lines.append((b"content-length", b"%d" % len(body)))
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": lines})
        await self._send({"type": "http.response.body", "body": body})

    async def stream(self, stream: Stream) -> None:
        """Send the pieces as they come; the headers wait for the first."""
        send, pieces = self._send, stream.pieces
        try:
            async for piece in pieces:
                if not self.begun:
                    await self._begin(stream)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            await pieces.aclose()
        if not self.begun:
            await self.send(stream.status, b"", stream.media_type, stream.headers)
        else:
            await send({"type": "http.response.body", "body": b""})

    async def _begin(self, stream: Stream) -> None:
        self.begun = True
        lines = self._headers(stream.media_type, stream.headers)
        await self._send({"type": "http.response.start", "status": stream.status, "headers": lines})
        if self.call is not None:
            # A stream may last, and whoever gives its pieces has begun by now.
            self.call.let_go()

    async def stream_head(self, stream: Stream) -> None:
        """Send the headers alone: a stream may never end, and none of it would be sent."""
        await stream.pieces.aclose()
        lines = self._headers(stream.media_type, stream.headers)
        self.begun = True
        await self._send({"type": "http.response.start", "status": stream.status, "headers": lines})
        await self._send({"type": "http.response.body", "body": b""})

    def _headers(self, media_type: str, headers: Mapping[str, str]) -> Headers:
        lines = [(b"content-type", media_type.encode()), (b"x-request-id", self.request_id.encode())]
        if media_type == "text/event-stream":
            lines.append((b"cache-control", b"no-cache"))
        if headers:
            lines += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        if self.call is not None:
            if more := self.call.answer_headers:
                lines += [(name.lower().encode(), value.encode()) for name, value in more.items()]
            if (seconds := self.call.stopwatch.answer()) is not None:
                lines.append((b"x-hecate-overhead-ms", b"%.3f" % (seconds * 1000)))
        return lines


def in_contracts_shape(error: HecateError) -> Raw:
    """Return the answer that tells of *error* where no other API is spoken."""
    return Raw(_encode(error.envelope()), status=error.status, headers=error.headers)
