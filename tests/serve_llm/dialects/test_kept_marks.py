"""What another provider wants back travels as an opaque text."""

from __future__ import annotations

import json

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.dialects.kept_marks import marked, unmarked, without_marks


def test_there_and_back() -> None:
    """It comes back as it was."""
    signature = {"provider": "google", "block": {"thoughtSignature": "é+/="}, "after_calls": 1}
    assert unmarked(marked(signature)) == signature


def test_anthropics_own_is_let_be() -> None:
    """A real signature is none of ours."""
    assert unmarked("EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk") is None
    body = b'{"model": "m", "messages": [{"content": [{"type": "redacted_thinking", "data": "EqQB"}]}]}'
    assert without_marks(body) is body


def test_what_was_marked_is_taken_out() -> None:
    """Of whatever else the request holds, nothing."""
    own = {"type": "thinking", "thinking": "hm", "signature": "EqQB"}
    text = {"type": "text", "text": "hecate-kept. is a word", "new": 1}
    ours = [
        {"type": "thinking", "thinking": "hm", "signature": marked({})},
        {"type": "redacted_thinking", "data": marked({"provider": "google"})},
    ]
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [own, *ours, text]}]
    only = [{"role": "assistant", "content": ours}, {"role": "user", "content": "Go on"}]
    body = json.dumps({"model": "m", "messages": [*said, *only], "new": 2}).encode()
    assert json.loads(without_marks(body)) == {
        "model": "m",
        "messages": [said[0], {"role": "assistant", "content": [own, text]}, only[1]],
        "new": 2,
    }


@pytest.mark.parametrize("spoilt", ["hecate-kept.%", "hecate-kept.bm8=", "hecate-kept."])
def test_what_was_changed_is_refused(spoilt: str) -> None:
    """It would do harm at the provider."""
    with pytest.raises(Invalid):
        unmarked(spoilt)
