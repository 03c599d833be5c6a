"""Verbs: what is asked for, and what has happened then."""

from __future__ import annotations

import pytest

from hecate.generate_division.skeleton.verbs import IRREGULAR, happened, participle, stem


@pytest.mark.parametrize(
    ("command", "event"),
    [
        ("register_user", "user_registered"),
        ("close_account", "account_closed"),
        ("apply_for_a_loan", "for_a_loan_applied"),
        ("play", "thing_played"),
        ("submit", "thing_submitted"),
        ("send_letter", "letter_sent"),
    ],
)
def test_what_has_happened(command: str, event: str) -> None:
    """When a command was taken."""
    assert happened(command, "thing") == event


@pytest.mark.parametrize("verb", ["register", "close", "apply", "play", "submit", "cancel", "add", "need", *IRREGULAR])
def test_a_verb_and_its_participle_have_a_stem(verb: str) -> None:
    """By which they are found to belong together."""
    assert stem(verb) == stem(participle(verb))


def test_other_words_have_other_stems() -> None:
    """Of those that are close."""
    words = ["register", "user", "pay", "paper", "open", "close", "lock", "log", "list", "add", "order", "send", "set"]
    assert len({stem(word) for word in words}) == len(words)
