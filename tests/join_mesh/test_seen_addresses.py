"""At which address peers see a machine: what geography is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
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
async def a_mesh(folder: Path, name: str) -> AsyncIterator[Mesh]:
    """Run a mesh in this process, without a daemon around it."""
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


async def test_each_is_told_where_the_other_sees_it(tmp_path: Path) -> None:
    """Of all its neighbours, by their identity."""
    await asyncio.to_thread((tmp_path / "elsewhere").mkdir)
    async with AsyncExitStack() as stack:
        anna = await stack.enter_async_context(a_mesh(tmp_path, "anna"))
        bert = await stack.enter_async_context(a_mesh(tmp_path / "elsewhere", "bert"))
        told: dict[str, asyncio.Queue[Mapping[str, str]]] = {"anna": asyncio.Queue(), "bert": asyncio.Queue()}
        anna.address_watchers.append(told["anna"].put_nowait)
        bert.address_watchers.append(told["bert"].put_nowait)
        found_realm(anna.folder, "home")
        await anna.begin_anew()
        word, _ = await anna.up().invite(60, ("127.0.0.1",))
        guest = Identity.kept_in(bert.folder)
        authority, admission = await apply(invitation_in(word), guest)
        membership = Membership(realm="home", addresses=admission.addresses)
        enter_realm(bert.folder, guest, membership, authority, admission.certificate)
        await bert.begin_anew()
        dids = anna.up().node.did, bert.up().node.did
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await told["anna"].get() == {dids[1]: "127.0.0.1"}
            assert await told["bert"].get() == {dids[0]: "127.0.0.1"}
