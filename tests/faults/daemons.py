"""Daemons that are started otherwise than by ``hecate`` alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.daemon.child import Child, started
from tests.serving import HECATE


def arguments_in(place: Path, *, data: Path | None = None) -> tuple[str | Path, ...]:
    """Return the arguments of ``hecate serve`` for a daemon without providers that has its files in *place*."""
    (place / "config.toml").write_text("[providers.ollama]\nenabled = false\n")
    return ("serve", "--socket", place / "s", "--data-dir", data or place / "data", "--config", place / "config.toml")


@contextmanager
def serving_from(
    place: Path,
    program: Sequence[str | Path] = (HECATE,),
    *,
    data: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """Serve with a *program* that takes the arguments of ``hecate``, and its *data* elsewhere if need be."""
    with started(arguments_in(place, data=data), place / "s", program=program, environ=environ) as child:
        yield child.ready()
