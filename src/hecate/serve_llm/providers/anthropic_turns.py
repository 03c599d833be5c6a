"""The conversation as it is sent to Anthropic: turns of blocks, with the instructions apart."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    CacheControl,
    ChatRequest,
    DeveloperMessage,
    FilePart,
    ImagePart,
    Part,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.anthropic_models import claude
from hecate.serve_llm.providers.inline_data import inline_data
from hecate.serve_llm.providers.kept import Called, Opaque, Stretch, in_order

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")

Block = dict[str, Any]


class Turns:
    """The messages of a request.

    Args:
        request: Whose messages they are.
        provider: The account's name.

    Raises:
        Invalid: A message holds what Anthropic does not take.
    """

    def __init__(self, request: ChatRequest, provider: str) -> None:
        self._provider = provider
        self._takes_system = claude(request.model).takes_system_turns
        self._instructions: list[Block] = []
        """Those that wait for the end of the user's turn, after which alone they may stand."""
        self._results_open = False
        """Whether the last turn consists of results, to which more may be added."""
        self.system: list[Block] = []
        self.messages: list[dict[str, Any]] = []
        self._add_all(request)

    def _add_all(self, request: ChatRequest) -> None:
        for message in request.messages:
            match message:
                case SystemMessage() | DeveloperMessage():
                    self._instruct(message)
                case UserMessage():
                    self._say(_blocks(message.parts, self._provider), results=False)
                case ToolMessage():
                    self._say([_tool_result(message, self._provider)], results=True)
                case AssistantMessage():
                    self._place_instructions()
                    if blocks := _said(message, self._provider):
                        self.messages.append({"role": "assistant", "content": blocks})
                        self._results_open = False
        self._place_instructions()

    def _instruct(self, message: SystemMessage | DeveloperMessage) -> None:
        if not all(isinstance(part, TextPart) for part in message.parts):
            raise Invalid(f"{self._provider} takes instructions as text only")
        blocks = _blocks(message.parts, self._provider)
        (self._instructions if self.messages and self._takes_system else self.system).extend(blocks)

    def _say(self, blocks: list[Block], *, results: bool) -> None:
        """Add *blocks* of the user's; the results of calls and what follows them are one turn."""
        if self._results_open:
            self.messages[-1]["content"].extend(blocks)
        else:
            self.messages.append({"role": "user", "content": blocks})
        self._results_open = results

    def _place_instructions(self) -> None:
        if not self._instructions:
            return
        if self.messages[-1]["role"] == "user":
            self.messages.append({"role": "system", "content": self._instructions})
            self._results_open = False
        else:
            self.system.extend(self._instructions)
        self._instructions = []


def _said(message: AssistantMessage, provider: str) -> list[Block]:
    blocks: list[Block] = []
    for strand in in_order(message, provider):
        match strand:
            case Opaque():
                blocks.append(strand.block)
            case Called():
                blocks.append({**_tool_use(strand.call), **strand.fields})
            case Stretch():
                if not isinstance(strand.part, TextPart):
                    raise Invalid(f"{provider} takes text only as what the assistant said")
                blocks.extend({**block, **strand.fields} for block in _blocks((strand.part,), provider))
    return blocks


def _tool_use(call: ToolCall) -> Block:
    # What is no JSON object is wrapped into one, the way Anthropic's documentation advises.
    arguments = {"INVALID_JSON": call.malformed_arguments} if call.malformed_arguments else call.arguments
    return {"type": "tool_use", "id": _call_id(call.id), "name": call.name, "input": arguments}


def _tool_result(message: ToolMessage, provider: str) -> Block:
    return {
        "type": "tool_result",
        "tool_use_id": _call_id(message.tool_call_id),
        "content": _blocks(message.parts, provider),
        "is_error": message.is_error,
    }


def _call_id(id_: str) -> str:
    """Return *id_*, perhaps another provider's, as Anthropic takes it."""
    return _NOT_IN_IDS.sub("_", id_)


def _blocks(parts: tuple[Part, ...], provider: str) -> list[Block]:
    return [
        marked(_block(part, provider), part.cache_control)
        for part in parts
        if not isinstance(part, TextPart) or part.text.strip()  # A blank text is refused.
    ]


def _block(part: Part, provider: str) -> Block:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            inline = inline_data(part)
            if inline is None:
                return {"type": "image", "source": {"type": "url", "url": part.url}}
            return {"type": "image", "source": {"type": "base64", **inline._asdict()}}
        case FilePart():
            document: Block = {"type": "document", "source": _document_source(part, provider)}
            return {**document, "title": part.name} if part.name else document


def _document_source(part: FilePart, provider: str) -> Block:
    inline = inline_data(part)
    if inline is None:
        return {"type": "url", "url": part.url}
    if inline.media_type == "application/pdf":
        return {"type": "base64", **inline._asdict()}
    if inline.media_type.startswith("text/"):
        return {"type": "text", "media_type": "text/plain", "data": _text_in(inline.data)}
    raise Invalid(f"{provider} takes files of PDF and of text, not of {inline.media_type}")


def _text_in(data: str) -> str:
    try:
        return b64decode(data, validate=True).decode()
    except ValueError as exc:
        raise Invalid(f"a file's `data` is not the base64 of a text in UTF-8: {exc}") from exc


def marked(block: Block, mark: CacheControl | None) -> Block:
    """Return *block* with a mark, if there is one, that it may be cached up to here."""
    if mark is not None:
        block["cache_control"] = mark.fields
    return block
