"""What an endpoint is: the vocabulary that features and the REST layer share.

A feature exports ``ROUTES``, a tuple of `Route`.  Its functions take a `Call` and give a
dict (an ``ok`` answer), an `Answer` (the same with a status or headers), a `Raw` body or
a `Stream`; they raise `hecate.dossiers.errors.HecateError` for everything that goes wrong.
What it does besides, while nobody asks, is a `Background`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from hecate.dossiers.errors import HecateError

Service = TypeVar("Service")

BODY_LIMIT_BYTES = 1024 * 1024
CHAT_BODY_LIMIT_BYTES = 8 * 1024 * 1024


class Peer(NamedTuple):
    """Who is calling over the Unix socket, as the kernel says (``SO_PEERCRED``)."""

    uid: int
    gid: int
    pid: int


class Services:
    """The long-lived objects of the daemon, found by their class.

    The daemon's main fills it; an endpoint asks: ``call.services.get(Gateway)``.
    """

    def __init__(self) -> None:
        self._by_type: dict[type, Any] = {}

    def add(self, service: object) -> None:
        """Make *service* known under its own class."""
        self._by_type[type(service)] = service

    def get(self, kind: type[Service]) -> Service:
        """Return the one service of class *kind*.

        Raises:
            KeyError: The daemon was wired without it.
        """
        found: Service = self._by_type[kind]
        return found


class NoQuery(msgspec.Struct, frozen=True):
    """The query of a route that takes no parameters."""


Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]
Position = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class PageQuery(msgspec.Struct, frozen=True):
    """The query of a list."""

    limit: Limit = 50
    after: Position = 0
    """The ``next`` of the page before."""


class Stopwatch:
    """How long a request has taken until now, and how much of that was spent waiting for others."""

    __slots__ = ("_began", "_waited_seconds", "_waiting_since", "overhead_seconds")

    def __init__(self) -> None:
        self._began = monotonic()
        self._waited_seconds = 0.0
        self._waiting_since: float | None = None
        self.overhead_seconds: float | None = None
        """How long we have taken ourselves until the answer began; None before, and where nobody was waited for."""

    def wait(self) -> None:
        """Say that from now on it is another's turn, such as a provider's."""
        if self._waiting_since is None:
            self._waiting_since = monotonic()

    def go_on(self) -> None:
        """Say that it is our turn again."""
        if self._waiting_since is not None:
            self._waited_seconds += monotonic() - self._waiting_since
            self._waiting_since = None

    def answer(self) -> float | None:
        """Say that the answer begins, and return `overhead_seconds`."""
        now = monotonic()
        waited_seconds = self._waited_seconds
        if self._waiting_since is not None:
            waited_seconds += now - self._waiting_since
        if waited_seconds and self.overhead_seconds is None:
            self.overhead_seconds = max(0.0, now - self._began - waited_seconds)
        return self.overhead_seconds


@dataclass(slots=True)
class Call:
    """One request, as an endpoint sees it: decoded, validated and bounded."""

    path: Mapping[str, str]
    """The parameters in the path, by name."""
    query: Any
    """An instance of the route's ``query`` struct."""
    body: Any
    """An instance of the route's ``body`` struct; None where the route has none."""
    raw_body: bytes
    headers: Mapping[str, str]
    """Lower-case names; the last of a repeated header wins."""
    peer: Peer | None
    """None on a TCP listener."""
    request_id: str
    services: Services
    warnings: list[str] = field(default_factory=list)
    """Sentences for the answer's ``warnings``, such as one for each unknown field."""
    answer_headers: dict[str, str] = field(default_factory=dict)
    """Headers for the answer, whoever makes it and whatever it is."""
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def let_go(self) -> None:
        """Forget what was asked: a stream may last, and a timer begun by it refer to the call for a while yet."""
        self.body = None
        self.raw_body = b""
        self.headers = {}


CURRENT_CALL: ContextVar[Call | None] = ContextVar("hecate_call", default=None)
"""The request that the running task answers; None in tasks that no request has caused.

For what is to be known of every request far below its endpoint: whose it is, and where its time goes.
"""


def current_stopwatch() -> Stopwatch:
    """Return the stopwatch of `CURRENT_CALL`; where there is none, one that nobody will look at."""
    call = CURRENT_CALL.get()
    return Stopwatch() if call is None else call.stopwatch


@dataclass(slots=True, frozen=True)
class Answer:
    """An ``ok`` answer with a status or headers of its own."""

    content: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Raw:
    """A body that is sent as it is, without the ``ok`` envelope."""

    body: bytes
    media_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Stream:
    """A body sent piece by piece.

    The REST layer closes ``pieces`` (``aclose``) as soon as the caller is gone.  An error
    before the first piece is an error answer, since headers wait for the first piece.
    """

    pieces: AsyncGenerator[bytes, None]
    media_type: str = "text/event-stream"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Result = Mapping[str, Any] | Answer | Raw | Stream


@dataclass(frozen=True, slots=True)
class Background:
    """Work that goes on for as long as the daemon does: a module exports it as ``BACKGROUND``.

    Args:
        name: What the log calls it.
        run: Ends only when it is cancelled, at the daemon's end.  After an error that it did not expect it is
            begun again, so it takes up its work from what is stored.
    """

    name: str
    run: Callable[[Services], Awaitable[None]]


class Restriction:
    """What keeps the API from answering, but for the routes that are ``unrestricted``."""

    __slots__ = ("in_force", "watchers")

    def __init__(self) -> None:
        self.in_force: Callable[[], HecateError] | None = None
        """Makes the error for a caller; None: nothing keeps it."""
        self.watchers: list[Callable[[], None]] = []
        """Called whenever a restriction comes into force."""

    def impose(self, refusal: Callable[[], HecateError]) -> None:
        """Answer every request, from now on, with the error that *refusal* makes."""
        self.in_force = refusal
        for tell in self.watchers:
            tell()

    def lift(self) -> None:
        """Let everything be answered again."""
        self.in_force = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint as data: what the router, the OpenAPI document and the tests need to know."""

    method: str
    path: str
    """As in the documents: ``/api/ventures/{venture_id}``.  A last ``{name:path}`` takes the rest, with slashes."""
    call: Callable[[Call], Awaitable[Result]]
    summary: str
    body: Any = None
    """A msgspec struct; the request's JSON is decoded into it.  None: a body is ignored."""
    query: type[msgspec.Struct] = NoQuery
    """A msgspec struct of strings, integers and booleans, each with a default."""
    answer: Any = None
    """A msgspec struct that describes the answer in the OpenAPI document; None: any object."""
    status: int = 200
    """The status of a success."""
    further_statuses: tuple[int, ...] = ()
    """Further ones that a success may have, with the same answer."""
    media_types: tuple[str, ...] = ("application/json",)
    errors: tuple[int, ...] = ()
    """Further statuses that the route may answer, for the OpenAPI document."""
    body_limit_bytes: int = BODY_LIMIT_BYTES
    body_may_be_absent: bool = False
    """Whether an absent, empty or ``null`` body counts as ``{}``."""
    prepare_body: Callable[[bytes], bytes] | None = None
    """Changes the body before it is decoded, such as another client's field names."""
    is_command: bool = False
    """Whether it goes to a desk, and so takes ``Idempotency-Key`` and ``If-Match``."""
    refusal: Callable[[HecateError], Raw] | None = None
    """Says an error in the shape of another API, for a route that speaks one; None: in the contract's."""
    cancel_on_disconnect: bool = False
    """Whether the endpoint's task is cancelled when the caller goes away before the answer."""
    example: Mapping[str, Any] | None = None
    """A request body for the documents."""
    aliases: tuple[str, ...] = ()
    """Further paths that do the same, not listed in the OpenAPI document."""
    tag: str = ""
    description: str = ""
    """More than the summary, for the OpenAPI document."""
    listed: bool = True
    """Whether the OpenAPI document shows the route; not so what only old clients know."""
    unrestricted: bool = False
    """Whether it answers whatever `Restriction` is in force."""
