"""What the console's page consists of: complete, small, and from nowhere else."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hecate.console.page import CONTENT_SECURITY_POLICY, file_of

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "console"
ASSETS = ROOT / "src/hecate/console/assets"
BUILT_FROM = "built-from.txt"
MADE_OF = ("index.html", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts")
"""As in `console/vite.config.ts`, which writes down what a build was made of."""
FIRST_VIEW_BYTES = 150_000
REFERENCE = re.compile(r'(?:src|href)="\./([^"]+)"')


def test_the_page_and_all_that_it_names_are_served() -> None:
    """Nothing that the page asks for is missing in the package."""
    page = file_of("/")
    assert page is not None
    assert page.media_type.startswith("text/html")
    named = REFERENCE.findall(page.body.decode())
    assert {"console.js", "console.css"} <= set(named)
    for name in named:
        found = file_of(f"/{name}")
        assert found is not None, name
        assert found.media_type != "application/octet-stream"


def test_the_page_may_do_little() -> None:
    """Each file comes with the policy: scripts and styles in files of ours, nothing inline, no other host."""
    page = file_of("/")
    assert page is not None
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", page.body.decode())


@pytest.mark.parametrize(
    "path", ["/nothing.js", "/built-from.txt", "/../page.py", "/assets/console.js", "//console.js", "/console.js/"]
)
def test_only_the_pages_files_are_served(path: str) -> None:
    """A path is a name among those of the folder, and leads nowhere."""
    assert file_of(path) is None


def test_a_browser_that_has_a_file_gets_it_once() -> None:
    """By its content, so that a new version is seen at once."""
    whole = file_of("/console.js")
    assert whole is not None
    known = file_of("/console.js", whole.headers["ETag"])
    assert known is not None
    assert (known.status, known.body) == (304, b"")
    assert file_of("/console.js", '"of another version"') == whole


def test_the_first_view_is_small() -> None:
    """Everything that is loaded before something is seen, uncompressed."""
    assert sum(path.stat().st_size for path in ASSETS.iterdir()) < FIRST_VIEW_BYTES


def test_nothing_is_loaded_from_elsewhere() -> None:
    """The build names no address but the namespaces of XML, which nobody calls."""
    for path in ASSETS.iterdir():
        addresses = set(re.findall(r"https?://[\w.-]+", path.read_text()))
        assert addresses <= {"http://www.w3.org"}, path.name


def test_the_lock_records_hashes_and_no_address() -> None:
    """Where packages come from is npm's configuration on the machine that builds."""
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


def test_the_build_is_of_these_sources() -> None:
    """Neither has changed since: what `npm run build` has noted of both, also where there is no npm."""
    sources = [
        path
        for name in MADE_OF
        for path in ((SOURCES / name).rglob("*") if (SOURCES / name).is_dir() else (SOURCES / name,))
        if path.is_file()
    ]
    built = [path for path in ASSETS.iterdir() if path.name != BUILT_FROM]
    files = {
        **{path.relative_to(SOURCES).as_posix(): path for path in sources},
        **{f"assets/{path.name}": path for path in built},
    }
    now = {f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in files.items()}
    then = set((ASSETS / BUILT_FROM).read_text().splitlines())
    assert now == then, "npm ci and npm run build, in console/"


@pytest.mark.skipif(
    not (SOURCES / "node_modules/vite").exists() or shutil.which("npm") is None,
    reason="`npm ci` was not run in console/",
)
def test_what_is_served_is_what_the_sources_say(tmp_path: Path) -> None:
    """A change of the sources was built, and the types are right."""
    subprocess.run(["npm", "run", "--silent", "check"], cwd=SOURCES, check=True, capture_output=True)
    build = ["npx", "--no-install", "vite", "build", "--outDir", str(tmp_path), "--logLevel", "error"]
    subprocess.run(build, cwd=SOURCES, check=True, capture_output=True)
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert built == {path.name: path.read_bytes() for path in ASSETS.iterdir()}, "npm run build, in console/"
