"""The files that the console's page consists of, as a browser gets them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Final

from hecate.endpoints import Raw

MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_RULES: Final = (
    # Everything is ours and from here: no inline script or style, no other host, nobody's frame.
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    # What a model or another user wrote is never markup, not even by a mistake of ours.
    "require-trusted-types-for 'script'",
)
CONTENT_SECURITY_POLICY: Final = "; ".join(_RULES)


def file_of(path: str, known: str = "") -> Raw | None:
    """Return what is at *path* of the console's address; None if there is nothing.

    Args:
        path: Such as ``/`` or ``/console.js``.
        known: The ``If-None-Match`` of a browser that has it already.
    """
    found = _files().get("index.html" if path == "/" else path.removeprefix("/"))
    if found is None:
        return None
    return Raw(b"", found.media_type, 304, found.headers) if known == found.headers["ETag"] else found


@cache
def _files() -> dict[str, Raw]:
    """Return all files by name; they are read once, when the first browser comes."""
    folder = resources.files("hecate.console").joinpath("assets")
    return {
        entry.name: _as_answer(media_type, entry.read_bytes())
        for entry in folder.iterdir()
        # The build's own note is for our tests.
        if (media_type := MEDIA_TYPES.get(entry.name.rpartition(".")[2]))
    }


def _as_answer(media_type: str, body: bytes) -> Raw:
    headers = {
        "Cache-Control": "no-cache",
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
    return Raw(body, media_type, headers=headers)
