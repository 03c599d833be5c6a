"""An index of packages on this disk, which pip finds by its own configuration: no test needs a network.

What is installed here is packed into wheels again, and other packages are made up.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

PROJECTS_NEED = ("eventsourcing", "hatchling", "pytest")
"""What a project with the library is installed, built and tested with."""


class PackageIndex:
    """Wheels in *folder*, and a home in it whose pip takes packages from there, and from nowhere else."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.home = folder / "home"
        self.wheels.mkdir(parents=True)
        configuration = self.home / ".config" / "pip" / "pip.conf"
        configuration.parent.mkdir(parents=True)
        configuration.write_text(f"[global]\nno-index = true\nfind-links = {self.wheels}\n")

    def add_installed(self, *names: str) -> None:
        """Add packages that are installed here, and all that they need."""
        added: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in added:
                continue
            added.add(name)
            found = distribution(name)
            root = Path(str(found.locate_file("")))
            # Without what lies outside, such as scripts, which are made anew.
            inside = [str(file) for file in found.files or () if ".." not in file.parts and not _is_left_out(str(file))]
            self._write(name, found.version, {path: (root / path).read_bytes() for path in inside})
            requirements = map(Requirement, found.requires or ())
            waiting += [one.name for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})]

    def add(self, name: str, version: str, files: Mapping[str, str], requires: Iterable[str] = ()) -> Path:
        """Add a package of *files*, and return its wheel."""
        metadata = Message()
        for field, value in (("Metadata-Version", "2.1"), ("Name", name), ("Version", version)):
            metadata[field] = value
        for needed in requires:
            metadata["Requires-Dist"] = needed
        about = f"{name}-{version}.dist-info"
        wheel = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        texts = {**files, f"{about}/METADATA": metadata.as_string(), f"{about}/WHEEL": wheel}
        return self._write(name, version, {path: text.encode() for path, text in texts.items()})

    def _write(self, name: str, version: str, files: Mapping[str, bytes]) -> Path:
        path = self.wheels / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        about = next(file.partition("/")[0] for file in files if file.endswith(".dist-info/METADATA"))
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in files.items():
                archive.writestr(file, content)
            archive.writestr(f"{about}/RECORD", "".join(f"{file},,\n" for file in (*files, f"{about}/RECORD")))
        return path


def _is_left_out(file: str) -> bool:
    """Tell whether an installed file is no part of its wheel."""
    name = file.rpartition("/")[2]
    return file.endswith(".pyc") or name in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
