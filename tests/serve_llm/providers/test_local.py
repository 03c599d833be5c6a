"""The provider `local` through the gateway, with the stand-in for xllamacpp in its processes."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.check_providers import ROUTES as HEALTH_ROUTES
from hecate.serve_llm.embeddings import EmbeddingRequest
from hecate.serve_llm.errors import ModelNotFound, ModelNotLoaded, OutOfTime, ProviderFailed
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.list_providers import ROUTES as LIST_ROUTES
from hecate.serve_llm.messages import ChatRequest, UserMessage
from hecate.serve_llm.settings import LlmSettings, LocalSettings, ProviderSettings
from tests.fakes.gguf import USUAL, write_gguf
from tests.serve_llm.asking import ask, chat, chat_stream, streamed_chat, text_of, until
from tests.serve_llm.conftest import QUICK
from tests.serve_llm.providers.llama_cpp import PACKAGE, let_load, loads, model_file, runs

Open = Callable[..., Awaitable[Gateway]]

(HEALTH,) = HEALTH_ROUTES
(LIST,) = LIST_ROUTES


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in counts as installed, and child processes find it."""
    monkeypatch.syspath_prepend(str(PACKAGE))


@pytest.fixture
def opened(stack: AsyncExitStack, tmp_path: Path) -> Open:
    """Open gateways that have no provider but the models in *tmp_path*."""

    async def start(
        local: LocalSettings | None = None,
        providers: dict[str, ProviderSettings] | None = None,
        aliases: dict[str, str | tuple[str, ...]] | None = None,
    ) -> Gateway:
        sources = Sources(
            LlmSettings(retries=QUICK, aliases=aliases or {}),
            {"ollama": ProviderSettings(enabled=False), **(providers or {})},
            local=local or LocalSettings(folder=str(tmp_path)),
        )
        return await stack.enter_async_context(Gateway(lambda: sources))

    return start


async def answer(gateway: Gateway, route: Any, body: Any = None) -> Any:
    """Return what *route* answers."""
    return msgspec.to_builtins(await ask(gateway, route, body))


async def test_models_are_listed_without_being_loaded(opened: Open, tmp_path: Path) -> None:
    """With all that their files tell; the context is what is served."""
    write_gguf(tmp_path / "maker" / "chatty.gguf")
    write_gguf(tmp_path / "vectors.gguf", {"general.architecture": "bert", "bert.pooling_type": 1})
    gateway = await opened(LocalSettings(folder=str(tmp_path), context_length=1000))
    chatty, vectors = await gateway.models()
    assert (chatty.id, chatty.size, chatty.family, chatty.context_length) == ("local/maker/chatty", "32", "llama", 1000)
    assert (chatty.quantization_level, chatty.capabilities) == ("Q4_K_M", ("tools",))
    assert (vectors.name, vectors.capabilities, vectors.context_length) == ("vectors", ("embedding",), 1000)
    assert loads(tmp_path, "vectors") == []


async def test_a_chat_loads_the_model(opened: Open, tmp_path: Path) -> None:
    """Whole and streamed, at no cost; it is loaded once, and ends with the gateway."""
    model_file(tmp_path, "a")
    gateway = await opened()
    whole = await chat(gateway, model="a")
    chunks = await streamed_chat(gateway, model="local/a")
    assert (whole["content"], text_of(chunks)) == ("Hello!", "Hello! ")
    assert (whole["provider"], whole["model"], whole["cost_usd"]) == ("local", "a", 0.0)
    assert chunks[-1]["usage"] == whole["usage"]
    (pid,) = loads(tmp_path, "a")
    await gateway.__aexit__(None, None, None)
    assert not runs(pid)


async def test_who_leaves_frees_the_model(opened: Open, tmp_path: Path) -> None:
    """A stream that nobody reads any more does not keep it from being unloaded."""
    model_file(tmp_path, "a")
    gateway = await opened(LocalSettings(folder=str(tmp_path), idle_seconds=0.01))
    stream = await chat_stream(gateway, model="a", messages=[{"role": "user", "content": "wait"}])
    async with aclosing(stream.pieces) as pieces:
        await anext(pieces)
    (pid,) = loads(tmp_path, "a")
    await until(lambda: not runs(pid))


async def test_a_crash_is_told_and_the_next_chat_loads_anew(opened: Open, tmp_path: Path) -> None:
    """The process dies in mid-answer; the daemon does not."""
    model_file(tmp_path, "fragile")
    gateway = await opened()
    chunks = await streamed_chat(gateway, model="fragile", messages=[{"role": "user", "content": "one two three"}])
    assert chunks[-1]["error"] == "local has lost 'fragile': its process has crashed (SIGSEGV)"
    assert (await chat(gateway, model="fragile"))["content"] == "Hello!"
    assert len(loads(tmp_path, "fragile")) == 2


async def test_what_cannot_be_loaded_is_not_tried_again(opened: Open, tmp_path: Path) -> None:
    """It would fail as before, and a fallback may answer; the other models are not held responsible."""
    model_file(tmp_path, "broken")
    model_file(tmp_path, "a")
    gateway = await opened()
    with pytest.raises(ModelNotLoaded, match="full of holes"):
        await chat(gateway, model="broken")
    assert len(loads(tmp_path, "broken")) == 1
    assert "failures_in_a_row" not in (await answer(gateway, HEALTH))["providers"]["local"]
    fallback = await opened(aliases={"best": ("broken", "a")})
    answered = await chat(fallback, model="best")
    assert answered["model"] == "a"
    assert "full of holes" in answered["warnings"][0]


async def test_a_model_that_has_vanished_is_not_found(opened: Open, tmp_path: Path) -> None:
    """Though it is still in the list that was made before."""
    file = model_file(tmp_path, "a")
    gateway = await opened()
    assert [model.name for model in await gateway.models()] == ["a"]
    file.path.unlink()
    with pytest.raises(ModelNotFound, match="no such GGUF file"):
        await chat(gateway, model="a")
    with pytest.raises(ModelNotFound):
        await chat(gateway, model="local/b")


async def test_loading_has_a_deadline(opened: Open, tmp_path: Path) -> None:
    """Who has no time for it is told; the model is loaded for the next."""
    model_file(tmp_path, "slow")
    gateway = await opened()
    with pytest.raises(OutOfTime, match=r"has not loaded 'slow' within 0\.2 s"):
        await chat(gateway, model="slow", timeout_seconds=0.2)
    let_load(tmp_path, "slow")
    assert (await chat(gateway, model="slow"))["content"] == "Hello!"
    assert len(loads(tmp_path, "slow")) == 1


async def test_effort_is_told_to_the_template(opened: Open, tmp_path: Path) -> None:
    """llama.cpp knows nothing of effort; `extra` goes on as it is."""
    model_file(tmp_path, "a")
    gateway = await opened(None, {"local": ProviderSettings(options={"top_k": 3})})
    told = msgspec.json.decode(
        (await chat(gateway, model="a", reasoning_effort="none", extra={"echo": True}))["content"]
    )
    assert told["chat_template_kwargs"] == {"enable_thinking": False, "reasoning_effort": "none"}
    assert "reasoning_effort" not in told
    assert (told["top_k"], told["n_ctx"]) == (3, 4096)


async def test_images_are_refused(opened: Open, tmp_path: Path) -> None:
    """Rather than left out."""
    model_file(tmp_path, "a")
    image = {"type": "image", "url": "http://x/y.png"}
    with pytest.raises(Invalid, match="text only"):
        await chat(await opened(), model="a", messages=[{"role": "user", "content": [image]}])
    assert loads(tmp_path, "a") == []


async def test_vectors_come_from_models_that_make_them(opened: Open, tmp_path: Path) -> None:
    """A model for chats makes none."""
    model_file(tmp_path, "a")
    write_gguf(tmp_path / "v.gguf", {**USUAL, "llama.pooling_type": 1})
    gateway = await opened()
    made = await gateway.embed(EmbeddingRequest(model="v", inputs=("one", "three")))
    assert (made.vectors, made.prompt_tokens) == (((3.0,), (5.0,)), 7)
    with pytest.raises(Invalid, match="not for embeddings"):
        await gateway.embed(EmbeddingRequest(model="a", inputs=("one",)))


async def test_tokens_are_counted_beforehand(opened: Open, tmp_path: Path) -> None:
    """As the template writes the conversation down."""
    model_file(tmp_path, "a")
    request = ChatRequest(model="a", messages=(UserMessage("one two"), UserMessage("three")))
    assert await (await opened()).count_tokens(request) == 3


async def test_without_a_folder_it_is_not_configured(opened: Open, tmp_path: Path) -> None:
    """It says where models would be looked for."""
    gateway = await opened(LocalSettings(folder=str(tmp_path / "models")))
    assert gateway.configured == ()
    health = (await answer(gateway, HEALTH))["providers"]["local"]
    assert health["status"] == "not_configured"
    assert health["error"].endswith(f"put GGUF files into {tmp_path / 'models'}")
    kinds = {kind["kind"]: kind for kind in (await answer(gateway, LIST))["kinds"]}
    assert kinds["local"]["lacks"] == health["error"]
    assert "lacks" not in kinds["openai"]
    with pytest.raises(Invalid, match="put GGUF files into"):
        await gateway.providers.add("local", ProviderSettings())


async def test_without_the_extra_it_is_not_configured(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how to install it."""
    model_file(tmp_path, "a")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    gateway = await opened()
    health = (await answer(gateway, HEALTH))["providers"]["local"]
    assert health["status"] == "not_configured"
    assert "pip install 'hecate[local]'" in health["error"]
    with pytest.raises(ModelNotFound, match="local is not configured"):
        await chat(gateway, model="local/a")


async def test_it_is_one_and_has_no_address(opened: Open, tmp_path: Path) -> None:
    """What else its table says is an error; it can be switched off like any other."""
    model_file(tmp_path, "a")
    with pytest.raises(Invalid, match="there is only one"):
        await opened(None, {"mine": ProviderSettings(kind="local")})
    with pytest.raises(Invalid, match="has no address"):
        await opened(None, {"local": ProviderSettings(base_url="http://x")})
    assert (await opened(None, {"local": ProviderSettings(enabled=False)})).configured == ()


async def test_a_folder_that_is_gone_makes_it_unhealthy(opened: Open, tmp_path: Path) -> None:
    """It says which."""
    folder = tmp_path / "models"
    folder.mkdir()
    gateway = await opened(LocalSettings(folder=str(folder)))
    folder.rmdir()
    with pytest.raises(ProviderFailed, match=f"local cannot read {folder}: No such file"):
        await gateway.providers.now.catalogue.shelves["local"].provider.list_models()


async def test_a_reload_keeps_what_is_loaded(stack: AsyncExitStack, tmp_path: Path) -> None:
    """Unless its settings have changed; then the running chats end as they began."""
    model_file(tmp_path, "a")
    local = LocalSettings(folder=str(tmp_path))
    ollama = {"ollama": ProviderSettings(enabled=False)}
    now = [Sources(LlmSettings(), ollama, local=local)]
    gateway = await stack.enter_async_context(Gateway(lambda: now[0]))
    await chat(gateway, model="a")
    (pid,) = loads(tmp_path, "a")
    await gateway.providers.reload()
    assert runs(pid)
    stream = await chat_stream(gateway, model="a", messages=[{"role": "user", "content": "wait"}])
    await anext(stream.pieces)
    now[0] = Sources(LlmSettings(), ollama, local=LocalSettings(folder=str(tmp_path), idle_seconds=9))
    changes = await gateway.providers.reload()
    assert changes.changed == {"local": ("local",)}
    assert await anext(stream.pieces)
    assert runs(pid)
    await stream.pieces.aclose()
    await until(lambda: not runs(pid))
