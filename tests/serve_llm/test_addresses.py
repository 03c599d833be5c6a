"""No request goes to where a cloud hands out its machines' credentials, by whatever name."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.addresses import Resolver, checked_url, is_forbidden
from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.settings import ProviderSettings
from tests.serve_llm.asking import OpenGateway, chat


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
    ],
)
def test_forbidden(host: str) -> None:
    """Link-local addresses and those of clouds, in each of their forms."""
    assert is_forbidden(host)
    url = f"http://[{host}]/v1" if ":" in host else f"http://{host}/v1"
    with pytest.raises(Invalid, match="never asked"):
        checked_url("it", url)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.5", "192.168.1.9", "::1", "8.8.8.8", "gpu.local", "localhost"])
def test_allowed(host: str) -> None:
    """This machine, the house and the world are where models are."""
    assert not is_forbidden(host)


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "gpu:8000", "http://", "http://x:99999", "http://[::1"]
)
def test_no_url(url: str) -> None:
    """What is no URL of HTTP is refused with the name of whose it is."""
    with pytest.raises(Invalid, match="provider 'x'"):
        checked_url("provider 'x'", url)


async def test_a_number_is_resolved_first() -> None:
    """An address written as one number is a name to us, and the resolver tells what it is."""
    assert not is_forbidden("0xa9fea9fe")
    with pytest.raises(OSError, match="link-local"):
        await Resolver().resolve("0xa9fea9fe", 80)
    found: Any = await Resolver().resolve("127.0.0.1", 80)
    assert found[0]["host"] == "127.0.0.1"


async def test_a_name_that_leads_there_is_not_asked(open_gateway: OpenGateway) -> None:
    """The request is not sent, and the caller is told why."""
    gateway = await open_gateway({"sly": ProviderSettings(base_url="http://0xa9fea9fe/v1")})
    with pytest.raises(ProviderFailed, match="link-local"):
        await chat(gateway, model="sly/m")
