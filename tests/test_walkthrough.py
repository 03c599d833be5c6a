"""The pages that are walked through: what they show is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.walkthrough import Differs, check, steps, walking

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("page", ["tutorial.md", "tasks.md"])
def test_the_page_is_what_happens(page: str) -> None:
    """If this fails, and rightly so: ``python -m tests.walkthrough docs/PAGE``."""
    with walking() as walk:
        check((DOCS / page).read_text(), walk)


def test_a_difference_is_seen() -> None:
    """Another word is one; another id, as long as it is one id, is none."""
    block = "```console\n$ echo agg-{id} {word}; echo second\nagg-{id} one\nsecond\n$ echo agg-{id}\n…\nagg-{id}\n```\n"
    with walking() as walk:
        check(block.replace("{word}", "one").replace("{id}", "0" * 20), walk)
        with pytest.raises(Differs, match=r"it gives\nagg-0* two"):
            check(block.replace("{word}", "two").replace("{id}", "0" * 20), walk)


def test_a_command_goes_on_after_a_backslash() -> None:
    """And its output begins after its last line."""
    assert list(steps("$ one \\\n    two\nout\n$ three\n")) == [("one \\\n    two", "out"), ("three", "")]
