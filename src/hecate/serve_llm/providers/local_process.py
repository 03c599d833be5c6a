"""A loaded model: the process that holds it, and where it is reached.

In a process of its own, since loading one would stand the daemon still for seconds, and what is wrong with one would
end the daemon (docs/adr/0006-models-run-in-child-processes.md).
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import sys
from typing import Final, TypeVar

import msgspec

from hecate.serve_llm.errors import ModelNotLoaded
from hecate.serve_llm.providers.local_files import ModelFile
from hecate.serve_llm.providers.local_server import CANNOT_LOAD, Serving, Wanted
from hecate.serve_llm.settings import LocalSettings

Stream = TypeVar("Stream")

NAME: Final = "local"
KEPT_BYTES: Final = 8192
PASSED_ON: Final = re.compile(
    r"PATH|HOME|TMPDIR|LANG|LC_\w+|LD_LIBRARY_PATH|(CUDA|NVIDIA|HIP|HSA|ROCR|GPU|GGML|VK|OMP|KMP|XDG)_\w+"
)
"""The environment's variables that llama.cpp and the drivers of GPUs look at; no key of a provider is among them."""
_COMPLAINT: Final = re.compile(r"^[\d.]+ E (?:\w+\s+)?\w+: (?:error loading model: )?(.*)", re.MULTILINE)
"""A line of llama.cpp's log, such as ``0.00.182.745 E llama_model_load: error loading model: …``."""


class ModelProcess:
    """A process that serves one model.

    Args:
        process: The child.
        file: What it serves.
        api_key: What it wants to be shown.
    """

    def __init__(self, process: asyncio.subprocess.Process, file: ModelFile, api_key: str) -> None:
        self.file = file
        self.api_key = api_key
        self.url = ""
        """Where llama.cpp's server is; empty until the model is loaded."""
        self._process = process
        self._said = b""
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, file: ModelFile, settings: LocalSettings) -> ModelProcess:
        """Return a process that has loaded *file*.

        Raises:
            ModelNotLoaded: It cannot be loaded; the message says why.
        """
        api_key = secrets.token_urlsafe(24)
        try:
            template = await asyncio.to_thread(file.template)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "hecate.serve_llm.providers.local_server",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(),
                # Ctrl-C at the terminal is for the daemon to act on.
                start_new_session=True,
            )
        except (OSError, UnicodeDecodeError) as exc:
            raise ModelNotLoaded(file.name, str(exc), provider=NAME) from exc
        started = cls(process, file, api_key)
        wanted = Wanted(
            path=str(file.path),
            name=file.name,
            api_key=api_key,
            context_length=served_context(file, settings) or 0,
            threads=settings.threads,
            gpu_layers=settings.gpu_layers,
            makes_vectors=file.header.makes_vectors,
            template=template,
        )
        try:
            await started._load(wanted)
        except BaseException:
            await started.end()
            raise
        return started

    async def ended(self) -> str:
        """Wait until the process has ended, for whatever reason, and return in words how."""
        return _in_words(await self._process.wait())

    async def end(self) -> None:
        """End the process at once, and with it every answer that it was giving."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _load(self, wanted: Wanted) -> None:
        _piped(self._process.stdin).write(msgspec.json.encode(wanted) + b"\n")
        told = await _piped(self._process.stdout).readline()
        if told:
            self.url = msgspec.json.decode(told, type=Serving).url
            return
        code = await self._process.wait()
        await self._listening
        raise ModelNotLoaded(self.file.name, self._why(code), provider=NAME)

    def _why(self, code: int) -> str:
        said = self._said.decode("utf-8", "replace")
        complaints: list[str] = _COMPLAINT.findall(said)
        if code == CANNOT_LOAD:
            # What comes first is the reason; what follows says that it therefore failed.
            return complaints[0] if complaints else "llama.cpp does not say why"
        return ": ".join((_in_words(code), *(complaints or said.splitlines())[-1:]))

    async def _listen(self) -> None:
        """Keep the last that the process has to say; with nobody to listen it would stand still some day."""
        stderr = _piped(self._process.stderr)
        while said := await stderr.read(KEPT_BYTES):
            self._said = (self._said + said)[-KEPT_BYTES:]


def served_context(file: ModelFile, settings: LocalSettings) -> int | None:
    """Return how many tokens of context *file* is served with; None: llama.cpp finds out."""
    trained = file.header.context_length
    if not settings.context_length:
        return trained
    return settings.context_length if trained is None else min(settings.context_length, trained)


def _piped(stream: Stream | None) -> Stream:
    if stream is None:
        raise RuntimeError("a process was started without its pipes")
    return stream


def _environment() -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    return {**known, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _in_words(code: int) -> str:
    match -code:
        case signal.SIGKILL:
            return "its process was killed, as happens when memory runs out"
        case number if number > 0:
            return f"its process has crashed ({signal.Signals(number).name})"
        case _:
            return f"its process has ended with code {code}"
