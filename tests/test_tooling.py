"""What set-up rests on: lock files that are whole and name no address, and documents that name targets that exist."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PEERS = ROOT / "bench" / "peers"
LAYERS = {
    "run": PROJECT["project"]["dependencies"] + GROUPS["build"],
    **{name: requirements for name, requirements in GROUPS.items() if name != "build"},
}

PIN = re.compile(r"^(?P<name>\S+)==(?P<version>\S+)( ; .+?)?( \\\n    --hash=\S+)+$", re.MULTILINE)
HASH = re.compile(r"--hash=(\S+)")
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
# In a sentence between backticks, or as a line of a code block.
MAKE_COMMAND = re.compile(r"(?:`|^\$ |^)make ([a-z-]+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    """Return the version of each package in *lock*."""
    return {pin["name"]: pin["version"] for pin in PIN.finditer(lock.read_text())}


def test_every_layer_has_a_lock() -> None:
    """The lock files are those of the daemon and of the dependency groups, no more and no fewer."""
    assert {lock.stem for lock in LOCKS} == set(LAYERS)


@pytest.mark.parametrize("lock", [*LOCKS, PEERS / "litellm.lock"], ids=lambda lock: lock.stem)
def test_a_lock_records_no_address(lock: Path) -> None:
    """Where the packages come from is pip's business on the machine that installs them."""
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "no options such as --index-url or --find-links"


@pytest.mark.parametrize("lock", [*LOCKS, PEERS / "litellm.lock"], ids=lambda lock: lock.stem)
def test_a_lock_has_nothing_but_pins_with_hashes(lock: Path) -> None:
    """Every line that is no comment belongs to a pin, and every pin lists SHA-256 hashes."""
    text = lock.read_text()
    rest = PIN.sub("", text)
    assert [line for line in rest.splitlines() if line.strip() and not line.lstrip().startswith("#")] == []
    assert all(SHA256.fullmatch(digest) for digest in HASH.findall(text))


def test_npms_lock_records_hashes_and_no_address() -> None:
    """What the gateway's benchmark installs from npm is pinned the same way."""
    packages: dict[str, dict[str, Any]] = json.loads((PEERS / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages["node_modules/@hono/node-server"]["version"] == "1.14.1", "later ones break Portkey's streams"
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


@pytest.mark.parametrize("layer", LAYERS)
def test_a_lock_satisfies_what_the_project_asks_for(layer: str) -> None:
    """After an edit of pyproject.toml comes `make lock`."""
    pinned = pins(ROOT / "requirements" / f"{layer}.lock")
    for requirement in map(Requirement, LAYERS[layer]):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not locked"
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


def test_the_locks_agree() -> None:
    """Layers are installed on top of each other, so a package has one version in all of them."""
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in pins(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    "document",
    sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_document_names_targets_that_exist(document: Path) -> None:
    """Every `make …` that a document tells the reader to type is a target of the Makefile."""
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))
    assert set(MAKE_COMMAND.findall(document.read_text())) <= targets


def test_make_alone_lists_every_target() -> None:
    """`make` without a target is `make help`, and help leaves nothing out."""
    makefile = (ROOT / "Makefile").read_text()
    said = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(TARGET.findall(makefile)) == set(MAKE_COMMAND.findall(said))
