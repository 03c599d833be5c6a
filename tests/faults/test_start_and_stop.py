"""Two daemons at once on one data directory, and a stop in the middle of everything."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, started, wait_until
from tests.deploy_division.projects import deployed
from tests.faults.conftest import Say
from tests.faults.crowd import WRITERS, Crowd
from tests.faults.daemons import serving_from
from tests.faults.sizes import LONG, size
from tests.faults.writing import writing
from tests.serving import HECATE, serving

STARTS = size(2, 50)
STOPS = size(1, 10)
STREAMS = 4
MOST_SECONDS_OF_A_STOP = 25

pytestmark = pytest.mark.timeout(size(60, 900))


@contextmanager
def two_at_once(place: Path, folders: Sequence[Path]) -> Iterator[list[Child]]:
    """Start a daemon on each of the data *folders*, all at once, each with a socket of its own."""
    (place / "config.toml").write_text("[providers.ollama]\nenabled = false\n")
    with ExitStack() as stack:
        children = []
        for number, folder in enumerate(folders):
            socket = place / f"s{number}"
            words = ("serve", "--socket", socket, "--data-dir", folder, "--config", place / "config.toml")
            children.append(stack.enter_context(started(words, socket, program=(HECATE,))))
        wait_until(lambda: all(child.process.poll() is not None or is_ready(child) for child in children))
        yield children


def is_ready(child: Child) -> bool:
    """Tell whether *child* serves."""
    return any('"ready"' in line for line in child.err)


def test_of_two_at_once_one_serves_and_the_other_says_why(place: Path, say: Say) -> None:
    """Again and again; the one that serves is killed or stopped in turn, and nothing is lost."""
    crowd, by_number = Crowd(), [0, 0]
    for number in range(STARTS):
        with two_at_once(place, [place / "data"] * 2) as children:
            serving_ones = [child for child in children if is_ready(child)]
            assert len(serving_ones) == 1, [child.err for child in children]
            (serves,), (other,) = serving_ones, [child for child in children if child not in serving_ones]
            assert other.end() == 1
            (why,) = other.err
            assert f"is using the data directory {place / 'data'}" in why
            by_number[children.index(serves)] += 1
            with writing(serves.socket_path, crowd.writers):
                crowd.wait_for_more(WRITERS)
                serves.signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
                serves.end()
        assert crowd.wrongs(place) == []
    say(f"{STARTS} times: {by_number} times the first and the second served; {crowd.acknowledged} commands, none lost")


def test_two_that_serve_would_be_seen(place: Path) -> None:
    """The control: on two directories both serve."""
    with two_at_once(place, [place / "data", place / "other"]) as children:
        assert [is_ready(child) for child in children] == [True, True]


def test_a_stop_under_load_cuts_nothing(place: Path, say: Say) -> None:
    """What was accepted is answered, streams end properly, a job's children are gone, and it ends in time."""
    crowd, seconds = Crowd(), []
    for _ in range(STOPS):
        with serving_from(place) as child, closing(Caller(child.socket_path)) as caller, ExitStack() as stack:
            job_id, sleeper = run_a_job(caller, place, crowd.others)
            feeds = [stack.enter_context(caller.feed("/api/events?after=0")) for _ in range(STREAMS)]
            stack.enter_context(writing(child.socket_path, crowd.writers))
            crowd.wait_for_more(20 * WRITERS)
            since = time.monotonic()
            child.signal(signal.SIGTERM)
            for feed in feeds:
                while feed.block():
                    pass
            assert child.end() == 0
            seconds.append(time.monotonic() - since)
            assert not is_running(sleeper)
        assert crowd.wrongs(place) == []
        # Who was refused was told that nothing was recorded; who was answered nothing had not been accepted.
        assert crowd.stored_though_unanswered(place) == 0
        assert set(crowd.refusals.statuses) <= {503}
        with serving_from(place) as child, closing(Caller(child.socket_path)) as caller:
            job = caller.get(f"/api/jobs/{job_id}").json["job"]
            assert job["state"] in {"interrupted", "cancelled"}, job
    say(
        f"{STOPS} stops under {WRITERS} writers, {STREAMS} streams and a job: {crowd.acknowledged:,} commands, "
        f"none lost or cut off; in {max(seconds):.2f} s at most"
    )
    if LONG:
        assert max(seconds) < MOST_SECONDS_OF_A_STOP


def run_a_job(caller: Caller, place: Path, others: set[str]) -> tuple[str, int]:
    """Begin a build that would last for ever; return the job's id, and the process that it has started."""
    workspace = Path(tempfile.mkdtemp(dir=place))
    division = deployed(caller, workspace, place / "data")
    note = workspace / "pid"
    others.add(caller.get(f"/api/divisions/{division.division_id}").json["division"]["venture_id"])
    job_id = division.begin("release", version="1.0.0", command=["sh", "-c", f"echo $$ >{note}; exec sleep 1000"])
    wait_until(lambda: note.exists() and note.read_text().endswith("\n"))
    return job_id, int(note.read_text())


def is_running(pid: int) -> bool:
    """Tell whether the process *pid* is there, and more than an entry that nobody has asked for yet."""
    try:
        status = (Path("/proc") / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_cut_would_be_seen(place: Path, say: Say) -> None:
    """The control: killed instead of stopped, some command is recorded whose caller was not told."""
    crowd = Crowd()
    for _ in range(20):
        with serving(place) as child, writing(child.socket_path, crowd.writers):
            crowd.wait_for_more(10 * WRITERS)
            child.process.kill()
            child.end()
        if crowd.stored_though_unanswered(place):
            break
    assert crowd.stored_though_unanswered(place)
    say(f"killed: {crowd.stored_though_unanswered(place)} commands recorded and not answered")
