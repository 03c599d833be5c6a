"""What is found out in the background, and what mesh peers see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from hecate.dossiers.errors import Invalid
from hecate.endpoints import Restriction
from hecate.restrict_geography.geography import Geography
from hecate.restrict_geography.own_addresses import read_own_addresses
from hecate.restrict_geography.settings import GeoSettings
from tests.restrict_geography.databases import country, made_up

DEADLINE_SECONDS = 20.0
PLACES = {"8.8.8.0/24": country("RU"), "9.9.9.0/24": country("NL")}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Give a database of two places."""
    return str(made_up(tmp_path / "places.mmdb", PLACES))


def geography(environ: Mapping[str, str] | None = None, **settings: Any) -> Geography:
    """Return a geography that is on, and whose settings cannot be read again."""

    def read_settings() -> GeoSettings:
        raise Invalid("there is no file")

    given = GeoSettings(enabled=True, countries=("RU",), **settings)
    return Geography(given, read_settings, environ or {}, Restriction())


@asynccontextmanager
async def in_the_background(located: Geography, *, every_seconds: float = 3600.0) -> AsyncIterator[None]:
    """Keep *located* checked."""
    task = asyncio.create_task(located.keep_checked(every_seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Any) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


@pytest.fixture
def nowhere() -> None:
    """Skip the test on a machine that has an address of the internet itself: that would come first."""
    if any(address.is_global for address in read_own_addresses()):
        pytest.skip("this machine has an address of the internet on an interface")


@pytest.mark.usefixtures("nowhere")
async def test_most_peers_are_believed(database: str) -> None:
    """Whatever the order in which they are known; addresses that tell no place have no vote."""
    located = geography(database=database)
    seen = {"a": "10.0.0.1", "b": "9.9.9.9", "c": "8.8.8.8", "d": "::ffff:9.9.9.9", "e": "100.64.0.1", "f": "rubbish"}
    for order in (seen, dict(reversed(seen.items()))):
        located.peers_see(order)
        standing = await located.check()
        assert (standing.place.country, standing.place.source) == ("NL", "peers")
        assert str(standing.place.address) == "9.9.9.9"


@pytest.mark.usefixtures("nowhere")
async def test_what_peers_see_is_acted_on_at_once(database: str) -> None:
    """In the background; when the mesh is left again, nothing is known any more."""
    located = geography(database=database)
    async with in_the_background(located):
        await until(lambda: located.standing.verdict.reason == "unknown_location")
        located.peers_see({"a": "8.8.8.8"})
        await until(lambda: not located.standing.verdict.allowed)
        located.peers_see({})
        await until(lambda: located.standing.verdict.reason == "unknown_location")


async def test_the_operators_word_comes_before_that_of_peers(database: str) -> None:
    """They may be mistaken, or lie."""
    located = geography(database=database, country="NL")
    located.peers_see({"a": "8.8.8.8", "b": "8.8.8.8"})
    assert (await located.check()).place.source == "configuration"


async def test_it_is_checked_again_after_an_hour(tmp_path: Path, database: str) -> None:
    """Here after a moment: a database that was replaced is seen."""
    located = geography(database=database, country="NL")
    async with in_the_background(located, every_seconds=0.01):
        await until(lambda: located.standing.database is not None)
        (tmp_path / "places.mmdb").write_bytes(b"rubbish")
        await until(lambda: located.standing.database is None)
        assert located.standing.verdict.allowed


async def test_it_is_open_whether_changes_are_noticed() -> None:
    """While the background runs, and geography is on."""
    located = geography(country="NL")
    async with in_the_background(located):
        await until(lambda: located.notices_changes)
        await located.use(GeoSettings())
        await until(lambda: not located.notices_changes)
        assert located.standing.verdict == (True, "off")
    assert not located.notices_changes


async def test_a_restriction_comes_and_goes_with_the_settings() -> None:
    """As the one thing that each request looks at; each caller gets an error of its own."""
    restriction = Restriction()
    located = Geography(GeoSettings(), GeoSettings, {}, restriction)
    await located.begin()
    assert restriction.in_force is None
    await located.use(GeoSettings(enabled=True, country="RU", countries=("RU",)))
    assert restriction.in_force is not None
    first, second = restriction.in_force(), restriction.in_force()
    assert (first.status, first.code, first.details) == (403, "geo_restricted", {"country": "RU"})
    assert first is not second
    await located.reload()
    assert restriction.in_force is None


async def test_a_service_is_not_asked_before_the_daemon_is_ready() -> None:
    """Its answer may take seconds; until it comes, the operator's word for the unknown holds."""
    located = geography(echo_urls=("https://127.0.0.1:1/",), on_unknown="deny")
    await located.begin()
    if located.standing.place.source is None:
        assert located.standing.verdict == (False, "not_checked_yet")
        assert located.standing.problems == ()
