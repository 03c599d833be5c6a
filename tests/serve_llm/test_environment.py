"""What is read from the environment beside plain variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.environment import is_this_machine, proxy_for, read_environment_file


def test_environment_file(tmp_path: Path) -> None:
    """Comments, quotes and ``export`` are understood as a shell does."""
    file = tmp_path / "env"
    file.write_text("\n# c\nA=1\nexport B = 'x y'\nC=\"=\"\nD=\n")
    assert read_environment_file(file) == {"A": "1", "B": "x y", "C": "=", "D": ""}


def test_broken_environment_file(tmp_path: Path) -> None:
    """A line that is no assignment is an error with its number, not a guess."""
    file = tmp_path / "env"
    file.write_text("A=1\nB\n")
    with pytest.raises(Invalid, match="line 2"):
        read_environment_file(file)


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.openai.com/v1", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://api.openai.com/v1", {"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://p:1"),
        ("https://api.openai.com/v1", {"HTTP_PROXY": "http://p:1"}, ""),
        ("http://gpu:8000/v1", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("http://gpu.lan:8000/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": ".lan"}, ""),
        ("http://gpu:8000/v1", {"HTTP_PROXY": "http://p:1", "no_proxy": "*"}, ""),
        ("http://127.0.0.1:11434", {"HTTP_PROXY": "http://p:1"}, ""),
        ("http://localhost:11434", {"HTTP_PROXY": "http://p:1"}, ""),
        ("http://[::1]:11434", {"HTTP_PROXY": "http://p:1"}, ""),
    ],
)
def test_proxies(url: str, environ: dict[str, str], proxy: str) -> None:
    """The environment's proxy is used for other machines, never for this one."""
    assert proxy_for(url, environ) == proxy


def test_this_machine() -> None:
    """Every loopback address is this machine; a name that only looks like one is not."""
    assert all(map(is_this_machine, ("localhost", "a.localhost", "127.8.0.1", "::1")))
    assert not any(map(is_this_machine, ("localhost.example", "10.0.0.1", "gpu", "")))
