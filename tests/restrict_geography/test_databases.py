"""Which country an address belongs to."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hecate.restrict_geography.addresses import read_address
from hecate.restrict_geography.databases import DatabaseBroken, look_up
from tests.restrict_geography.databases import ASKED, country, made_up

ADDRESSES = tuple(map(read_address, (ASKED, "1.1.1.1", "2001:4860::1")))


def test_the_database_that_is_built_in_says_its_name_and_day() -> None:
    """It knows the registries' countries, and none for an address that nobody has."""
    answer = look_up("", tuple(map(read_address, (ASKED, "2001:4860:4860::8888", "10.0.0.1"))))
    assert answer.countries == ("US", "US", None)
    assert re.fullmatch(r"iptocc \d[\d.]+", answer.database.name)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", answer.database.date or "")


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"country": {"iso_code": "RU"}, "registered_country": {"iso_code": "NL"}}, "RU"),
        ({"registered_country": {"iso_code": "NL"}}, "NL"),
        ({"country_code": "nl"}, "NL"),
        ({"country": "NL"}, "NL"),
        ({"country": {"names": {"en": "The Netherlands"}}}, None),
        ({"country": {"iso_code": 42}}, None),
        ({"autonomous_system_number": 15169}, None),
        ("NL", None),
        ({"country_code": "EU"}, None),  # registries also hand out addresses to a whole region
    ],
)
def test_a_file_may_have_any_of_the_usual_shapes(record: Any, found: str | None, tmp_path: Path) -> None:
    """MaxMind's, and those of others."""
    path = made_up(tmp_path / "it.mmdb", {"8.8.8.0/24": record})
    answer = look_up(str(path), ADDRESSES)
    assert answer.countries == (found, None, None)
    assert answer.database.name == "Made-Up-Country"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", answer.database.date or "")


def test_a_file_for_one_kind_of_ip_knows_nothing_of_the_other(tmp_path: Path) -> None:
    """Which is no damage."""
    path = made_up(tmp_path / "it.mmdb", {"8.8.8.0/24": country("NL")}, ip_version=4)
    assert look_up(str(path), ADDRESSES).countries == ("NL", None, None)


def test_a_file_that_was_replaced_is_seen_at_once(tmp_path: Path) -> None:
    """Nothing of it is kept between two questions."""
    path = made_up(tmp_path / "it.mmdb", {"8.8.8.0/24": country("NL")})
    assert look_up(str(path), ADDRESSES[:1]).countries == ("NL",)
    made_up(path, {"8.8.8.0/24": country("RU")})
    assert look_up(str(path), ADDRESSES[:1]).countries == ("RU",)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A file that is missing, a folder, and a pipe, which must not be waited for."""
    pipe, empty = tmp_path / "pipe", tmp_path / "empty"
    empty.touch()
    os.mkfifo(pipe)
    for path, why in (
        (tmp_path / "none.mmdb", "No such file"),
        (tmp_path, "not a file"),
        (pipe, "not a file"),
        (empty, ""),
        (Path("/dev/zero"), "not a file"),
    ):
        with pytest.raises(DatabaseBroken, match=f"cannot read {path}: .*{why}"):
            look_up(str(path), ADDRESSES)


@pytest.mark.parametrize("content", [b"x", b"not a database", b"\xab\xcd\xefMaxMind.com" * 3, os.urandom(200_000)])
def test_what_is_no_database_is_said(content: bytes, tmp_path: Path) -> None:
    """With the file's name."""
    path = tmp_path / "it.mmdb"
    path.write_bytes(content)
    with pytest.raises(DatabaseBroken, match=f"{path} is no database of countries, or damaged"):
        look_up(str(path), ADDRESSES)


def test_a_damaged_file_gives_countries_or_a_reason(tmp_path: Path) -> None:
    """Whichever bytes of it are wrong or missing; nothing else ever rises."""
    path = made_up(tmp_path / "it.mmdb", {"8.8.8.0/24": country("RU"), "2001:4860::/32": country("NL")})
    sound, chance, broken = path.read_bytes(), random.Random(5), 0
    for number in range(1000):
        damaged = bytearray(sound)
        if number % 3 == 0:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            for _ in range(chance.randrange(1, 8)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            answer = look_up(str(path), ADDRESSES)
        except DatabaseBroken:
            broken += 1
        else:
            assert len(answer.countries) == len(ADDRESSES)
    assert 0 < broken < 1000, "damage of both kinds was tried"


def test_nothing_is_loaded_before_somebody_asks() -> None:
    """The daemon starts without any database where geography is off."""
    program = "import sys, hecate.daemon.assembly; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "hecate.restrict_geography.databases" in loaded
    assert not {"iptocc", "maxminddb"} & set(loaded)
