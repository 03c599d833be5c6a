"""Judges by what tells where this machine is: the surest first, and no further than needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hecate.restrict_geography.addresses import Address, tells_a_place
from hecate.restrict_geography.countries import country_named
from hecate.restrict_geography.databases import Database, DatabaseBroken, look_up
from hecate.restrict_geography.echo import ask_what_is_seen
from hecate.restrict_geography.own_addresses import read_own_addresses
from hecate.restrict_geography.rules import Reason, Rules, Verdict
from hecate.restrict_geography.settings import GeoSettings
from hecate.restrict_geography.standing import Place, Source, Standing

VARIABLE = "HECATE_GEO_COUNTRY"


@dataclass(slots=True)
class Inquiry:
    """One check, from the first question to the verdict.

    Never asked are the locale and the time zone: they say what a person likes, not where a machine is.

    Args:
        settings: What the operator says.
        environ: The process's environment.
        seen_by_peers: The address that most peers of the mesh see; None: there is none.
        asks_others: Whether what takes a network may be asked.
    """

    settings: GeoSettings
    environ: Mapping[str, str]
    seen_by_peers: Address | None = None
    asks_others: bool = True
    _problems: list[str] = field(default_factory=list)
    _database: Database | None = None
    _database_is_broken: bool = False

    async def answer(self) -> Standing:
        """Return where this machine is, and whether it may serve there."""
        rules = Rules.read(self.settings)
        self._problems += rules.problems
        own = await self._own_addresses()
        # Also where no address will be: whether the database is sound, and how old, is of interest any time.
        await self._countries_of(())
        verdict, place = await self._judge(rules, own)
        return Standing(verdict, place, now(), self._database, frozenset(own), tuple(self._problems))

    async def _judge(self, rules: Rules, own: Sequence[Address]) -> tuple[Verdict, Place]:
        if rules.problems:
            return rules.of_nothing("broken_configuration"), Place()
        if found := rules.of_addresses(own):
            verdict, address = found
            (country,) = await self._countries_of((address,))
            return verdict, Place(country, "interface", address)
        if told := told_country(self.settings, self.environ):
            source, code = told
            country = country_named(code)
            if country is None:
                self._problems.append(f"{_key(source)} is {code!r}, which is the code of no country (ISO 3166-1)")
                return rules.of_nothing("broken_configuration"), Place()
            return rules.of_country(country), Place(country, source)
        place = Place()
        async for source, addresses in self._addresses(own):
            if found := rules.of_addresses(addresses):
                verdict, address = found
                (country,) = await self._countries_of((address,))
                return verdict, Place(country, source, address)
            place = await self._strictest(rules, source, addresses)
            if place.country is not None:
                return rules.of_country(place.country), place
        return rules.of_nothing(self._why_unknown()), place

    async def _own_addresses(self) -> tuple[Address, ...]:
        try:
            return await asyncio.to_thread(read_own_addresses)
        except OSError as exc:
            self._problems.append(f"the addresses of the interfaces cannot be read: {exc.strerror or exc}")
            return ()

    async def _addresses(self, own: Sequence[Address]) -> AsyncIterator[tuple[Source, Sequence[Address]]]:
        if of_the_internet := [address for address in own if tells_a_place(address)]:
            yield "interface", of_the_internet
        if self.seen_by_peers is not None:
            yield "peers", (self.seen_by_peers,)
        if self.asks_others:
            echoed = await ask_what_is_seen(self.settings.echo_urls, self._problems)
            if echoed is not None:
                yield "echo", (echoed,)

    async def _strictest(self, rules: Rules, source: Source, addresses: Sequence[Address]) -> Place:
        """Return the place of one of *addresses*: of one in a country that is blocked, if there is one."""
        countries = await self._countries_of(addresses)
        places = [Place(country, source, one) for country, one in zip(countries, addresses, strict=True) if country]
        blocked = (place for place in places if place.country and not rules.of_country(place.country).allowed)
        return next(blocked, places[0] if places else Place(None, source, addresses[0]))

    async def _countries_of(self, addresses: Sequence[Address]) -> Sequence[str | None]:
        if self._database_is_broken:
            return [None] * len(addresses)
        try:
            answer = await asyncio.to_thread(look_up, self.settings.database, addresses)
        except DatabaseBroken as exc:
            self._database, self._database_is_broken = None, True
            self._problems.append(str(exc))
            return [None] * len(addresses)
        self._database = answer.database
        return answer.countries

    def _why_unknown(self) -> Reason:
        if self._database_is_broken:
            return "broken_database"
        return "not_checked_yet" if self.settings.echo_urls and not self.asks_others else "unknown_location"


def told_country(settings: GeoSettings, environ: Mapping[str, str]) -> tuple[Source, str] | None:
    """Return where the operator says that this machine is, after where that is said; None: nowhere."""
    if code := environ.get(VARIABLE):
        return "environment", code
    return ("configuration", settings.country) if settings.country else None


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def _key(source: Source) -> str:
    return VARIABLE if source == "environment" else "geo.country"
