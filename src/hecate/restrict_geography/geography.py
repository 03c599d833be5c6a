"""Where this machine is, and whether the API may answer there: worked out in the background, never in a request."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress

import structlog

from hecate.dossiers.errors import Invalid
from hecate.endpoints import Restriction
from hecate.restrict_geography.addresses import Address, read_address, tells_a_place
from hecate.restrict_geography.countries import country_named
from hecate.restrict_geography.databases import DatabaseBroken, look_up
from hecate.restrict_geography.evidence import Inquiry, now, told_country
from hecate.restrict_geography.own_addresses import noticing_changes, read_own_addresses
from hecate.restrict_geography.rules import Rules, Verdict
from hecate.restrict_geography.settings import GeoSettings
from hecate.restrict_geography.standing import Place, Standing

HOUR_SECONDS = 3600.0
SETTLE_SECONDS = 0.2
"""An address seldom comes or goes alone."""

log = structlog.get_logger(__name__)


class Geography:
    """Keeps *restriction* as ``[geo]`` and the place of this machine want it.

    Args:
        settings: ``[geo]``.
        read_settings: Gives ``[geo]`` as it is by then.  Raises `Invalid`.
        environ: The process's environment.
        restriction: Of the API.
    """

    def __init__(
        self,
        settings: GeoSettings,
        read_settings: Callable[[], GeoSettings],
        environ: Mapping[str, str],
        restriction: Restriction,
    ) -> None:
        self._read_settings = read_settings
        self._environ = environ
        self._restriction = restriction
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._is_due = False
        self._seen_by_peers: Address | None = None
        self.settings = settings
        self.rules = Rules.read(self.settings)
        self.notices_changes = False
        """Whether the kernel tells of addresses that come and go; else only the hourly check sees them."""
        self.reload_problem = ""
        """Why the configuration, as it is now, is not the one in use."""
        self.standing = self._when_off()

    async def begin(self) -> None:
        """Find out what can be found out on this machine alone, before the first request."""
        await self._check(asks_others=False)

    async def check(self) -> Standing:
        """Find out where this machine is, and let that hold from now on."""
        return await self._check(asks_others=True)

    async def reload(self) -> Standing:
        """Read the configuration and the database again, and check.

        Raises:
            Invalid: The configuration is wrong; what held before still does.
        """
        try:
            settings = self._read_settings()
        except Invalid as exc:
            self.reload_problem = f"the configuration is not reloaded: {exc}"
            raise
        return await self.use(settings)

    async def use(self, settings: GeoSettings) -> Standing:
        """Go by *settings* from now on."""
        self.settings = settings
        self.reload_problem = ""
        standing = await self.check()
        # Whether changes are watched may be another question now.
        self._check_soon()
        return standing

    async def inspect(self, address: Address) -> Standing:
        """Return what would hold for a machine with *address* and no other; also where geography is off."""
        rules, problems, database, country = self.rules, [*self.rules.problems], None, None
        try:
            answer = await asyncio.to_thread(look_up, self.settings.database, (address,))
        except DatabaseBroken as exc:
            problems.append(str(exc))
        else:
            database, (country,) = answer.database, answer.countries
        if not self.settings.enabled:
            verdict = Verdict(allowed=True, reason="off")
        elif rules.problems:
            verdict = rules.of_nothing("broken_configuration")
        elif found := rules.of_addresses((address,)):
            verdict, _ = found
        elif country is not None:
            verdict = rules.of_country(country)
        else:
            verdict = rules.of_nothing("broken_database" if database is None else "unknown_location")
        return Standing(verdict, Place(country, None, address), now(), database, problems=tuple(problems))

    def peers_see(self, seen: Mapping[str, str]) -> None:
        """Take note of the address that each peer of the mesh sees this machine at, by the peer's identity.

        To be called with all of them whenever one has changed.  What most of them say is believed; addresses that are
        not of the internet are passed over.
        """
        votes = Counter(address for text in seen.values() if (address := _of_the_internet(text)) is not None)
        # Of as many votes, the same one each time, in whatever order the peers are.
        most = max(votes, key=lambda address: (votes[address], str(address)), default=None)
        if most != self._seen_by_peers:
            self._seen_by_peers = most
            self._check_soon()

    async def keep_checked(self, every_seconds: float = HOUR_SECONDS) -> None:
        """Check now, every hour, and whenever an address of an interface, or seen by the peers, has changed."""
        while True:
            is_enabled = self.settings.enabled
            with ExitStack() as stack:
                if is_enabled:
                    self._notice_changes(stack)
                while is_enabled == self.settings.enabled:
                    self._is_due = False
                    await self.check()
                    await self._until_due(every_seconds if is_enabled else None)

    async def _check(self, *, asks_others: bool) -> Standing:
        async with self._turn:
            settings = self.settings
            if settings.enabled:
                standing = await Inquiry(settings, self._environ, self._seen_by_peers, asks_others).answer()
            else:
                standing = self._when_off()
            self._take(settings, standing)
            return standing

    def _take(self, settings: GeoSettings, standing: Standing) -> None:
        before, self.standing, self.rules = self.standing, standing, Rules.read(settings)
        rules = self.rules
        if standing.verdict.allowed:
            self._restriction.lift()
        else:
            self._restriction.impose(lambda: standing.refusal(rules))
        for problem in standing.problems:
            if problem not in before.problems:
                log.warning("geography", problem=problem)
        if (before.verdict, before.place) != (standing.verdict, standing.place):
            allowed, reason = standing.verdict
            say = log.info if allowed else log.warning
            say(
                "geography",
                allowed=allowed,
                reason=reason,
                country=standing.place.country,
                source=standing.place.source,
            )

    def _when_off(self) -> Standing:
        told = told_country(self.settings, self._environ)
        country = country_named(told[1]) if told else None
        place = Place(country, told[0]) if told and country else Place()
        return Standing(Verdict(allowed=True, reason="off"), place, now())

    def _check_soon(self) -> None:
        self._is_due = True
        self._wake.set()

    def _notice_changes(self, stack: ExitStack) -> None:
        """Be woken by changes of addresses for as long as *stack* lasts, if the kernel tells of them."""
        try:
            stack.enter_context(noticing_changes(self._wake.set))
        except OSError as exc:
            log.warning("changes of addresses are seen hourly only", reason=exc.strerror)
            return
        self.notices_changes = True
        stack.callback(setattr, self, "notices_changes", False)

    async def _until_due(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._is_due and not await self._has_moved():
                    await self._wake.wait()
                    self._wake.clear()
                    if not self._is_due:
                        await asyncio.sleep(SETTLE_SECONDS)

    async def _has_moved(self) -> bool:
        """Tell whether the addresses of the interfaces are others than at the last check."""
        if not self.settings.enabled:
            return False
        try:
            return frozenset(await asyncio.to_thread(read_own_addresses)) != self.standing.own_addresses
        except OSError:
            return False


def _of_the_internet(text: str) -> Address | None:
    try:
        address = read_address(text)
    except ValueError:
        return None
    return address if tells_a_place(address) else None
