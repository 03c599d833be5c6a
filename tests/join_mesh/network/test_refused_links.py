"""What zenoh's log says of refused connections, and what happens to what others write to standard output."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hecate.join_mesh.network.refused_links import RefusedLink, refused_link_in

TLS = "2026-11-26T18:25:08Z  WARN acc-0 ThreadId(06) zenoh_link_tls::unicast: "
QUIC = "2026-11-26T18:25:08Z  WARN acc-0 ThreadId(06) zenoh_link_commons::quic::unicast: QUIC acceptor failed: "
HINT = ". Hint: increase the system open file limit."
PROGRAM = """
import asyncio, subprocess
from hecate.join_mesh.network.refused_links import telling_of_refused_links
async def main():
    async with telling_of_refused_links(print), telling_of_refused_links(print):
        print("from Python", flush=True)
        subprocess.run(["echo", "from a child"], check=True)
    print("afterwards", flush=True)
    pending = subprocess.Popen(["echo", "from another"])
    pending.wait()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"{TLS}invalid peer certificate: BadSignature{HINT}", ("tls", "invalid peer certificate: BadSignature")),
        (f"{TLS}peer sent no certificates{HINT}", ("tls", "peer sent no certificates")),
        (f"{TLS}received fatal alert: DecryptError{HINT}", ("tls", "received fatal alert: DecryptError")),
        (
            f"{TLS}invalid peer certificate: certificate expired: verification time 1795717520 (UNIX){HINT}",
            ("tls", "invalid peer certificate: certificate expired"),
        ),
        (
            f'{QUIC}TransportError(Error {{ code: Code::crypto(33), reason: "peer sent no certificates" }})',
            ("quic", "peer sent no certificates"),
        ),
        (f"{TLS}tls handshake eof{HINT}", None),
        (f"{QUIC}TimedOut{HINT}", None),
        (f"{TLS}Too many open files (os error 24){HINT}", None),
    ],
)
def test_what_is_a_refusal(line: str, found: tuple[str, str] | None) -> None:
    """In TLS's own words, without what differs each time; a port scan is none."""
    assert refused_link_in(line) == (found and RefusedLink(*found))


def test_what_others_write_comes_out() -> None:
    """Of the process itself and of its children, meanwhile and afterwards, with one session or two."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert sorted(done.stdout.splitlines()) == ["afterwards", "from Python", "from a child", "from another"]
