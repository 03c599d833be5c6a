"""A release has what its wheels need: it is whole, and its application runs without anything else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from hecate.deploy_division.release_program import program_of
from hecate.deploy_division.release_wheels import pip_for, wheels_to_install
from hecate.dossiers.errors import Refused
from tests.calling import Caller
from tests.child_processes.test_confinement import needs_bubblewrap
from tests.daemon.child import wait_until
from tests.deploy_division.projects import MAIN, PYPROJECT, Deployed, deployed, write_application
from tests.long_jobs import end_of_job
from tests.package_index import PackageIndex
from tests.serving import serving

pytestmark = pytest.mark.timeout(180)  # environments take their time

GREETS = MAIN.replace('os.environ["HECATE_VERSION"]', "said()").replace(
    "import http.server, os, sys\n",
    """import http.server, json, os, sys
import rich.greeting

def said():
    try:
        import msgspec
        ours = msgspec.__file__
    except ModuleNotFoundError:
        ours = ""
    return json.dumps({"greeting": rich.greeting.VERSION, "from": rich.greeting.__file__, "ours": ours})
""",
)
"""Says what it has imported: `rich` and `msgspec` are installed beside the daemon."""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """Where the daemon's pip finds packages: a greeting that can be run itself, and what builds and tests."""
    index = PackageIndex(tmp_path / "index")
    index.add_installed("pytest", "hatchling")
    for version in (1, 2):
        # Without an ``__init__.py`` in `rich`, so a package of that name that has one would take its place.
        files = {"rich/greeting.py": f"VERSION = {version}\n", "greeting_tool/__main__.py": ""}
        index.add("greeting", f"{version}.0", files)
    monkeypatch.setenv("HOME", str(index.home))
    return index


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a daemon and a workspace."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as name:
        yield Path(name)


@pytest.fixture
def division(index: PackageIndex, folder: Path) -> Iterator[Deployed]:
    """A division with an application that needs a greeting."""
    with running(folder) as caller:
        division = deployed(caller, folder / "workspace", folder / "data")
        write_application(division.project, GREETS)
        need(division, "greeting<2")
        yield division


@contextmanager
def running(folder: Path, configuration: str = "") -> Iterator[Caller]:
    """Serve in *folder*, and call; it is not killed at the end, so that no application is left."""
    with serving(folder, configuration=configuration) as child:
        try:
            with closing(Caller(child.socket_path)) as caller:
                yield caller
        finally:
            child.signal(signal.SIGTERM)
            child.end()


def need(division: Deployed, *dependencies: str) -> None:
    """Have the project declare *dependencies*."""
    declared = f'version = "0.1.0"\ndependencies = {json.dumps(dependencies)}\n'
    (division.project / "pyproject.toml").write_text(PYPROJECT.replace('version = "0.1.0"\n', declared))


def done(division: Deployed, desk: str, **fields: object) -> None:
    """Send a command whose job must succeed, and wait for its end."""
    job = end_of_job(division.caller, f"{division.path}/{desk}", fields)
    assert job["state"] == "succeeded", job


def released(division: Deployed, **fields: object) -> None:
    """Make a release, which must succeed."""
    done(division, "release", **fields)


def refused(division: Deployed, **fields: object) -> str:
    """Try to make a release, which must fail, and return the error."""
    job = end_of_job(division.caller, f"{division.path}/release", fields)
    assert (job["state"], job["code"]) == ("failed", "conflict"), job
    error: str = job["error"]
    return error


def said(division: Deployed) -> dict[str, object]:
    """Return what the application answers."""
    with urlopen(f"{division.service['url']}/health", timeout=10) as answer:
        content: dict[str, object] = json.load(answer)
    return content


def test_a_release_has_its_dependencies(division: Deployed, index: PackageIndex) -> None:
    """It is sealed with them, and runs when all else that it came from is gone; a rollback brings the old ones back."""
    released(division, version="1.0.0", target="service", health_check="http://127.0.0.1:{port}/health")
    release = division.releases / "1.0.0"
    expected = {"greeting": 1, "from": str(release / "app" / "rich" / "greeting.py"), "ours": ""}
    assert said(division) == expected
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=release, check=True)
    assert "  app/rich/greeting.py\n" in (release / "SHA256SUMS").read_text()
    assert not os.access(release / "app" / "rich" / "greeting.py", os.W_OK) or os.geteuid() == 0
    assert [artifact["name"] for artifact in division.last("release")["artifacts"]] == [
        "auth-1.0.0-py3-none-any.whl",
        "auth-1.0.0.tar.gz",
    ]

    need(division, "greeting>=2")
    released(division, version="1.1.0", target="service")
    assert said(division)["greeting"] == 2

    shutil.rmtree(division.project)
    shutil.rmtree(index.wheels)
    done(division, "service/restart")
    assert said(division)["greeting"] == 2
    done(division, "rollback", reason="as it was")
    assert said(division) == expected


def test_what_cannot_be_had_fails_the_release(division: Deployed) -> None:
    """The earlier one stays live; the error says what pip has said, and nothing is left."""
    released(division, version="1.0.0")
    need(division, "greeting>=3")
    error = refused(division, version="1.1.0")
    assert division.last("release_failure")["stage"] == "build"
    assert "No matching distribution found for greeting>=3" in error
    assert (division.live, division.on_disk) == ("1.0.0", ["1.0.0", "current -> 1.0.0"])
    assert not (division.project / ".venv").exists()


def test_what_a_command_builds_is_installed_too(division: Deployed, index: PackageIndex, tmp_path: Path) -> None:
    """Unless it has made the folder ``app`` itself; an error is told with what was run."""
    wheel = index.add("auth", "5", {"auth/__main__.py": ""}, requires=["greeting", 'nothing; extra == "more"'])
    copies = f"cp {wheel} $HECATE_ARTIFACTS"
    released(division, version="1.0.0", command=["sh", "-c", copies])
    assert (division.releases / "1.0.0" / "app" / "rich" / "greeting.py").exists()
    released(division, version="1.1.0", command=["sh", "-c", f"{copies}; mkdir $HECATE_ARTIFACTS/app"])
    app = division.releases / "1.1.0" / "app"
    assert sorted(path.name for path in app.iterdir()) == ["auth", "auth-5.dist-info"]

    index.add("auth", "5", {"auth/__main__.py": ""}, requires=["nothing"])
    error = refused(division, version="1.2.0", command=["sh", "-c", copies])
    assert error.startswith("cannot install what the release needs: exit code 1; it said last: ERROR: No matching")
    assert "No matching distribution found for nothing" in error
    assert division.live == "1.1.0"


@needs_bubblewrap
def test_a_release_is_made_in_a_sandbox(index: PackageIndex, folder: Path) -> None:
    """In which the project is not there, but for its environment."""
    sandbox = f'[jobs]\nsandbox = "bubblewrap"\nsandbox_network = true\nsandbox_shows = ["{index.home.parent}"]\n'
    with running(folder, sandbox) as caller:
        division = deployed(caller, folder / "workspace", folder / "data")
        write_application(division.project, GREETS)
        need(division, "greeting")
        released(division, version="1.0.0", target="service")
        assert said(division)["greeting"] == 2


def test_a_daemon_that_is_killed_while_it_installs_leaves_nothing(index: PackageIndex, folder: Path) -> None:
    """No half release, and the same version can be had from the next one."""
    with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
        begun = deployed(caller, folder / "workspace", folder / "data")
        wheel = index.add("auth", "5", {"auth/__main__.py": ""}, requires=["greeting"])
        built = {"version": "1.0.0", "command": ["sh", "-c", f"cp {wheel} $HECATE_ARTIFACTS"]}
        # pip takes what it finds there as it is, and so waits for it.
        (index.wheels / "greeting-3.0-py3-none-any.whl").unlink(missing_ok=True)
        os.mkfifo(index.wheels / "greeting-3.0-py3-none-any.whl")
        job_id = begun.begin("release", **built)
        wait_until(lambda: "Processing" in begun.job(job_id)["output"]["head"], 60)
        child.signal(signal.SIGKILL)
        child.end()
    (index.wheels / "greeting-3.0-py3-none-any.whl").unlink()
    with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
        division = begun._replace(caller=caller)
        assert division.job(job_id)["state"] == "interrupted"
        assert division.on_disk == []
        released(division, **built)
        assert division.on_disk == ["1.0.0", "current -> 1.0.0"]


# -- what is decided


def test_only_wheels_that_need_others_are_installed(tmp_path: Path, index: PackageIndex) -> None:
    """All of them, if one does; not for the sake of extras, and not where ``app`` is there."""
    index.add(
        "alone", "1", {"alone.py": ""}, requires=['x; extra == "more"', "y ; python_version > '3' and extra=='z'"]
    )
    staging = tmp_path / "staging"
    staging.mkdir()
    shutil.copy(index.wheels / "alone-1-py3-none-any.whl", staging)
    assert wheels_to_install(staging) == ()
    shutil.copy(index.add("needy", "1", {"needy.py": ""}, requires=["alone"]), staging)
    assert [wheel.name for wheel in wheels_to_install(staging)] == [
        "alone-1-py3-none-any.whl",
        "needy-1-py3-none-any.whl",
    ]
    (staging / "app").mkdir()
    assert wheels_to_install(staging) == ()
    (staging / "app").rmdir()
    (staging / "broken-1-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(Refused, match="cannot read what was built"):
        wheels_to_install(staging)


def test_an_environment_lends_its_pip(tmp_path: Path, index: PackageIndex) -> None:
    """To a Python that has none; it installs for that Python, not for its own."""
    assert pip_for("/usr/bin/python3", tmp_path, lends=True)[:4] == ("/usr/bin/python3", "-I", "-m", "pip")
    with pytest.raises(Refused, match="there is no pip"):
        pip_for(sys.executable, tmp_path, lends=False)
    subprocess.run([sys.executable, "-I", "-m", "venv", tmp_path / ".venv"], check=True)
    words = pip_for(sys.executable, tmp_path, lends=False)
    assert words[0] == str(tmp_path / ".venv" / "bin" / "python")
    target = tmp_path / "target"
    subprocess.run([*words, "--target", target, "--", "greeting<2"], check=True, env={"HOME": str(index.home)})
    assert (target / "rich" / "greeting.py").read_text() == "VERSION = 1\n"


def made_release(folder: Path, note: dict[str, str]) -> Path:
    """Return a release with a package that can be run, and one more that it needs."""
    release = folder / "1.0.0"
    for package in ("auth", "tool"):
        (release / "app" / package).mkdir(parents=True)
        (release / "app" / package / "__main__.py").touch()
    (release / "release.json").write_text(json.dumps(note))
    index = PackageIndex(folder / "index")
    shutil.copy(index.add("auth", "1", {"auth/__main__.py": ""}), release)
    return release


def test_the_package_that_runs_is_the_releases_own(tmp_path: Path) -> None:
    """Where its dependencies are with it; else there may be only one."""
    ours = sys.implementation.cache_tag or ""
    assert program_of(made_release(tmp_path, {"python": ours})) == (sys.executable, "-S", "-m", "auth")
    release = made_release(tmp_path / "other", {"version": "1.0.0"})
    with pytest.raises(Refused, match="it has auth, tool; name a command"):
        program_of(release)
    shutil.rmtree(release / "app" / "tool")
    assert program_of(release) == (sys.executable, "-m", "auth")


def test_a_release_for_another_python_is_told(tmp_path: Path) -> None:
    """If it has compiled parts; else it runs."""
    release = made_release(tmp_path, {"python": "cpython-27"})
    assert program_of(release)[-1] == "auth"
    (release / "app" / "tool" / "fast.so").touch()
    with pytest.raises(Refused, match=r"release 1\.0\.0 has compiled parts for cpython-27, and this is"):
        program_of(release)
