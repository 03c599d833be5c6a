"""The listener on a loopback port: beside the socket, with a token, and as the official clients use it."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import ollama as ollama_client
import openai
import pytest

from hecate.daemon.config import HttpSettings
from hecate.daemon.errors import CannotStart
from hecate.daemon.http_listener import HttpListener
from hecate.daemon.http_protocol import Patience
from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw
from tests.daemon.child import Child, UnixConnection, started, wait_until
from tests.fakes.ollama import MODEL, SAYS, ollama
from tests.serving import serving

TOKEN = "0123456789abcdef"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}]}
WHOLE = "".join(SAYS)


class Served(NamedTuple):
    """A daemon with both listeners."""

    child: Child
    url: str
    token: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, http.client.HTTPMessage, Any]:
        """Send a request to the port, with the token unless another is given."""
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())


@pytest.fixture(scope="module", params=["127.0.0.1:0", "[::1]:0"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """``hecate serve`` on a socket and a port, with one provider."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, ollama() as provider:
        listen = f'[http]\nlisten = "{request.param}"\n'
        with serving(Path(folder), provider.url, configuration=listen) as child:
            line = json.loads(child.wait_for_line('"ready"'))
            yield Served(child, line["http"], Path(line["token_file"]).read_text().strip())


def test_both_listeners_answer(served: Served) -> None:
    """The same application, the same data."""
    status, _, told = served.ask("POST", "/api/ventures", {"name": "over-tcp"})
    assert status == 201
    assert told["id"] in {venture["id"] for venture in served.child.request("/api/ventures")["ventures"]}
    assert served.ask("GET", "/api/health")[2]["ok"] is True


def test_the_start_tells_where_it_is_and_where_the_token_lies(served: Served) -> None:
    """In the log and in the greeting, which never hold the token itself."""
    wait_until(lambda: any("  http " in line for line in served.child.out))
    (greeted,) = (line for line in served.child.out if "  http " in line)
    file = served.child.socket_path.parent / "data" / "http.token"
    assert greeted.split(maxsplit=1)[1] == f"{served.url}, token in {file}"
    assert not any(served.token in line for line in (*served.child.out, *served.child.err))


def test_without_the_token_it_tells_nothing(served: Served) -> None:
    """401 in the contract's shape, whether the path exists or not."""
    for path in ("/api/health", "/api/ventures", "/nowhere"):
        status, headers, told = served.ask("GET", path, authorization="Bearer wrong")
        assert (status, told["ok"], told["code"]) == (401, False, "unauthorized")
        assert headers["www-authenticate"] == 'Bearer realm="hecate"'
        assert headers["content-type"] == "application/json"


def test_a_dialects_clients_are_told_in_their_dialect(served: Served) -> None:
    """OpenAI's clients find an object in ``error``, Anthropic's a type beside it."""
    _, _, told = served.ask("POST", "/v1/chat/completions", CHAT, authorization="")
    assert told["error"]["type"] == "authentication_error"
    _, _, told = served.ask("POST", "/v1/messages", CHAT, authorization="")
    assert (told["type"], told["error"]["type"]) == ("error", "authentication_error")


def test_web_pages_are_turned_away(served: Served) -> None:
    """403, also with the token, and not a single CORS header."""
    for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}, {"sec_fetch_site": "cross-site"}):
        status, answered, told = served.ask("GET", "/api/health", **headers)
        assert (status, told["code"]) == (403, "forbidden")
        assert not any(name.lower().startswith("access-control") for name in answered)


def test_a_body_must_be_declared_as_json(served: Served) -> None:
    """A form, which a page may send unasked, is refused."""
    status, _, told = served.ask("POST", "/api/ventures", {"name": "x"}, content_type="text/plain")
    assert (status, told["code"]) == (415, "validation_error")


def test_a_refused_body_does_not_spoil_the_connection(served: Served) -> None:
    """A large body without the token is answered, and the next request on the connection is, too."""
    with closing(http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=20)) as connection:
        for token, status in (("wrong", 401), (served.token, 413)):
            headers = {"x-api-key": token, "content-type": "application/json"}
            connection.request("POST", "/api/ventures", b"[" + b" " * 3_000_000, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status


def test_ollamas_client_works_over_it(served: Served) -> None:
    """The token is a header to it; models, a chat, whole and streamed, and a wrong token."""
    with ollama_client.Client(served.url, headers={"Authorization": f"Bearer {served.token}"}) as client:
        assert MODEL in {model.model for model in client.list().models}
        messages: Any = CHAT["messages"]
        assert client.chat(MODEL, messages).message.content == WHOLE
        assert "".join(part.message.content or "" for part in client.chat(MODEL, messages, stream=True)) == WHOLE
    with (
        ollama_client.Client(served.url, headers={"Authorization": "Bearer wrong"}) as client,
        pytest.raises(ollama_client.ResponseError, match="the token is wrong") as refused,
    ):
        client.list()
    assert refused.value.status_code == 401


def test_openais_client_works_over_it(served: Served) -> None:
    """``base_url`` and ``api_key`` are all that it needs; a wrong key is what it takes for one."""
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.token, max_retries=0) as client:
        assert MODEL in {model.id.partition("/")[2] or model.id for model in client.models.list()}
        messages: Any = CHAT["messages"]
        answer = client.chat.completions.create(model=MODEL, messages=messages)
        assert answer.choices[0].message.content == WHOLE
        pieces = [
            chunk.choices[0].delta.content or ""
            for chunk in client.chat.completions.create(model=MODEL, messages=messages, stream=True)
            if chunk.choices
        ]
        assert "".join(pieces) == WHOLE
    with (
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError, match="the token is wrong"),
    ):
        client.models.list()


def test_anthropics_client_works_over_it(served: Served) -> None:
    """The same with Anthropic's, whose key is another header."""
    messages: Any = CHAT["messages"]
    with anthropic.Anthropic(base_url=served.url, api_key=served.token, max_retries=0) as client:
        answer = client.messages.create(model=MODEL, messages=messages, max_tokens=100)
        assert [block.text for block in answer.content if block.type == "text"] == [WHOLE]
        with client.messages.stream(model=MODEL, messages=messages, max_tokens=100) as stream:
            assert "".join(stream.text_stream) == WHOLE
    with (
        anthropic.Anthropic(base_url=served.url, api_key="wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError, match="the token is wrong"),
    ):
        client.messages.create(model=MODEL, messages=messages, max_tokens=100)


# -- the process around it


def port_of(child: Child) -> str:
    """Return host and port of a daemon's listener."""
    address: str = json.loads(child.wait_for_line('"ready"'))["http"]
    return address.removeprefix("http://")


def arguments_in(place: Path) -> list[str | Path]:
    """Return the arguments of a daemon with its configuration and all its files in *place*."""
    return ["--socket", place / "s", "--data-dir", place / "data", "--config", place / "c.toml"]


def settings_over(port: str, token: str) -> int:
    """Return the status of a request with *token*."""
    with closing(http.client.HTTPConnection(port, timeout=20)) as connection:
        connection.request("GET", "/settings", headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def test_hang_up_reads_the_token_again(place: Path) -> None:
    """From the next request on, only the new one is taken; connections stay; a bad one changes nothing."""
    file = place / "c.toml"
    (place / "t").write_text(TOKEN)
    file.write_text(f'[http]\nlisten = "127.0.0.1:0"\ntoken_file = "{place}/t"\n')
    with started(arguments_in(place), place / "s") as child:
        port = port_of(child)
        assert [settings_over(port, token) for token in (TOKEN, "fedcba9876543210")] == [200, 401]
        (place / "t").write_text("fedcba9876543210")
        child.signal(signal.SIGHUP)
        child.wait_for_line("configuration reloaded")
        assert [settings_over(port, token) for token in (TOKEN, "fedcba9876543210")] == [401, 200]
        (place / "t").write_text("short")
        child.signal(signal.SIGHUP)
        assert "at least 16" in child.wait_for_line("configuration not reloaded")
        assert settings_over(port, "fedcba9876543210") == 200
        file.write_text("")
        child.signal(signal.SIGHUP)
        child.wait_for_line("take effect at the next start")


def test_a_stop_finishes_what_came_over_either(place: Path) -> None:
    """SIGTERM closes both listeners and waits for the requests of both."""
    (place / "c.toml").write_text(f'[http]\nlisten = "127.0.0.1:0"\ntoken = "{TOKEN}"\n')
    with started(arguments_in(place), place / "s") as child:
        port = port_of(child)
        both = [http.client.HTTPConnection(port, timeout=20), UnixConnection(place / "s")]
        for connection in both:
            connection.request("GET", "/hold", headers={"x-api-key": TOKEN})
        child.wait_for_line("held", times=2)
        child.signal(signal.SIGTERM)
        child.wait_for_line('"stopping"')
        host, _, number = port.rpartition(":")

        def refused() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex((host, int(number))) != 0

        wait_until(refused)
        child.signal(signal.SIGUSR1)
        for connection in both:
            assert json.loads(connection.getresponse().read()) == {"held": True}
            connection.close()
        assert child.end() == 0


@pytest.mark.parametrize(
    ("listen", "status", "why"),
    [
        ("0.0.0.0:11500", 2, "http.listen must be a loopback address (127.0.0.1 or [::1]), and 0.0.0.0 can be reached"),
        ("127.0.0.1", 2, "http.listen must be an address and a port, such as \"127.0.0.1:11500\", and is '127.0.0.1'"),
        ("taken", 1, "cannot listen on 127.0.0.1:"),
    ],
)
def test_a_start_that_cannot_listen_says_why(place: Path, listen: str, status: int, why: str) -> None:
    """One sentence, before the store is opened."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if listen == "taken":
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
        (place / "c.toml").write_text(f'[http]\nlisten = "{listen}"\n')
        with started(arguments_in(place), place / "s") as child:
            assert child.end() == status
            (line,) = child.err
    assert why in line
    assert not (place / "data" / "hecate.db").exists()


# -- limits, in this process


@asynccontextmanager
async def listening(tmp_path: Path, **options: Any) -> AsyncIterator[tuple[str, int]]:
    """Listen, and give host and port."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def say(path: str, error: HecateError) -> Raw:
        return Raw(str(error).encode(), status=error.status, headers=error.headers)

    listener = HttpListener.claim(HttpSettings(listen="127.0.0.1:0", token=TOKEN), tmp_path, lambda _: None)
    assert listener is not None
    await listener.listen(application, say, **{"limit": 10, **options})
    match = re.fullmatch(r"http://(.*):(\d+)", listener.url)
    assert match
    try:
        yield match[1], int(match[2])
    finally:
        await listener.drain()
        listener.close()


async def test_it_has_its_own_share_of_the_connections(tmp_path: Path) -> None:
    """One too many is told so."""
    async with listening(tmp_path, limit=1) as where:
        _, first = await asyncio.open_connection(*where)
        reader, second = await asyncio.open_connection(*where)
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        first.close()
        second.close()


async def test_silence_is_not_waited_for(tmp_path: Path) -> None:
    """The deadlines of the socket hold here as well."""
    async with listening(tmp_path, patience=Patience(header_seconds=0.05)) as where:
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"GET / HT")
        assert await reader.read() == b""
        writer.close()


def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    """Nothing is bound and no token is made."""
    assert HttpListener.claim(HttpSettings(), tmp_path, lambda _: None) is None
    assert list(tmp_path.iterdir()) == []


def test_a_port_is_given_back_when_the_token_is_unfit(tmp_path: Path) -> None:
    """A start that fails leaves nothing bound."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(CannotStart, match="at least 16"):
        HttpListener.claim(HttpSettings(listen=f"127.0.0.1:{port}", token="short"), tmp_path, lambda _: None)
    socket.create_server(("127.0.0.1", port)).close()
