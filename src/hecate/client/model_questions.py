"""What can be asked about models, their providers and what they cost, and what can be said to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from hecate.client.errors import refusal
from hecate.client.model_answers import (
    AddedProvider,
    ChatAnswer,
    ChatChunk,
    ModelList,
    ProviderList,
    ProvidersHealth,
    ReloadedProviders,
    RemovedProvider,
    UsageReport,
)
from hecate.client.question import Question, decoded, get, post

Messages = str | Sequence[Mapping[str, Any]]
"""Messages as the chat takes them, or the text of a single one by the user."""


def models() -> Question[ModelList]:
    """Which models are there?"""
    return get("/api/llm/models", ModelList)


def providers() -> Question[ProvidersHealth]:
    """How do the providers of models do?"""
    return get("/api/llm/health", ProvidersHealth)


def provider_list() -> Question[ProviderList]:
    """Which providers are in use, and how are they configured?"""
    return get("/api/llm/providers", ProviderList)


def add_provider(fields: Mapping[str, Any]) -> Question[AddedProvider]:
    """Please use this provider from now on."""
    return post("/api/llm/providers/add", fields, AddedProvider)


def remove_provider(name: str) -> Question[RemovedProvider]:
    """Please use this provider no more."""
    return post(f"/api/llm/providers/{quote(name, safe='')}/remove", {}, RemovedProvider)


def reload_providers() -> Question[ReloadedProviders]:
    """Please read the configuration of the providers again."""
    return post("/api/llm/providers/reload", {}, ReloadedProviders)


def usage(*, by: str, since: str, until: str, limit: int) -> Question[UsageReport]:
    """What have calls of models cost?"""
    chosen = {"by": by, "since": since, "until": until, "limit": limit}
    return get(f"/api/llm/usage?{urlencode({name: value for name, value in chosen.items() if value})}", UsageReport)


def chat(model: str, messages: Messages, options: Mapping[str, object], *, stream: bool) -> Question[ChatAnswer]:
    """What does the model say to this?"""
    said = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    body = msgspec.json.encode({**options, "model": model, "messages": said, "stream": stream})
    return Question(
        "POST",
        "/api/llm/chat",
        lambda answer: decoded(answer, ChatAnswer),
        body,
        {"Content-Type": "application/json"},
        patient=True,
    )


def chunk(data: str, headers: Mapping[str, str]) -> ChatChunk:
    """Return the piece of an answer that the *data* of a server-sent event holds.

    Raises:
        HecateClientError: It tells of a failure in the middle of the answer.
    """
    body = data.encode()
    if b'"error"' in body and isinstance(decoded(body, dict[str, Any]).get("error"), str):
        raise refusal(None, body, headers)
    return decoded(body, ChatChunk)
