"""What a provider wants back unchanged, and where in the message it stood.

A neutral message is a text and a list of calls; providers mix blocks of their own among them, such
as signed reasoning or a search of theirs.  Each becomes a signature that remembers its place, so
that the message can be put together again in the order in which the model wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import AssistantMessage, Part, Signature, TextPart, ToolCall


class Kept(Struct, frozen=True, omit_defaults=True):
    """A block of a provider's own, or fields of its own on a text or a call."""

    provider: str
    block: dict[str, Any]
    after_characters: int = 0
    """How much of the message's text stood before it."""
    after_calls: int = 0
    """How many of the message's calls stood before it."""
    characters: int | None = None
    """The block's fields belong to this much of the text; None: the block stands for itself."""
    call_id: str = ""
    """The block's fields belong to the call of this id."""

    def signature(self) -> Signature:
        """Return the form in which a caller gets it and sends it back."""
        signature: Signature = msgspec.to_builtins(self)
        return signature


class Stretch(Struct, frozen=True):
    """A part of a message, perhaps with fields of the provider's own."""

    part: Part
    fields: dict[str, Any] = {}


class Called(Struct, frozen=True):
    """A call in a message, perhaps with fields of the provider's own."""

    call: ToolCall
    fields: dict[str, Any] = {}


class Opaque(Struct, frozen=True):
    """A block of the provider's own."""

    block: dict[str, Any]


def in_order(message: AssistantMessage, provider: str) -> Iterator[Stretch | Called | Opaque]:
    """Give what *message* consists of, as the model of *provider* wrote it.

    Where the caller has changed the text since, nothing is lost; only the places are then off.

    Raises:
        Invalid: A signature is not as it was given out.
    """
    kept = _kept(message, provider)
    of_calls = {found.call_id: found.block for found in kept if found.call_id}
    calls = iter([Called(call, of_calls.get(call.id, {})) for call in message.tool_calls])
    called = 0
    parts = _Remaining(message.parts)
    for found in kept:
        if found.call_id:
            continue
        for part in parts.up_to(found.after_characters):
            yield Stretch(part)
        yield from islice(calls, max(0, found.after_calls - called))
        called = max(called, found.after_calls)
        if found.characters is None:
            yield Opaque(found.block)
            continue
        stretch = list(parts.up_to(found.after_characters + found.characters))
        yield Stretch(TextPart("".join(part.text for part in stretch if isinstance(part, TextPart))), found.block)
        for part in stretch:
            if not isinstance(part, TextPart):
                yield Stretch(part)
    for part in parts.up_to(None):
        yield Stretch(part)
    yield from calls


def _kept(message: AssistantMessage, provider: str) -> list[Kept]:
    own = [signature for signature in message.signatures if signature.get("provider") == provider]
    try:
        return msgspec.convert(own, list[Kept])
    except msgspec.ValidationError as exc:
        raise Invalid(f"a signature of {provider} is not as it was given out: {exc} in `signatures`") from exc


class _Remaining:
    """The parts of a message that are still to be given."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._parts = list(reversed(parts))
        self._given = 0

    def up_to(self, characters: int | None) -> Iterator[Part]:
        """Give the parts in the first *characters* of the text that have not been given; None: all of them."""
        while self._parts:
            part = self._parts[-1]
            if isinstance(part, TextPart):
                room = len(part.text) if characters is None else characters - self._given
                if room <= 0:
                    return
                if len(part.text) > room:
                    self._parts[-1] = replace(part, text=part.text[room:])
                    # The mark says where a cached piece ends, so it goes with the end.
                    part = TextPart(part.text[:room])
                else:
                    self._parts.pop()
                self._given += len(part.text)
            else:
                self._parts.pop()
            yield part
