"""The headers of a request: found by name, whatever bytes they hold."""

from __future__ import annotations

import pytest

from hecate.rest.headers import Headers

RAW = [(b"host", b"a"), (b"x-note", b"caf\xe9"), (b"host", b"b")]


def test_found_by_name() -> None:
    """A header is its value as text; the last of a repeated one wins."""
    headers = Headers(RAW)
    assert headers["host"] == "b"
    assert headers.get("x-note") == "café"
    assert dict(headers) == {"host": "b", "x-note": "café"}
    assert len(headers) == 2


@pytest.mark.parametrize("name", ["accept", "Host", "☃"])
def test_absent(name: str) -> None:
    """One that is not there, or could not be, is the default."""
    headers = Headers(RAW)
    assert headers.get(name) is None
    assert headers.get(name, "-") == "-"
    assert name not in headers
    with pytest.raises(KeyError):
        headers[name]
