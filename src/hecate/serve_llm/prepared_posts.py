"""POST requests whose head was put together once: on aiohttp's connections, and read by it, without its session.

`aiohttp.ClientSession.request` makes each request anew from some thirty options, and writes its body in a task of its
own: a quarter of what a call cost here (ADR 0020).  What one would not write oneself is still aiohttp's: the pool of
connections, names, TLS, and the parser of answers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiohttp import ClientOSError, ClientRequest, ClientResponse, ConnectionTimeoutError, RequestInfo
from aiohttp.helpers import TimerNoop
from aiohttp.http import StreamWriter
from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientTimeout
    from yarl import URL

POST: Final = "POST"
_NO_TIMER: Final = TimerNoop()
_UNFIT: Final = re.compile(r"[\x00\r\n]")


class PreparedPosts:
    """Posts to *url*, again and again.

    Args:
        session: Whose connections are used, and whose headers are sent.
        url: Without a user's name in it.
        headers: What goes with every request besides.
        timeouts: Of which ``connect`` is kept.

    Raises:
        ValueError: A header has a line break in it.
    """

    __slots__ = ("_connector", "_head", "_info", "_place", "_session", "_timeouts", "_url", "_usual")

    def __init__(self, session: ClientSession, url: URL, headers: Mapping[str, str], timeouts: ClientTimeout) -> None:
        assert session.connector is not None  # noqa: S101 - it has one until it is closed
        self._session = session
        self._connector = session.connector
        self._url = url
        self._timeouts = timeouts
        # It only tells the pool where to connect to.
        self._place = ClientRequest(POST, url, loop=asyncio.get_running_loop(), session=session)
        self._usual = CIMultiDict({"Host": self._place.headers["Host"], "Accept": "*/*"})
        self._usual.update(session.headers)
        self._usual.update(headers)
        self._head = _head(url, self._usual)
        # Errors hold on to it, and need not know the key.
        self._info = RequestInfo(url, POST, CIMultiDictProxy(CIMultiDict()), url)

    async def send(self, body: bytes, headers: Mapping[str, str] | None = None) -> ClientResponse:
        """Send *body* and return the answer, once it has begun.

        Args:
            body: What is posted.
            headers: Further ones for this request, or others in place of the usual.

        Raises:
            aiohttp.ClientError: There is no connection, or it breaks off, or what comes is not HTTP.
            aiohttp.ConnectionTimeoutError: No connection is made in time.
            ValueError: A header has a line break in it.
        """
        head = self._head if not headers else self._head_with(headers)
        try:
            connection = await self._connector.connect(self._place, [], self._timeouts)
        except TimeoutError as exc:
            raise ConnectionTimeoutError(f"Connection timeout to host {self._url}") from exc
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            connection.close()
            raise ClientOSError("the connection was closed meanwhile")
        loop = asyncio.get_running_loop()
        response = ClientResponse(
            POST,
            self._url,
            writer=None,
            continue100=None,
            timer=_NO_TIMER,
            request_info=self._info,
            traces=[],
            loop=loop,
            session=self._session,
            stream_writer=StreamWriter(protocol, loop),
        )
        try:
            protocol.set_response_params(read_until_eof=True)
            transport.writelines((b"%bContent-Length: %d\r\n\r\n" % (head, len(body)), body))
            return await response.start(connection)
        except BaseException:
            response.close()
            connection.close()
            raise

    def _head_with(self, headers: Mapping[str, str]) -> bytes:
        all_headers = self._usual.copy()
        all_headers.update(headers)
        return _head(self._url, all_headers)


def _head(url: URL, headers: Mapping[str, str]) -> bytes:
    lines = [f"{POST} {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if wrong := next(filter(_UNFIT.search, lines), ""):
        raise ValueError(f"the header {wrong.partition(':')[0][:100]!r} has a line break in it")
    return "".join(f"{line}\r\n" for line in lines).encode()
