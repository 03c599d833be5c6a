"""Lists of models of servers that speak OpenAI's API: what each tells is read, what is odd is passed over."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hecate.serve_llm.providers.openai_models import listed_models, model_of

OPENROUTER = {
    "context_length": 200000,
    "architecture": {"input_modalities": ["text", "image"], "tokenizer": "Claude"},
    "supported_parameters": ["max_tokens", "tools", "reasoning", "temperature"],
    "top_provider": {"context_length": 200000, "max_completion_tokens": 64000, "is_moderated": True},
}
MISTRAL = {
    "max_context_length": 131072,
    "capabilities": {"completion_chat": True, "function_calling": True, "vision": True, "fine_tuning": False},
}
LLAMA_CPP = {
    "meta": {"n_params": 268098176, "n_ctx": 4096, "n_ctx_train": 32768, "size": 285212672, "ftype": "Q4_K - Medium"},
}


def read(**fields: Any) -> dict[str, Any]:
    """Return what is known of a model that is listed with *fields*."""
    (listed,) = listed_models(msgspec.json.encode({"object": "list", "data": [{"id": "m", **fields}]}))
    known: dict[str, Any] = msgspec.to_builtins(model_of("p", listed))
    return {name: value for name, value in known.items() if name not in {"name", "provider", "id"}}


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"object": "model", "created": 1, "owned_by": "openai"}, {}),
        (
            OPENROUTER,
            {"context_length": 200000, "max_output_tokens": 64000, "capabilities": ("vision", "tools", "thinking")},
        ),
        (MISTRAL, {"context_length": 131072, "capabilities": ("tools", "vision")}),
        (
            {"context_window": 131072, "max_completion_tokens": 32768},
            {"context_length": 131072, "max_output_tokens": 32768},
        ),
        ({"max_model_len": 8192}, {"context_length": 8192}),
        (
            LLAMA_CPP,
            {
                "size": "268M",
                "parameter_size": "268M",
                "size_bytes": 285212672,
                "context_length": 4096,
                "quantization_level": "Q4_K - Medium",
            },
        ),
        ({"capabilities": ["completion", "multimodal"]}, {"capabilities": ("vision",)}),
    ],
    ids=["openai", "openrouter", "mistral", "groq", "vllm", "llama.cpp", "llama.cpp's words"],
)
def test_what_is_told(fields: dict[str, Any], known: dict[str, Any]) -> None:
    """Each server's own fields, in our words."""
    assert read(**fields) == known


@pytest.mark.parametrize(
    "fields",
    [
        {"context_length": "128k", "max_model_len": None, "context_window": -1, "max_completion_tokens": [1]},
        {"capabilities": "chat", "architecture": "transformer", "supported_parameters": "all", "top_provider": None},
        {"capabilities": [{"name": "tools"}, 5, None], "architecture": {"input_modalities": "text"}},
        {"meta": {"n_params": "many"}},
        {"meta": []},
    ],
)
def test_odd_fields_are_passed_over(fields: dict[str, Any]) -> None:
    """A field of another type than expected costs nothing but itself."""
    assert read(**fields) == {}


def test_a_list_alone() -> None:
    """One server leaves the envelope out."""
    assert [listed.id for listed in listed_models(b'[{"id": "a"}, {"id": "b"}]')] == ["a", "b"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": 5}', b'{"data": [{"name": "a"}]}', b"<html>"])
def test_no_list(body: bytes) -> None:
    """Anything else is none."""
    with pytest.raises(msgspec.DecodeError):
        listed_models(body)
