"""The whole daemon as a child process: ``hecate serve`` in a folder of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemon.child import Child, started

HECATE = Path(sys.executable).with_name("hecate")


@contextmanager
def serving(folder: Path, ollama_url: str = "", *, configuration: str = "") -> Iterator[Child]:
    """Serve with all files in *folder*, whose path must be short enough for a socket.

    Args:
        folder: Empty, or with the data of an earlier time.
        ollama_url: The one provider's address; without one there is no provider.
        configuration: Further TOML.
    """
    socket = folder / "daemon.sock"
    provider = f'base_url = "{ollama_url}"' if ollama_url else "enabled = false"
    (folder / "config.toml").write_text(f"[providers.ollama]\n{provider}\n{configuration}")
    arguments = ("serve", "--socket", socket, "--data-dir", folder / "data", "--config", folder / "config.toml")
    # A developer's own providers are none of a test's business.
    unset = {name: "" for name in os.environ if name.endswith(("_API_KEY", "_API_KEY_FILE", "_BASE_URL", "_HOST"))}
    with started(arguments, socket, program=(HECATE,), environ=unset) as child:
        yield child.ready()
