"""The head of a request, and what connections are kept for."""

from __future__ import annotations

import pytest
from yarl import URL

from hecate.serve_llm.http1.origin import Origin


def head(url: str, proxy: str = "", **headers: str) -> list[str]:
    """Return the lines of the head of a request for *url*."""
    return Origin.of(URL(url), proxy).head("POST", URL(url), headers).decode().split("\r\n")[:-1]


def test_a_head() -> None:
    """The path with its query, the host with its port if that is not the usual one, and who we are."""
    assert head("http://gpu:8000/v1/chat?alt=sse", Authorization="Bearer k") == [
        "POST /v1/chat?alt=sse HTTP/1.1",
        "Host: gpu:8000",
        "User-Agent: hecate",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Authorization: Bearer k",
    ]
    assert head("https://api.openai.com/v1")[1] == "Host: api.openai.com"
    assert head("http://[::1]:8000/v1")[1] == "Host: [::1]:8000"


def test_the_configurations_headers_win() -> None:
    """Whatever their spelling."""
    lines = head("http://x/", **{"user-agent": "me", "Host": "y"})
    assert [line for line in lines if line.lower().startswith(("user-agent", "host"))] == ["user-agent: me", "Host: y"]


def test_a_user_in_the_address_is_shown() -> None:
    """As the address itself is not."""
    lines = head("http://me:se%20cret@x/v1")
    assert lines[0] == "POST /v1 HTTP/1.1"
    assert "Host: x" in lines
    assert "Authorization: Basic bWU6c2UgY3JldA==" in lines


def test_a_proxy_is_given_the_whole_address() -> None:
    """And the user that it wants to know; a tunnel's proxy is not, since it does not see the request."""
    lines = head("http://x/v1", "http://me:secret@proxy:3128")
    assert lines[0] == "POST http://x/v1 HTTP/1.1"
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in lines
    lines = head("https://x/v1", "http://me:secret@proxy:3128")
    assert lines[0] == "POST /v1 HTTP/1.1"
    assert not any(line.startswith("Proxy-") for line in lines)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\0b"])
def test_a_header_cannot_smuggle_in_another(value: str) -> None:
    """A key with a line break in it is a mistake, not two headers."""
    with pytest.raises(ValueError, match="line break"):
        head("http://x/", Authorization=value)


def test_connections_are_kept_apart() -> None:
    """By scheme, host, port and proxy; not by path."""
    assert Origin.of(URL("http://x/v1")) == Origin.of(URL("http://x:80/v2"))
    others = ["https://x", "http://y", "http://x:81"]
    assert len({Origin.of(URL(url)) for url in ("http://x", *others)} | {Origin.of(URL("http://x"), "http://p:1")}) == 5


@pytest.mark.parametrize("url", ["x", "http://", "/v1"])
def test_an_address_needs_a_host(url: str) -> None:
    """There is nobody to connect to."""
    with pytest.raises(ValueError, match="names no host"):
        Origin.of(URL(url))
