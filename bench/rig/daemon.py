"""The daemon as a child process: ``hecate serve`` as a user starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0
"""How long a start may take before the benchmark gives up."""
SECONDS_BETWEEN_PROBES = 0.002
STOP_SECONDS = 60.0

HEALTH = b"GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
ROOT = Path(__file__).parents[2]
HECATE = Path(sys.executable).with_name("hecate")


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that serves."""

    process: subprocess.Popen[bytes]
    socket: Path
    ready_seconds: float
    """From the moment before its exec to the first answer 200 of ``GET /api/health``."""

    def rss_mb(self) -> float:
        """Return the memory that the process holds, in millions of bytes (``VmRSS``)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def cpu_seconds(self) -> float:
        """Return the processor time that the process has used, of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    place: Path, data: Path | None = None, command: Sequence[str] = (str(HECATE),), configuration: str = ""
) -> Iterator[Daemon]:
    """Run a daemon with its socket and log in *place* until the end of the block.

    Args:
        place: Short enough for a socket's path.
        data: The data directory; None: a new one in *place*.
        command: What stands for ``hecate`` on the command line.
        configuration: All of the daemon's own: the machine's must not change what is measured.

    Raises:
        RuntimeError: It does not start, or does not end well.
    """
    path, log = place / "hecate.sock", place / "log"
    file = place / "hecate.toml"
    file.write_text(configuration, encoding="utf-8")
    file.chmod(0o600)  # it may hold keys
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "LANG": "C.UTF-8"}
    arguments = [*command, "serve", "--socket", str(path), "--data-dir", str(data or place / "data")]
    arguments += ["--config", str(file), "--log-level", "warning", "--quiet"]
    with log.open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=stderr, stderr=stderr, env=environment, cwd=ROOT)
    try:
        while not _answers(path):
            if process.poll() is not None or time.perf_counter() > started + START_SECONDS:
                raise RuntimeError(f"the daemon does not start: {log.read_text(encoding='utf-8')}")
            time.sleep(SECONDS_BETWEEN_PROBES)
        yield Daemon(process, path, time.perf_counter() - started)
    finally:
        process.terminate()
        code = process.wait(STOP_SECONDS)
    if code != 0:
        raise RuntimeError(f"the daemon ended with {code}: {log.read_text(encoding='utf-8')}")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(START_SECONDS)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        probe.sendall(HEALTH)
        return probe.recv(64).startswith(b"HTTP/1.1 200 ")
