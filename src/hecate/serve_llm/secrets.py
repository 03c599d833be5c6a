"""Keeps keys out of everything that can be read: errors, logs, events, URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"

# What looks like a key of a known provider, or is announced as one.  Providers echo parts of a
# wrong key ("Incorrect API key provided: sk-ab***yz"), which must not be passed on either.
_KEY_LIKE = re.compile(
    r"""(?x)
    \b(?: sk | gsk | xai | csk | pk | rk | key ) [-_] [A-Za-z0-9_*.-]{6,}
    | \bAIza [A-Za-z0-9_*-]{6,}
    | (?i: (?<=bearer\ ) [A-Za-z0-9_*.~+/=-]{6,} )
    | (?i: (?<=[?&]key=) [^&\s"']+ )
    """,
)
_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without any of *secrets*, and without what looks like a key."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return _USER_IN_URL.sub("", _KEY_LIKE.sub(HIDDEN, text))
