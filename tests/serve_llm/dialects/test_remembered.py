"""What belongs to calls is remembered, for a while."""

from __future__ import annotations

from hecate.serve_llm.dialects.remembered import RememberedSignatures
from hecate.serve_llm.messages import AssistantMessage, Message, Signature, ToolCall, UserMessage

SIGNATURE: Signature = {"provider": "anthropic", "block": {"signature": "x" * 100}}


def said(call_id: str, *signatures: Signature) -> tuple[Message, ...]:
    """Return a conversation in which a call was made."""
    return (UserMessage("look"), AssistantMessage(None, (ToolCall(call_id, "look"),), signatures=signatures))


def test_it_is_put_back() -> None:
    """By the id of the first call, unless the client has sent something itself."""
    memory = RememberedSignatures()
    assert memory.restored(said("a")) == said("a")
    memory.keep("a", [SIGNATURE])
    assert memory.restored(said("a")) == said("a", SIGNATURE)
    assert memory.restored(said("b")) == said("b")
    own: Signature = {"provider": "google"}
    assert memory.restored(said("a", own)) == said("a", own)


def test_the_oldest_is_forgotten_when_there_is_no_room() -> None:
    """What was asked for lately stays."""
    memory = RememberedSignatures(limit_bytes=500)
    for call_id in ("a", "b", "c"):
        memory.keep(call_id, [SIGNATURE])
    memory.restored(said("a"))
    memory.keep("d", [SIGNATURE])
    kept = [call_id for call_id in "abcd" if memory.restored(said(call_id)) != said(call_id)]
    assert kept == ["a", "c", "d"]


def test_what_alone_is_too_much_is_not_remembered() -> None:
    """And leaves the memory in order."""
    memory = RememberedSignatures(limit_bytes=50)
    memory.keep("a", [SIGNATURE])
    assert memory.restored(said("a")) == said("a")
    memory.keep("b", [{}])
    assert memory.restored(said("b")) == said("b", {})
