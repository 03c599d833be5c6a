"""What a provider answers, parsed as it comes."""

from __future__ import annotations

import zlib
from typing import Final

import httptools

from hecate.serve_llm.http1.failures import HttpFailure, NotHttp

HEADER_LIMIT_BYTES: Final = 64 * 1024
INFLATED_LIMIT_BYTES: Final = 32 * 1024 * 1024
"""What one piece of a compressed body may become."""


class Headers(dict[str, str]):
    """The headers of an answer, by their names in lower case; asked for in any."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # a header that is not there is empty
        """Return the value of *name*, *default* if there is none."""
        return super().get(name.lower(), default)


class Answer:
    """One answer after the other, as `feed` brings them; `clear` makes ready for the next.

    Its methods that begin with ``on_`` are the parser's.
    """

    __slots__ = (
        "_head_bytes",
        "_inflate",
        "_parser",
        "_pieces",
        "_provisional",
        "begun",
        "discards",
        "headers",
        "held_bytes",
        "is_complete",
        "is_last",
        "status",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.is_last = False
        """Whether no other may follow on the same connection: it has been said so, or too much has come."""
        self.clear()

    def clear(self) -> None:
        """Forget the answer that there was."""
        self.status = 0
        self.headers = Headers()
        self.begun = False
        """Whether `status` and `headers` are there."""
        self.is_complete = False
        """Whether the end has come; what is held may still wait to be taken."""
        self.discards = False
        """Whether nobody wants the rest of the body."""
        self.held_bytes = 0
        """How much of the body has come, and not been taken; or been discarded."""
        self._pieces: list[bytes] = []
        self._head_bytes = 0
        self._provisional = False
        self._inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> None:
        """Parse what has come.

        Raises:
            NotHttp: It is no answer.
        """
        if not self.begun:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            raise NotHttp("it changes to another protocol") from exc
        except httptools.HttpParserError as exc:
            # What one of the methods below has raised is its context.
            if isinstance(exc.__context__, HttpFailure):
                raise exc.__context__ from None
            raise NotHttp(str(exc)) from exc
        if not self.begun and self._head_bytes > HEADER_LIMIT_BYTES:
            raise NotHttp(f"its header is longer than {HEADER_LIMIT_BYTES // 1024} KiB")

    def take(self) -> bytes:
        """Return what is held of the body, and hold it no longer."""
        pieces = self._pieces
        self._pieces = []
        self.held_bytes = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def discard(self) -> None:
        """Hold nothing of the body, neither of what has come nor of what will."""
        self._pieces = []
        self.held_bytes = 0
        self.discards = True

    def ended_with_connection(self) -> bool:
        """Return whether the end of the connection is the end of the answer, and take it for that."""
        if (
            self.begun
            and "content-length" not in self.headers
            and "chunked" not in self.headers.get("transfer-encoding")
        ):
            self.is_complete = self.is_last = True
        return self.is_complete

    def on_message_begin(self) -> None:
        """Begin an answer."""
        if self.is_complete:
            # Nobody has asked for another.
            self.is_last = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a repeated one's values are joined by commas."""
        if self.is_complete:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """Begin the body, unless more is to come before it (``100 Continue``).

        Raises:
            NotHttp: The body has a form that was not asked for.
        """
        if self.is_complete:
            return
        self.status = self._parser.get_status_code()
        self._provisional = self.status < 200
        if self._provisional:
            return
        self.begun = True
        encoding = self.headers.get("content-encoding").lower()
        if encoding in {"gzip", "x-gzip", "deflate"}:
            self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS)
        elif encoding not in {"", "identity"}:
            raise NotHttp(f"its answer is encoded as {encoding}, which nobody has asked for")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body.

        Raises:
            NotHttp: It cannot be decompressed.
        """
        if self.is_complete:
            return
        if not self.discards:
            if self._inflate is not None:
                body = _inflated(self._inflate, body)
            self._pieces.append(body)
        self.held_bytes += len(body)

    def on_message_complete(self) -> None:
        """End the answer."""
        if self.is_complete:
            return
        if self._provisional:
            self.headers = Headers()
            return
        self.is_complete = True
        if not self._parser.should_keep_alive():
            self.is_last = True


def _inflated(inflate: zlib._Decompress, body: bytes) -> bytes:
    try:
        data = inflate.decompress(body, INFLATED_LIMIT_BYTES)
    except zlib.error as exc:
        raise NotHttp(f"its answer cannot be decompressed: {exc}") from exc
    if inflate.unconsumed_tail:
        raise NotHttp("its answer is far larger than it was sent")
    return data
