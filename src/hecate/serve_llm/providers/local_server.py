"""Serves one model, as a process of its own: the child's side of `hecate.serve_llm.providers.local_process`.

    python -m hecate.serve_llm.providers.local_server

One line of JSON on standard input says what to serve, one line on standard output where it is served.  It ends with
standard input, and with its parent.  Nothing but this process imports xllamacpp.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

PARALLEL: Final = 4
"""How many chats are answered at once; they share the context."""
CANNOT_LOAD: Final = 3
"""The exit code when llama.cpp refuses the model; it has said why on standard error."""
QUIETEST: Final = 2
"""llama.cpp's level for warnings and errors."""
_DIE_WITH_PARENT: Final = 1
"""``PR_SET_PDEATHSIG``"""


class Wanted(Struct, frozen=True):
    """What to serve, and how."""

    path: str
    name: str
    api_key: str
    """What a caller must show: everybody on this machine can connect to a port."""
    context_length: int
    """In tokens; 0: the longest that the model was trained for."""
    threads: int
    """0: one less than there are processors, or one for each core that has two of them."""
    gpu_layers: int
    """-1: as many as fit."""
    makes_vectors: bool
    template: str
    """In place of the model's own; empty: its own."""


class Serving(Struct, frozen=True):
    """Where it is served."""

    url: str


def main() -> None:
    """Serve until standard input ends."""
    _die_with_parent()
    # What llama.cpp prints must not be taken for our answer.
    told = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    wanted = msgspec.json.decode(sys.stdin.buffer.readline(), type=Wanted)

    # Not installed everywhere.
    from xllamacpp import CommonParams, Server  # noqa: PLC0415

    params = CommonParams()
    params.model.path = wanted.path
    params.model_alias = {wanted.name}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [wanted.api_key]
    params.cors_origins = ""
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = QUIETEST
    # It takes longer than loading; the first answer takes that much longer, but only that one.
    params.warmup = False
    params.n_ctx = wanted.context_length
    params.n_parallel = PARALLEL
    params.kv_unified = True
    # Else up to 8 GiB of old contexts are kept besides.
    params.cache_ram_mib = 0
    params.n_gpu_layers = wanted.gpu_layers
    params.embedding = wanted.makes_vectors
    if (threads := wanted.threads or _threads()) > 0:
        params.cpuparams.n_threads = threads
    if wanted.template:
        params.chat_template = wanted.template
    try:
        server = Server(params)
    except RuntimeError:
        sys.exit(CANNOT_LOAD)
    os.write(told, msgspec.json.encode(Serving(server.listening_address)) + b"\n")
    sys.stdin.buffer.read()
    # Without waiting for answers that nobody is there to read.
    os._exit(0)


def _threads() -> int:
    """Return how many threads compute; 0: llama.cpp's own choice, one for each core.

    They wait for each other at every step, busily, so that all are as slow as the one that has to share its
    processor: with two on two processors, and something else at work there, an answer of 8 s took 130.
    """
    with suppress(OSError):
        if Path("/sys/devices/system/cpu/smt/active").read_text("ascii").strip() == "1":
            return 0
    return max(1, (os.cpu_count() or 1) - 1)


def _die_with_parent() -> None:
    """End when the daemon does, however it ends, and before it when memory is short."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - of use on Linux alone

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    # The kernel looks for the one to kill here; it is not always allowed to be told.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    main()
