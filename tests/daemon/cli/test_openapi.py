"""``hecate openapi``: what can the daemon do?"""

from __future__ import annotations

import json

from tests.daemon.cli.conftest import Hecate


def test_the_document_is_printed(hecate: Hecate) -> None:
    """As the daemon has it, for other programs."""
    document = json.loads(hecate("openapi").stdout)
    assert document["openapi"].startswith("3.1")
    assert "/api/ventures" in document["paths"]
