"""Whether a provider is asked at all: one that keeps failing is left alone for a while.

Closed, every call goes through.  After so many failures in a row it opens: calls fail at once, or go
to a fallback.  When the rest is over it is half open: one call is let through, and its outcome closes
the circuit or opens it again.
"""

from __future__ import annotations

from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Literal, Protocol

from hecate.serve_llm.errors import ProviderResting

if TYPE_CHECKING:
    from hecate.serve_llm.settings import CircuitSettings

State = Literal["closed", "open", "half_open"]


class Trial(Protocol):
    """The one call that is let through to see whether the provider is well again."""

    @property
    def is_heard(self) -> bool:
        """Whether a piece of the answer has come."""


class Circuit:
    """The circuit breaker of one provider.

    Args:
        settings: After how many failures it opens, and for how long.
    """

    __slots__ = ("_open_until", "_settings", "_trial", "failures", "last_failure")

    def __init__(self, settings: CircuitSettings) -> None:
        self._settings = settings
        self.failures = 0
        """How many there have been in a row."""
        self.last_failure = ""
        """What went wrong the last time; empty after a success."""
        self._open_until: float | None = None
        """None: it is closed."""
        self._trial: Trial | None = None

    @property
    def state(self) -> State:
        """Whether calls go through."""
        if self._open_until is None:
            return "closed"
        return "open" if self.rests_seconds > 0 else "half_open"

    @property
    def rests_seconds(self) -> float:
        """How much longer the provider is left alone; 0 unless the circuit is open."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - monotonic())

    def admits(self, call: Trial) -> bool:
        """Return whether *call* may be made; a half-open circuit lets one through at a time."""
        if self._open_until is None:
            return True
        if self._trial is not None and self._trial.is_heard:
            # It answers; that it may yet break off is no reason to keep the others waiting.
            self.succeeded()
            return True
        if self._trial is not None or self.rests_seconds > 0:
            return False
        self._trial = call
        return True

    def succeeded(self) -> None:
        """Say that the provider has answered a call."""
        self.failures = 0
        self.last_failure = ""
        self._open_until = None
        self._trial = None

    def failed(self, call: Trial, why: str) -> None:
        """Say that the provider has failed at *call*."""
        self.failures += 1
        self.last_failure = why
        # A call that began before the circuit opened says nothing new.
        if self._trial is call or (self._open_until is None and self.failures >= self._settings.failures):
            self._open_until = monotonic() + self._settings.rest_seconds
        self.left(call)

    def left(self, call: Trial) -> None:
        """Say that *call* has ended without telling how the provider is."""
        if self._trial is call:
            self._trial = None

    def seen_well(self) -> None:
        """Say that the provider has answered another question, so that a call may be tried at once."""
        if self._open_until is not None:
            self._open_until = min(self._open_until, monotonic())


def resting(provider: str, circuit: Circuit) -> ProviderResting:
    """Return the error for a call that the *circuit* of *provider* has not let through."""
    seconds = max(1, ceil(circuit.rests_seconds))
    return ProviderResting(
        f"{provider} has failed {circuit.failures} times in a row and is left alone for {seconds} s; "
        f"the last time: {circuit.last_failure}",
        provider=provider,
        retry_after_seconds=seconds,
    )
