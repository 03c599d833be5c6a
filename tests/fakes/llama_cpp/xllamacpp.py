"""Stands in for the package of this name: a server of llama.cpp's API that does what the model's file is called.

`broken`: it cannot be loaded; `killed`: its process dies while it loads; `slow`: it loads when a file ``NAME.go`` is
there; `fragile`: its process dies in the middle of an answer; any other says again what it was asked, word by word,
and goes on for ever if that has `wait` in it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class CommonParams(SimpleNamespace):
    """Whatever is set."""

    def __init__(self) -> None:
        super().__init__(model=SimpleNamespace(path=""), cpuparams=SimpleNamespace(n_threads=-1), chat_template="")


class Server:
    """Serves as soon as it is made."""

    def __init__(self, params: CommonParams) -> None:
        path = Path(params.model.path)
        with path.with_suffix(".loads").open("a") as loads:
            loads.write(f"{os.getpid()}\n")
        if "broken" in path.name:
            sys.stderr.write("0.00.084.814 E llama_model_load: error loading model: it is full of holes\n")
            sys.stderr.write("0.00.138.712 E srv          init: exiting due to model loading error\n")
            sys.stderr.flush()
            raise RuntimeError("Failed to init server, please check the input params.")
        if "killed" in path.name:
            os.kill(os.getpid(), signal.SIGKILL)
        while "slow" in path.name and not path.with_suffix(".go").exists():
            time.sleep(0.01)
        handler = type("Handler", (_Handler,), {"params": params, "is_fragile": "fragile" in path.name})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.listening_address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    params: CommonParams
    is_fragile: bool
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] not in {f"Bearer {key}" for key in self.params.api_keys}:
            self._answer({"error": {"message": "Invalid API Key"}}, 401)
        elif self.path == "/v1/embeddings":
            vectors = [{"embedding": [float(len(text))]} for text in asked["input"]]
            self._answer({"data": vectors, "usage": {"prompt_tokens": 7}})
        elif self.path == "/apply-template":
            self._answer({"prompt": " ".join(message["content"] for message in asked["messages"])})
        elif self.path == "/tokenize":
            self._answer({"tokens": asked["content"].split()})
        else:
            self._chat(asked)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _chat(self, asked: dict[str, Any]) -> None:
        said = (
            json.dumps({**asked, "n_ctx": self.params.n_ctx}) if asked.get("echo") else asked["messages"][-1]["content"]
        )
        usage = {"prompt_tokens": 3, "completion_tokens": len(said.split())}
        if not asked["stream"]:
            message = {"role": "assistant", "content": said}
            self._answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for word in said.split():
            self._event({"choices": [{"index": 0, "delta": {"content": f"{word} "}}]})
            if self.is_fragile:
                # To this very thread: another would notice too late.
                signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)
        while "wait" in said:
            self._event({"choices": [{"index": 0, "delta": {"content": "and "}}]})
            time.sleep(0.01)
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, data: Any) -> None:
        self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()

    def _answer(self, body: Any, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
