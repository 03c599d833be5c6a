"""Daemons in one mesh: each a process of its own, on the loopback interface."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.calling import Caller
from tests.daemon.child import Child, started, wait_until
from tests.join_mesh.networks import Network
from tests.serving import HECATE

LEASE_SECONDS = 1.0
PORT = 7447
ENTER_NAMESPACE = Path(__file__).with_name("enter_namespace.py")


def no_providers() -> dict[str, str]:
    """Return the variables with which a developer's own providers are none of a test's business."""
    return {name: "" for name in os.environ if name.endswith(("_API_KEY", "_API_KEY_FILE", "_BASE_URL", "_HOST"))}


def free_port() -> int:
    """Return a port that nobody has, for TCP and UDP."""
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        return port


class Member:
    """A daemon, its folder, and a client of it."""

    def __init__(self, name: str, folder: Path, child: Child, address: str) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self.child = child
        self.caller = Caller(child.socket_path)

    @property
    def status(self) -> Any:
        """What ``GET /api/mesh/status`` says."""
        return self.caller.get("/api/mesh/status").json

    @property
    def did(self) -> str:
        """Its identity."""
        identity: str = self.status["identity"]
        return identity

    def peers(self) -> dict[str, Any]:
        """Return the peers that it sees, by name."""
        return {peer["name"]: peer for peer in self.caller.get("/api/mesh/peers").json["peers"]}

    def sees(self, *names: str) -> bool:
        """Tell whether it sees exactly the peers with *names*."""
        return set(self.peers()) == set(names)

    def found(self, realm: str = "home") -> None:
        """Begin a realm."""
        self.caller.done("/api/mesh/init", {"realm": realm})

    def invitation(self, **fields: Any) -> str:
        """Return an invitation into its realm."""
        word: str = self.caller.done("/api/mesh/invite", {"hosts": [self.address], **fields})["invitation"]
        return word

    def reload(self, **mesh: str) -> None:
        """Have the table ``[mesh]`` say this, TOML, from now on."""
        file = self.folder / "config.toml"
        before, _, table = file.read_text().partition("[mesh]")
        lines = [line for line in table.splitlines() if line.partition("=")[0].strip() not in mesh]
        lines += [f"{name} = {value}" for name, value in mesh.items()]
        file.write_text("\n".join([f"{before}[mesh]", *lines, ""]))
        times = sum("configuration reloaded" in line for line in self.child.err)
        self.child.signal(signal.SIGHUP)
        self.child.wait_for_line("configuration reloaded", times=times + 1)

    def enter(self, keeper: Member) -> None:
        """Enter *keeper*'s realm."""
        self.caller.done("/api/mesh/join", {"invitation": keeper.invitation()})


class Rig:
    """Starts daemons, and ends them all at the end."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._ports: dict[Path, tuple[int, int]] = {}

    def start(
        self,
        name: str,
        *,
        mesh: str = "",
        ollama_url: str = "",
        more: str = "",
        protocol: str = "tls",
        folder: Path | None = None,
        network: Network | None = None,
    ) -> Member:
        """Start a daemon, not in any realm unless its *folder* says so.

        Args:
            name: What people call it, and its host in *network*.
            mesh: More of the table ``[mesh]``.
            ollama_url: Where its models are.
            more: More TOML.
            protocol: Over which peers connect to it; several with spaces between them.
            folder: Of an earlier time.
            network: Where it is; None: on the loopback interface of this machine.
        """
        if folder is None:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hecate-")))
        address = network.addresses[name] if network else "127.0.0.1"
        # A daemon that starts again is where it was.
        port, invite_port = self._ports.setdefault(folder, (PORT if network else free_port(), free_port()))
        places = [f'"{one}/{address}:{port}"' for one in protocol.split()]
        provider = f'base_url = "{ollama_url}"' if ollama_url else "enabled = false"
        (folder / "config.toml").write_text(f"""
            {more}
            [providers.ollama]
            {provider}
            [mesh]
            name = "{name}"
            listen = [{", ".join(places)}]
            advertise = ["{address}"]
            invite_port = {invite_port}
            lease_seconds = {LEASE_SECONDS}
            {mesh}
        """)
        socket_path = folder / "daemon.sock"
        arguments = (
            "serve",
            "--socket",
            socket_path,
            "--data-dir",
            folder / "data",
            "--config",
            folder / "config.toml",
        )
        program = (ENTER_NAMESPACE, network.namespace(name), HECATE) if network else (HECATE,)
        child = self._stack.enter_context(started(arguments, socket_path, program=program, environ=no_providers()))
        member = Member(name, folder, child.ready(), address)
        self._stack.callback(member.caller.close)
        return member

    def move(self, member: Member) -> None:
        """Let *member*, which has ended, be where nobody knows it when it starts again."""
        self._ports[member.folder] = (free_port(), free_port())

    def mesh_of(self, *names: str, **options: Any) -> list[Member]:
        """Start daemons in one realm, of which the first is the keeper, and wait until each sees all others."""
        members = [self.start(name, **options) for name in names]
        members[0].found()
        for member in members[1:]:
            member.enter(members[0])
        all_see_all(members)
        return members


def all_see_all(members: list[Member]) -> None:
    """Wait until each of *members* sees all others and nobody else."""
    for member in members:
        wait_until(lambda one=member: one.sees(*(other.name for other in members if other is not one)))  # type: ignore[misc]


@contextmanager
def a_rig() -> Iterator[Rig]:
    """Give a rig whose daemons end with it."""
    with ExitStack() as stack:
        yield Rig(stack)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    wait_until(condition)
