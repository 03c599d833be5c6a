"""Who is let in at the HTTP listener."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.daemon.admission import Admission
from hecate.daemon.loopback import LoopbackAddress
from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw

TOKEN = "0123456789abcdef"
HOST = (b"host", b"127.0.0.1:11500")
BEARER = (b"authorization", b"Bearer 0123456789abcdef")

Headers = list[tuple[bytes, bytes]]


async def asked(headers: Headers, *, listen: str = "127.0.0.1:11500", token: str = TOKEN) -> tuple[int, Any]:
    """Return the status, and the headers of the answer or (200) those that the application was shown."""
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((200, scope["headers"]))

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append((message["status"], dict(message["headers"])))

    def say(path: str, error: HecateError) -> Raw:
        return Raw(path.encode(), status=error.status, headers=error.headers)

    admission = Admission(application, LoopbackAddress.parse(listen), say, token)
    await admission({"type": "http", "path": "/v1/models", "headers": headers}, receive, send)
    (answer,) = seen
    status, told = answer
    return status, told


@pytest.mark.parametrize(
    "key",
    [
        BEARER,
        (b"authorization", b"bearer  0123456789abcdef "),
        (b"x-api-key", b"0123456789abcdef"),
        (b"api-key", b"0123456789abcdef"),
    ],
)
async def test_the_token_opens(key: tuple[bytes, bytes]) -> None:
    """Wherever a client puts its key; the application does not get to see it."""
    assert await asked([HOST, key, (b"accept", b"*/*")]) == (200, [HOST, (b"accept", b"*/*")])


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer 0123456789abcde")],
        [(b"authorization", b"Bearer 0123456789abcdef0")],
        [(b"authorization", b"Basic 0123456789abcdef")],
        [(b"authorization", b"Bearer 0123456789ABCDEF")],
        [(b"x-api-key", b"\xff" * 16)],
        [(b"cookie", b"0123456789abcdef")],
    ],
)
async def test_nothing_else_does(keys: Headers) -> None:
    """401, and how to do better."""
    status, headers = await asked([HOST, *keys])
    assert status == 401
    assert headers[b"www-authenticate"] == b'Bearer realm="hecate"'
    assert not any(name.startswith(b"access-control-") for name in headers)


async def test_one_of_several_keys_is_enough() -> None:
    """A client may send the key of its usual service as well."""
    assert (await asked([HOST, (b"x-api-key", b"sk-other"), BEARER]))[0] == 200


@pytest.mark.parametrize("host", [b"localhost:11500", b"LOCALHOST:11500", b"127.0.0.1:11500", b"[::1]:11500"])
async def test_the_listeners_own_names_are_taken(host: bytes) -> None:
    """As a caller on this machine may write them."""
    assert (await asked([(b"host", host), BEARER]))[0] == 200


@pytest.mark.parametrize(
    "hosts",
    [
        [b"evil.example:11500"],
        [b"127.0.0.1"],
        [b"127.0.0.1:11501"],
        [b"localhost.evil.example:11500"],
        [b""],
        [],
        [b"127.0.0.1:11500", b"evil.example"],
    ],
)
async def test_another_host_is_refused(hosts: list[bytes]) -> None:
    """A name that somebody points at this machine comes from a web page (DNS rebinding)."""
    assert (await asked([BEARER, *((b"host", host) for host in hosts)]))[0] == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (b"http://127.0.0.1:11500", 200),
        (b"http://localhost:11500", 200),
        (b"https://127.0.0.1:11500", 403),
        (b"http://localhost:3000", 403),
        (b"https://evil.example", 403),
        (b"null", 403),
        (b"", 403),
    ],
)
async def test_a_page_of_another_origin_is_refused(origin: bytes, status: int) -> None:
    """With or without the token: a page has no business here."""
    assert (await asked([HOST, BEARER, (b"origin", origin)]))[0] == status


@pytest.mark.parametrize(
    ("site", "status"), [(b"none", 200), (b"same-origin", 200), (b"same-site", 403), (b"cross-site", 403)]
)
async def test_a_page_of_another_site_is_refused(site: bytes, status: int) -> None:
    """Also where the browser sends no ``Origin``; another port of this machine is the same site, and another's."""
    assert (await asked([HOST, BEARER, (b"sec-fetch-site", site)]))[0] == status


async def test_a_preflight_is_refused() -> None:
    """What a browser asks before it sends a token for a page."""
    status, headers = await asked(
        [HOST, (b"origin", b"https://evil.example"), (b"access-control-request-method", b"POST")]
    )
    assert status == 403
    assert not any(name.startswith(b"access-control-") for name in headers)


async def test_ipv6_has_its_own_names() -> None:
    """The same over ::1."""
    assert (await asked([(b"host", b"[::1]:9"), BEARER], listen="[::1]:9"))[0] == 200
