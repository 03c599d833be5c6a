"""Writes anew what tests compare word for word.  Look at the diff before you commit it.

.venv/bin/python -m tests.refresh
"""

from __future__ import annotations

from pathlib import Path

from tests.every_route import routes_as_text

ROOT = Path(__file__).resolve().parents[1]
GOLDEN_ROUTES = ROOT / "tests/golden/routes.txt"
HOW = "if this is what you meant: .venv/bin/python -m tests.refresh"
"""What a failing test tells its reader."""


def main() -> None:
    """Write the files."""
    GOLDEN_ROUTES.write_text(routes_as_text())


if __name__ == "__main__":
    main()
