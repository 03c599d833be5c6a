"""Which addresses the HTTP listener takes, and what it is called there."""

from __future__ import annotations

import socket

import pytest

from hecate.daemon.loopback import LoopbackAddress


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("127.0.0.1:11500", "127.0.0.1:11500"),
        ("127.8.8.8:1", "127.8.8.8:1"),
        ("localhost:11500", "127.0.0.1:11500"),
        ("[::1]:11500", "[::1]:11500"),
        ("[0:0::1]:0", "[::1]:0"),
    ],
)
def test_an_address_of_this_machine_is_taken(text: str, authority: str) -> None:
    """All of 127.0.0.0/8, ::1, and the name that everybody uses."""
    assert LoopbackAddress.parse(text).authority == authority


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0.0.0:11500", "must be a loopback address"),
        ("[::]:11500", "must be a loopback address"),
        ("192.168.1.2:11500", "can be reached from other machines"),
        ("[::ffff:127.0.0.1]:11500", "must be a loopback address"),
        ("[fe80::1%lo]:11500", "must be a loopback address"),
        ("example.org:80", "must begin with an IP address"),
        (":11500", "must begin with an IP address"),
        ("11500", "must be an address and a port"),
        ("127.0.0.1", "must be an address and a port"),
        ("::1:11500", "must be an address and a port"),
        ("127.0.0.1:65536", "must be an address and a port"),
        ("127.0.0.1:-1", "must be an address and a port"),
        ("http://127.0.0.1:11500", "must be an address and a port"),
    ],
)
def test_everything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    """Whatever could be reached from elsewhere, and whatever is no address."""
    with pytest.raises(ValueError, match=why):
        LoopbackAddress.parse(text)


def test_it_has_several_names() -> None:
    """A URL may name the machine as it likes, but must name the port; except for HTTP's own."""
    assert LoopbackAddress.parse("127.0.0.2:8080").authorities() == {
        "127.0.0.2:8080",
        "localhost:8080",
        "127.0.0.1:8080",
        "[::1]:8080",
    }
    assert {"localhost", "localhost:80"} <= LoopbackAddress.parse("127.0.0.1:80").authorities()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_it_is_bound_alone(host: str) -> None:
    """Nobody can connect before it listens, and a port has one listener."""
    with LoopbackAddress.parse(f"{host}:0").bind() as listener:
        where = listener.getsockname()[:2]
        with socket.socket(listener.family) as caller, pytest.raises(ConnectionRefusedError):
            caller.connect(where)
        listener.listen()
        with pytest.raises(OSError, match="in use"):
            LoopbackAddress.parse(f"{host}:{where[1]}").bind()
