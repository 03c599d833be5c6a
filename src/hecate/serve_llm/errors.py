"""What can go wrong with a model's provider, as a caller sees it.

The provider's own message is passed on; `hecate.serve_llm.secrets` has taken the keys out.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hecate.dossiers.errors import HecateError

DEFAULT_RETRY_SECONDS = 5
"""What a caller is told to wait when the provider limits and does not say for how long."""


class ModelNotFound(HecateError):
    """No provider has the model."""

    code = "model_not_found"
    status = 404


class ProviderFailed(HecateError):
    """The provider is not there, refused the call, or answered with nonsense.

    Args:
        message: What failed and what the provider said, free of keys.
        provider: The provider's name.
        provider_status: The HTTP status of the provider's answer, if there was one.
        retry_after_seconds: How long the provider asks to be left alone, if it does.
        answer: The body of the provider's refusal, free of keys; empty where it has sent none.
    """

    code = "provider_error"
    status = 502
    safe_to_repeat: ClassVar[bool] = True
    """Whether the same call may well succeed later, if nothing has been told to the caller yet."""

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        provider_status: int | None = None,
        retry_after_seconds: int | None = None,
        answer: str = "",
    ) -> None:
        headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
        details = {"provider": provider} if provider else {}
        super().__init__(message, headers=headers, **details)
        self.provider = provider
        self.provider_status = provider_status
        self.retry_after_seconds = retry_after_seconds
        self.answer = answer
        self.answer_dialect = ""
        """The dialect whose shape the answer has, where it can be passed on to a client of that dialect."""


class ProviderRefused(ProviderFailed):
    """The provider refuses this very call (a bad field, a wrong key): repeating it is no use."""

    safe_to_repeat = False


class ProviderLimited(ProviderFailed):
    """The provider limits how often it may be called; ``Retry-After`` says when again, if need be by guess."""

    status = 429

    def __init__(self, message: str, **told: Any) -> None:
        super().__init__(message, **told)
        self.headers.setdefault("Retry-After", str(DEFAULT_RETRY_SECONDS))


class ProviderSlow(ProviderFailed):
    """The provider took longer than a deadline allows."""

    status = 504


class OutOfTime(ProviderSlow):
    """The time for the whole call is over."""


class ProviderResting(ProviderFailed):
    """The provider has failed so often that it is left alone for a while; ``Retry-After`` says for how long."""

    status = 503


class ModelNotLoaded(ProviderFailed):
    """A model on this machine cannot be loaded; it will not be the next time either.

    Args:
        model: Its name.
        why: The reason.
        provider: The provider's name.
    """

    safe_to_repeat = False

    def __init__(self, model: str, why: str, *, provider: str) -> None:
        super().__init__(f"{provider} cannot load {model!r}: {why}", provider=provider)
