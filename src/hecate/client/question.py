"""A request as a value: what to send, and how to read the answer.

Nothing here does I/O; `Client` and `AsyncClient` differ in how they carry a `Question` and in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from hecate.client.errors import AnswerUnreadable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """One request, and what its answer means."""

    method: str
    path: str
    """With the query, and percent-encoded."""
    read: Callable[[bytes], T]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patient: bool = False
    """Whether the answer may take as long as a model takes, so that the client's own time limit does not hold."""

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent again after the connection broke, without doing anything twice."""
        return self.method == "GET" or "Idempotency-Key" in self.headers


def decoded(body: bytes, kind: type[T]) -> T:
    """Return *body* as an instance of *kind*.

    Raises:
        AnswerUnreadable: It is not JSON, or not of that shape.
    """
    try:
        # Lenient, since what is a string in one daemon may have been a number in an older one.
        return msgspec.json.decode(body, type=kind, strict=False)
    except msgspec.DecodeError as exc:
        raise AnswerUnreadable(f"the daemon's answer is not what the API promises: {exc}") from exc


def get(path: str, kind: type[T]) -> Question[T]:
    """Ask for what is at *path*."""
    return Question("GET", path, lambda body: decoded(body, kind))


def post(path: str, fields: Mapping[str, Any], kind: type[T]) -> Question[T]:
    """Hand in *fields* at *path*."""
    headers = {"Content-Type": "application/json"}
    return Question("POST", path, lambda body: decoded(body, kind), msgspec.json.encode(fields), headers)


def not_read_whole(_body: bytes) -> None:
    """Stand in for a reader, where the answer is read piece by piece."""
