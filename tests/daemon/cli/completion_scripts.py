"""Writes what the Tab key needs into ``packaging/completions``, as the folders of a shell want it: ``make man``."""

from __future__ import annotations

from pathlib import Path

from hecate.daemon.cli.completion import script

FOLDER = Path(__file__).parents[3] / "packaging" / "completions"
PLACES = {
    "bash": "bash-completion/completions/hecate",
    "zsh": "zsh/site-functions/_hecate",
    "fish": "fish/vendor_completions.d/hecate.fish",
}
"""Where each shell looks, below the ``share`` of a prefix."""


def scripts() -> dict[str, str]:
    """Return each file's text by its name below `FOLDER`."""
    return {place: f"{script(shell)}\n" for shell, place in PLACES.items()}


def write() -> None:
    """Write them."""
    for place, text in scripts().items():
        file = FOLDER / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
