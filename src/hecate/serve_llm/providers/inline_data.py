"""Tells the bytes of an attachment from its address."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from hecate.serve_llm.messages import FilePart, ImagePart


class InlineData(NamedTuple):
    """Bytes in a message."""

    media_type: str
    data: str
    """In base64."""


def inline_data(part: ImagePart | FilePart) -> InlineData | None:
    """Return the bytes of *part*, also where they are in a ``data:`` URL; None: it has an address."""
    if part.data:
        return InlineData(part.media_type, part.data)
    if not part.url.startswith("data:"):
        return None
    head, _, data = part.url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if "base64" not in parameters:
        data = b64encode(unquote_to_bytes(data)).decode()
    return InlineData(media_type or part.media_type or "text/plain", data)
