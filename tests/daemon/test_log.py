"""The log: its two forms, what it hides, and what it does not repeat."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from hecate.daemon.config import LogSettings
from hecate.daemon.log import LoopComplaints, Redaction, set_up
from hecate.daemon.request_log import RequestLog
from hecate.endpoints import Peer


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    """Leave logging as pytest had it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


class Written(io.StringIO):
    """What was logged."""

    def lines(self) -> list[dict[str, Any]]:
        """Return each line as the object that it is."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


def log_to(*, human: bool = False, level: str = "info", secrets: tuple[str, ...] = ()) -> Written:
    """Set the log up, and return what it will write to."""
    written, redaction = Written(), Redaction()
    redaction.know(secrets)
    set_up(LogSettings(level=level, format="human" if human else "auto"), redaction, written)  # type: ignore[arg-type]
    return written


def test_off_a_terminal_each_line_is_an_object() -> None:
    """Programs read one JSON object a line: what happened, how bad it is, when, and the rest."""
    written = log_to()
    structlog.get_logger().info("ready", socket="/run/s")
    (line,) = written.lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "ready", "level": "info", "socket": "/run/s"}


def test_people_get_plain_lines() -> None:
    """The human form has no colour where there is no terminal."""
    written = log_to(human=True)
    structlog.get_logger().warning("slow", seconds=3)
    assert "[warning] slow seconds=3" in " ".join(written.getvalue().split()).replace("[warning ]", "[warning]")
    assert "\x1b" not in written.getvalue()


def test_the_level_holds_and_can_be_changed() -> None:
    """A logger that exists follows a later change of the level."""
    log = structlog.get_logger()
    written = log_to()
    log.debug("unseen")
    assert written.lines() == []
    written = log_to(level="debug")
    log.debug("seen")
    assert [line["event"] for line in written.lines()] == ["seen"]


def test_the_standard_librarys_lines_have_the_same_form() -> None:
    """Libraries log through `logging`; their warnings come out as ours do."""
    written = log_to()
    logging.getLogger("aiohttp.client").warning("unclosed %s", "session")
    (line,) = written.lines()
    assert (line["event"], line["level"]) == ("unclosed session", "warning")


@pytest.mark.parametrize("human", [True, False])
@pytest.mark.parametrize("library", [True, False])
def test_a_known_secret_never_comes_out(human: bool, library: bool) -> None:  # noqa: FBT001
    """Neither in the message, nor in any value however deep, nor in a traceback, nor from a library."""
    secret = 'canary "quoted" 0123'
    written = log_to(human=human, secrets=(secret,))
    try:
        int(f"refused {secret}")
    except ValueError:
        if library:
            logging.getLogger("library").exception("with %s", secret)
        else:
            structlog.get_logger().exception(f"with {secret}", headers={"k": [secret]}, raw=secret.encode())
    assert "canary" not in written.getvalue()
    assert "refused ***" in written.getvalue()


def test_what_looks_like_a_key_is_hidden_too() -> None:
    """A provider may echo a key that we never had."""
    written = log_to()
    structlog.get_logger().error("Incorrect API key provided: sk-proj-abcdef0123")
    assert "abcdef" not in written.getvalue()


async def test_lines_of_a_request_say_whose_it_is() -> None:
    """Whatever is logged while a request is served carries its id and the caller's uid and pid."""
    written = log_to(level="debug")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        structlog.get_logger().info("deep inside")
        await send({"type": "http.response.start", "status": 418})

    async def nothing(message: Any = None) -> dict[str, Any]:
        return {}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "headers": [(b"x-request-id", b"r-1")],
        "state": {"peer": Peer(uid=1, gid=2, pid=3)},
    }

    async def served() -> None:
        await RequestLog(application)(scope, nothing, nothing)  # type: ignore[arg-type]

    await asyncio.create_task(served())
    structlog.get_logger().info("outside")
    inside, request, outside = written.lines()
    assert (inside["event"], inside["request_id"], inside["uid"], inside["pid"]) == ("deep inside", "r-1", 1, 3)
    assert (request["event"], request["path"], request["status"], request["uid"]) == ("request", "/x", 418, 1)
    assert "request_id" not in outside


@pytest.mark.parametrize("given", [[], [(b"x-request-id", b"no good\x1b[31m")], [(b"x-request-id", b"a" * 101)]])
async def test_a_request_without_a_usable_id_gets_one(given: list[tuple[bytes, bytes]]) -> None:
    """The application sees it as if the caller had sent it, and as the last one, which counts."""
    log_to()
    seen: list[tuple[bytes, bytes]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])

    async def nothing(message: Any = None) -> dict[str, Any]:
        return {}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [*given]}
    await RequestLog(application)(scope, nothing, nothing)  # type: ignore[arg-type]
    assert seen[-1][0] == b"x-request-id"
    assert len(seen[-1][1]) == 16


def test_a_cancelled_request_is_no_error() -> None:
    """A drain that cuts requests off says so itself; uvicorn would write a traceback for each of them."""
    written = log_to()
    library = logging.getLogger("uvicorn.error")
    for failure in (asyncio.CancelledError(), OSError("a real one")):
        library.error("Exception in ASGI application\n", exc_info=failure)
    library.error("without an exception")
    assert ["a real one" in line.get("exception", "") for line in written.lines()] == [True, False]


async def test_the_event_loops_complaints_are_not_repeated() -> None:
    """Out of file descriptors, asyncio complains at every accept: one line is enough."""
    written = log_to()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(LoopComplaints())
    for _ in range(1000):
        loop.call_exception_handler({"message": "accept", "exception": OSError(24, "Too many open files")})
    loop.call_exception_handler({"message": "another"})
    lines = written.lines()
    assert [line["event"] for line in lines] == ["accept", "another"]
    assert "Too many open files" in lines[0]["exception"]
