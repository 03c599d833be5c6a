"""A restriction: all that is refused, and what is not."""

from __future__ import annotations

import msgspec
import pytest

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw, Restriction, Services
from hecate.rest.app import Application
from tests.rest.asgi import ask, route, say_hello


class Closed(HecateError):
    """Nobody is answered."""

    code = "closed"
    status = 403


def in_another_shape(error: HecateError) -> Raw:
    """Say *error* as another API does."""
    return Raw(msgspec.json.encode({"sorry": str(error)}), status=error.status)


ROUTES = (
    route(say_hello),
    route(say_hello, path="/always", unrestricted=True),
    route(say_hello, path="/other", refusal=in_another_shape),
)


@pytest.mark.parametrize(
    ("method", "path", "status", "shape"),
    [
        ("GET", "/it", 403, "code"),
        ("HEAD", "/it", 403, "code"),
        ("GET", "/always", 200, "hello"),
        ("HEAD", "/always", 200, "hello"),
        ("POST", "/always", 403, "code"),
        ("GET", "/nothing", 403, "code"),
        ("GET", "/other", 403, "sorry"),
        ("POST", "/other", 403, "sorry"),
    ],
)
async def test_what_is_not_unrestricted_is_refused(method: str, path: str, status: int, shape: str) -> None:
    """Also what is not there, or not with this method: nothing is told of the rest."""
    services = Services()
    application = Application(ROUTES, services)
    services.get(Restriction).impose(lambda: Closed("closed"))
    reply = await ask(application, method, path)
    assert reply.status == status
    assert shape in reply.json


async def test_it_may_be_lifted_again() -> None:
    """And whoever watches is told each time that it comes."""
    services, told = Services(), []
    application = Application(ROUTES, services)
    restriction = services.get(Restriction)
    restriction.watchers.append(lambda: told.append(restriction.in_force is not None))
    for _ in range(2):
        assert (await ask(application, "GET", "/it")).status == 200
        restriction.impose(lambda: Closed("closed"))
        assert (await ask(application, "GET", "/it")).status == 403
        restriction.lift()
    assert told == [True, True]


async def test_a_body_is_not_waited_for() -> None:
    """The refusal goes out before it has come."""
    services = Services()
    application = Application((route(say_hello, "POST", body=dict[str, str]),), services)
    services.get(Restriction).impose(lambda: Closed("closed"))
    assert (await ask(application, "POST", "/it", complete=False)).status == 403
