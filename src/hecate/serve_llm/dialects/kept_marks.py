"""Signatures in the clothes of Anthropic's: how what another provider wants back goes through its clients.

Anthropic's clients send the blocks of thinking back unchanged, whatever is in them.  So what a
provider wants back travels as such a block, with a mark by which it is known again here; the real
Anthropic would refuse it, so a conversation that has one is never passed on unread.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import Signature

MARK = "hecate-kept."

_decode = msgspec.json.Decoder(Signature).decode


def has_marks(body: bytes) -> bool:
    """Tell whether a request may hold what was marked here."""
    return b'"hecate-kept.' in body


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
