"""Signatures in the clothes of Anthropic's: how what another provider wants back goes through its clients.

Anthropic's clients send the blocks of thinking back unchanged, whatever is in them.  So what a
provider wants back travels as such a block, with a mark by which it is known again here; the real
Anthropic would refuse it, so it is taken out of a conversation that is passed on.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import Signature

MARK = "hecate-kept."

_decode = msgspec.json.Decoder(Signature).decode


def without_marks(body: bytes) -> bytes:
    """Return a request without the blocks that were marked here, and without messages that were nothing else."""
    if b'"hecate-kept.' not in body:
        return body
    request = msgspec.json.decode(body)
    messages = []
    for message in request["messages"]:
        content = message["content"]
        if isinstance(content, list):
            content = [block for block in content if not _is_marked(block)]
        if content:
            messages.append({**message, "content": content})
    return msgspec.json.encode({**request, "messages": messages})


def _is_marked(block: Any) -> bool:
    match block:
        case {"type": "thinking", "signature": str(opaque)} | {"type": "redacted_thinking", "data": str(opaque)}:
            return opaque.startswith(MARK)
        case _:
            return False


def marked(signature: Signature) -> str:
    """Return *signature* as an opaque text."""
    return MARK + urlsafe_b64encode(msgspec.json.encode(signature)).decode()


def unmarked(text: str) -> Signature | None:
    """Return the signature in *text*; None: it is none of ours.

    Raises:
        Invalid: It was ours, and has been changed.
    """
    if not text.startswith(MARK):
        return None
    try:
        return _decode(urlsafe_b64decode(text.removeprefix(MARK)))
    except (ValueError, msgspec.DecodeError) as exc:
        raise Invalid("a block of redacted thinking is not as it was given out") from exc
