"""Warnings to the clients of a dialect: in a header, since their answers have no place for them."""

from __future__ import annotations

import re
from typing import Final

from hecate.endpoints import Call
from hecate.serve_llm.usage_ledger import WARNING_HEADER

LIMIT: Final = 500
"""How much is told of each: others have limits of their own for the headers of an answer."""
_NO_HEADER: Final = re.compile(r"[^\x20-\x7e]+")


class WarningHeader(list[str]):
    """Warnings, each of which is in the header of the answer as soon as it is known.

    Args:
        call: The request; its own warnings tell of fields that only who translates it need know.
    """

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._headers = call.answer_headers

    def append(self, warning: str) -> None:
        """Tell *warning*, too."""
        super().append(warning)
        told = _NO_HEADER.sub("?", " ".join(warning.split()))[:LIMIT]
        before = self._headers.get(WARNING_HEADER)
        self._headers[WARNING_HEADER] = f"{before} | {told}" if before else told
