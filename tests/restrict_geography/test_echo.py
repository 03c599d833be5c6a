"""Services that say which address they see: here one on this machine, with a certificate of its own."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hecate.restrict_geography.own_addresses import read_own_addresses
from tests.daemon.child import child_environment, wait_until
from tests.restrict_geography.conftest import Start
from tests.restrict_geography.databases import country, made_up

ANSWERS = {
    "/address": (200, b"8.8.8.8"),
    "/line": (200, b"2001:4860::8888\n"),
    "/page": (200, b"<html>8.8.8.8</html>"),
    "/private": (200, b"192.168.1.1"),
    "/nothing": (200, b""),
    "/garbage": (200, b"\xff\xfe\x00"),
    "/much": (200, b"8" * 1_000_000),
    "/broken": (500, b"8.8.8.8"),
    "/elsewhere": (302, b"8.8.8.8"),
}


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.send_header("Location", "/address")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(HTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Let a client go that does not trust the certificate, or has read enough."""


class Service(NamedTuple):
    """A service that is up."""

    url: str
    certificate: Path


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An HTTPS server on this machine."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("echo")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with _Server(("127.0.0.1", 0), _Service) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Service(f"https://127.0.0.1:{server.server_port}", certificate)
        server.shutdown()
        thread.join()


def asked(*urls: str, certificate: Path | None = None) -> tuple[str, list[str]]:
    """Return the address that a process finds at *urls*, and its problems; it trusts nobody but *certificate*."""
    program = (
        "import asyncio, json, sys; from hecate.restrict_geography.echo import ask_what_is_seen\n"
        "problems = []; found = asyncio.run(ask_what_is_seen(sys.argv[1:], problems))\n"
        "print(json.dumps([str(found), problems]))"
    )
    environ = child_environment() | {"SSL_CERT_FILE": str(certificate or "/dev/null"), "no_proxy": "*"}
    done = subprocess.run([sys.executable, "-c", program, *urls], capture_output=True, check=True, env=environ)
    address, problems = json.loads(done.stdout)
    return address, problems


@pytest.mark.parametrize(("path", "address"), [("/address", "8.8.8.8"), ("/line", "2001:4860::8888")])
def test_a_service_says_what_it_sees(path: str, address: str, service: Service) -> None:
    """As text, of either kind of IP."""
    assert asked(f"{service.url}{path}", certificate=service.certificate) == (address, [])


def test_they_are_asked_in_turn(service: Service) -> None:
    """Until one answers with an address; what the others have done is said."""
    wrong = [path for path in ANSWERS if path not in {"/address", "/line"}]
    urls = [f"{service.url}{path}" for path in (*wrong, "/address", "/line")]
    address, problems = asked(*urls, certificate=service.certificate)
    assert address == "8.8.8.8"
    assert [problem.partition(" ")[0] for problem in problems] == urls[: len(wrong)]
    why = dict(zip(wrong, problems, strict=True))
    assert "192.168.1.1 is not of the internet" in why["/private"]
    assert "longer than 256 bytes" in why["/much"]
    assert "the status is 500" in why["/broken"]
    assert "the status is 302" in why["/elsewhere"], "a redirect might lead away from HTTPS"
    assert all(len(problem) < 500 for problem in problems)


def test_who_cannot_prove_his_name_is_not_believed(service: Service) -> None:
    """A certificate that nobody trusts."""
    address, (problem,) = asked(f"{service.url}/address")
    assert address == "None"
    assert "cannot be asked" in problem
    assert "certificate" in problem.lower()


def test_a_daemon_asks_only_if_it_is_told_to(service: Service, start: Start, tmp_path: Path) -> None:
    """And after everything else; what comes back is looked up like any address."""
    if any(address.is_global for address in read_own_addresses()):
        pytest.skip("this machine has an address of the internet on an interface")
    database = made_up(tmp_path / "places.mmdb", {"8.8.8.0/24": country("RU")})
    geo = f'enabled = true\ncountries = ["RU"]\ndatabase = "{database}"\n'
    trust = {"SSL_CERT_FILE": str(service.certificate), "no_proxy": "*"}
    daemon = start(geo, **trust)
    assert daemon.caller.done("/api/geo/reload")["reason"] == "unknown_location"
    daemon.configure(f'{geo}\necho_urls = ["{service.url}/broken", "{service.url}/address"]')
    status = daemon.caller.done("/api/geo/reload")
    assert (status["country"], status["source"], status["address"]) == ("RU", "echo", "8.8.8.8")
    assert len(status["problems"]) == 1
    assert daemon.is_blocked
    daemon.configure(f'{geo}\necho_urls = ["{service.url}/address"]\ncountry = "NL"')
    assert daemon.caller.done("/api/geo/reload")["source"] == "configuration"
    wait_until(lambda: not daemon.is_blocked)
