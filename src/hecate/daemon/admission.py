"""Who may pass at the HTTP listener: whoever shows the token, and no page in a browser.

The Unix socket knows its callers from the kernel.  A TCP port does not: every user of the machine
can connect, and so can a web page, through its visitor's browser.  A page of a name that its owner
points at 127.0.0.1 (DNS rebinding) is told by ``Host``, any other by ``Origin`` and ``Sec-Fetch-Site``.
"""

from __future__ import annotations

import hmac
from typing import Final

from hecate.daemon.loopback import LoopbackAddress
from hecate.daemon.refusing import Forbidden, Say, refuse
from hecate.daemon.request_log import Application, Message, Receive, Send
from hecate.dossiers.errors import HecateError

KEY_HEADERS = frozenset({b"authorization", b"x-api-key", b"api-key"})
"""Where the clients of OpenAI, Anthropic and Azure put their key."""
_OWN_SITE = frozenset({b"none", b"same-origin"})
_BEARER = b"bearer "

FOR_BROWSERS: Final = [
    # Should a page of ours ever be shown there, it runs nothing, loads nothing, and is in nobody's frame.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
"""In every answer."""


class Unauthorized(HecateError):
    """The caller has not shown the token."""

    code = "unauthorized"
    status = 401


class Visitors:
    """Whom a listener at *address* lets come near: no page of another site, and nobody who means another host."""

    def __init__(self, address: LoopbackAddress) -> None:
        authorities = address.authorities()
        self._hosts = frozenset(authority.encode() for authority in authorities)
        self._origins = frozenset(f"http://{authority}".encode() for authority in authorities)
        self._own = address.authority

    def check(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Let the request pass.

        Raises:
            Forbidden: It comes from a web page, or is meant for another host.
        """
        hosts = [value.lower() for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise Forbidden(f"the Host header must be {self._own}, or localhost with the same port")
        if any(name == b"sec-fetch-site" and value.lower() not in _OWN_SITE for name, value in headers):
            raise Forbidden("requests from web pages are not taken")
        if any(name == b"origin" and value.lower() not in self._origins for name, value in headers):
            raise Forbidden("requests from web pages of another origin are not taken")


class Admission:
    """*application*, for those who may pass.

    Args:
        application: Answers whoever is let in; it does not get to see the token.
        address: Where the listener is.
        say: Gives a refusal the shape that the path's callers expect.
        token: What they must show; may be replaced at any time.
    """

    def __init__(self, application: Application, address: LoopbackAddress, say: Say, token: str) -> None:
        self._application = application
        self._say = say
        self._visitors = Visitors(address)
        self.token = token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *FOR_BROWSERS]
            await send(message)

        try:
            self._check(scope["headers"])
        except HecateError as error:
            await refuse(self._say(scope["path"], error), sending)
            return
        # What is not there cannot be logged, or sent on to a provider.
        scope["headers"] = [header for header in scope["headers"] if header[0] not in KEY_HEADERS]
        await self._application(scope, receive, sending)

    def _check(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Let the request pass.

        Raises:
            Forbidden: It comes from a web page, or is meant for another host.
            Unauthorized: The token is missing or wrong.
        """
        self._visitors.check(headers)
        shown = [_without_scheme(value) for name, value in headers if name in KEY_HEADERS]
        expected = self.token.encode()
        # Each is compared, and in constant time: how long it takes tells nothing of the token.
        if not any([hmac.compare_digest(one, expected) for one in shown]):  # noqa: C419
            what = "the token is wrong" if shown else "a token is needed"
            raise Unauthorized(
                f"{what}: send it as 'Authorization: Bearer TOKEN'",
                headers={"WWW-Authenticate": 'Bearer realm="hecate"'},
            )


def _without_scheme(value: bytes) -> bytes:
    return value[len(_BEARER) :].strip() if value[: len(_BEARER)].lower() == _BEARER else value
