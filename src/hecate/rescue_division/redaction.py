"""Takes secrets out of what a language model is shown: keys, tokens and passwords, in text, in JSON and in URLs.

It errs on the side of taking out too much: a word too many that is hidden costs a diagnosis little.
"""

from __future__ import annotations

import re

HIDDEN = "***"

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?key"
    r"|private[_-]?key|signing[_-]?key|encryption[_-]?key|auth[_-]?key|session[_-]?id|dsn"
)

# A key in armour, also one whose end was cut off.
_ARMOUR = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.DOTALL)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s\"']{1,500}@")
_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)([\"']?\s*[:=]\s*).+")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9_.~+/=-]{6,}")
# ``name = value`` in whatever notation; a value in quotes may hold spaces.
_ASSIGNED = re.compile(
    rf"""(?ix) (?<![a-z0-9]) ( [a-z0-9_.-]{{0,60}}? (?:{_NAMES}) ) ( \\?["']? \s{{0,4}} (?: => | := | [:=] ) \s{{0,4}} )
    (?: \\?"(?:[^"\\]|\\[^"]){{0,2000}}\\?" | '[^'\n]{{0,2000}}' | [^\s,;&"'}}\])]+ )""",
)
_OPTION = re.compile(rf"(?i)(--?[a-z0-9-]{{0,40}}(?:{_NAMES}))\s+[^\s-]\S*")
_KEY_LIKE = re.compile(
    r"""(?x)
    \b(?: (?: sk | pk | rk | gsk | xai | csk | hf | npm | glpat | dop_v1 | shpat ) [-_] [A-Za-z0-9_-]{12,}
        | gh[pousr]_ [A-Za-z0-9]{20,} | github_pat_ [A-Za-z0-9_]{20,} | xox[abeprs]- [A-Za-z0-9-]{10,}
        | (?: AKIA | ASIA | ABIA | ACCA ) [A-Z0-9]{12,} | AIza [A-Za-z0-9_-]{20,} | ya29\. [A-Za-z0-9_-]{10,}
        | eyJ [A-Za-z0-9_-]{8,} \. [A-Za-z0-9_-]{8,} \. [A-Za-z0-9_-]* | SG\. [A-Za-z0-9_-]{10,} \. [A-Za-z0-9_-]{10,}
        | AGE-SECRET-KEY- [A-Z0-9]{10,} )
    """,
)


def redacted(text: str) -> str:
    """Return *text* without what looks like a secret."""
    text = _ARMOUR.sub(HIDDEN, text)
    text = _USER_IN_URL.sub(f"{HIDDEN}@", text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = _ASSIGNED.sub(rf"\1\2{HIDDEN}", text)
    text = _OPTION.sub(rf"\1 {HIDDEN}", text)
    return _KEY_LIKE.sub(HIDDEN, text)
