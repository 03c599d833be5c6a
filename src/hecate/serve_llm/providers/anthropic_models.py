"""What depends on the model at Anthropic, read from its name.

Names are ``claude-opus-4-8``, ``claude-haiku-4-5-20251001`` or, of old, ``claude-3-7-sonnet-20250219``.
A name without a version is taken for one of another maker behind the same API.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"claude-(?:(?P<line>[a-z]+)-)?(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?")

LEAST_BUDGET_TOKENS = 1024
BUDGET_TOKENS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32000, "max": 32000}
"""How many tokens a model may reason, for one that wants to be told a number."""
UNKNOWN_LIMIT_TOKENS = 8192


class Claude(NamedTuple):
    """A model's line, such as ``opus``, and its version; (0, 0) for none."""

    line: str
    version: tuple[int, int]

    @property
    def limit_tokens(self) -> int:
        """The most tokens that it can give out: what ``max_tokens`` is when nobody has said."""
        if self.version >= (4, 6):
            return 128_000
        if self.line == "opus" and self.version in {(4, 0), (4, 1)}:
            return 32_000
        if self.version >= (3, 7):
            return 64_000
        return 4096 if (0, 0) < self.version < (3, 5) else UNKNOWN_LIMIT_TOKENS

    @property
    def decides_how_much_to_think(self) -> bool:
        """Whether it wants a level of effort (``adaptive``), rather than a number of tokens."""
        return self.version >= (4, 6)

    @property
    def thinks_unasked(self) -> bool:
        """Whether it must be told not to."""
        return self.version >= (5, 0)

    @property
    def takes_system_turns(self) -> bool:
        """Whether a system message may stand in the middle of a conversation."""
        return self.version >= (4, 8) and (self.line, self.version) != ("sonnet", (5, 0))


def claude(model: str) -> Claude:
    """Return what the name *model* tells."""
    found = _NAME.match(model)
    if found is None:
        return Claude("", (0, 0))
    line = found["line"] or model[found.end() :].lstrip("-").partition("-")[0]
    return Claude(line, (int(found["major"]), int(found["minor"] or 0)))
