"""Keys are taken out of whatever is shown."""

from __future__ import annotations

import pytest

from hecate.serve_llm.secrets import scrub


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key provided: sk-abcd****wxyz. Look", "Incorrect API key provided: *** Look"),
        ("invalid gsk_abcdefghij", "invalid ***"),
        ("API key AIzaSyA1234567 not valid", "API key *** not valid"),
        ("GET https://x/v1?key=abc123&alt=sse failed", "GET https://x/v1?key=***&alt=sse failed"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("http://me:secret@host/v1", "http://host/v1"),
        ("no key-value pair is a task-oriented risk", "no key-value pair is a task-oriented risk"),
        ("the key is odd!value", "the key is ***"),
    ],
)
def test_scrub(text: str, shown: str) -> None:
    """A known key and everything that looks like one are hidden; ordinary words are not."""
    assert scrub(text, ("odd!value", "")) == shown
