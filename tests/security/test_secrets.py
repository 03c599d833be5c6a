"""Keys: one in every place that a key can be, all that can be done is done, and none comes out anywhere.

Whoever reads the log, an answer, an event, a figure, a file, the audit log, or the environment of a child, finds none;
the provider that each belongs to gets it, which shows that it was there to be found.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, started, wait_until
from tests.every_route import every_route
from tests.security.tattling_provider import MODELS, Tattler, tattler
from tests.serving import HECATE

PLACES = (
    *("environment", "file-in-environment", "credential", "environment-file"),
    *("configuration", "key-file", "header", "added", "added-header", "http-token"),
)
DIALECTS: dict[str, dict[str, Any]] = {
    "/api/llm/chat": {"messages": [{"role": "user", "content": "Hello!"}]},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello!"}]},
    "/v1/messages": {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 9},
    "/api/chat": {"messages": [{"role": "user", "content": "Hello!"}]},
    "/api/generate": {"prompt": "Hello!"},
    "/v1/embeddings": {"input": "Hello!"},
    "/api/embed": {"input": "Hello!"},
}
KEPT_IN = {"providers.json", "providers.json.new"}
"""The one file of the data directory that is there for keys: mode 0600, as is the directory 0700."""


class Seen:
    """All that came out, and where."""

    def __init__(self, canaries: dict[str, str]) -> None:
        self.canaries = canaries
        self.found: list[tuple[str, str]] = []
        self.looked_at = 0

    def look(self, where: str, text: bytes) -> None:
        """Look for each of the keys in *text*."""
        self.looked_at += 1
        self.found += [(place, where) for place, key in self.canaries.items() if key.encode() in text]


@pytest.fixture(scope="module")
def canaries() -> dict[str, str]:
    """A key for each place: like nothing that a pattern knows, so that it must be hidden by itself."""
    return {place: f"canary{number}{secrets.token_hex(12)}" for number, place in enumerate(PLACES)}


@pytest.fixture(scope="module")
def daemon(canaries: dict[str, str]) -> Iterator[Child]:
    """A daemon with all of them, at log level "debug"; its providers tell what they are shown."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hecate-")))
        url = stack.enter_context(tattler())
        credentials = folder / "credentials"
        credentials.mkdir()
        files = {
            folder / "groq.key": canaries["file-in-environment"],
            folder / "mine.key": canaries["key-file"],
            folder / "variables": f"MISTRAL_API_KEY={canaries['environment-file']}\n",
            credentials / "anthropic_api_key": canaries["credential"],
        }
        for file, content in files.items():
            file.write_text(content)
            file.chmod(0o600)
        (folder / "config.toml").write_text(f"""
            [http]
            listen = "127.0.0.1:0"
            token = "{canaries["http-token"]}"
            [llm]
            environment_file = "{folder}/variables"
            [llm.retries]
            attempts = 1
            [llm.circuit]
            failures = 1000
            [providers.ollama]
            enabled = false
            [providers.openai]
            base_url = "{url}/v1"
            [providers.groq]
            base_url = "{url}/v1"
            [providers.mistral]
            base_url = "{url}/v1"
            [providers.anthropic]
            base_url = "{url}"
            [providers.google]
            base_url = "{url}"
            api_key = "{canaries["configuration"]}"
            [providers.mine]
            base_url = "{url}/v1"
            api_key_file = "{folder}/mine.key"
            headers = {{ "x-extra" = "{canaries["header"]}" }}
        """)
        (folder / "config.toml").chmod(0o600)
        environ = {name: "" for name in os.environ if name.endswith(("_API_KEY", "_API_KEY_FILE", "_BASE_URL"))} | {
            "OPENAI_API_KEY": canaries["environment"],
            "GROQ_API_KEY_FILE": str(folder / "groq.key"),
            "CREDENTIALS_DIRECTORY": str(credentials),
        }
        socket = folder / "daemon.sock"
        words = ("serve", "--socket", socket, "--data-dir", folder / "data", "--config", folder / "config.toml")
        child = stack.enter_context(
            started((*words, "--log-level", "debug"), socket, program=(HECATE,), environ=environ)
        )
        child.ready()
        with closing(Caller(socket)) as caller:
            added = {"name": "later", "base_url": f"{url}/v1", "api_key": canaries["added"]}
            caller.done("/api/llm/providers/add", {**added, "headers": {"x-more": canaries["added-header"]}})
        yield child


def exercise(caller: Caller, seen: Seen, workspace: Path) -> None:
    """Do all that a daemon does with keys, and much that goes wrong."""

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Any:
        reply = caller.ask(method, path, body, headers)
        seen.look(f"{method} {path}", reply.body + json.dumps(dict(reply.headers)).encode())
        return reply

    providers = ("openai", "groq", "mistral", "anthropic", "google", "mine", "later")
    for provider in providers:
        for model in MODELS:
            for path, body in DIALECTS.items():
                for stream in (False, True):
                    ask("POST", path, {**body, "model": f"{provider}/{model}", "stream": stream})
        ask("POST", "/api/llm/providers/add", {"name": provider, "api_key": "", "base_url": "http://127.0.0.1:1"})
    venture_id = caller.venture("secrets", workspace=str(workspace))
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    division_id = caller.division(venture_id)
    caller.done(f"/api/divisions/{division_id}/test/start")
    caller.done(f"/api/divisions/{division_id}/design/start")
    script = "env; cat /proc/self/environ /proc/$PPID/environ; tr '\\0' '\\n' </proc/$PPID/environ; exit 1"
    suite = ask("POST", f"/api/divisions/{division_id}/test/suite?wait=true", {"command": ["sh", "-c", script]})
    assert suite.status == 201, suite
    ask("POST", f"/api/ventures/{venture_id}/discovery/propose?wait=true", {"model": "openai/tells-401"})
    ask("POST", "/api/llm/providers/reload")
    for route in every_route():
        path = route.path.replace("{venture_id}", venture_id).replace("{division_id}", division_id)
        if route.method == "GET" and "stream" not in path and "{" not in path:
            ask("GET", path)
            ask("GET", f"{path}?limit=nonsense")
    ask("GET", "/api/events?limit=500", None, Accept="application/x-ndjson")
    for method, path in (
        ("POST", "/api/llm/chat"),
        ("PUT", "/api/health"),
        ("GET", "/nowhere"),
        ("POST", "/v1/messages"),
    ):
        ask(method, path, b"{nonsense", Authorization="Bearer nonsense")


def test_no_key_comes_out(daemon: Child, canaries: dict[str, str], tmp_path: Path) -> None:
    """Not in an answer, a log line, an event, a child's environment or a file, whatever was done."""
    seen = Seen(canaries)
    folder = daemon.socket_path.parent
    (tmp_path / "workspace").mkdir()
    with closing(Caller(daemon.socket_path)) as caller:
        exercise(caller, seen, tmp_path / "workspace")
    config = folder / "config.toml"
    sound = config.read_text()
    for line in ('[providers.bad]\napi_key = "wrong', '[providers.mine2]\nbase = "x"\n', "[providers.bad]\nkind = 3\n"):
        config.write_text(sound + line.replace("wrong", canaries["configuration"]))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("configuration not reloaded", times=sum("not reloaded" in told for told in daemon.err) + 1)
    config.write_text(sound)
    hand_on = {place for place, key in canaries.items() if any(key in told for told in Tattler.shown)}
    assert hand_on == set(PLACES) - {"http-token"}, "each was in use"
    for path in (folder / "data").rglob("*"):
        if path.is_file() and path.name not in KEPT_IN:
            seen.look(str(path), path.read_bytes())
    for file in (Path(name) for name in KEPT_IN):
        assert not (folder / "data" / file).exists() or (folder / "data" / file).stat().st_mode & 0o077 == 0
    wait_until((folder / "data" / "audit.log").exists)
    seen.look("the log", "\n".join([*daemon.err, *daemon.out]).encode())
    seen.look("the command line", Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes())
    assert seen.looked_at > 500
    assert sorted({place for place, _ in seen.found}) == [], seen.found[:10]


def test_the_search_finds_what_is_there(canaries: dict[str, str]) -> None:
    """The test above can fail."""
    seen = Seen(canaries)
    seen.look("here", f"a line with {canaries['header']} in it".encode())
    assert seen.found == [("header", "here")]


ENDS_BADLY = "import os, resource, sys; {first}; os.kill(os.getpid(), 6)"


def dumps_core(first: str, folder: Path) -> bool:
    """Tell whether a Python that does *first* and is then ended by a fault leaves a core."""
    words = [sys.executable, "-c", ENDS_BADLY.format(first=first)]
    with subprocess.Popen(["sh", "-c", 'ulimit -S -c unlimited; exec "$@"', "sh", *words], cwd=folder) as process:
        _, status = os.waitpid(process.pid, 0)
        process.returncode = 0
    return os.WCOREDUMP(status)


def test_a_daemon_that_falls_leaves_no_core(tmp_path: Path) -> None:
    """Its memory holds every key; another process does leave one, where the machine keeps them."""
    protect = "from hecate.daemon.self_protection import protect_this_process; protect_this_process()"
    assert not dumps_core(protect, tmp_path)
    if not dumps_core("pass", tmp_path):
        pytest.skip("this machine keeps no core files at all")
    # Even where somebody raises the limit again.
    again = "resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)"
    assert not dumps_core(f"{protect}; {again}", tmp_path)
