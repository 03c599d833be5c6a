"""Semantic versions, as https://semver.org has them, and their counterparts among Python's."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

import msgspec

from hecate.dossiers.errors import Invalid, Refused

VersionText = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]

_NUMBER = r"0|[1-9][0-9]{0,8}"
_SEMANTIC = re.compile(
    rf"(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    r"(?:-(?P<before>(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_PYTHONS = re.compile(r"(?P<kind>a|alpha|b|beta|c|rc|pre|preview|dev)[.-]?(?P<number>[0-9]*)")
_KINDS = {"a": "a", "alpha": "a", "b": "b", "beta": "b", "dev": ".dev"}


class Version(NamedTuple):
    """A version by its parts; ``before`` is what follows a dash, ``build`` what follows a plus."""

    major: int
    minor: int
    patch: int
    before: str
    build: str

    def is_above(self, other: Version) -> bool:
        """Tell whether it is newer than *other*; ``build`` makes no difference."""
        return self._precedence > other._precedence

    @property
    def _precedence(self) -> tuple[object, ...]:
        parts = self.before.split(".") if self.before else []
        # Numbers are below words, and no pre-release is above every pre-release.
        ranks = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
        return (self.major, self.minor, self.patch, not self.before, ranks)

    @property
    def as_python(self) -> str:
        """The same as https://packaging.python.org/specifications/version-specifiers/ writes it.

        Raises:
            Refused: Python packages have no such pre-release.
        """
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.before:
            match = _PYTHONS.fullmatch(self.before.lower())
            if match is None:
                raise Refused(
                    f"Python packages have no pre-release {self.before!r}; they have alpha, beta, rc and dev, each "
                    "with a number, such as rc.1"
                )
            text += f"{_KINDS.get(match['kind'], 'rc')}{int(match['number'] or 0)}"
        return text + (f"+{self.build.replace('-', '.').lower()}" if self.build else "")


def version_of(text: str, field: str = "version") -> Version:
    """Return the version that *text* is.

    Args:
        text: Such as ``1.2.0`` or ``2.0.0-rc.1+build.5``.
        field: Where it was given, for the error.

    Raises:
        Invalid: It is no semantic version.
    """
    match = _SEMANTIC.fullmatch(text)
    if match is None:
        raise Invalid(f"{text!r} is no semantic version such as 1.2.0 or 1.2.0-rc.1 - at `$.{field}`")
    return Version(
        int(match["major"]), int(match["minor"]), int(match["patch"]), match["before"] or "", match["build"] or ""
    )
