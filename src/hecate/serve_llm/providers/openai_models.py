"""What servers that speak OpenAI's API tell of their models: OpenAI nearly nothing, the others each in its own way."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from hecate.serve_llm.providers.provider import Model, parameter_count

_CAPABILITIES = {
    "function_calling": "tools",
    "tools": "tools",
    "vision": "vision",
    "image": "vision",
    "multimodal": "vision",
    "reasoning": "thinking",
    "audio": "audio",
    "completion_fim": "insert",
}
"""The servers' words for what a model can do, and Ollama's, which are ours."""


class _Meta(Struct):
    """What llama.cpp tells about the file that it serves."""

    n_params: int | None = None
    n_ctx: int | None = None
    """The context that it serves, which may be less than the model was trained for."""
    n_ctx_train: int | None = None
    size: int | None = None
    ftype: str | None = None


class Listed(Struct):
    """One model in a list; whatever only some servers tell may be of any type with the others."""

    id: str
    context_length: Any = None
    context_window: Any = None
    max_context_length: Any = None
    max_model_len: Any = None
    max_completion_tokens: Any = None
    top_provider: Any = None
    """OpenRouter: the limits of who serves the model."""
    capabilities: Any = None
    """Mistral: which of them it has; llama.cpp: their names."""
    architecture: Any = None
    """OpenRouter: what it takes in."""
    supported_parameters: Any = None
    """OpenRouter: what it can be asked for."""
    meta: Any = None


class ModelList(Struct):
    """The list of a server that keeps to OpenAI's form."""

    data: list[Listed]


_decode = msgspec.json.Decoder(ModelList | list[Listed]).decode


def listed_models(body: bytes) -> list[Listed]:
    """Return the models in the answer to ``GET /models``; Together answers with the list alone.

    Raises:
        msgspec.DecodeError: It is no list of models.
    """
    found = _decode(body)
    return found.data if isinstance(found, ModelList) else found


def model_of(provider: str, listed: Listed) -> Model:
    """Return *listed* as a model of *provider*."""
    meta = _meta(listed.meta)
    contexts = (listed.context_length, listed.context_window, listed.max_context_length, listed.max_model_len)
    limits = (listed.max_completion_tokens, _field(listed.top_provider, "max_completion_tokens"))
    return Model(
        name=listed.id,
        provider=provider,
        id=f"{provider}/{listed.id}",
        size=parameter_count(meta.n_params),
        parameter_size=parameter_count(meta.n_params),
        size_bytes=meta.size,
        context_length=_first_count(*contexts, meta.n_ctx, meta.n_ctx_train),
        max_output_tokens=_first_count(*limits),
        quantization_level=meta.ftype or "",
        capabilities=_capabilities(listed),
    )


def _capabilities(listed: Listed) -> tuple[str, ...]:
    words: list[Any] = []
    match listed.capabilities:
        case dict() as known:
            words += (name for name, has in known.items() if has is True)
        case list() as known:
            words += known
    for known in (_field(listed.architecture, "input_modalities"), listed.supported_parameters):
        words += known if isinstance(known, list) else ()
    known_words = (_CAPABILITIES.get(word) for word in words if isinstance(word, str))
    return tuple(dict.fromkeys(word for word in known_words if word))


def _meta(given: Any) -> _Meta:
    try:
        return msgspec.convert(given, _Meta)
    except msgspec.ValidationError:
        return _Meta()


def _field(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None


def _first_count(*given: Any) -> int | None:
    return next((count for count in given if isinstance(count, int) and count > 0), None)
