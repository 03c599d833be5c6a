"""The asyncio client, where it carries a question differently from the one that waits."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hecate.client import (
    AnswerBroken,
    AsyncClient,
    Client,
    DaemonSilent,
    DaemonUnreachable,
    HecateClientError,
    InvalidState,
    ModelNotFound,
    ProviderFailed,
)
from tests.client.scripted_daemon import (
    answer,
    answer_and_close,
    break_off,
    scripted_daemon,
    stay_silent,
    stream,
    wait_for_hang_up,
)
from tests.client.test_client import DONE, HEALTH, chunk, event, event_line


def test_both_clients_have_the_same_methods() -> None:
    """What one can, the other can, with the same arguments."""

    def methods(client: type) -> dict[str, list[str]]:
        found = inspect.getmembers(client, inspect.isfunction)
        return {name: list(inspect.signature(method).parameters) for name, method in found if not name.startswith("_")}

    awaited = methods(AsyncClient)
    awaited["close"] = awaited.pop("aclose")
    assert awaited == methods(Client)


def test_importing_the_client_does_not_import_aiohttp() -> None:
    """It would take longer than everything else that a command does."""
    code = "import sys, hecate.client; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_calls_share_a_connection(tmp_path: Path) -> None:
    """One call after another pays for one connection."""
    with scripted_daemon(tmp_path, answer(HEALTH), answer(HEALTH)) as daemon:
        async with AsyncClient(daemon.path) as client:
            await client.health()
            assert (await client.health()).version == "0.8.0"
    assert [request.connection for request in daemon.requests] == [0, 0]


async def test_a_connection_that_the_daemon_closed_is_not_used_for_a_command(tmp_path: Path) -> None:
    """A command without a key cannot be repeated, so it must not go out on a connection known to be dead."""
    with scripted_daemon(tmp_path, answer_and_close(HEALTH), answer(DONE, 201)) as daemon:
        async with AsyncClient(daemon.path) as client:
            await client.health()
            await asyncio.to_thread(daemon.ended.wait, 5)
            assert (await client.set_up_venture("my-saas")).id == "v-1"


async def test_a_command_is_sent_again_only_with_a_key(tmp_path: Path) -> None:
    """Without one it may have been carried out already."""
    with scripted_daemon(tmp_path, break_off, break_off, answer(DONE, 201)) as daemon:
        async with AsyncClient(daemon.path) as client:
            with pytest.raises(AnswerBroken):
                await client.set_up_venture("my-saas")
            assert len(daemon.requests) == 1
            await client.set_up_venture("my-saas", idempotency_key="k-1")
    assert [request.headers.get("idempotency-key") for request in daemon.requests] == [None, "k-1", "k-1"]


async def test_a_refusal_carries_what_the_daemon_said(tmp_path: Path) -> None:
    """The errors are those of the other client."""
    refused = {"ok": False, "error": "the process is pending", "code": "invalid_state", "available_actions": ["start"]}
    with scripted_daemon(tmp_path, answer(refused, 409)) as daemon:
        async with AsyncClient(daemon.path) as client:
            with pytest.raises(InvalidState, match="pending") as caught:
                await client.division_command("div-1", "design", "aggregate")
    assert caught.value.available_actions == ("start",)


async def test_without_a_daemon_the_error_says_what_to_do(tmp_path: Path) -> None:
    """No socket: the remedy is in the message."""
    async with AsyncClient(tmp_path / "nobody.sock") as client:
        with pytest.raises(DaemonUnreachable, match="`hecate serve`"):
            await client.health()


async def test_a_silent_daemon_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """The time limit is told in seconds."""
    over = threading.Event()
    with scripted_daemon(tmp_path, stay_silent(over)) as daemon:
        async with AsyncClient(daemon.path, timeout_seconds=0.05) as client:
            with pytest.raises(DaemonSilent, match=r"within 0.05 s"):
                await client.health()
        over.set()


async def test_a_streamed_chat_gives_its_pieces_and_ends_at_the_last(tmp_path: Path) -> None:
    """Text, the last chunk, and no more."""
    pieces = stream(chunk(content="Hel", done=False), chunk(content="lo", done=False), chunk(content="", done=True))
    with scripted_daemon(tmp_path, pieces) as daemon:
        async with AsyncClient(daemon.path) as client, await client.stream_chat("m", "Hello!") as chunks:
            assert [piece.content async for piece in chunks] == ["Hel", "lo", ""]


async def test_a_chat_tells_of_its_failures(tmp_path: Path) -> None:
    """Before the first piece, in the middle, and at an end that came too soon."""
    with scripted_daemon(
        tmp_path,
        answer({"ok": False, "error": "no such model", "code": "model_not_found"}, 404),
        stream(chunk(error="the provider hung up", code="provider_error", done=True)),
        stream(chunk(content="Hel", done=False), then=break_off),
        stream(chunk(content="Hel", done=False)),
    ) as daemon:
        async with AsyncClient(daemon.path) as client:
            with pytest.raises(ModelNotFound):
                await client.stream_chat("m", "Hello!")
            for error in (ProviderFailed, AnswerBroken, AnswerBroken):
                chunks = await client.stream_chat("m", "Hello!")
                with pytest.raises(error):
                    _ = [piece async for piece in chunks]


@pytest.mark.parametrize("read_first", [True, False])
async def test_closing_a_chat_hangs_up(tmp_path: Path, *, read_first: bool) -> None:
    """The daemon sees at once that nobody listens any more, also if no piece was read."""
    step = stream(chunk(content="Hel", done=False), then=wait_for_hang_up)
    with scripted_daemon(tmp_path, step) as daemon:
        async with AsyncClient(daemon.path) as client:
            async with await client.stream_chat("m", "Hello!") as chunks:
                if read_first:
                    await anext(chunks)
            assert await asyncio.to_thread(daemon.ended.wait, 5)


async def test_cancelling_a_chat_hangs_up(tmp_path: Path) -> None:
    """A task that is cancelled while it waits for the answer leaves no connection behind."""
    with scripted_daemon(tmp_path, wait_for_hang_up) as daemon:
        async with AsyncClient(daemon.path) as client:
            asking = asyncio.create_task(client.chat("m", "Hello!"))
            assert await asyncio.to_thread(daemon.began.wait, 5)
            asking.cancel()
            assert await asyncio.to_thread(daemon.ended.wait, 5)
            with pytest.raises(asyncio.CancelledError):
                await asking


async def test_live_events_go_on_after_the_last_one_seen(tmp_path: Path) -> None:
    """A broken connection costs no event and repeats none."""
    with scripted_daemon(
        tmp_path,
        stream(event(1), event(2), then=break_off),
        stream(),
        answer({"ok": False, "error": "stopping", "code": "unavailable"}, 503),
        stream(event(3), then=wait_for_hang_up),
    ) as daemon:
        async with AsyncClient(daemon.path) as client, client.follow_events() as events:
            assert [(await anext(events)).position for _ in range(3)] == [1, 2, 3]
    assert [request.headers.get("last-event-id") for request in daemon.requests] == [None, "2", "2", "2"]


async def test_live_events_of_a_daemon_that_does_not_come_back_end(tmp_path: Path) -> None:
    """After the patience is over the reader is told."""
    with scripted_daemon(tmp_path, stream(event(1), then=break_off)) as daemon:
        async with AsyncClient(daemon.path) as client:
            events = client.follow_events(patience_seconds=0.0)
            await anext(events)
            with pytest.raises(HecateClientError):
                await anext(events)


async def test_all_events_come_one_a_line(tmp_path: Path) -> None:
    """Lines may be cut anywhere on their way; one that is cut off is an error."""
    text = event_line(1) + event_line(2)
    with scripted_daemon(
        tmp_path, stream(text[:30], text[30:90], text[90:]), stream(text[:-30], then=break_off)
    ) as daemon:
        async with AsyncClient(daemon.path) as client:
            assert [event.position async for event in await client.every_event()] == [1, 2]
            with pytest.raises(AnswerBroken):
                _ = [event async for event in await client.every_event()]
