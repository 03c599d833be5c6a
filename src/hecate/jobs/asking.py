"""Asking a language model in the course of a job.

Who answers is the gateway's matter, which the daemon puts behind `AsksModels`.
"""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct


class Question(Struct, frozen=True, kw_only=True):
    """What a model is asked."""

    system: str
    """What the model is to do."""
    messages: tuple[tuple[str, str], ...]
    """Pairs of role (``user``, ``assistant``) and text."""
    model: str = ""
    """As callers of a chat name it; empty: the one that is used by default."""
    schema: dict[str, Any] | None = None
    """The JSON schema that the answer must have; None: any text."""
    max_tokens: int | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """What a model has answered."""

    content: str
    model: str
    provider: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    """None: not known."""


class AsksModels(Protocol):
    """Asks a model on behalf of a job."""

    async def ask(self, question: Question, *, job_id: str, venture_id: str, division_id: str) -> Reply:
        """Return the model's answer.

        Raises:
            HecateError: No provider has the model, or it fails.
        """
