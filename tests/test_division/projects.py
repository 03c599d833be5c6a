"""Small projects to be tested, and divisions that they belong to."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from tests.calling import Caller, Reply


class UnderTest(NamedTuple):
    """A division whose tests are active, with its project in a workspace of its own."""

    caller: Caller
    division_id: str
    project: Path

    @property
    def path(self) -> str:
        """Of the process."""
        return f"/api/divisions/{self.division_id}/test"

    def write(self, **files: str) -> None:
        """Write files into the project; ``__`` in a name is a slash, and the ending is ``.py``."""
        for name, content in files.items():
            file = self.project / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content))

    def run(self, **fields: Any) -> Any:
        """Run a suite to its end, and return what is recorded of it."""
        reply = self.ask(**fields)
        assert reply.status in {201, 409, 503}, reply
        return self.finished[-1]

    def ask(self, **fields: Any) -> Reply:
        """Run a suite and wait for its job."""
        return self.caller.post(f"{self.path}/suite?wait=true", fields)

    def begin(self, **fields: Any) -> str:
        """Ask for a suite and return its job's id."""
        reply = self.caller.post(f"{self.path}/suite", fields)
        assert reply.status == 202, reply
        job_id: str = reply.json["job_id"]
        return job_id

    def job(self, job_id: str, *, wait: bool = False) -> Any:
        """Return a job as it is shown, at its end if *wait* says so."""
        return self.caller.get(f"/api/jobs/{job_id}{'?wait=true' if wait else ''}").json["job"]

    @property
    def listed(self) -> Any:
        """The answer to ``GET …/tests``."""
        return self.caller.get(f"/api/divisions/{self.division_id}/tests?limit=500").json

    @property
    def finished(self) -> list[Any]:
        """The suites that have ended, as they are listed."""
        return [item for item in self.listed["tests"] if item["kind"] == "suite"]


def under_test(caller: Caller, workspace: Path) -> UnderTest:
    """Return a new division with an empty project in *workspace*."""
    venture_id = caller.venture(workspace=str(workspace))
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    division_id = caller.division(venture_id, name="auth")
    caller.done(f"/api/divisions/{division_id}/test/start")
    (workspace / "auth").mkdir(parents=True, exist_ok=True)
    return UnderTest(caller, division_id, workspace / "auth")
