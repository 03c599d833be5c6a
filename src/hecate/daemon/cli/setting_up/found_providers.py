"""The providers that the environment tells of."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from hecate.serve_llm.environment import key_in_environment
from hecate.serve_llm.providers import provider_kinds

PATIENCE_SECONDS = 0.5
"""How long a server on this machine may take to answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """A provider that can be used as things are."""

    name: str
    how: str
    """A few words: the variable that has its key, or the address at which it answers."""
    key: str = ""

    def __repr__(self) -> str:
        """Return a form without the key."""
        return f"Found({self.name!r}, {self.how!r})"


def found_providers() -> list[Found]:
    """Return the providers whose keys are in the environment, and Ollama if it answers.

    Raises:
        Invalid: A variable names a key file that cannot be read.
    """
    found = []
    for name, kind in provider_kinds().items():
        variable = next((name for name in kind.key_variables if os.environ.get(name)), "")
        if variable:
            found.append(Found(name, f"its key is in {variable}", os.environ[variable].strip()))
        elif key_in_environment(kind.key_variables, os.environ):
            found.append(Found(name, "its key is in a file that the environment names"))
        elif not kind.needs_key and kind.base_url:
            given = next((os.environ[name] for name in kind.base_url_variables if os.environ.get(name)), kind.base_url)
            address = kind.address(given)
            if _answers(address):
                found.append(Found(name, f"it answers at {address}"))
    return found


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "localhost", port), timeout=PATIENCE_SECONDS):
            return True
    except OSError:
        return False
