"""Limits and the sandbox: what a child process may take, and what it sees."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from hecate.child_processes.child_process import ChildEnd, run_child
from hecate.child_processes.confinement import KILLED_FIRST, Bubblewrap, Confinement, Limits, sandbox_for, shell_between
from hecate.dossiers.errors import Refused

MIB = 1024 * 1024


def bubblewrap_works() -> bool:
    """Tell whether this machine lets us make a sandbox: some forbid it to all but root, containers to everybody."""
    program = shutil.which("bwrap")
    return program is not None and not subprocess.run([program, "--ro-bind", "/", "/", "true"], check=False).returncode


needs_bubblewrap = pytest.mark.skipif(not bubblewrap_works(), reason="needs bubblewrap, and the right to use it")


class Runs:
    """Runs scripts in a folder, and keeps what they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []

    async def run(self, script: str, confinement: Confinement, *, writes: Sequence[Path] = ()) -> ChildEnd:
        """Run *script* in a shell."""
        return await self.run_words(("sh", "-c", script), confinement, writes=writes)

    async def run_words(
        self, words: Sequence[str], confinement: Confinement, *, own_parent: bool = True, writes: Sequence[Path] = ()
    ) -> ChildEnd:
        """Run a command."""
        return await run_child(
            words,
            mark=f"test/{uuid4().hex}",
            folder=self.folder,
            timeout_seconds=20,
            on_lines=self.lines.extend,
            own_parent=own_parent,
            confinement=confinement,
            writes=writes,
        )


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Something that runs scripts."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return Runs(folder)


@pytest.mark.parametrize("own_parent", [True, False])
async def test_the_kernel_is_told_every_limit(runs: Runs, *, own_parent: bool) -> None:
    """In its own units, whichever shell sets them."""
    limits = Limits(memory_bytes=300 * MIB, file_bytes=20 * MIB, processes=1234, core_bytes=MIB)
    names = ("DATA", "FSIZE", "NPROC", "CORE")
    script = f"import resource as r; print([r.getrlimit(getattr(r, 'RLIMIT_' + name)) for name in {names}])"
    await runs.run_words((sys.executable, "-c", script), Confinement(limits=limits), own_parent=own_parent)
    _, most_core = resource.getrlimit(resource.RLIMIT_CORE)
    core = MIB if most_core == resource.RLIM_INFINITY else min(MIB, most_core)
    assert runs.lines == [str([(size, size) for size in (300 * MIB, 20 * MIB, 1234, core)])]


async def test_memory_beyond_the_limit_is_not_given(runs: Runs) -> None:
    """A test that eats all memory fails by itself; without the limit the same one ends well."""
    words = (sys.executable, "-c", f"print(len(bytearray({200 * MIB})))")
    assert (await runs.run_words(words, Confinement())).succeeded
    assert not (await runs.run_words(words, Confinement(limits=Limits(memory_bytes=100 * MIB)))).succeeded
    assert "MemoryError" in runs.lines


async def test_a_file_beyond_the_limit_is_not_written(runs: Runs) -> None:
    """A log without an end does not fill the disk."""
    end = await runs.run("head -c 3000000 /dev/zero >big", Confinement(limits=Limits(file_bytes=MIB)))
    assert not end.succeeded
    assert (runs.folder / "big").stat().st_size == MIB


async def test_when_memory_runs_out_a_child_goes_first(runs: Runs) -> None:
    """The kernel is told whom to end before the daemon."""
    await runs.run("cat /proc/self/oom_score_adj", Confinement())
    assert runs.lines == [str(KILLED_FIRST)]


def test_a_limit_that_cannot_be_set_runs_nothing() -> None:
    """It fails closed."""
    words = shell_between(Limits(file_bytes=MIB), stays=True)
    script = words[2].replace("ulimit -f", "ulimit -Q")
    done = subprocess.run(["/bin/sh", "-c", script, "job", "echo", "ran"], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (126, b"")


async def test_what_cannot_be_had_is_not_asked_for(runs: Runs) -> None:
    """A daemon with narrow limits of its own runs jobs all the same."""
    far = Limits(memory_bytes=2**60, file_bytes=2**60, processes=2**22, core_bytes=2**60)
    assert (await runs.run("exit 0", Confinement(limits=far))).succeeded


# -- the sandbox


@needs_bubblewrap
async def test_a_sandbox_hides_what_it_is_told_to(runs: Runs, tmp_path: Path) -> None:
    """A folder is empty inside, a file too, and what lies around can be read and not changed."""
    secret, beside = tmp_path / "data", Path(__file__).with_name("made-by-a-job")
    secret.mkdir()
    (secret / "key").write_text("canary")
    script = f"cat {secret}/key; cat {__file__} | head -c 3; touch {beside} || echo refused; touch here && echo made"
    await runs.run(script, Confinement(sandbox=Bubblewrap(hidden=(secret,))))
    assert "canary" not in "".join(runs.lines)
    assert runs.lines[-1] == "made"
    assert "refused" in runs.lines
    assert (runs.folder / "here").exists()
    assert not beside.exists()
    await runs.run(f"cat {secret}/key", Confinement())
    assert runs.lines[-1] == "canary", "the same without a sandbox"


@needs_bubblewrap
async def test_a_sandbox_has_its_own_processes_and_no_network(runs: Runs) -> None:
    """It sees neither the daemon nor its sockets."""
    script = "ls -d /proc/[0-9]* | wc -l; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; ls /run | wc -l"
    await runs.run(script, Confinement(sandbox=sandbox_for((), (), network=False)))
    processes, *interfaces, found = runs.lines
    assert int(processes) < 8
    assert interfaces == ["lo"]
    assert int(found) <= 1


@needs_bubblewrap
async def test_a_sandbox_is_for_the_folders_that_a_job_writes(runs: Runs, tmp_path: Path) -> None:
    """Also where they lie in what is hidden, and where the daemon's own Python does."""
    data = tmp_path / "data"
    report = data / "suites" / "report.xml"
    report.parent.mkdir(parents=True)
    (data / "hecate.db").write_text("events")
    sandbox = sandbox_for((data,), (), network=False)
    script = f"ls {data}; echo '<xml/>' >{report}; {sys.executable} -c 'import hecate; print(hecate.__name__)'"
    end = await runs.run(script, Confinement(sandbox=sandbox), writes=(report.parent,))
    assert end.succeeded, runs.lines
    assert runs.lines == ["suites", "hecate"]
    assert report.read_text() == "<xml/>\n"


@needs_bubblewrap
async def test_limits_hold_in_a_sandbox(runs: Runs) -> None:
    """It is in addition to them."""
    confinement = Confinement(limits=Limits(memory_bytes=123 * MIB), sandbox=Bubblewrap())
    await runs.run("grep 'Max data size' /proc/self/limits", confinement)
    assert str(123 * MIB) in runs.lines[0]


async def test_without_bubblewrap_a_sandbox_runs_nothing(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not do without in silence."""
    monkeypatch.setenv("PATH", str(runs.folder))
    with pytest.raises(Refused, match="bubblewrap is not installed"):
        await runs.run_words(("/bin/true",), Confinement(sandbox=Bubblewrap()))
