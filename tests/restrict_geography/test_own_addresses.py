"""The addresses of a machine's interfaces, and what follows when they change: in networks made for the test."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hecate.restrict_geography.own_addresses import read_own_addresses
from tests.daemon.child import child_environment, wait_until
from tests.restrict_geography.conftest import Daemon, Start
from tests.restrict_geography.databases import country, made_up
from tests.restrict_geography.namespace import UNSHARE, Namespace, skip_without_namespaces

PLACES = {
    "8.8.8.0/24": country("RU"),
    "9.9.9.0/24": country("NL"),
    "2001:4860::/32": country("KP"),
}
StartThere = Callable[..., tuple[Daemon, Namespace]]


@pytest.fixture
def start_there(start: Start, tmp_path: Path) -> StartThere:
    """Give a function that starts a daemon in a network without any address."""
    skip_without_namespaces()
    database = made_up(tmp_path / "places.mmdb", PLACES)

    def start_one(geo: str = "") -> tuple[Daemon, Namespace]:
        table = f'enabled = true\ncountries = ["RU", "KP"]\ndatabase = "{database}"\n{geo}'
        daemon = start(table, around=UNSHARE)
        namespace = Namespace(daemon.child.process.pid)
        namespace.plug_in("v0")
        return daemon, namespace

    return start_one


def test_the_addresses_are_those_that_the_kernel_uses() -> None:
    """The one that it would send from is among them, if there is one."""
    addresses = {str(address) for address in read_own_addresses()}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("there is no way out of here")
        assert sender.getsockname()[0] in addresses
    assert not {"127.0.0.1", "::1"} & addresses


def test_nothing_is_known_without_an_address(start_there: StartThere) -> None:
    """The operator's word decides; private addresses say nothing."""
    daemon, namespace = start_there('on_unknown = "deny"')
    namespace.ip("address", "add", "192.168.1.2/24", "dev", "v0")
    namespace.ip("address", "add", "100.64.1.2/24", "dev", "v0")
    status = daemon.caller.done("/api/geo/reload")
    assert (status["reason"], status["country"], status["source"]) == ("unknown_location", None, None)
    assert status["status"] == {"blocked": "unknown"}
    reply = daemon.caller.get("/api/ventures")
    assert "the country that this machine is in is not known, and geo.on_unknown is deny" in reply.json["error"]
    assert reply.json["country"] is None


def test_a_change_of_address_is_noticed_at_once(start_there: StartThere) -> None:
    """Both ways, without anybody asking."""
    daemon, namespace = start_there()
    assert daemon.status["reason"] == "unknown_location"
    assert daemon.status["notices_changes"] is True
    namespace.ip("address", "add", "8.8.8.8/24", "dev", "v0")
    wait_until(lambda: daemon.is_blocked)
    status = daemon.status
    assert (status["country"], status["source"], status["address"]) == ("RU", "interface", "8.8.8.8")
    namespace.ip("address", "add", "9.9.9.9/24", "dev", "v0")
    namespace.ip("address", "delete", "8.8.8.8/24", "dev", "v0")
    wait_until(lambda: daemon.status["country"] == "NL")
    assert not daemon.is_blocked


def test_addresses_of_a_cable_or_not_in_use_are_left_out() -> None:
    """Those come and go with every container, and would lead to a check each time."""
    skip_without_namespaces()
    program = "from hecate.restrict_geography.own_addresses import *; print(*read_own_addresses())"
    script = """
        ip link set lo up
        ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up
        ip address add 169.254.1.1/16 dev v0 && ip -6 address add fe80::5/64 dev v0 nodad
        ip address add 10.0.0.1 peer 10.0.0.2 dev v0
        ip -6 address add fd00::1/64 dev v0 && ip -6 address add fd00::2/64 dev v0 nodad
        ip -6 address add ::ffff:9.9.9.9/128 dev v0 nodad
        exec "$@"
    """
    command = [*UNSHARE, "sh", "-ec", script, "sh", sys.executable, "-c", program]
    seen = subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment()).stdout.split()
    # fd00::1 is being looked for: it may be another's; 10.0.0.2 is the far end's.
    assert sorted(seen) == ["10.0.0.1", "9.9.9.9", "fd00::2"]


def test_with_several_addresses_the_strictest_counts(start_there: StartThere) -> None:
    """Nobody comes out of a blocked country by a tunnel's address; an address of nowhere changes nothing."""
    daemon, namespace = start_there()
    namespace.ip("address", "add", "9.9.9.9/24", "dev", "v0")
    namespace.ip("address", "add", "1.1.1.1/24", "dev", "v0")
    wait_until(lambda: daemon.status["country"] == "NL")
    namespace.ip("-6", "address", "add", "2001:4860::5/64", "dev", "v0", "nodad")
    wait_until(lambda: daemon.is_blocked)
    assert (daemon.status["country"], daemon.status["address"]) == ("KP", "2001:4860::5")


def test_networks_come_before_countries(start_there: StartThere) -> None:
    """Also private ones, and before a country that the operator has told."""
    networks = 'allow_addresses = ["10.0.0.0/8", "8.8.8.8/32"]\ndeny_addresses = ["10.9.0.0/16"]'
    daemon, namespace = start_there(f'country = "KP"\n{networks}')
    assert daemon.caller.done("/api/geo/reload")["reason"] == "country_blocked"
    namespace.ip("address", "add", "10.1.0.1/24", "dev", "v0")
    wait_until(lambda: not daemon.is_blocked)
    assert daemon.status["reason"] == "address_allowed"
    namespace.ip("address", "add", "10.9.0.1/24", "dev", "v0")
    wait_until(lambda: daemon.is_blocked)
    status = daemon.status
    assert (status["reason"], status["address"], status["country"]) == ("address_denied", "10.9.0.1", None)
    error = daemon.caller.get("/api/ventures").json["error"]
    assert "this machine has the address 10.9.0.1, which geo.deny_addresses has" in error


def test_an_address_is_decided_before_the_first_request(start: Start, tmp_path: Path) -> None:
    """A daemon that starts in a blocked country is never open, not for a moment."""
    skip_without_namespaces()
    database = made_up(tmp_path / "places.mmdb", PLACES)
    there = ("sh", "-c", 'ip address add 8.8.8.8/32 dev lo && exec "$@"', "sh")
    daemon = start(f'enabled = true\ncountries = ["RU"]\ndatabase = "{database}"', around=(*UNSHARE, *there))
    assert daemon.is_blocked
    events = [json.loads(line)["event"] for line in daemon.child.err]
    assert events.index("geography") < events.index("ready")


def test_a_kernel_that_does_not_tell_is_no_end() -> None:
    """As in a sandbox; here no socket can be opened.  It is said, and the operator's word holds."""
    program = """if True:
        import asyncio, os, resource
        from hecate.endpoints import Restriction
        from hecate.restrict_geography.databases import look_up
        from hecate.restrict_geography.geography import Geography
        from hecate.restrict_geography.settings import GeoSettings

        async def main():
            look_up("", ())  # what has to be loaded is
            settings = GeoSettings(enabled=True, countries=("RU",), on_unknown="deny")
            geography = Geography(settings, GeoSettings, {}, Restriction())
            await asyncio.to_thread(int)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            background = asyncio.create_task(geography.keep_checked())
            while not geography.standing.problems:
                await asyncio.sleep(0.01)
            print(geography.standing.problems, geography.standing.verdict, geography.notices_changes)
            background.cancel()

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=child_environment()
    )
    assert "the addresses of the interfaces cannot be read: Too many open files" in done.stdout
    assert "Verdict(allowed=False, reason='unknown_location') False" in done.stdout
    assert "changes of addresses are seen hourly only" in done.stdout
