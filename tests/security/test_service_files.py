"""The files in contrib/: as closed as they say, and for the daemon as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hecate.daemon.http_protocol import Patience
from hecate.daemon.server import DRAIN_SECONDS, KEEP_ALIVE_SECONDS

CONTRIB = Path(__file__).parents[2] / "contrib"
UNITS = (CONTRIB / "systemd" / "system" / "hecate.service", CONTRIB / "systemd" / "hecate.service")
PROXIES = (CONTRIB / "nginx" / "hecate.conf", CONTRIB / "caddy" / "Caddyfile")
MOST_EXPOSED = 2.0

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def exposure(unit: Path) -> float:
    """Return how open systemd takes *unit* to be: 0 to 10."""
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", str(unit)], check=False, capture_output=True, text=True
    )
    found = re.search(r"exposure level for \S+: ([0-9.]+)", run.stdout)
    assert found, run.stderr
    return float(found[1])


@needs_systemd
def test_the_systems_service_is_closed(tmp_path: Path) -> None:
    """Under 2.0; the same without what closes it is nearly 10."""
    assert exposure(UNITS[0]) < MOST_EXPOSED
    open_one = tmp_path / "hecate.service"
    open_one.write_text("[Service]\nExecStart=/usr/bin/hecate serve\n")
    assert exposure(open_one) > 9


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.parent.name)
def test_a_service_lets_the_daemon_end_in_its_own_time(unit: Path) -> None:
    """And does not start it again with a configuration that is wrong."""
    text = unit.read_text()
    stop = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert stop is not None
    assert int(stop[1]) > DRAIN_SECONDS
    assert "RestartPreventExitStatus=2" in text


def test_the_socket_is_no_wider_than_its_group() -> None:
    """Nobody else can connect."""
    modes = re.findall(
        r"^SocketMode=(\d+)$", "\n".join(file.read_text() for file in CONTRIB.rglob("*.socket")), re.MULTILINE
    )
    assert sorted(modes) == ["0600", "0660"]


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.parent.name)
def test_a_proxy_closes_connections_before_the_daemon_does(proxy: Path) -> None:
    """Or now and then a request would be sent into a connection that is just being closed."""
    kept = re.search(r"keepalive(?:_timeout)? (\d+)s", proxy.read_text())
    assert kept is not None
    assert int(kept[1]) < KEEP_ALIVE_SECONDS
    assert Patience().header_seconds == 30


@pytest.mark.parametrize("proxy", PROXIES, ids=lambda proxy: proxy.parent.name)
def test_a_proxy_passes_no_password_on(proxy: Path) -> None:
    """It asks for one, over TLS, and keeps it; pages in a browser are turned away."""
    text = proxy.read_text()
    assert re.search(r'Authorization ""|-Authorization', text)
    assert "cross-site" in text
    assert re.search(r"auth_basic_user_file|basicauth", text)
