"""A project that declares dependencies is tested with them, in an environment that is made for it."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hecate.suites import project_environment
from tests.calling import Caller
from tests.child_processes.test_confinement import needs_bubblewrap
from tests.daemon.child import wait_until
from tests.faults.sizes import size
from tests.long_jobs import end_of_job
from tests.package_index import PackageIndex
from tests.serving import serving
from tests.small_disk import small_disk
from tests.test_division.projects import UnderTest, under_test

pytestmark = pytest.mark.timeout(180)  # environments take their time

TEST = """
    import sys
    import greeting

    def test_it_greets() -> None:
        assert greeting.VERSION == {version}

    def test_it_runs_in_an_environment_of_its_own() -> None:
        assert sys.prefix.endswith("/auth/.venv")
"""
PASSES = """
    def test_a() -> None:
        pass
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """Where the daemon's pip finds packages: pytest, and a greeting in two versions."""
    index = PackageIndex(tmp_path / "index")
    index.add_installed("pytest")
    for version in (1, 2):
        index.add("greeting", f"{version}.0", {"greeting.py": f"VERSION = {version}\n"})
    monkeypatch.setenv("HOME", str(index.home))
    return index


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a daemon and a workspace."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as name:
        yield Path(name)


@pytest.fixture
def division(index: PackageIndex, folder: Path) -> Iterator[UnderTest]:
    """A division with an empty project, and a daemon that finds packages in the index."""
    with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
        yield under_test(caller, folder / "workspace")


def declare(division: UnderTest, *dependencies: str) -> None:
    """Have the project declare *dependencies*."""
    listed = msgspec.json.encode(dependencies).decode()
    text = f'[project]\nname = "auth"\nversion = "1"\ndependencies = {listed}\n'
    (division.project / "pyproject.toml").write_text(text)


def suite_of(division: UnderTest, **fields: str) -> Any:
    """Run a suite to its end, and return what is recorded of it."""
    end_of_job(division.caller, f"{division.path}/suite", fields)
    return division.finished[-1]


def environment(division: UnderTest) -> Path:
    """Return where its environment is."""
    return division.project / ".venv"


def test_a_project_is_tested_with_what_it_declares(division: UnderTest) -> None:
    """In an environment that is made once, told of step by step, and no part of what is committed."""
    declare(division, "greeting<2")
    division.write(tests__test_a=TEST.format(version=1))
    job = end_of_job(division.caller, f"{division.path}/suite")
    assert "-m pip install" in job["output"]["head"]
    assert "Successfully installed" in job["output"]["head"]
    assert (division.finished[-1]["outcome"], division.finished[-1]["passed"]) == ("passed", 2)
    assert (environment(division) / ".gitignore").read_text() == "*\n"
    (environment(division) / "kept").touch()
    assert suite_of(division)["outcome"] == "passed"
    assert (environment(division) / "kept").exists()
    # Its programs are found by commands, too, which make none themselves.
    assert suite_of(division, command="pytest -q")["outcome"] == "passed"


def test_progress_tells_what_is_installed(division: UnderTest) -> None:
    """While it is."""
    declare(division, "greeting")
    division.write(tests__test_a=PASSES)
    lines: list[bytes] = []
    with division.caller.feed(f"/api/jobs/{division.begin()}/stream") as feed:
        while block := feed.block():
            lines += block
    told = [msgspec.json.decode(line.removeprefix(b"data: ")).get("message") for line in lines if b"message" in line]
    assert [line for line in told if line and ("environment" in line or "installs" in line)] == [
        "makes an environment for the project: .venv",
        "installs greeting, pytest",
        "the environment is made",
    ]


def test_what_is_declared_anew_is_installed_anew(division: UnderTest) -> None:
    """And what is declared no more is gone."""
    declare(division, "greeting<2")
    division.write(tests__test_a=TEST.format(version=1))
    assert suite_of(division)["outcome"] == "passed"
    declare(division, "greeting>=2")
    assert suite_of(division)["failures"][0]["name"].endswith("test_it_greets")
    division.write(tests__test_a=TEST.format(version=2))
    assert suite_of(division)["outcome"] == "passed"


@pytest.mark.parametrize(
    "text", ["", "[project]\ndependencies = []\n", "[project]\ndependencies = 'x'\n", "[project\n"]
)
def test_a_project_that_declares_nothing_has_none(division: UnderTest, text: str) -> None:
    """It is tested as it is, with our own Python; what cannot be read says pytest."""
    (division.project / "pyproject.toml").write_text(text)
    division.write(tests__test_a=PASSES)
    assert suite_of(division)["outcome"] == ("passed" if text != "[project\n" else "failed")
    assert not environment(division).exists()


def test_an_environment_of_a_persons_own_is_left_alone(division: UnderTest) -> None:
    """Whatever is or is not in it; also one that lies elsewhere."""
    declare(division, "greeting")
    division.write(tests__test_a=PASSES)
    elsewhere = division.project.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    environment(division).symlink_to(elsewhere)
    assert suite_of(division)["outcome"] == "passed"
    environment(division).unlink()
    elsewhere.rename(environment(division))
    assert suite_of(division)["outcome"] == "passed"
    assert [path.name for path in environment(division).iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("dependency", "said"),
    [
        ("nothing-of-this-name>=3", "No matching distribution found for nothing-of-this-name>=3"),
        ("greeting>2", "No matching distribution found for greeting>2"),
        ("--version", "Invalid requirement: '--version'"),
        ("", "it said last: "),
    ],
)
def test_what_cannot_be_installed_is_told(division: UnderTest, dependency: str, said: str) -> None:
    """With what was run, and what it has said; nothing is left."""
    declare(division, dependency)
    suite = suite_of(division)
    assert suite["outcome"] == "error"
    assert suite["reason"].startswith("cannot make the project's environment: exit code ")
    assert "; what was run is `" in suite["reason"]
    assert "-m pip install" in suite["reason"]
    assert said in suite["reason"]
    assert not environment(division).exists()


def test_an_index_that_does_not_answer_is_told(division: UnderTest, index: PackageIndex) -> None:
    """Since pip only says at last that it has found nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        nobody = server.getsockname()[1]
    settings = f"[global]\nindex-url = http://127.0.0.1:{nobody}/\nretries = 1\n"
    (index.home / ".config" / "pip" / "pip.conf").write_text(settings)
    declare(division, "nothing-of-this-name")
    assert suite_of(division)["reason"].startswith(
        "cannot make the project's environment: exit code 1; it said last: ERROR: No matching distribution found for "
        "nothing-of-this-name; the index of packages cannot be reached; what was run is `"
    )


def test_a_full_disk_is_told(division: UnderTest) -> None:
    """Nothing is left on it, so that there is room for what comes next."""
    with small_disk(division.project, 2048):
        declare(division, "greeting")
        division.write(tests__test_a=PASSES)
        suite = suite_of(division)
        assert (suite["outcome"], "cannot make" in suite["reason"]) == ("error", True), suite
        assert not environment(division).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_project_that_is_read_only_is_told(division: UnderTest) -> None:
    """In a sentence."""
    declare(division, "greeting")
    division.project.chmod(0o500)
    try:
        reason = suite_of(division)["reason"]
    finally:
        division.project.chmod(0o700)
    assert f"cannot make an environment for the project in {environment(division)}: Permission denied" in reason


@needs_bubblewrap
def test_a_sandbox_without_network_is_told(index: PackageIndex, folder: Path) -> None:
    """Since that is why nothing is found."""
    with (
        serving(folder, configuration='[jobs]\nsandbox = "bubblewrap"\n') as child,
        closing(Caller(child.socket_path)) as caller,
    ):
        division = under_test(caller, folder / "workspace")
        declare(division, "greeting")
        assert "; jobs have no network here ([jobs] sandbox_network); what" in suite_of(division)["reason"]
        assert not environment(division).exists()


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "when it is begun": lambda place: place.exists(),
    "when it has a Python": lambda place: (place / "bin" / "python").exists(),
    "when it has pip": lambda place: any(place.glob("lib/*/site-packages/pip/__init__.py")),
    "when something is installed": lambda place: any(place.glob("lib/*/site-packages/iniconfig")),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_daemon_leaves_none_that_is_taken_for_whole(index: PackageIndex, folder: Path) -> None:
    """At whatever moment: the next suite makes it anew, and passes; the short form has the last of them alone."""
    moments = list(MOMENTS.items())
    for number, (moment, has_come) in enumerate(size(moments[-1:], moments)):
        with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
            begun = under_test(caller, folder / f"workspace-{number}")
            declare(begun, "greeting<2")
            begun.write(tests__test_a=TEST.format(version=1))
            job_id = begun.begin()
            wait_until(lambda has_come=has_come, begun=begun: has_come(environment(begun)))  # type: ignore[misc]
            child.signal(signal.SIGKILL)
            child.end()
        with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
            division = begun._replace(caller=caller)
            assert division.job(job_id)["state"] == "interrupted", moment
            suite = suite_of(division)
            assert (suite["outcome"], suite["passed"]) == ("passed", 2), (moment, suite)


def test_cancelling_leaves_none(division: UnderTest) -> None:
    """At once, and not only at the next suite."""
    declare(division, "greeting")
    job_id = division.begin()
    wait_until((environment(division) / "bin" / "python").exists)
    division.caller.post(f"/api/jobs/{job_id}/cancel")
    assert division.job(job_id, wait=True)["state"] == "cancelled"
    assert not environment(division).exists()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """A build that fails may have put one there: it goes, and what it leads to stays."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").touch()
    (tmp_path / ".venv").symlink_to("home")
    project_environment._remove(tmp_path / ".venv")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "lib").symlink_to(tmp_path / "home")
    project_environment._remove(tmp_path / ".venv")
    assert (tmp_path / "home" / "letter").exists()
