"""Two daemons' meshes in the test's own process, so that one of them can be made to do what no daemon does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from hecate.dossiers.event_store import EventStore
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.network.enrolment import apply
from hecate.join_mesh.network.identity import Identity
from hecate.join_mesh.network.invitation import invitation_in
from hecate.join_mesh.network.realm import Membership, enter_realm, found_realm
from hecate.join_mesh.settings import MeshSettings
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import ProviderSettings
from tests.join_mesh.rig import free_port

DEADLINE_SECONDS = 20


@asynccontextmanager
async def two_meshes(folder: Path) -> AsyncIterator[tuple[Mesh, Mesh]]:
    """Give anna's and bert's, neither of them in a realm yet."""
    await asyncio.to_thread((folder / "elsewhere").mkdir)
    async with AsyncExitStack() as stack:
        anna = await stack.enter_async_context(_a_mesh(folder, "anna"))
        bert = await stack.enter_async_context(_a_mesh(folder / "elsewhere", "bert"))
        yield anna, bert


async def into_one_realm(anna: Mesh, bert: Mesh) -> None:
    """Let anna found a realm and bert enter it."""
    found_realm(anna.folder, "home")
    await anna.begin_anew()
    word, _ = await anna.up().invite(60, ("127.0.0.1",))
    guest = Identity.kept_in(bert.folder)
    authority, admission = await apply(invitation_in(word), guest)
    membership = Membership(realm="home", addresses=admission.addresses)
    enter_realm(bert.folder, guest, membership, authority, admission.certificate)
    await bert.begin_anew()


@asynccontextmanager
async def _a_mesh(folder: Path, name: str) -> AsyncIterator[Mesh]:
    events = EventStore.open(folder / "hecate.db")
    settings = MeshSettings(name=name, listen=(f"tls/127.0.0.1:{free_port()}",), invite_port=free_port())
    async with Gateway(lambda: Sources(providers={"ollama": ProviderSettings(enabled=False)})) as gateway:
        mesh = Mesh(settings, events, gateway)
        running = asyncio.create_task(mesh.run())
        try:
            yield mesh
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            events.close()
