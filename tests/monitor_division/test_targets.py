"""What may be asked, and what never is."""

from __future__ import annotations

import pytest

from hecate.dossiers.errors import Invalid
from hecate.monitor_division.refused_addresses import is_refused
from hecate.monitor_division.targets import TcpTarget, check_target, command_target, http_target, tcp_target

REFUSED = [
    "169.254.169.254",
    "169.254.0.1",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "224.0.0.1",
    "ff02::1",
]


@pytest.mark.parametrize("host", REFUSED)
def test_link_local_and_metadata_addresses_are_refused(host: str) -> None:
    """However they are written, of http and of tcp checks."""
    assert is_refused(host)
    for kind, target in (("http", f"http://[{host}]/" if ":" in host else f"http://{host}/"), ("tcp", f"[{host}]:80")):
        with pytest.raises(Invalid, match="no check may ask"):
            check_target(kind, target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.1", "0.0.0.0", "2001:db8::1", "localhost", "example.org", "db_1"],
)
def test_loopback_private_and_other_hosts_are_asked(host: str) -> None:
    """It is a local daemon; a name is looked at when it is resolved."""
    assert not is_refused(host)
    assert http_target(f"http://[{host}]:80/x?y=z" if ":" in host else f"https://{host}/")


@pytest.mark.parametrize(
    "target",
    [
        "localhost",
        "ftp://localhost/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://[::1/",
        "http://host:0/",
        "http://host:99999/",
        "http://host:x/",
        "http://a b/",
        "http://host/a b",
        "//host/",
        "http://me:secret@host/",
        "http://me@host/",
    ],
)
def test_what_is_no_url_is_refused(target: str) -> None:
    """Also one with a password, which every answer would show."""
    with pytest.raises(Invalid, match=r"at `\$\.target`"):
        http_target(target)


def test_a_tcp_target_is_a_host_with_a_port() -> None:
    """An IPv6 address is in brackets."""
    assert tcp_target("127.0.0.1:5432") == TcpTarget("127.0.0.1", 5432)
    assert tcp_target("tcp://db:1") == TcpTarget("db", 1)
    assert tcp_target("[::1]:5432") == TcpTarget("::1", 5432)


@pytest.mark.parametrize(
    "target", ["localhost", "localhost:", ":80", "::1:80", "a:b:80", "h:0", "h:65536", "h:٣", "h h:1"]
)
def test_what_is_no_host_with_a_port_is_refused(target: str) -> None:
    """The sentence shows one that would do."""
    with pytest.raises(Invalid, match=r"such as 127\.0\.0\.1:5432"):
        tcp_target(target)


def test_a_command_is_read_as_a_shell_reads_words() -> None:
    """And nothing else of what a shell does."""
    assert command_target("sh -c 'exit 3' $HOME") == ("sh", "-c", "exit 3", "$HOME")


@pytest.mark.parametrize("target", [" ", "''", "echo 'x"])
def test_what_is_no_command_is_refused(target: str) -> None:
    """No word, or an open quote."""
    with pytest.raises(Invalid, match="command"):
        command_target(target)
