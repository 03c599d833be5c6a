"""How the package in a release is run, where no command is named."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from hecate.deploy_division.release_folder import APP, NOTE
from hecate.dossiers.errors import Refused

MADE_FOR = "python"
"""In the note of a release that has its dependencies with it: the Python that they were installed for."""


def program_of(release: Path) -> tuple[str, ...]:
    """Return the interpreter and the words by which it runs the one package of *release* that can be run.

    Raises:
        Refused: There is not one, or its dependencies are for another Python.
    """
    made_for = _note(release).get(MADE_FOR)
    packages = [main.parent.name for main in sorted((release / APP).glob("*/__main__.py"))]
    if made_for is not None:
        # What it needs may have packages that can be run, too.
        own = set(_names_in_wheels(release))
        packages = [package for package in packages if f"{package}/__main__.py" in own]
    if len(packages) != 1:
        found = f"it has {', '.join(packages)}" if packages else "it has none"
        raise Refused(
            f"release {release.name} must have one package that can be run, and {found}; name a command instead"
        )
    if made_for is None:
        return (sys.executable, "-m", packages[0])
    if made_for != sys.implementation.cache_tag and next((release / APP).rglob("*.so"), None) is not None:
        raise Refused(
            f"release {release.name} has compiled parts for {made_for}, and this is {sys.implementation.cache_tag}; "
            "deploy another one, or name a command that runs it"
        )
    # It has all that it needs, so nothing that happens to be installed beside the daemon may take a part's place.
    return (sys.executable, "-S", "-m", packages[0])


def _note(release: Path) -> dict[str, str]:
    try:
        note: dict[str, str] = json.loads((release / NOTE).read_bytes())
    except (OSError, ValueError) as exc:
        raise Refused(f"release {release.name} in {release.parent} cannot be read: {exc}") from exc
    return note


def _names_in_wheels(release: Path) -> Iterator[str]:
    for wheel in release.glob("*.whl"):
        try:
            with zipfile.ZipFile(wheel) as archive:
                yield from archive.namelist()
        except (OSError, zipfile.BadZipFile) as exc:
            raise Refused(f"{wheel.name} of release {release.name} cannot be read: {exc}") from exc
