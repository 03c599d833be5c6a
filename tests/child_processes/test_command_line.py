"""Command lines: a text as for a shell, or words; what no program could be given is refused."""

from __future__ import annotations

import gc

import msgspec
import pytest

from hecate.child_processes.command_line import LONGEST_COMMAND, MOST_WORDS, CommandLine, words_of
from hecate.dossiers.errors import Invalid


@pytest.mark.parametrize("command", ["pytest -k 'a b'", ("pytest", "-k", "a b")])
def test_a_command_is_a_text_or_words(command: CommandLine) -> None:
    """Both say the same."""
    assert words_of(command) == ("pytest", "-k", "a b")


@pytest.mark.parametrize("command", ["", "  ", ()])
def test_an_empty_command_is_none(command: CommandLine) -> None:
    """Whoever asks may have one of their own."""
    assert words_of(command) == ()


@pytest.mark.parametrize(
    "command",
    ["a 'b", "'' b", ("", "b"), ("a", "b\0"), "a \0", ("a",) * (MOST_WORDS + 1), "a" * (LONGEST_COMMAND + 1)],
    ids=["quote", "empty text", "empty word", "NUL word", "NUL text", "words", "length"],
)
def test_what_no_program_can_be_given_is_refused(command: CommandLine) -> None:
    """With the place where it was given."""
    with pytest.raises(Invalid, match=r"at `\$\.target`"):
        words_of(command, "target")


def test_a_wrong_type_is_an_error_and_nothing_else() -> None:
    """With a pattern in the type, msgspec would end the process here."""
    for _ in range(2000):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({}, CommandLine)
    gc.collect()
