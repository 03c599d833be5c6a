"""Renders in a process of its own: ``python -m hecate.generate_division.skeleton OUTPUT``.

Takes a `Rendering` as JSON from standard input, and writes a `Rendered` to the file OUTPUT.  Templates may come from
anywhere: one that never ends, or takes all memory, ends with this process and not with the daemon.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.generate_division.skeleton.design import Rendered, Rendering
from hecate.generate_division.skeleton.rendering import render
from hecate.generate_division.skeleton.template_folder import read_templates

MEMORY_BYTES = 1024**3


def main() -> None:
    """Render what standard input asks for."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Rendering)
    try:
        own = Path(asked.own_templates) if asked.own_templates else None
        rendered = Rendered(files=render(asked.design, read_templates(asked.template, own)))
    except HecateError as exc:
        rendered = Rendered(wrong=str(exc))
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(rendered))


if __name__ == "__main__":
    main()
