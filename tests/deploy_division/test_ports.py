"""The ports on which applications listen."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from hecate.deploy_division.ports import CHOSEN_FROM, HOST, check_port, free_port, listens
from hecate.dossiers.errors import Refused


def test_a_port_is_chosen_that_no_outgoing_connection_gets() -> None:
    """So it is to be had again whenever the application is started anew."""
    lowest, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    port = free_port()
    assert port in CHOSEN_FROM
    assert port < lowest
    with socket.create_server((HOST, port)), pytest.raises(Refused, match=f"port {port} cannot be had"):
        check_port(port)


async def test_an_application_listens_when_a_connection_can_be_made() -> None:
    """And not before."""
    port = free_port()
    waits = asyncio.create_task(listens(port))
    await asyncio.wait((waits,), timeout=0.2)
    assert not waits.done()
    with socket.create_server((HOST, port)):
        await waits
