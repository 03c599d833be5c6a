"""Small applications to be deployed, and divisions that they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tests.calling import Caller, Reply
from tests.daemon.child import wait_until

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "auth"
version = "0.1.0"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["src/auth"]
"""
MAIN = """
import http.server, os, sys
print("begins", sys.argv[1:], flush=True)
port = int(sys.argv[sys.argv.index("--port") + 1])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(7)
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
        self.wfile.write(os.environ["HECATE_VERSION"].encode())

    def log_message(self, *words):
        pass

http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def write_application(project: Path, main: str = MAIN) -> None:
    """Write a project that can be built and that answers HTTP."""
    package = project / "src" / "auth"
    package.mkdir(parents=True, exist_ok=True)
    (project / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text('"""An application."""\n')
    (package / "__main__.py").write_text(main)


class Deployed(NamedTuple):
    """A division whose deployment is active, with its project in a workspace of its own."""

    caller: Caller
    division_id: str
    project: Path
    data: Path
    """The daemon's data directory."""

    @property
    def path(self) -> str:
        """Of the process."""
        return f"/api/divisions/{self.division_id}/deploy"

    @property
    def releases(self) -> Path:
        """Where its releases are."""
        return self.data / "releases" / self.division_id

    @property
    def on_disk(self) -> list[str]:
        """What is there, the link ``current`` with where it leads to."""
        if not self.releases.is_dir():
            return []
        return sorted(
            f"{path.name} -> {path.readlink()}" if path.is_symlink() else path.name for path in self.releases.iterdir()
        )

    def ask(self, desk: str, **fields: Any) -> Reply:
        """Send a command and wait for its job."""
        return self.caller.post(f"{self.path}/{desk}?wait=true", fields)

    def do(self, desk: str, **fields: Any) -> Any:
        """Send a command whose job must succeed, and return the answer."""
        reply = self.ask(desk, **fields)
        assert reply.status == 201, reply
        return reply.json

    def begin(self, desk: str, **fields: Any) -> str:
        """Send a command and return its job's id."""
        reply = self.caller.post(f"{self.path}/{desk}", fields)
        assert reply.status == 202, reply
        job_id: str = reply.json["job_id"]
        return job_id

    def job(self, job_id: str, *, wait: bool = False) -> Any:
        """Return a job as it is shown, at its end if *wait* says so."""
        return self.caller.get(f"/api/jobs/{job_id}{'?wait=true' if wait else ''}").json["job"]

    @property
    def listed(self) -> Any:
        """The answer to ``GET …/deployments``."""
        return self.caller.get(f"/api/divisions/{self.division_id}/deployments?limit=500").json

    @property
    def live(self) -> str:
        """The version that is live; empty: none is."""
        live = self.listed["live"]
        return "" if live is None else str(live["version"])

    def last(self, kind: str) -> Any:
        """Return the newest item of *kind*."""
        return [item for item in self.listed["deployments"] if item["kind"] == kind][-1]

    @property
    def service(self) -> Any:
        """The answer to ``GET …/service``."""
        return self.caller.get(f"/api/divisions/{self.division_id}/service").json["service"]

    @property
    def log(self) -> str:
        """What the application has printed."""
        lines = self.caller.get(f"/api/divisions/{self.division_id}/service/logs?lines=5000").json["lines"]
        return "\n".join(lines)

    def until(self, state: str) -> Any:
        """Wait until the application is in *state*, and return how it is shown."""
        wait_until(lambda: self.service["state"] == state)
        return self.service


def deployed(caller: Caller, workspace: Path, data: Path) -> Deployed:
    """Return a new division with an application in *workspace*."""
    venture_id = caller.venture(workspace=str(workspace))
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    division_id = caller.division(venture_id, name="auth")
    caller.done(f"/api/divisions/{division_id}/deploy/start")
    write_application(workspace / "auth")
    return Deployed(caller, division_id, workspace / "auth", data)
