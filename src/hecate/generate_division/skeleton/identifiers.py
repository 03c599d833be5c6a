"""Identifiers: what Python, SQL and every file system take, from names that may be any text."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable

LONGEST = 32
"""Characters of a name before a number is added; the templates' lines are laid out for that."""

# A capital alone at the end begins no word: SaaS.
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z][A-Za-z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_OF_A_WORD = re.compile(r"[^a-z0-9]+")

EVENT_VERSION = re.compile(r"_v(\d{1,4})$")
"""At the end of an event's slug, where its designer has given it a version."""

KEYWORDS = frozenset({*keyword.kwlist, *keyword.softkwlist, "none", "true", "false"})

_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}

MODULES = frozenset({*KEYWORDS, *_DEVICES, "desk"})
"""No module is called so: keywords, what Windows takes for devices, and what tests call the desk at hand."""

FIELDS = frozenset({*KEYWORDS, "str", "int", "float", "bool", "l", "self", "stored_as", "sets", "stream_part"})
"""No field is called so, since the generated classes and functions use the word otherwise."""

CLASSES = frozenset(
    {
        *vars(builtins),
        *("AGGREGATE", "DESK", "EVENT", "I", "O"),
        *("Any", "Application", "Command", "CommandDesk", "Event", "Mapping", "Sequence", "Status"),
    }
)
"""No class is called so: builtins, what the generated modules import, and what looks like a digit."""

# The standard library differs from release to release, and the generated names must not.
_ONCE_OR_SOON_STANDARD = {
    *("aifc", "annotationlib", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk", "compression"),
    *("crypt", "distutils", "imghdr", "imp", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes"),
    *("smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"),
}
_INSTALLED = {
    *("hatchling", "hypothesis", "iniconfig", "mypy", "packaging", "pip", "pluggy", "pygments", "pytest", "ruff"),
    *("eventsourcing", "typing_extensions"),
}

PACKAGES = frozenset(
    {*KEYWORDS, *_DEVICES, *sys.stdlib_module_names, *_ONCE_OR_SOON_STANDARD, *_INSTALLED, "src", "test", "tests"}
)
"""No package is called so, since it would hide another or be hidden."""


def slug(text: str, otherwise: str, longest: int = LONGEST) -> str:
    """Return *text* as lower-case ASCII words joined by underscores.

    Args:
        text: Any text; camel case is told apart, accents are dropped.
        otherwise: What comes before a digit, and what stands for a text of which nothing is left.
        longest: Characters; a longer text is cut, between words where that leaves half of it.
    """
    apart = _WORD_START.sub("_", text)
    plain = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode().lower()
    words = _NOT_OF_A_WORD.sub("_", plain).strip("_")
    if not words or words[0].isdigit():
        words = f"{otherwise}_{words}".strip("_")
    if len(words) > longest:
        cut = words[: longest + 1].rfind("_")
        words = words[: cut if cut >= longest // 2 else longest].strip("_")
    return words


def class_name(words: str) -> str:
    """Return ``register_user`` as ``RegisterUser``."""
    return "".join(word.capitalize() for word in words.split("_"))


class Names:
    """Gives each name once: a second ``user`` becomes ``user_2``.

    Args:
        reserved: What is not given as it is.
        suffix: What makes another name of a reserved one.
    """

    def __init__(self, reserved: Iterable[str] = (), suffix: str = "_") -> None:
        self._reserved = frozenset(reserved)
        self._suffix = suffix
        self._given: set[str] = set()
        self._last: Counter[str] = Counter()  # numbers that were given, so that many of a kind take no longer

    def take(self, wanted: str) -> str:
        """Return *wanted*, or as little else as it takes to make it new."""
        if wanted in self._reserved:
            wanted += self._suffix
        name = wanted
        number = self._last[wanted]
        while name in self._given or name in self._reserved:
            number = max(number, 1) + 1
            name = f"{wanted.rstrip('_')}_{number}"
        self._last[wanted] = number
        self._given.add(name)
        return name
