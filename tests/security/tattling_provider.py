"""A provider that tells everybody the key it was shown: in every error, as plain text, and in a stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

MODELS = ("tells-400", "tells-401", "tells-403", "tells-404", "tells-429", "tells-500", "tells-text", "tells-stream")


class Tattler(BaseHTTPRequestHandler):
    """Answers every path; ``models`` wherever a list may be asked for."""

    protocol_version = "HTTP/1.1"
    shown: ClassVar[set[str]] = set()
    """What callers have sent as a key."""

    def do_GET(self) -> None:
        """List the models, as OpenAI, Anthropic, Google and Ollama do at once."""
        self._remember()
        models = [{"id": name, "name": f"models/{name}", "model": name} for name in MODELS]
        self._answer(200, "application/json", json.dumps({"data": models, "models": models, "object": "list"}))

    def do_POST(self) -> None:
        """Fail as the model's name says, and tell why, with all that came."""
        self._remember()
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        told = f"wrong key: {dict(self.headers)} at {self.path}"
        wanted = next((name for name in MODELS if name in body or name in self.path), MODELS[0])
        if wanted == "tells-text":
            self._answer(502, "text/plain", told)
        elif wanted == "tells-stream":
            broken = {"error": {"message": told, "type": "server_error"}}
            self._answer(200, "text/event-stream", f"data: {json.dumps(broken)}\n\ndata: not JSON {told}\n\n")
        else:
            error = {"error": {"message": told, "type": told, "code": told}, "message": told}
            self._answer(int(wanted.removeprefix("tells-")), "application/json", json.dumps(error))

    def _remember(self) -> None:
        self.shown.update(value for value in self.headers.values() if "canary" in value)
        if "canary" in self.path:
            self.shown.add(self.path)

    def _answer(self, status: int, media_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status, "told")
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def tattler() -> Iterator[str]:
    """Serve on a free port, and give the address."""
    Tattler.shown.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tattler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
