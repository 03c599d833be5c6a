"""``hecate geo``: status, check and reload, on a daemon of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.child import Child
from tests.daemon.cli.conftest import Hecate
from tests.serving import serving

ALLOWED = '[geo]\nenabled = true\ncountry = "NL"\ncountries = ["RU"]\n'


@pytest.fixture
def daemon(place: Path) -> Iterator[Child]:
    """A daemon in the Netherlands."""
    with serving(place, configuration=ALLOWED) as child:
        yield child


def shown(hecate: Hecate, *words: str) -> dict[str, str]:
    """Return what *words* print, by the names of the lines."""
    return dict(line.split("\t") for line in hecate("geo", *words).stdout.splitlines())


def test_the_status_is_shown(hecate: Hecate) -> None:
    """With or without its name, and as the daemon says it for scripts."""
    status = shown(hecate, "status")
    assert (status["restriction"], status["requests"], status["reason"]) == ("on", "answered", "country allowed")
    assert (status["country"], status["found by"]) == ("NL", "configuration")
    assert status["database"].startswith("iptocc ")
    assert shown(hecate) == status
    assert json.loads(hecate("geo", "--json").stdout)["country"] == "NL"


def test_an_address_is_checked(hecate: Hecate) -> None:
    """Its country, and what would follow."""
    checked = shown(hecate, "check", "::ffff:8.8.8.8")
    assert (checked["address"], checked["country"], checked["requests"]) == ("8.8.8.8", "US", "answered")
    assert shown(hecate, "check", "10.0.0.1")["country"] == "unknown"
    assert "'here' is no IP address" in hecate("geo", "check", "here", exit_code=1).stderr


def test_a_reload_shows_what_follows(hecate: Hecate, place: Path) -> None:
    """Refused requests too, and what is wrong as a warning; other commands say why they are refused."""
    file = place / "config.toml"
    file.write_text(ALLOWED.replace('["RU"]', '["NL"]'))
    assert shown(hecate, "reload")["requests"] == "refused"
    assert "this machine is in NL" in hecate("venture", "list", exit_code=1).stderr
    file.write_text(ALLOWED.replace('["RU"]', '["UK"]'))
    result = hecate("geo", "reload")
    assert "Warning: geo.countries has 'UK'" in result.stderr
    assert "broken configuration" in result.stdout
    file.write_text("[geo]\nenable = true\n")
    assert 'unknown key "geo.enable"' in hecate("geo", "reload", exit_code=1).stderr
