"""The blocks that Anthropic's messages consist of, and the way from them to parts of the neutral form."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import CacheControl, FilePart, ImagePart, Part, TextPart


class Base64Source(Struct, frozen=True, tag_field="type", tag="base64"):
    """The bytes themselves."""

    media_type: str
    data: str


class UrlSource(Struct, frozen=True, tag_field="type", tag="url"):
    """Where the bytes are."""

    url: str


class TextSource(Struct, frozen=True, tag_field="type", tag="text"):
    """A document that is a text."""

    data: str


class FileSource(Struct, frozen=True, tag_field="type", tag="file"):
    """A file that was uploaded to Anthropic."""

    file_id: str


class TextBlock(Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text."""

    text: str
    cache_control: CacheControl | None = None


class ImageBlock(Struct, frozen=True, tag_field="type", tag="image"):
    """A picture."""

    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None


class ContentSource(Struct, frozen=True, tag_field="type", tag="content"):
    """A document that is put together of blocks."""

    content: str | tuple[TextBlock | ImageBlock, ...]


class DocumentBlock(Struct, frozen=True, tag_field="type", tag="document"):
    """A document."""

    source: Base64Source | UrlSource | TextSource | FileSource | ContentSource
    title: str | None = None
    context: str | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Struct, frozen=True, tag_field="type", tag="thinking"):
    """What the model thought, signed."""

    thinking: str
    signature: str = ""


class RedactedThinkingBlock(Struct, frozen=True, tag_field="type", tag="redacted_thinking"):
    """What the model thought, unreadable."""

    data: str


class ToolUseBlock(Struct, frozen=True, tag_field="type", tag="tool_use"):
    """A call of a tool."""

    id: str
    name: str
    input: dict[str, Any]


class ToolResultBlock(Struct, frozen=True, tag_field="type", tag="tool_result"):
    """What a tool gave back."""

    tool_use_id: str
    content: str | tuple[TextBlock | ImageBlock | DocumentBlock, ...] | None = None
    is_error: bool | None = None


Shown = TextBlock | ImageBlock | DocumentBlock
"""What can be shown to a model."""
Block = Shown | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock | ToolResultBlock


def parts_of(block: Shown) -> tuple[Part, ...]:
    """Return *block* as parts.

    Raises:
        Invalid: It is a file at Anthropic.
    """
    match block:
        case TextBlock():
            return (TextPart(block.text, block.cache_control),)
        case ImageBlock():
            return (_image(block),)
        case DocumentBlock():
            return _document(block)


def shown_parts(content: str | tuple[Shown, ...] | None) -> tuple[Part, ...]:
    """Return *content*, in whichever way it was given, as parts.

    Raises:
        Invalid: It has a file that is at Anthropic.
    """
    if content is None or isinstance(content, str):
        return (TextPart(content),) if content else ()
    return tuple(part for block in content for part in parts_of(block))


def _image(block: ImageBlock) -> Part:
    match block.source:
        case Base64Source(media_type, data):
            return ImagePart(data=data, media_type=media_type, cache_control=block.cache_control)
        case UrlSource(url):
            return ImagePart(url=url, cache_control=block.cache_control)
        case FileSource():
            raise _uploaded("an image")


def _document(block: DocumentBlock) -> tuple[Part, ...]:
    title, mark = block.title or "", block.cache_control
    context = (TextPart(block.context),) if block.context else ()
    match block.source:
        case Base64Source(media_type, data):
            return (*context, FilePart(data=data, media_type=media_type, name=title, cache_control=mark))
        case UrlSource(url):
            return (*context, FilePart(url=url, media_type="application/pdf", name=title, cache_control=mark))
        case TextSource(data):
            return (*_titled(title), *context, TextPart(data, mark))
        case ContentSource(content):
            return (*_titled(title), *context, *shown_parts(content))
        case FileSource():
            raise _uploaded("a document")


def _titled(title: str) -> tuple[Part, ...]:
    return (TextPart(title),) if title else ()


def _uploaded(what: str) -> Invalid:
    return Invalid(f"{what} must be sent itself: one that was uploaded to Anthropic is only there")
