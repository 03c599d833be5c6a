"""What comes back from Anthropic's Messages API, whole or event by event.

A block that is neither text nor a call, known or not, is kept as it is, since Anthropic wants its
blocks back unchanged.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import msgspec

from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.pieces import (
    Finish,
    FinishReason,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallDelta,
    ToolCallPiece,
)
from hecate.serve_llm.providers.anthropic_events import Event, TokenUsage
from hecate.serve_llm.providers.kept import Kept
from hecate.serve_llm.providers.openai_answer import tool_call
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.refusals import failure_in_stream, not_understood

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_OF_A_CALL = frozenset({"type", "id", "name", "input"})
_CALLED_BY_THE_MODEL = {"type": "direct"}


class _Block:
    """A block that is being read."""

    __slots__ = ("after_calls", "after_characters", "call_index", "citations", "fields", "texts")

    def __init__(self, fields: dict[str, Any], after_characters: int, after_calls: int) -> None:
        self.fields = fields
        self.after_characters = after_characters
        self.after_calls = after_calls
        self.call_index = -1
        self.texts: list[str] = []
        """More of the thinking, or of the input's JSON."""
        self.citations: list[Any] = []

    @property
    def kind(self) -> str:
        """The block's type; empty if it does not say."""
        return str(self.fields.get("type") or "")


_decode = msgspec.json.Decoder(Event).decode


class Reading:
    """Reads one answer: give it what arrives, then ask for the end."""

    __slots__ = (
        "_account",
        "_calls",
        "_characters",
        "_open",
        "_reason",
        "_stop_sequence",
        "_usage",
        "complete",
        "ended",
    )

    def __init__(self, account: Account) -> None:
        self._account = account
        self._open: dict[int, _Block] = {}
        self._characters = 0
        """Of text so far."""
        self._calls = 0
        self._reason = ""
        self._stop_sequence = ""
        self._usage = TokenUsage()
        self.complete = False
        """Whether the model has said why it stopped."""
        self.ended = False
        """Whether the last event has been read."""

    def take(self, payload: bytes, pieces: list[Piece]) -> None:
        """Add to *pieces* what *payload*, an answer or an event, brings.

        Raises:
            ProviderFailed: It is an error, or not understood.
        """
        try:
            event = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self._account, exc) from exc
        match event.type:
            case "content_block_delta":
                self._take_delta(event, payload, pieces)
            case "content_block_start":
                self._begin(event.index or 0, event.content_block or {}, pieces, streamed=True)
            case "content_block_stop":
                self._end(event.index or 0, pieces)
            case "message_start":
                if event.message is not None:
                    self._count(event.message.usage)
            case "message_delta":
                self._count(event.usage)
                if event.delta is not None and event.delta.stop_reason:
                    self._stop(event.delta.stop_reason, event.delta.stop_sequence)
            case "message_stop":
                self._stop(self._reason or "end_turn", self._stop_sequence)
                self.ended = True
            case "error":
                raise failure_in_stream(self._account, payload)
            case "message":
                self._take_whole(event, pieces)
            case _ if event.error is not None:
                raise failure_in_stream(self._account, payload)

    def finish(self, pieces: list[Piece]) -> None:
        """Add the end to *pieces*.

        Raises:
            ProviderFailed: The answer ended before the model did.
        """
        if not self.complete:
            raise ProviderFailed(
                f"{self._account.name} ended its answer in the middle: it gave no reason to stop",
                provider=self._account.name,
            )
        for index in list(self._open):
            self._end(index, pieces)
        reason = FINISH_REASONS.get(self._reason, "stop")
        if self._calls and reason == "stop":
            reason = "tool_calls"
        pieces.append(Finish(reason, self._usage.neutral(), self._stop_sequence))

    def _take_whole(self, message: Event, pieces: list[Piece]) -> None:
        for index, block in enumerate(message.content or ()):
            self._begin(index, block, pieces, streamed=False)
            self._end(index, pieces)
        self._count(message.usage)
        self._stop(message.stop_reason or "end_turn", message.stop_sequence)

    def _stop(self, reason: str, sequence: str | None) -> None:
        self._reason = reason
        self._stop_sequence = sequence or ""
        self.complete = True

    def _begin(self, index: int, fields: dict[str, Any], pieces: list[Piece], *, streamed: bool) -> None:
        self._end(index, pieces)  # A server that forgets to end a block has ended it by now.
        block = self._open[index] = _Block(fields, self._characters, self._calls)
        match block.kind:
            case "text":
                self._add_text(fields.get("text"), pieces)
                if isinstance(citations := fields.get("citations"), list):
                    block.citations.extend(citations)
            case "thinking":
                if isinstance(thinking := fields.get("thinking"), str) and thinking:
                    block.texts.append(thinking)
                    pieces.append(ReasoningPiece(thinking))
            case "tool_use":
                fields["id"] = str(fields.get("id") or f"toolu_{token_hex(12)}")
                block.call_index = self._calls
                self._calls += 1
                if streamed:
                    pieces.append(ToolCallDelta(block.call_index, fields["id"], str(fields.get("name") or "")))

    def _take_delta(self, event: Event, payload: bytes, pieces: list[Piece]) -> None:
        delta = event.delta
        if delta is None:
            return
        if delta.type == "text_delta":
            self._add_text(delta.text, pieces)
            return
        block = self._open.get(event.index or 0)
        if block is None:
            return
        match delta.type:
            case "thinking_delta":
                if delta.thinking:
                    block.texts.append(delta.thinking)
                    pieces.append(ReasoningPiece(delta.thinking))
            case "input_json_delta":
                if delta.partial_json:
                    block.texts.append(delta.partial_json)
                    if block.call_index >= 0:
                        pieces.append(ToolCallDelta(block.call_index, arguments=delta.partial_json))
            case "signature_delta":
                block.fields["signature"] = delta.signature
            case "citations_delta":
                block.citations.append(delta.citation)
            case _:
                _add_unknown(block.fields, msgspec.json.decode(payload)["delta"])

    def _add_text(self, text: Any, pieces: list[Piece]) -> None:
        if isinstance(text, str) and text:
            self._characters += len(text)
            pieces.append(TextPiece(text))

    def _end(self, index: int, pieces: list[Piece]) -> None:
        block = self._open.pop(index, None)
        if block is None:
            return
        match block.kind:
            case "text":
                if block.citations:
                    self._keep(block, {"citations": block.citations}, pieces, self._characters - block.after_characters)
            case "tool_use":
                self._end_call(block, pieces)
            case "thinking":
                self._keep(block, {**block.fields, "thinking": "".join(block.texts)}, pieces)
            case _:
                if block.texts:
                    written = tool_call("", "", "".join(block.texts))
                    block.fields["input"] = written.arguments
                self._keep(block, block.fields, pieces)

    def _end_call(self, block: _Block, pieces: list[Piece]) -> None:
        fields = block.fields
        id_, name, given = fields["id"], str(fields.get("name") or ""), fields.get("input")
        if block.texts:
            call = tool_call(id_, name, "".join(block.texts))
        elif isinstance(given, dict) or given is None:
            call = ToolCall(id_, name, given or {})
        else:
            call = ToolCall(id_, name, malformed_arguments=msgspec.json.encode(given).decode())
        own = {field: value for field, value in fields.items() if field not in _OF_A_CALL}
        if own.get("caller") == _CALLED_BY_THE_MODEL:
            del own["caller"]
        if own:
            pieces.append(SignaturePiece(Kept(self._account.name, own, call_id=id_).signature()))
        pieces.append(ToolCallPiece(block.call_index, call))

    def _keep(self, block: _Block, fields: dict[str, Any], pieces: list[Piece], characters: int | None = None) -> None:
        kept = Kept(self._account.name, fields, block.after_characters, block.after_calls, characters)
        pieces.append(SignaturePiece(kept.signature()))

    def _count(self, usage: TokenUsage | None) -> None:
        if usage is not None:
            self._usage.update(usage)


def _add_unknown(fields: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a *delta* of a kind that is not known here: texts are continued, the rest is replaced."""
    for name, value in delta.items():
        if name == "type":
            continue
        former = fields.get(name)
        fields[name] = former + value if isinstance(former, str) and isinstance(value, str) else value
