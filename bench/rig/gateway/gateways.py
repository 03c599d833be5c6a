"""The mock, Hecate and its peers as processes, each on the core that it is given."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bench.rig.daemon import HECATE, ROOT, Daemon, running
from bench.rig.gateway import installed
from bench.rig.gateway.asking import get
from bench.rig.gateway.mock_openai import HOST, MODELS
from bench.rig.gateway.target import Target

START_SECONDS = 90.0
STOP_SECONDS = 10.0
KEY = "sk-mock-0123456789"
"""The mock takes any."""
LITELLM_KEY = "sk-bench-0123456789abcdef0123456789abcdef"
PATHS = ("/api/llm/chat", "/v1/chat/completions")
"""Where Hecate takes chats: as itself, and in OpenAI's dialect."""
NO_OLLAMA = "[providers.ollama]\nenabled = false\n"


class Cores(NamedTuple):
    """Which core does what; the same one where there is only one."""

    load: int
    """The mock and its clients."""
    gateway: int

    @classmethod
    def of_this_machine(cls) -> Cores:
        """Return the first and the last that this process may use."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[-1])

    def on_gateways(self, command: Sequence[str | Path]) -> list[str]:
        """Return *command*, run on the gateway's core."""
        return ["taskset", "--cpu-list", str(self.gateway), *map(str, command)]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Keep this process, and what it starts, on one core until the end of the block."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def mock() -> Iterator[Target]:
    """Serve a mock of OpenAI's API until the end of the block, on this process's core."""
    command = [sys.executable, "-m", "bench.rig.gateway.mock_openai"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield Target("direct", (HOST, int(process.stdout.readline())))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def url_of(mock: Target) -> str:
    """Return the base URL of the mock, without ``/v1``."""
    return f"http://{mock.address[0]}:{mock.address[1]}"


def configuration(mock: Target, more: str = "") -> str:
    """Return Hecate's configuration with the mock as its provider."""
    return f'{NO_OLLAMA}[providers.mock]\nkind = "openai"\nbase_url = "{url_of(mock)}/v1"\napi_key = "{KEY}"\n{more}'


@contextmanager
def hecate(place: Path, mock: Target, cores: Cores, more: str = "") -> Iterator[Daemon]:
    """Run ``hecate serve`` with all its features until the end of the block."""
    command = cores.on_gateways([HECATE])
    with running(place, command=command, configuration=configuration(mock, more)) as daemon:
        yield daemon


def hecates(daemon: Daemon) -> tuple[Target, Target]:
    """Return Hecate's own chat, and OpenAI's as Hecate speaks it."""
    place, pid = str(daemon.socket), daemon.process.pid
    own, openai = (Target(f"Hecate {path}", place, path, prefix="mock/", pid=pid) for path in PATHS)
    return own, openai


@contextmanager
def litellm(place: Path, mock: Target, cores: Cores) -> Iterator[Target]:
    """Run the LiteLLM proxy, one worker, in its mode for production.

    Raises:
        NotHere: It cannot be installed, or does not start.
    """
    program = installed.litellm()
    entries = "".join(
        f'  - model_name: "{name}"\n    litellm_params: {{model: "openai/{name}", api_base: "{url_of(mock)}/v1", '
        f'api_key: "{KEY}"}}\n'
        for name in MODELS
    )
    (place / "litellm.yaml").write_text(f"model_list:\n{entries}", "utf-8")
    port = _free_port()
    command: list[str | Path] = [program, "--config", place / "litellm.yaml", "--host", HOST, "--port", str(port)]
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches its prices over the network
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MASTER_KEY": LITELLM_KEY,
    }
    command += ["--num_workers", "1", "--telemetry", "False"]
    with _peer(cores.on_gateways(command), environment, place) as process:
        headers = {"authorization": f"Bearer {LITELLM_KEY}"}
        target = Target("LiteLLM", (HOST, port), headers=headers, pid=process.pid)
        _wait(process, target, "/health/liveliness", place)
        yield target


@contextmanager
def portkey(place: Path, mock: Target, cores: Cores) -> Iterator[Target]:
    """Run Portkey's gateway.

    Raises:
        NotHere: It cannot be installed, or does not start.
    """
    server = installed.portkey()
    port = _free_port()
    command: list[str | Path] = [
        "node",
        "--require",
        installed.LOCKS / "loopback.cjs",
        server,
        f"--port={port}",
        "--headless",
    ]
    with _peer(cores.on_gateways(command), {"TRUSTED_CUSTOM_HOSTS": HOST}, place) as process:
        headers = {
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{url_of(mock)}/v1",
            "authorization": f"Bearer {KEY}",
        }
        target = Target("Portkey", (HOST, port), headers=headers, pid=process.pid)
        _wait(process, target, "/", place)
        yield target


@contextmanager
def _peer(command: list[str], environment: Mapping[str, str], place: Path) -> Iterator[subprocess.Popen[bytes]]:
    usual = {"PATH": os.environ["PATH"], "HOME": str(place), "LANG": "C.UTF-8"}
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=usual | dict(environment), cwd=place)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], target: Target, path: str, place: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        with suppress(ConnectionError):
            if get(target, path).startswith(b"HTTP/1.1 200 "):
                return
        time.sleep(0.05)
    log = (place / "log").read_text("utf-8", "replace").strip().splitlines()
    raise installed.NotHere(f"{target.name} does not start: {log[-1] if log else process.returncode}")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
        return port
