"""The events of a streamed chat: what fills silence, and where a failure goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from hecate.serve_llm.chat_events import EMPTY, chat_events
from hecate.serve_llm.errors import ProviderSlow
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.patient_stream import Patience
from hecate.serve_llm.pieces import (
    Batches,
    Began,
    Finish,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallDelta,
    ToolCallPiece,
    Usage,
)

IMPATIENT = Patience(hold_seconds=0.01, beat_seconds=0.01)
BEGAN = Began("openai", "m1")
FINISH = Finish("stop", Usage.of(1, 2))


async def given(*batches: list[Piece] | BaseException | asyncio.Event) -> Batches:
    """Give *batches*, wait for events and raise errors, in their order."""
    for batch in batches:
        if isinstance(batch, asyncio.Event):
            await batch.wait()
        elif isinstance(batch, BaseException):
            raise batch
        else:
            yield batch


def documents(events: bytes) -> list[dict[str, object]]:
    """Return the events as JSON, without the end mark."""
    lines = events.decode("ascii").split("\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line and line != "data: [DONE]"]


async def everything(events: AsyncGenerator[bytes, None]) -> bytes:
    """Return all *events* as one."""
    return b"".join([event async for event in events])


async def test_silence_is_filled() -> None:
    """While the model has not spoken, empty chunks come, again and again; then its text."""
    spoken = asyncio.Event()
    events = chat_events(given(spoken, [BEGAN, TextPiece("Hi")], [FINISH]), (), IMPATIENT)
    assert [await anext(events) for _ in range(3)] == [EMPTY] * 3
    spoken.set()
    rest = [event async for event in events if event != EMPTY]
    assert documents(rest[0]) == [{"content": "Hi", "done": False}]


async def test_a_long_tool_call_is_no_silence() -> None:
    """While arguments of a tool call are written, which nobody sees yet, empty chunks come too."""
    pause = asyncio.Event()
    deltas: list[Piece] = [ToolCallDelta(0, arguments="x")]
    asyncio.get_running_loop().call_later(0.05, pause.set)
    events = chat_events(given([BEGAN, TextPiece("Hi")], deltas, pause, deltas, [FINISH]), (), IMPATIENT)
    assert (await everything(events)).count(EMPTY) == 1


async def test_early_failure_rises() -> None:
    """A failure before anything was given is raised, for the caller to get an HTTP status."""
    events = chat_events(given(ProviderSlow("too slow")), ())
    with pytest.raises(ProviderSlow):
        await anext(events)


async def test_failure_after_an_empty_chunk_is_an_event() -> None:
    """Once an empty chunk has gone out, so has the status: a failure is the last event."""
    spoken = asyncio.Event()
    events = chat_events(given(spoken, ProviderSlow("é too slow")), (), IMPATIENT)
    assert await anext(events) == EMPTY
    spoken.set()
    rest = [event async for event in events if event != EMPTY]
    assert documents(b"".join(rest)) == [{"error": "é too slow", "code": "provider_error", "done": True}]
    assert b"".join(rest).isascii()


async def test_leaving_during_the_first_wait() -> None:
    """Closing the events while the first piece is awaited stops who makes it."""
    stopped = asyncio.Event()

    async def waits() -> Batches:
        try:
            await asyncio.Event().wait()
            yield []
        finally:
            stopped.set()

    events = chat_events(waits(), (), IMPATIENT)
    assert await anext(events) == EMPTY
    await events.aclose()
    assert stopped.is_set()


async def test_what_arrives_together_goes_together() -> None:
    """The pieces of one batch are one item, so that a fast provider costs few writes."""
    pieces: list[Piece] = [BEGAN, ReasoningPiece("hm"), *(TextPiece(str(number)) for number in range(50)), FINISH]
    (item,) = [event async for event in chat_events(given(pieces), ())]
    found = documents(item)
    assert found[0] == {"content": "", "reasoning": "hm", "done": False}
    assert "".join(str(chunk["content"]) for chunk in found) == "".join(map(str, range(50)))


async def test_signatures_and_calls_come_at_the_end() -> None:
    """What must be sent back unchanged is in the last chunk, the tool calls in the one before."""
    call = ToolCall("c1", "look", {"at": "☃"})
    pieces: list[Piece] = [BEGAN, SignaturePiece({"provider": "x", "s": "é"}), ToolCallPiece(0, call), FINISH]
    calls, last = documents(await everything(chat_events(given(pieces), ("careful",))))
    assert calls["tool_calls"] == [{"id": "c1", "name": "look", "arguments": {"at": "☃"}}]
    assert last["signatures"] == [{"provider": "x", "s": "é"}]
    assert last["warnings"] == ["careful"]
