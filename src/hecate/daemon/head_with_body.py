"""One write for an answer's head and the beginning of its body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class HeadWithBody:
    """The transport of one answer that has a body: keeps its head back until the body begins.

    uvicorn writes them apart, which costs a system call and wakes the reader for the head alone.
    """

    __slots__ = ("_head", "_transport", "write")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.write: Callable[[bytes], None] = self._keep_head

    def _keep_head(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 100 "):
            self._transport.write(data)
        else:
            self._head, self.write = data, self._send_head

    def _send_head(self, data: bytes) -> None:
        head, self._head, self.write = self._head, b"", self._transport.write
        self._transport.write(head + data)

    def is_closing(self) -> bool:
        """Tell whether the connection is closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection, after what is kept back."""
        if self._head:
            self._send_head(b"")
        self._transport.close()
