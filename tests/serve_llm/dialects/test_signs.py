"""The signs in bytes that pass are found wherever they stand, and nothing else is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from hecate.serve_llm.dialects.signs import Signs

SIGNS = Signs((b'"usage"', rb"\s*:\s*\{"), (b"[DONE]", b""))
EXPRESSION = re.compile(rb'"usage"\s*:\s*\{|\[DONE\]')


@pytest.mark.parametrize(
    ("block", "found"),
    [
        (b'data: {"usage": {"total_tokens": 3}}\n\n', True),
        (b'data: {"usage":null}\n\ndata: {"usage" : {}}\n\n', True),
        (b"data: [DONE]\n\n", True),
        (b'data: {"usage":null}\n\n', False),
        (rb'data: {"content": "\"usage\": {"}', False),
        (b"", False),
    ],
)
def test_signs(block: bytes, *, found: bool) -> None:
    """A word counts with what must follow it, at its first place or a later one."""
    assert SIGNS.are_in(block) is found


@given(st.lists(st.sampled_from([b'"usage"', b":", b" ", b"{", b"null", b"[DON", b"E]", b"\n"])))
def test_signs_are_what_an_expression_would_find(parts: list[bytes]) -> None:
    """They are no other than those that one regular expression of alternatives finds."""
    block = b"".join(parts)
    assert SIGNS.are_in(block) is (EXPRESSION.search(block) is not None)
