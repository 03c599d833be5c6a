"""Writes anew what tests compare word for word.  Look at the diff before you commit it.

.venv/bin/python -m tests.refresh

That is, the answers in the API reference, the lists of routes and of events' texts, an example of each new event, and
the reference and the manual of the command line.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.calling import Caller
from tests.daemon.cli import reference
from tests.dossiers import stored_events
from tests.every_route import routes_as_text
from tests.fakes.ollama import ollama
from tests.golden_texts import GOLDEN_TEXTS, texts_as_lines
from tests.serving import serving
from tests.transcripts import refreshed

ROOT = Path(__file__).resolve().parents[1]
GOLDEN_ROUTES = ROOT / "tests/golden/routes.txt"
API_REFERENCE = ROOT / "docs/api.md"
HOW = "if this is what you meant: .venv/bin/python -m tests.refresh"
"""What a failing test tells its reader."""


@contextmanager
def new_daemon() -> Iterator[Caller]:
    """Call a daemon to which nothing has happened yet."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        ollama() as provider,
        serving(Path(folder), provider.url) as child,
    ):
        caller = Caller(child.socket_path)
        yield caller
        caller.close()


def main() -> None:
    """Write the files."""
    GOLDEN_ROUTES.write_text(routes_as_text())
    GOLDEN_TEXTS.write_text(texts_as_lines())
    reference.write()
    without_example = stored_events.add_missing()
    with new_daemon() as caller:
        API_REFERENCE.write_text(refreshed(API_REFERENCE.read_text(), caller))
    if without_example:
        sys.exit(f"no desk has an example of these, write their lines by hand: {', '.join(sorted(without_example))}")


if __name__ == "__main__":
    main()
