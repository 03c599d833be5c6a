"""The images that a model has made: they come among what its provider wants back unchanged."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from hecate.serve_llm.messages import Signature


class MadeImage(Struct, frozen=True):
    """An image in an answer; it goes back with the signature that it is in."""

    media_type: str
    """Such as ``image/png``."""
    data: str
    """In base64."""

    @property
    def as_url(self) -> str:
        """The image as a ``data:`` URL."""
        return f"data:{self.media_type};base64,{self.data}"


def made_images(signatures: Iterable[Signature]) -> tuple[MadeImage, ...]:
    """Return the images in *signatures*, without those that a model has only made for itself."""
    found = []
    for signature in signatures:
        block = signature.get("block")
        inline = block.get("inlineData") if isinstance(block, dict) and not block.get("thought") else None
        if isinstance(inline, dict) and str(inline.get("mimeType")).startswith("image/"):
            found.append(MadeImage(str(inline["mimeType"]), str(inline.get("data") or "")))
    return tuple(found)
