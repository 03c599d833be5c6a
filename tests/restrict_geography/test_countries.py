"""The codes that stand for countries."""

from __future__ import annotations

import pytest

from hecate.restrict_geography.countries import COUNTRIES, country_named


@pytest.mark.parametrize(("code", "country"), [("NL", "NL"), ("nl", "NL"), (" ru ", "RU"), ("XK", "XK")])
def test_a_country_is_known_by_its_code(code: str, country: str) -> None:
    """In any case."""
    assert country_named(code) == country


@pytest.mark.parametrize("code", ["UK", "EU", "AP", "ZZ", "", "NLD", "N", "Netherlands", "ẞ"])
def test_what_is_no_country_is_none(code: str) -> None:
    """A misspelt one would be blocked in vain."""
    assert country_named(code) is None


def test_all_countries_are_there() -> None:
    """The 249 of ISO 3166-1, and Kosovo."""
    assert len(COUNTRIES) == 250
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)
