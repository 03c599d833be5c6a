"""Reads what comes back from a server that speaks OpenAI's chat completions, whole or in pieces.

One `Reading` serves both forms, since a chunk is an answer in small.
"""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import msgspec

from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.pieces import (
    NO_USAGE,
    Finish,
    FinishReason,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallDelta,
    ToolCallPiece,
    Usage,
)
from hecate.serve_llm.providers.openai_shapes import CallDelta, Choice, Completion, ContentChunk, FunctionDelta
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.refusals import failure_in_stream, not_understood

END_MARK = b"[DONE]"
FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
}


class _OpenCall:
    """A tool call that is being read."""

    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int, id_: str, name: str) -> None:
        self.index = index
        self.id = id_
        self.name = name
        self.arguments: list[str] = []

    def finished(self) -> ToolCallPiece:
        return ToolCallPiece(self.index, tool_call(self.id, self.name, "".join(self.arguments)))


_decode = msgspec.json.Decoder(Completion).decode


class Reading:
    """Reads one answer: give it what arrives, then ask for the end."""

    __slots__ = ("_account", "_by_index", "_calls", "_reason", "_usage", "complete", "ended")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._calls: list[_OpenCall] = []
        self._by_index: dict[int, _OpenCall] = {}
        self._reason = ""
        self._usage: Usage | None = None
        self.complete = False
        """Whether the model has said why it stopped, so that only the usage may still follow."""
        self.ended = False
        """Whether the end mark has been read: nothing that follows matters."""

    def take(self, payload: bytes, pieces: list[Piece]) -> None:
        """Add to *pieces* what *payload*, an answer or a chunk, brings.

        Raises:
            ProviderFailed: It is an error, or not understood.
        """
        if payload == END_MARK:
            self.ended = True
            return
        try:
            completion = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self._account, exc) from exc
        if completion.error is not None or completion.object == "error":
            raise failure_in_stream(self._account, payload)
        if completion.usage is not None:
            self._usage = completion.usage.neutral()
        elif completion.x_groq is not None and completion.x_groq.usage is not None:
            self._usage = completion.x_groq.usage.neutral()
        for choice in completion.choices or ():
            if choice.index == 0:
                self._take_choice(choice, pieces)

    def finish(self, pieces: list[Piece]) -> None:
        """Add to *pieces* the finished tool calls and the end.

        Raises:
            ProviderFailed: The answer ended before the model did.
        """
        if not self.complete:
            raise ProviderFailed(
                f"{self._account.name} ended its answer in the middle: it gave no reason to finish",
                provider=self._account.name,
            )
        reason = FINISH_REASONS.get(self._reason, "stop")
        if self._calls and reason == "stop":
            reason = "tool_calls"  # What OpenAI itself says when a tool was forced.
        pieces.extend(call.finished() for call in self._calls)
        pieces.append(Finish(reason, self._usage or NO_USAGE))

    def _take_choice(self, choice: Choice, pieces: list[Piece]) -> None:
        said = choice.delta or choice.message
        if said is not None:
            if reasoning := said.reasoning_content or said.reasoning:
                pieces.append(ReasoningPiece(reasoning))
            if said.content:
                if isinstance(said.content, str):
                    pieces.append(TextPiece(said.content))
                else:
                    pieces.extend(_in_parts(said.content))
            if said.refusal:
                pieces.append(TextPiece(said.refusal))
            if said.reasoning_details:
                signature = {"provider": self._account.name, "reasoning_details": said.reasoning_details}
                pieces.append(SignaturePiece(signature))
            for delta in said.tool_calls or ():
                self._take_call(delta, pieces)
        if choice.finish_reason:
            self._reason = choice.finish_reason
            self.complete = True

    def _take_call(self, delta: CallDelta, pieces: list[Piece]) -> None:
        function = delta.function or FunctionDelta()
        call = self._call_meant(delta, function)
        opened = call is None
        if call is None:
            call = _OpenCall(len(self._calls), delta.id or f"call_{token_hex(12)}", function.name or "")
            self._calls.append(call)
            if delta.index is not None:
                self._by_index[delta.index] = call
        more = function.arguments or ""
        if isinstance(more, dict):
            more = msgspec.json.encode(more).decode()
        call.arguments.append(more)
        if opened:
            pieces.append(ToolCallDelta(call.index, call.id, call.name, more))
        elif more:
            pieces.append(ToolCallDelta(call.index, arguments=more))

    def _call_meant(self, delta: CallDelta, function: FunctionDelta) -> _OpenCall | None:
        """Return the open call that *delta* continues, or None if it begins another.

        Some servers leave the index out or always say 0; then a new id with a name tells.
        """
        if delta.index is not None:
            call = self._by_index.get(delta.index)
        else:
            call = self._calls[-1] if self._calls and not function.name else None
        if call is not None and function.name and delta.id and delta.id != call.id:
            return None
        return call


def tool_call(id_: str, name: str, arguments: str) -> ToolCall:
    """Return the call of which a model wrote *arguments*; none at all count as an empty object."""
    if not arguments.strip():
        return ToolCall(id_, name)
    try:
        read = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return ToolCall(id_, name, malformed_arguments=arguments)
    if read is None:
        return ToolCall(id_, name)
    if not isinstance(read, dict):
        return ToolCall(id_, name, malformed_arguments=arguments)
    return ToolCall(id_, name, read)


def _in_parts(chunks: list[ContentChunk]) -> Iterator[Piece]:
    for chunk in chunks:
        if chunk.text:
            yield TextPiece(chunk.text)
        for thought in chunk.thinking:
            if thought.text:
                yield ReasoningPiece(thought.text)
