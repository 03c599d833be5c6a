"""The daemon's configuration: one TOML file, then the environment, then the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line of ``hecate serve`` says; None where it says nothing."""

    socket: Path | None = None
    data_dir: Path | None = None
    config: Path | None = None
    """The configuration file; it must exist if it is named here."""
    log_level: str | None = None
    """``debug``, ``info``, ``warning`` or ``error``."""
    log_format: str | None = None
    """``auto``, ``human`` or ``json``."""
    quiet: bool = False
    """Whether the greeting (socket, providers, a curl line) is left out of standard output."""
