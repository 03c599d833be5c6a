"""The wheel, as `pipx install` or `uv tool install` leaves it: without this tree, its tools and its extras."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from tests.daemon.child import wait_until
from tests.daemon.cli.completion_scripts import PLACES
from tests.fakes.scripted_server import Exchange, ScriptedServer

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120
NAME = re.compile(r"[A-Za-z0-9._-]+")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built as a frontend does."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """With the templates of generated code and the manual; no tests, no sources of other tools, no caches."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"hecate"}
    assert [name for name in names if "__pycache__" in name or "node_modules" in name] == []
    package = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "hecate").rglob("*") if path.is_file()}
    assert {name for name in package if "__pycache__" not in name} <= set(names)
    assert any(name.endswith(".jinja") for name in names)
    shared = {name.partition(".data/data/share/")[2] for name in names}
    pages = {f"man/man1/{page.name}" for page in (ROOT / "packaging" / "man").iterdir()}
    assert shared - {""} == pages | {*PLACES.values()}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        yield Path(folder)
        # Releases are read-only, also for whoever wants to remove them.
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 30)
async def test_it_works_outside_the_repository(wheel: Path, place: Path) -> None:
    """It serves, chats, and takes a division to a release, in an environment that has its dependencies and no more."""
    program = installed(wheel, place / "venv")
    async with ScriptedServer(_parrot) as provider, asyncio.timeout(SECONDS):
        (place / "config.toml").write_text(
            f'[providers.ollama]\nenabled = false\n[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "k"\n'
        )
        await asyncio.to_thread(live, program, place)


def live(program: Path, place: Path) -> None:
    """Take the daemon of *program* through what people do with it."""
    # Nothing of this tree is on any path, nor anything of the environment that the tests run in.
    environ = {
        "HOME": str(place),
        "PATH": f"{program.parent}:/usr/local/bin:/usr/bin:/bin",
        "HECATE_SOCKET": str(place / "s"),
        "LANG": "C.UTF-8",
    }
    arguments = ("--data-dir", place / "data", "--config", place / "config.toml", "--quiet")
    log = (place / "log").open("w+")
    daemon = subprocess.Popen([program, "serve", *arguments], env=environ, cwd=place, stderr=log, stdout=log)

    def hecate(*words: str) -> str:
        ran = subprocess.run([program, *words], env=environ, cwd=place, capture_output=True, text=True, check=False)
        log.seek(0)
        assert ran.returncode == 0, (words, ran.stdout[-3000:], ran.stderr, log.read()[-3000:])
        return ran.stdout

    try:
        wait_until(lambda: (place / "s").exists() or daemon.poll() is not None)
        assert hecate("chat", "--model", "parrot", "hello") == "hello\n"
        hecate("venture", "setup", "shop")
        hecate("venture", "start-discovery", "shop")
        hecate("venture", "discover", "shop", "catalog")
        hecate("division", "start", "catalog", "design")
        hecate("division", "do", "catalog", "design/aggregate", "aggregate_name=book")
        hecate("division", "do", "catalog", "design/event", "event_name=book_listed", "aggregate_name=book")
        hecate("division", "start", "catalog", "plan")
        hecate("division", "do", "catalog", "plan/desk", "desk_name=list_book", "aggregate_name=book")
        hecate("division", "start", "catalog", "generate")
        assert "skeleton_generated_v1" in hecate("division", "do", "catalog", "generate/skeleton")
        hecate("division", "start", "catalog", "test")
        assert "outcome\tpassed" in hecate("division", "do", "catalog", "test/suite")
        hecate("division", "start", "catalog", "deploy")
        assert "release_deployed_v1" in hecate("division", "do", "catalog", "deploy/release", "version=0.1.0")
        assert "application_started_v1" in hecate("division", "do", "catalog", "deploy/service/start")
        assert json.loads(hecate("--json"))["running"] is True
        assert "hecate 0." in hecate("--version")
        assert "python\t" in hecate("template", "list")
        assert "_HECATE_COMPLETE" in hecate("completion", "bash")
        page = hecate("console", "--print").partition("#")[0]
        with urllib.request.urlopen(page, timeout=SECONDS) as answer:
            assert b"console.js" in answer.read()
        daemon.terminate()
        assert daemon.wait(30) == 0
    finally:
        daemon.kill()
        daemon.wait()
        log.close()


def installed(wheel: Path, venv: Path) -> Path:
    """Return the command, installed from *wheel* into a new environment.

    What it depends on is linked from the environment that the tests run in, so that nothing is fetched: these
    distributions alone, as their metadata name them, without extras.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--no-config"]
    subprocess.run([*uv, "--python", venv / "bin" / "python", wheel], check=True)
    packages = next(venv.glob("lib/python*/site-packages"))
    for one in closure(next(packages.glob("hecate-*.dist-info"))):
        for file in one.files or ():
            first = file.parts[0]
            if first not in {"..", "__pycache__"} and not (packages / first).exists():
                (packages / first).symlink_to(Path(str(one.locate_file(first))))
    return venv / "bin" / "hecate"


def closure(metadata: Path) -> list[Distribution]:
    """Return what the distribution with *metadata* depends on, and what that does in turn."""
    found: dict[str, Distribution] = {}
    open_ends = list(Distribution.at(metadata).requires or ())
    while open_ends:
        requirement, _, marker = open_ends.pop().partition(";")
        match = NAME.match(requirement)
        assert match
        # An extra's requirement is none, and one for another system is not installed here.
        if "extra" in marker or match[0] in found:
            continue
        try:
            found[match[0]] = distribution(match[0])
        except ModuleNotFoundError:
            assert marker, f"{match[0]} is not installed"
            continue
        open_ends += found[match[0]].requires or ()
    return list(found.values())


async def _parrot(exchange: Exchange) -> None:
    if exchange.path.endswith("/models"):
        await exchange.answer({"object": "list", "data": [{"id": "parrot", "object": "model"}]})
        return
    await exchange.begin()
    said = exchange.json()["messages"][-1]["content"]
    await exchange.event({"choices": [{"index": 0, "delta": {"content": said}}]})
    await exchange.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    await exchange.event("[DONE]")
    await exchange.end()
