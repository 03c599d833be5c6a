"""The messages of OpenAI's chat completions, and the way from them to the neutral form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.chat_body import GivenFunction
from hecate.serve_llm.messages import (
    AssistantMessage,
    CacheControl,
    Content,
    DeveloperMessage,
    FilePart,
    ImagePart,
    Message,
    Part,
    Signature,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.openai_answer import tool_call

AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)


class GivenText(Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text."""

    text: str
    cache_control: CacheControl | None = None

    def neutral(self) -> Part:
        """Return the part in the gateway's own form."""
        return TextPart(self.text, self.cache_control)


class GivenRefusal(Struct, frozen=True, tag_field="type", tag="refusal"):
    """What the model said instead of an answer."""

    refusal: str

    def neutral(self) -> Part:
        """Return the part in the gateway's own form."""
        return TextPart(self.refusal)


class ImageUrl(Struct, frozen=True):
    """Where a picture is; how closely to look at it (``detail``) is left to the provider."""

    url: str


class GivenImage(Struct, frozen=True, tag_field="type", tag="image_url"):
    """A picture."""

    image_url: ImageUrl
    cache_control: CacheControl | None = None

    def neutral(self) -> Part:
        """Return the part in the gateway's own form."""
        if inline := _DATA_URL.fullmatch(self.image_url.url):
            return ImagePart(data=inline[2], media_type=inline[1], cache_control=self.cache_control)
        return ImagePart(url=self.image_url.url, cache_control=self.cache_control)


class InputAudio(Struct, frozen=True):
    """A recording."""

    data: str
    format: Literal["wav", "mp3"]


class GivenAudio(Struct, frozen=True, tag_field="type", tag="input_audio"):
    """A recording."""

    input_audio: InputAudio

    def neutral(self) -> Part:
        """Return the part in the gateway's own form."""
        return FilePart(data=self.input_audio.data, media_type=AUDIO_TYPES[self.input_audio.format])


class InputFile(Struct, frozen=True):
    """A document."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str = ""


class GivenFile(Struct, frozen=True, tag_field="type", tag="file"):
    """A document."""

    file: InputFile

    def neutral(self) -> Part:
        """Return the part in the gateway's own form.

        Raises:
            Invalid: The document is at OpenAI.
        """
        if not self.file.file_data:
            raise Invalid("a file must be sent as `file_data`: one that was uploaded to OpenAI is only there")
        if inline := _DATA_URL.fullmatch(self.file.file_data):
            return FilePart(data=inline[2], media_type=inline[1], name=self.file.filename)
        return FilePart(url=self.file.file_data, name=self.file.filename)


GivenPart = GivenText | GivenRefusal | GivenImage | GivenAudio | GivenFile
GivenContent = str | tuple[GivenPart, ...]


class GivenCall(Struct, frozen=True):
    """A call in an earlier turn."""

    id: str
    function: GivenFunction
    type: Literal["function"] = "function"

    def neutral(self) -> ToolCall:
        """Return the call in the gateway's own form; arguments that are no JSON object are kept as they are."""
        arguments = self.function.arguments
        if isinstance(arguments, dict):
            return ToolCall(self.id, self.function.name, arguments)
        return tool_call(self.id, self.function.name, arguments or "")


class GivenSystem(Struct, frozen=True, tag_field="role", tag="system"):
    """Instructions to the model."""

    content: GivenContent


class GivenDeveloper(Struct, frozen=True, tag_field="role", tag="developer"):
    """Instructions to the model, by their newer name."""

    content: GivenContent


class GivenUser(Struct, frozen=True, tag_field="role", tag="user"):
    """What the user says."""

    content: GivenContent
    name: str | None = None


class GivenAssistant(Struct, frozen=True, tag_field="role", tag="assistant"):
    """What the model said in an earlier turn."""

    content: GivenContent | None = None
    refusal: str | None = None
    tool_calls: tuple[GivenCall, ...] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    signatures: tuple[Signature, ...] | None = None
    """Of ours: what an answer had, to be sent back."""
    function_call: Any = None
    audio: Any = None

    def neutral(self) -> AssistantMessage:
        """Return the message in the gateway's own form.

        Raises:
            Invalid: It has what only OpenAI knows.
        """
        if self.function_call is not None:
            raise Invalid("`function_call` is from before `tool_calls`, which every provider knows")
        if self.audio is not None:
            raise Invalid("`audio` in a message of the assistant's is only at OpenAI; send its text")
        return AssistantMessage(
            _content(self.content) if self.content else self.refusal,
            tuple(call.neutral() for call in self.tool_calls or ()),
            self.reasoning_content or self.reasoning or "",
            self.signatures or (),
        )


class GivenTool(Struct, frozen=True, tag_field="role", tag="tool"):
    """What a tool gave back."""

    tool_call_id: str
    content: GivenContent


GivenMessage = GivenSystem | GivenDeveloper | GivenUser | GivenAssistant | GivenTool


def neutral_messages(messages: tuple[GivenMessage, ...]) -> Iterator[Message]:
    """Give *messages* in the gateway's own form.

    Raises:
        Invalid: A message has what only OpenAI knows.
    """
    for message in messages:
        match message:
            case GivenUser():
                yield UserMessage(_content(message.content), message.name or "")
            case GivenAssistant():
                yield message.neutral()
            case GivenTool():
                yield ToolMessage(content=_content(message.content), tool_call_id=message.tool_call_id)
            case GivenSystem():
                yield SystemMessage(_content(message.content))
            case GivenDeveloper():
                yield DeveloperMessage(_content(message.content))


def _content(content: GivenContent) -> Content:
    return content if isinstance(content, str) else tuple(part.neutral() for part in content)
