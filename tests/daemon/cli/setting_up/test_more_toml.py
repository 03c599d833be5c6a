"""Additions to a configuration file: at its end, or told to be made by hand."""

from __future__ import annotations

import tomllib

import pytest

from hecate.daemon.cli.setting_up.more_toml import DoesNotFit, with_tables

GROQ: dict[tuple[str, ...], dict[str, str]] = {("providers", "groq"): {"api_key_file": "/home/you/groq.key"}}


@pytest.mark.parametrize("before", ["", "# mine\n", "[log]\nlevel = 'info'", "providers.xai.api_key = 'k'\n"])
def test_what_is_there_stays_as_it_is(before: str) -> None:
    """Comments, quotes and a missing last line end included."""
    after = with_tables(before, GROQ)
    assert after.startswith(before)
    assert tomllib.loads(after)["providers"]["groq"] == {"api_key_file": "/home/you/groq.key"}


def test_what_is_set_is_not_set_again() -> None:
    """The owner's own value holds."""
    before = "[providers.groq]\napi_key_file = '/elsewhere'\n"
    assert with_tables(before, GROQ) == before


@pytest.mark.parametrize("before", ["[providers.groq]\nmodels = []\n", "providers = {}\n"])
def test_where_nothing_can_be_added_it_says_what_to_write(before: str) -> None:
    """A table cannot be opened twice, nor an inline one be continued."""
    with pytest.raises(DoesNotFit, match=r"\[providers.groq\]\napi_key_file"):
        with_tables(before, GROQ)


def test_strange_names_are_quoted() -> None:
    """In keys and in values."""
    after = with_tables("", {("providers", "my vllm"): {"dir": 'a "b" \\ ü'}})
    assert tomllib.loads(after) == {"providers": {"my vllm": {"dir": 'a "b" \\ ü'}}}
