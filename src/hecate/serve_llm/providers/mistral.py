"""Mistral, which speaks OpenAI's API with a few words of its own."""

from __future__ import annotations

import re
from base64 import b32encode
from hashlib import sha256

from hecate.serve_llm.providers.openai import openai_like
from hecate.serve_llm.providers.openai_body import Manners

_CALL_ID = re.compile(r"[A-Za-z0-9]{9}")


def nine_characters(call_id: str) -> str:
    """Return *call_id* if Mistral takes it, else nine letters and digits that always stand for it."""
    if _CALL_ID.fullmatch(call_id):
        return call_id
    return b32encode(sha256(call_id.encode()).digest()).decode()[:9]


PROVIDER = openai_like(
    "mistral",
    "https://api.mistral.ai/v1",
    Manners(
        seed_field="random_seed",
        required_choice="any",
        stream_options=False,
        document_url=True,
        call_id=nine_characters,
    ),
)
