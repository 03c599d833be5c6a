"""A program on this machine that serves capabilities: it says what it was asked, and by whom."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Answers with the input and the caller; ``/fail`` with an error, ``/huge`` too much, ``/never`` nothing."""

    protocol_version = "HTTP/1.1"
    let_go = threading.Event()

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/never":
            self.let_go.wait()
        said = {"input": json.loads(body), "peer": self.headers["X-Hecate-Peer"]}
        answer = b"x" * 2_000_000 if self.path == "/huge" else json.dumps(said).encode()
        self.send_response(500 if self.path == "/fail" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def program() -> Iterator[str]:
    """Serve on the loopback interface, and give the URL without a path."""
    Echo.let_go.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            Echo.let_go.set()
            server.shutdown()
            thread.join()
