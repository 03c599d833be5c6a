"""At which address peers see a machine: what geography is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tests.join_mesh.in_process import DEADLINE_SECONDS, into_one_realm, two_meshes


async def test_each_is_told_where_the_other_sees_it(tmp_path: Path) -> None:
    """Of all its neighbours, by their identity."""
    async with two_meshes(tmp_path) as (anna, bert):
        told: dict[str, asyncio.Queue[Mapping[str, str]]] = {"anna": asyncio.Queue(), "bert": asyncio.Queue()}
        anna.address_watchers.append(told["anna"].put_nowait)
        bert.address_watchers.append(told["bert"].put_nowait)
        await into_one_realm(anna, bert)
        dids = anna.up().node.did, bert.up().node.did
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await told["anna"].get() == {dids[1]: "127.0.0.1"}
            assert await told["bert"].get() == {dids[0]: "127.0.0.1"}
