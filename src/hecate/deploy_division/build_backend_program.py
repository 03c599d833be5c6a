"""A program: builds the Python project in the current folder, by its own build backend (PEP 517).

    python build_backend_program.py OUTPUT_FOLDER

It runs by its path, in the project's own Python if it has one, so it imports nothing of Hecate.
"""

import os
import sys
import tomllib
from importlib import import_module
from pathlib import Path

OLD_BACKEND = "setuptools.build_meta:__legacy__"
"""What PEP 517 says where a project names none."""
NO_BACKEND = 3
"""The exit code where the backend is not installed."""


def main() -> None:
    """Build a source archive and a wheel."""
    output = sys.argv[1]
    system = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8")).get("build-system", {})
    name, _, attribute = system.get("build-backend", OLD_BACKEND).partition(":")
    # A backend of the project's own is found before any other of its name.
    sys.path[:0] = [os.path.abspath(path) for path in system.get("backend-path", [])]  # noqa: PTH100 - no links followed
    try:
        backend = import_module(name)
    except ModuleNotFoundError as exc:
        print(f"the build backend {name} is not installed beside {sys.executable} ({exc}); name a command instead")  # noqa: T201
        sys.exit(NO_BACKEND)
    for part in filter(None, attribute.split(".")):
        backend = getattr(backend, part)
    print("built", backend.build_sdist(output), flush=True)  # noqa: T201 - it is a program
    print("built", backend.build_wheel(output), flush=True)  # noqa: T201 - it is a program


if __name__ == "__main__":
    main()
