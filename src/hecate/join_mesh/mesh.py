"""The mesh as the daemon sees it: off, alone, or with peers; its endpoints ask it, and its loop keeps it up.

What needs the packages of the extra ``mesh`` is in `hecate.join_mesh.network`, and is imported only here, where it is
known that they are there.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import structlog

from hecate.dossiers.errors import HecateError, Unavailable
from hecate.dossiers.event_store import EventStore
from hecate.endpoints import Background, Restriction, Services
from hecate.join_mesh.errors import MeshOff
from hecate.join_mesh.mesh_log import MeshLog
from hecate.join_mesh.mesh_store import DATABASE_NAME, MeshStore
from hecate.join_mesh.refusals import Refusals
from hecate.join_mesh.settings import FOLDER, REALM_FILE, MeshSettings
from hecate.serve_llm.gateway import Gateway

if TYPE_CHECKING:
    from hecate.join_mesh.network.member import Member
    from hecate.join_mesh.network.peer import Peer
    from hecate.join_mesh.network.realm import Realm

PACKAGES: Final = ("zenoh", "cryptography")
SECONDS_BETWEEN_TRIES: Final = 5.0
SECONDS_TO_OPEN: Final = 15.0

State = Literal["disabled", "unavailable", "local", "connecting", "connected"]

log = structlog.get_logger(__name__)


class Mesh:
    """What there is of the mesh, whether it is on or off.

    Args:
        settings: The table ``[mesh]``.
        events: The daemon's event log.
        gateway: Whose models may be shared, and which gets those of peers.
    """

    def __init__(self, settings: MeshSettings, events: EventStore, gateway: Gateway) -> None:
        self.settings = settings
        self.events = events
        self.gateway = gateway
        self.log = MeshLog(events)
        self.refusals = Refusals()
        self.error = ""
        """Why it is not up, though it should be."""
        self.member: Member | None = None
        self.restriction = Restriction()
        """What keeps this daemon from answering: peers no more than callers of its own."""
        self.answering: Sequence[str] = ()
        """Where somebody has just answered: for the next session to connect to."""
        self.openings_in_vain = 0
        """How many sessions were opened for somebody who answered and was then not met, since one was met."""
        self.address_watchers: list[Callable[[Mapping[str, str]], None]] = []
        """Are told the address at which each peer sees this machine, by its identity."""
        self._store: MeshStore | None = None
        self._opening = asyncio.Lock()
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def folder(self) -> Path:
        """Where the identity and the realm are kept."""
        return self.events.path.parent / FOLDER

    @property
    def has_realm(self) -> bool:
        """Whether this daemon is in a realm, as far as can be seen without opening any file."""
        return (self.folder / REALM_FILE).exists()

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [name for name in PACKAGES if importlib.util.find_spec(name) is None]

    def require_packages(self) -> None:
        """Raise what a caller is told where the mesh cannot be.

        Raises:
            Unavailable: Packages are missing.
            MeshOff: The configuration has switched it off.
        """
        if not self.settings.enabled:
            raise MeshOff("the mesh is switched off: mesh.enabled is false")
        if missing := self.missing:
            raise Unavailable(f"the mesh needs packages that are not installed ({', '.join(missing)}): hecate[mesh]")

    def up(self) -> Member:
        """Return this daemon in the mesh.

        Raises:
            Unavailable: Packages are missing, or the session cannot be opened.
            MeshOff: It is switched off, or this daemon is in no realm.
        """
        if self.member is None:
            self.require_packages()
            if self.error:
                raise Unavailable(f"the mesh is not up: {self.error}")
            if self.has_realm:
                raise Unavailable("the mesh is not up yet")
            raise MeshOff("this daemon is in no mesh; `hecate mesh init` begins one, `hecate mesh join` enters one")
        return self.member

    async def store(self) -> MeshStore:
        """Return the file with what comes from others, made now if there is none.

        Raises:
            Unavailable: It cannot be opened.
        """
        async with self._opening:
            if self._store is None:
                self._store = await asyncio.to_thread(MeshStore, self.events.path.with_name(DATABASE_NAME))
            return self._store

    def realm(self) -> Realm | None:
        """Return the realm that this daemon is in; for a thread.

        Raises:
            Unavailable, Invalid: Its files cannot be read.
        """
        if not (self.folder / REALM_FILE).exists():
            # Most daemons are in none, and what follows takes 10 MB.
            return None
        from hecate.join_mesh.network.realm import Realm  # noqa: PLC0415 - the package may be missing

        return Realm.kept_in(self.folder)

    async def use(self, settings: MeshSettings) -> None:
        """Go by *settings* from now on: what chats of peers need not be broken off for takes effect as they go on."""
        former, self.settings = self.settings, settings
        if settings == former:
            return
        if self.member is not None and settings.same_session(former):
            self.member.node.use(settings)
        else:
            await self.begin_anew()

    async def begin_anew(self) -> None:
        """Take up what has changed in the realm's files or in who is shut out, and wait until that is done."""
        self._settled.clear()
        self._changed.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_OPEN):
                await self._settled.wait()

    async def meet(self, seconds: float) -> None:
        """Wait until somebody is present, for *seconds* at most."""
        if self.member is None or self.member.node.peers.present:
            return
        met = asyncio.Event()
        arrivals = self.member.node.peers.on_arrival

        def tell(_peer: Peer) -> None:
            met.set()

        arrivals.append(tell)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await met.wait()
        arrivals.remove(tell)

    def seen_at(self, seen: Mapping[str, str]) -> None:
        """Take note of the address at which each peer sees this machine, by its identity."""
        for watch in self.address_watchers:
            watch(seen)

    def begin_anew_soon(self) -> None:
        """Open the session again, for one who works in it and cannot wait for that."""
        self._changed.set()

    async def run(self) -> None:
        """Be in the mesh whenever there is a realm to be in."""
        try:
            while True:
                self._changed.clear()
                await self._once()
        finally:
            if self._store is not None:
                await asyncio.to_thread(self._store.close)
                self._store = None

    def _settle(self) -> None:
        """Let go on who waits, unless something has changed since this time round began: they wait for the next."""
        if not self._changed.is_set():
            self._settled.set()

    async def _once(self) -> None:
        """Be in the mesh until something changes."""
        try:
            # Most daemons are in no realm, and want no packages for it.
            if self.has_realm:
                self.require_packages()
                realm = await asyncio.to_thread(self.realm)
                if realm is not None:
                    await self._take_part(realm)
                    return
        except MeshOff:
            log.debug("mesh switched off")
        except HecateError as exc:
            if str(exc) != self.error:
                log.warning("mesh not up", error=str(exc), again_in_seconds=SECONDS_BETWEEN_TRIES)
            self.error = str(exc)
            self._settle()
            with suppress(TimeoutError):
                async with asyncio.timeout(SECONDS_BETWEEN_TRIES):
                    await self._changed.wait()
            return
        self.error = ""
        self._settle()
        await self._changed.wait()

    async def _take_part(self, realm: Realm) -> None:
        from hecate.join_mesh.network.member import open_member  # noqa: PLC0415 - the package may be missing

        async with open_member(realm, self, await self.store()) as member:
            self.member = member
            self.error = ""
            log.info("mesh up", realm=realm.name, identity=member.node.did, listen=list(self.settings.listeners))
            self._settle()
            running = asyncio.create_task(member.run())
            changed = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait((running, changed), return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    running.result()
            finally:
                self.member = None
                for task in (running, changed):
                    task.cancel()
                await asyncio.gather(running, changed, return_exceptions=True)


async def run(services: Services) -> None:
    """Keep the mesh up."""
    await services.get(Mesh).run()


BACKGROUND = Background("mesh", run)
