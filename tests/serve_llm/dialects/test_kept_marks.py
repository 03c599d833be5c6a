"""What another provider wants back travels as an opaque text."""

from __future__ import annotations

import json

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.dialects.kept_marks import has_marks, marked, unmarked


def test_there_and_back() -> None:
    """It comes back as it was, and is seen in a request."""
    signature = {"provider": "google", "block": {"thoughtSignature": "é+/="}, "after_calls": 1}
    assert unmarked(marked(signature)) == signature
    assert has_marks(json.dumps({"data": marked(signature)}).encode())


def test_anthropics_own_is_let_be() -> None:
    """A real signature is none of ours."""
    assert unmarked("EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk") is None
    assert not has_marks(b'{"data": "EqQB"}')


@pytest.mark.parametrize("spoilt", ["hecate-kept.%", "hecate-kept.bm8=", "hecate-kept."])
def test_what_was_changed_is_refused(spoilt: str) -> None:
    """It would do harm at the provider."""
    with pytest.raises(Invalid):
        unmarked(spoilt)
