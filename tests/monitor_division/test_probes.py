"""Real targets: those that answer, those that do not, and those that do harm."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from hecate.child_processes import strays
from hecate.monitor_division.poll_result import LONGEST_MESSAGE, PASSED, CannotPoll, PollResult, failure
from hecate.monitor_division.probe_command import CommandProbe
from hecate.monitor_division.probe_http import HttpProbe
from hecate.monitor_division.probe_tcp import TcpProbe
from tests.fakes.scripted_server import Exchange, Script, ScriptedServer

TIMEOUT_SECONDS = 10.0
SOON = 0.2
"""A time limit that is meant to be over, in seconds."""
MARK = f"monitor-tests-{os.getpid()}"


@pytest.fixture
async def http() -> AsyncIterator[HttpProbe]:
    """What polls over HTTP."""
    async with HttpProbe() as probe:
        yield probe


async def poll(
    http: HttpProbe, script: Script, *, status: int = 200, body: str = "", timeout_seconds: float = TIMEOUT_SECONDS
) -> PollResult:
    """Poll a server that answers as *script* says, and see that nothing is left open."""
    async with ScriptedServer(script) as server:
        result = await http.poll(
            server.url + "/health", timeout_seconds=timeout_seconds, expected_status=status, expected_body=body
        )
        assert server.connections <= 1
        return result


def answering(**fields: object) -> Script:
    """Return a script that gives one answer."""

    async def script(exchange: Exchange) -> None:
        assert (exchange.method, exchange.path) == ("GET", "/health")
        await exchange.answer(**fields)  # type: ignore[arg-type]

    return script


def sending(data: bytes, *, for_ever: bool = False) -> Script:
    """Return a script that sends *data*, and hangs up if it does not go on for ever."""

    async def script(exchange: Exchange) -> None:
        await exchange.raw(data)
        while for_ever:
            await exchange.raw(b"x" * 65536)
        exchange.hang_up()

    return script


async def hang(exchange: Exchange) -> None:
    """Never answer."""
    await exchange.gone.wait()


async def reset(exchange: Exchange) -> None:
    """Break the connection off."""
    exchange.reset()


async def test_the_expected_answer_passes(http: HttpProbe) -> None:
    """Status and body."""
    assert await poll(http, answering(body=b"all is well"), body="is well") == PASSED
    assert await poll(http, answering(status=204), status=204) == PASSED
    assert await poll(http, answering(status=503), status=503) == PASSED


async def test_another_answer_fails(http: HttpProbe) -> None:
    """And says what it was."""
    assert (await poll(http, answering(status=500))).message == "status 500 instead of 200"
    found = await poll(http, answering(body=b"out of order\0\n"), body="well")
    assert found.message == r"the body does not contain what is expected; it begins with 'out of order\x00\n'"


async def test_a_body_is_found_across_its_pieces(http: HttpProbe) -> None:
    """However it is cut."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        for piece in ("all is w", "ell"):
            await exchange.piece(piece)
        await exchange.gone.wait()

    assert await poll(http, script, body="well") == PASSED


async def test_a_redirect_is_not_followed(http: HttpProbe) -> None:
    """It is the answer, wherever it leads."""
    script = answering(status=302, location="http://169.254.169.254/latest/meta-data")
    assert (await poll(http, script)).message == "status 302 instead of 200"
    assert await poll(http, script, status=302) == PASSED


async def test_a_target_that_never_answers_is_left_after_its_time(http: HttpProbe) -> None:
    """And the connection with it."""
    assert await poll(http, hang, timeout_seconds=SOON) == failure("no answer within 0.2 s", timed_out=True)


async def test_an_endless_body_is_left_when_enough_is_seen(http: HttpProbe) -> None:
    """Or not looked at where nothing of it is expected."""
    endless = sending(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", for_ever=True)
    assert (await poll(http, endless, body="well")).message == "the body's first 64 KiB do not contain what is expected"
    assert await poll(http, endless) == PASSED


async def test_endless_headers_are_left(http: HttpProbe) -> None:
    """Long before memory is full."""
    result = await poll(http, sending(b"HTTP/1.1 200 OK\r\nX: ", for_ever=True))
    assert not result.passed


@pytest.mark.parametrize(
    ("script", "why"),
    [
        pytest.param(reset, "connect|closed|broke off", id="reset"),
        pytest.param(sending(b""), "closed before an answer", id="nothing"),
        pytest.param(sending(b"\x00\xff\x00 garbage\r\n\r\n"), "no HTTP", id="bytes"),
        pytest.param(sending(b"SSH-2.0-OpenSSH_9.7\r\n"), "no HTTP|closed", id="another protocol"),
        pytest.param(sending(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), "no HTTP", id="no length"),
        pytest.param(sending(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwe"), "broke off", id="too short"),
        pytest.param(
            sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "broke off|no HTTP", id="no chunk"
        ),
    ],
)
async def test_garbage_fails(http: HttpProbe, script: Script, why: str) -> None:
    """With a sentence, and never with an exception."""
    result = await poll(http, script, body="well")
    assert not result.passed
    assert any(part in result.message for part in why.split("|")), result


async def test_nobody_there_fails(http: HttpProbe) -> None:
    """Over HTTP and over TCP."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    result = await http.poll(f"http://127.0.0.1:{port}/", timeout_seconds=TIMEOUT_SECONDS, expected_status=200)
    assert result == failure("cannot connect: Connection refused")
    tcp = TcpProbe()
    assert await tcp.poll("127.0.0.1", port, timeout_seconds=TIMEOUT_SECONDS) == result
    await tcp.close()


@pytest.mark.parametrize(
    "host", ["nowhere.invalid", "a" * 64 + ".invalid", "xn--\xff"], ids=["unknown", "long", "no name"]
)
async def test_a_name_that_leads_nowhere_fails(http: HttpProbe, host: str) -> None:
    """Also one that is none."""
    result = await http.poll(f"http://{host}/", timeout_seconds=TIMEOUT_SECONDS, expected_status=200)
    tcp = TcpProbe()
    found = await tcp.poll(host, 80, timeout_seconds=TIMEOUT_SECONDS)
    await tcp.close()
    assert (result.passed, found.passed) == (False, False)


async def test_an_address_that_is_refused_is_never_asked(http: HttpProbe) -> None:
    """Whatever was registered by an earlier version; and however the name for it is written."""
    for url in ("http://169.254.169.254/", "http://2852039166/", "http://[fe80::1]/", "http://[::ffff:a9fe:a9fe]:80/"):
        result = await http.poll(url, timeout_seconds=TIMEOUT_SECONDS, expected_status=200)
        assert "no check may ask" in result.message, url
    tcp = TcpProbe()
    for host in ("169.254.169.254", "fe80::1", "2852039166"):
        assert "no check may ask" in (await tcp.poll(host, 80, timeout_seconds=TIMEOUT_SECONDS)).message, host
    await tcp.close()


async def test_a_connection_is_enough_for_tcp() -> None:
    """By address and by name."""
    tcp = TcpProbe()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        assert await tcp.poll("127.0.0.1", port, timeout_seconds=TIMEOUT_SECONDS) == PASSED
        assert await tcp.poll("localhost", port, timeout_seconds=TIMEOUT_SECONDS) == PASSED
    await tcp.close()


async def test_no_target_is_to_blame_when_we_have_no_files_left(http: HttpProbe, tmp_path: Path) -> None:
    """Nothing is known of any of them then."""
    tcp = TcpProbe()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            for polling in (
                http.poll(f"http://127.0.0.1:{port}/", timeout_seconds=TIMEOUT_SECONDS, expected_status=200),
                tcp.poll("127.0.0.1", port, timeout_seconds=TIMEOUT_SECONDS),
                CommandProbe(MARK).poll(
                    ("/bin/true",), check_id="chk-1", folder=tmp_path, timeout_seconds=TIMEOUT_SECONDS
                ),
            ):
                with pytest.raises(CannotPoll, match="Too many open files"):
                    await polling
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await tcp.close()


# -- commands


def python(program: str) -> tuple[str, ...]:
    """Return a command that runs *program*."""
    return (sys.executable, "-c", program)


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Awaitable[PollResult]]:
    """Polls by a command, in a folder of its own."""

    async def poll_command(*words: str, timeout_seconds: float = TIMEOUT_SECONDS) -> PollResult:
        result = await CommandProbe(MARK).poll(
            words, check_id="chk-1", folder=tmp_path, timeout_seconds=timeout_seconds
        )
        assert strays.marked(MARK) == [], "something was left behind"
        return result

    return poll_command


async def test_a_command_passes_with_status_0(command: Callable[..., Awaitable[PollResult]]) -> None:
    """Else its last line says why."""
    assert await command("true") == PASSED
    assert (await command("sh", "-c", "echo first; echo 'disk\tfull' >&2; exit 3")).message == "exit code 3: disk full"
    assert "no such program" in (await command("no-such-program-anywhere")).message
    assert "SIGKILL" in (await command("sh", "-c", "kill -9 $$")).message


async def test_a_command_sees_no_secrets(
    command: Callable[..., Awaitable[PollResult]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its environment is its own."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    result = await command("sh", "-c", "env | tr '\\n' ' '; exit 1")
    assert "PATH=" in result.message
    assert "sk-secret" not in result.message


async def test_a_command_that_hangs_is_ended_with_all_that_it_has_started(
    command: Callable[..., Awaitable[PollResult]],
) -> None:
    """Also what has left its group."""
    result = await command("sh", "-c", "setsid sleep 60 & sleep 60 & wait", timeout_seconds=SOON)
    assert result.timed_out
    assert "time limit" in result.message


async def test_what_a_command_leaves_behind_is_ended(command: Callable[..., Awaitable[PollResult]]) -> None:
    """It has passed all the same."""
    assert await command("sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & exit 0") == PASSED


@pytest.mark.parametrize(
    "program", ["yes", "tr '\\0' x </dev/zero", "yes & yes & yes & wait"], ids=["lines", "line", "three"]
)
async def test_a_command_that_prints_without_end_is_ended(
    command: Callable[..., Awaitable[PollResult]], program: str
) -> None:
    """Long before its time is over; the others are not held up by reading it."""
    assert (await command("sh", "-c", program)).message == "it has printed more than 1024 KiB"


async def test_a_last_line_is_cut(command: Callable[..., Awaitable[PollResult]]) -> None:
    """What is kept of it is one short message."""
    result = await command(*python("import sys\nsys.stdout.write('x' * 100_000)\nsys.exit(1)"))
    assert result.message.startswith("exit code 1: xxx")
    assert len(result.message) <= LONGEST_MESSAGE


async def test_a_cancelled_poll_ends_its_command(tmp_path: Path) -> None:
    """At the daemon's end."""
    began = tmp_path / "began"
    polling = asyncio.create_task(
        CommandProbe(MARK).poll(
            ("sh", "-c", f"touch {began}; sleep 60"), check_id="chk-1", folder=tmp_path, timeout_seconds=60
        )
    )
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not began.exists():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)
    polling.cancel()
    with suppress(asyncio.CancelledError):
        await polling
    assert strays.marked(MARK) == []


def test_a_message_is_one_short_line() -> None:
    """Whatever a target has said."""
    message = failure("a\0b\r\nc\x1b[31m" + "x" * 1000).message
    assert message.startswith("a b c [31mxxx")
    assert len(message) == LONGEST_MESSAGE
