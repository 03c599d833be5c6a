"""Whether a daemon of the realm answers at an address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import zenoh

from hecate.join_mesh.network.identity import Identity
from hecate.join_mesh.network.places import over_tls
from hecate.join_mesh.network.probes import Probes
from hecate.join_mesh.network.realm import Membership, Realm, enter_realm, found_realm
from hecate.join_mesh.network.zenoh_settings import zenoh_settings
from hecate.join_mesh.settings import MeshSettings
from tests.join_mesh.rig import free_port


@pytest.fixture
def home(tmp_path: Path) -> Realm:
    """A realm's keeper."""
    return found_realm(tmp_path / "home", "home")


@pytest.fixture
def port(home: Realm) -> Iterator[int]:
    """Where the keeper is, over TLS and QUIC."""
    number = free_port()
    settings = MeshSettings(listen=(f"tls/127.0.0.1:{number}", f"quic/127.0.0.1:{number}"))
    with zenoh.open(zenoh.Config.from_json5(zenoh_settings(home, settings, (), ()))):
        yield number


async def test_a_member_is_heard_over_both(home: Realm, port: int, tmp_path: Path) -> None:
    """By another member; over TLS nobody is taken for one who is none, nor for another than oneself."""
    guest = Identity.kept_in(tmp_path / "guest")
    member = enter_realm(tmp_path / "guest", guest, Membership(realm="home"), home.authority, home.issue(guest.did))
    assert await Probes(member).answers(f"tls/127.0.0.1:{port}")
    assert await Probes(member).answers(f"quic/127.0.0.1:{port}")
    assert not await Probes(home).answers(f"tls/127.0.0.1:{port}"), "that is itself"
    assert not await Probes(found_realm(tmp_path / "other", "home")).answers(f"tls/127.0.0.1:{port}")


async def test_nobody_is_heard_where_nobody_is(home: Realm) -> None:
    """Nobody has the port, somebody has it and says nothing, or there is no such machine."""
    assert not await Probes(home).answers(f"tls/127.0.0.1:{free_port()}")
    assert not await Probes(home).answers(f"quic/127.0.0.1:{free_port()}")
    assert not await Probes(home).answers("tls/no-such-host.invalid:7447")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = asyncio.create_task(Probes(home).answers(f"tls/127.0.0.1:{silent.getsockname()[1]}"))
        assert not await told


def test_tls_is_preferred() -> None:
    """Unless there is none."""
    assert over_tls(["quic/a:1", "tls/a:1", "tls/b:1"]) == ("tls/a:1", "tls/b:1")
    assert over_tls(["quic/a:1"]) == ("quic/a:1",)
    assert over_tls([]) == ()
