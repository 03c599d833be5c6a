"""Machines on one network, as far as a kernel can tell: network namespaces at a bridge, whose cables can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Network:
    """A bridge with a namespace for each host.

    Args:
        hosts: Their names; the first has the address ending in 1, and so on.
    """

    def __init__(self, *hosts: str) -> None:
        self._mark = f"hm{os.getpid() % 10_000}"
        self.addresses = {host: f"10.213.0.{number}" for number, host in enumerate(hosts, start=1)}

    def namespace(self, host: str) -> str:
        """Return the name of *host*'s namespace."""
        return f"{self._mark}-{host}"

    def build(self) -> None:
        """Make it."""
        # The bridge is in a namespace, too: nothing of the machine's own network is touched.
        bridge = self.namespace("bridge")
        _ip("netns", "add", bridge)
        _ip("-n", bridge, "link", "add", "bridge", "type", "bridge")
        _ip("-n", bridge, "link", "set", "bridge", "up")
        for host, address in self.addresses.items():
            name = self.namespace(host)
            _ip("netns", "add", name)
            _ip("-n", name, "link", "add", "cable", "type", "veth", "peer", "name", f"to-{host}", "netns", bridge)
            _ip("-n", bridge, "link", "set", f"to-{host}", "master", "bridge", "up")
            _ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
            _ip("-n", name, "link", "set", "cable", "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def remove(self) -> None:
        """Leave nothing of it."""
        for host in ("bridge", *self.addresses):
            subprocess.run(["ip", "netns", "del", self.namespace(host)], check=False, capture_output=True)

    def cut(self, host: str) -> None:
        """Pull *host*'s cable: it reaches nobody any more."""
        _ip("-n", self.namespace("bridge"), "link", "set", f"to-{host}", "down")

    def mend(self, host: str) -> None:
        """Plug it in again."""
        _ip("-n", self.namespace("bridge"), "link", "set", f"to-{host}", "up")

    def part(self, one: str, other: str) -> None:
        """Let two hosts not reach each other, while both reach all others."""
        for here, there in ((one, other), (other, one)):
            _ip("-n", self.namespace(here), "route", "add", "blackhole", f"{self.addresses[there]}/32")

    def join(self, one: str, other: str) -> None:
        """Let them reach each other again."""
        for here, there in ((one, other), (other, one)):
            _ip("-n", self.namespace(here), "route", "del", "blackhole", f"{self.addresses[there]}/32")


@contextmanager
def network(*hosts: str) -> Iterator[Network]:
    """Give a network of *hosts*; skip the test where the kernel lets nobody make one."""
    if shutil.which("ip") is None:
        pytest.skip("there is no ip command (iproute2)")
    found = Network(*hosts)
    try:
        try:
            found.build()
        except subprocess.CalledProcessError as exc:
            pytest.skip(f"no network namespaces here: {exc.stderr.decode().strip()}")
        yield found
    finally:
        found.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
