"""``OLLAMA_HOST`` means what it means to Ollama's own programs."""

from __future__ import annotations

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.providers.ollama_host import ollama_address


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("example.com", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com", "https://example.com:443"),
        ("https://example.com:8443/ollama/", "https://example.com:8443/ollama"),
        ("example.com/a", "http://example.com:11434/a"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:1", "http://[::1]:1"),
        (' "127.0.0.1:5" ', "http://127.0.0.1:5"),
        ("http://me:pw@host:1", "http://me:pw@host:1"),
    ],
)
def test_addresses(given: str, url: str) -> None:
    """What is left out is filled in; an address to listen on becomes one to reach."""
    assert ollama_address(given) == url


@pytest.mark.parametrize("given", ["ftp://example.com", "host:port", "host:99999"])
def test_nonsense(given: str) -> None:
    """What is no address is refused rather than replaced by a guess."""
    with pytest.raises(Invalid):
        ollama_address(given)
