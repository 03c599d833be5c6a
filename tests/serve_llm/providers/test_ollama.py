"""Ollama's native API: what is sent to it, and what is read from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.errors import ModelNotFound, ProviderFailed, ProviderRefused
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange, ScriptedServer
from tests.serve_llm.asking import OpenGateway, Serve, chat, streamed_chat, text_of

TAGS = {
    "models": [
        {
            "name": "llama3.2:latest",
            "model": "llama3.2:latest",
            "size": 2019393189,
            "digest": "a80c4f17acd5",
            "details": {"family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"},
        },
        {"name": "broken:latest", "size": 1, "digest": "b"},
    ]
}
SHOWN = {
    "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
    "capabilities": ["completion", "tools"],
}
END = {"done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 5, "eval_duration": 4709213000}


class FakeOllama:
    """Lists two models, and chats with the given lines."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        self.lines = lines
        self.shown = 0
        self.sent: dict[str, Any] = {}

    async def script(self, exchange: Exchange) -> None:
        match exchange.path:
            case "/api/tags":
                await exchange.answer(TAGS)
            case "/api/show":
                self.shown += 1
                if exchange.json()["model"].startswith("broken"):
                    await exchange.answer({"error": "bad file"}, 500)
                else:
                    await exchange.answer(SHOWN)
            case "/api/chat":
                self.sent = exchange.json()
                await self.chat(exchange)

    async def chat(self, exchange: Exchange) -> None:
        if not self.sent["stream"]:
            await exchange.answer(self.lines[-1])
            return
        await exchange.begin("application/x-ndjson")
        body = b"".join(json.dumps(line).encode() + b"\n" for line in self.lines)
        for start in range(0, len(body), 11):
            await exchange.piece(body[start : start + 11])
        await exchange.end()


async def gateway_to(server: ScriptedServer, open_gateway: OpenGateway, **more: Any) -> Gateway:
    """Return a gateway in front of *server*, addressed as ``OLLAMA_HOST`` would."""
    return await open_gateway({"ollama": ProviderSettings(base_url=server.url.removeprefix("http://"), **more)})


def says(text: str = "", **more: Any) -> dict[str, Any]:
    """Return a line in which the model says *text*."""
    return {"model": "llama3.2", "message": {"role": "assistant", "content": text, **more}, "done": False}


async def test_list(serve: Serve, open_gateway: OpenGateway) -> None:
    """Models come with size, family, context and capabilities; one without details is still listed."""
    ollama = FakeOllama()
    gateway = await gateway_to(await serve(ollama.script), open_gateway)
    llama, broken = await gateway.models()
    assert (llama.id, llama.size, llama.family, llama.size_bytes) == (
        "ollama/llama3.2:latest",
        "3.2B",
        "llama",
        2019393189,
    )
    assert (llama.context_length, llama.capabilities) == (131072, ("completion", "tools"))
    assert llama.quantization_level == "Q4_K_M"
    assert (broken.name, broken.context_length) == ("broken:latest", None)


async def test_details_are_asked_for_once(serve: Serve, open_gateway: OpenGateway) -> None:
    """Details are kept by the model's digest, so that a list stays one request."""
    ollama = FakeOllama()
    gateway = await gateway_to(await serve(ollama.script), open_gateway)
    await gateway.models()
    (shelf,) = [shelf for shelf in (await gateway.shelves()).values() if shelf is not None]
    await shelf.restock()
    assert ollama.shown == 3  # Once for the sound model, and again for the one that failed.


async def test_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """Lines become text and reasoning, and the last one the usage."""
    ollama = FakeOllama(says(thinking="hm"), says("Héllo"), says("!"), {**says(), **END})
    gateway = await gateway_to(await serve(ollama.script), open_gateway)
    chunks = await streamed_chat(gateway, model="llama3.2")
    assert chunks[0]["reasoning"] == "hm"
    assert text_of(chunks) == "Héllo!"
    assert chunks[-1]["finish_reason"] == "stop"
    assert chunks[-1]["model"] == "llama3.2:latest"
    assert chunks[-1]["usage"]["total_tokens"] == 31


async def test_whole(serve: Serve, open_gateway: OpenGateway) -> None:
    """An answer that stopped at its limit says so."""
    ollama = FakeOllama({**says("Hello"), **END, "done_reason": "length"})
    answer = await chat(await gateway_to(await serve(ollama.script), open_gateway), model="llama3.2")
    assert (answer["content"], answer["finish_reason"]) == ("Hello", "length")


async def test_tool_calls(serve: Serve, open_gateway: OpenGateway) -> None:
    """Calls get ids where the server gives none, and the finish reason that they mean."""
    calls = [{"function": {"name": "look", "arguments": {"at": 1}}}, {"id": "x", "function": {"name": "wait"}}]
    ollama = FakeOllama(says(tool_calls=calls), {**says(), **END})
    chunks = await streamed_chat(await gateway_to(await serve(ollama.script), open_gateway), model="llama3.2")
    first, second = chunks[0]["tool_calls"]
    assert first["id"].startswith("call_")
    assert (first["name"], first["arguments"]) == ("look", {"at": 1})
    assert second == {"id": "x", "name": "wait"}
    assert chunks[-1]["finish_reason"] == "tool_calls"


async def test_request(serve: Serve, open_gateway: OpenGateway) -> None:
    """Every field goes where Ollama looks for it: sampling and ``num_ctx`` into options, ``keep_alive`` beside."""
    ollama = FakeOllama({**says("ok"), **END})
    gateway = await gateway_to(await serve(ollama.script), open_gateway, options={"num_ctx": 8192, "keep_alive": "1h"})
    await gateway.models()
    schema = {"type": "object", "properties": {}}
    await chat(
        gateway,
        model="ollama/llama3.2",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See?"},
                    {"type": "image", "data": "iVBO", "media_type": "image/png"},
                ],
            },
            {
                "role": "assistant",
                "reasoning": "hm",
                "tool_calls": [{"id": "c1", "name": "look", "arguments": {"at": 1}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "no", "is_error": True},
        ],
        temperature=0.5,
        max_tokens=7,
        stop="END",
        seed=1,
        tools=[{"name": "look", "input_schema": schema}],
        tool_choice="auto",
        response_format={"type": "json_schema", "schema": schema},
        reasoning_effort="none",
        extra={"num_ctx": 4096, "truncate": False},
    )
    assert ollama.sent == {
        "model": "llama3.2:latest",
        "stream": False,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "See?", "images": ["iVBO"]},
            {
                "role": "assistant",
                "content": "",
                "thinking": "hm",
                "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": {"at": 1}}}],
            },
            {"role": "tool", "content": "Error: no", "tool_call_id": "c1", "tool_name": "look"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "", "parameters": schema}}],
        "format": schema,
        "think": False,
        "keep_alive": "1h",
        "truncate": False,
        "options": {"temperature": 0.5, "num_predict": 7, "seed": 1, "stop": ["END"], "num_ctx": 4096},
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "url": "https://x/y.png"}]}]},
            "ollama fetches no images",
        ),
        ({"tools": [{"name": "f"}], "tool_choice": "required"}, "ollama cannot make a model call a tool"),
        ({"tools": [{"name": "f"}], "parallel_tool_calls": False}, "several tools at once"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "url": "https://x/y"}]}]}, "takes no files"),
    ],
)
async def test_what_it_cannot_do(body: dict[str, Any], message: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """What Ollama cannot do is refused in words, not left out."""
    gateway = await gateway_to(await serve(FakeOllama().script), open_gateway)
    with pytest.raises(Invalid, match=message):
        await chat(gateway, **{"model": "ollama/llama3.2", **body})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (404, "model 'mistral' not found", ModelNotFound),
        (400, '"llama3.2" does not support tools', ProviderRefused),
        (500, "llama runner process has terminated", ProviderFailed),
        (200, "an error was encountered while running the model", ProviderFailed),
    ],
)
async def test_errors(  # noqa: PLR0917
    status: int,
    said: str,
    kind: type[Exception],
    stream: bool,  # noqa: FBT001
    serve: Serve,
    open_gateway: OpenGateway,
) -> None:
    """Ollama's errors, as a status or as a line, keep their words."""

    class Failing(FakeOllama):
        async def chat(self, exchange: Exchange) -> None:
            await exchange.answer({"error": said}, status)

    gateway = await gateway_to(await serve(Failing().script), open_gateway)
    with pytest.raises(kind, match=said):
        await (streamed_chat if stream else chat)(gateway, model="ollama/mistral")


async def test_half_a_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream without its last line is no success."""
    gateway = await gateway_to(await serve(FakeOllama(says("Hel")).script), open_gateway)
    chunks = await streamed_chat(gateway, model="llama3.2")
    assert "there was no last line" in chunks[-1]["error"]
