"""One HTTP connection over a Unix socket, with the standard library alone."""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from hecate.client.errors import AnswerBroken, DaemonSilent, unreachable
from hecate.client.question import Question


class UnixConnection(HTTPConnection):
    """An `http.client` connection whose other end is a socket file.

    Args:
        socket_path: The file.
        timeout_seconds: For each wait on the socket; None waits for ever.
    """

    def __init__(self, socket_path: str, timeout_seconds: float | None) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self.socket_path = socket_path

    def connect(self) -> None:
        """Connect to the socket file.

        Raises:
            DaemonUnreachable: It is not there, nobody listens, or it is closed to this user.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self.socket_path)
        except OSError as exc:
            sock.close()
            raise unreachable(self.socket_path, exc) from exc
        self.sock = sock

    def drop_if_stale(self) -> None:
        """Close the connection if the daemon has closed its end while nothing was going on.

        A daemon closes connections that idle; a command sent on one would be lost, and could not be sent again
        without an idempotency key.
        """
        if self.sock is not None:
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            # Between two requests nothing is due, so what can be read is the end.
            if poll.poll(0):
                self.close()

    def send_question(self, question: Question[Any]) -> HTTPResponse:
        """Send *question* and return the answer as far as its headers.

        Raises:
            DaemonUnreachable: The connection could not be made.
            DaemonSilent: The answer did not begin in time.
            AnswerBroken: The connection broke before the answer began.
        """
        try:
            try:
                self.request(question.method, question.path, question.body, dict(question.headers))
            except (BrokenPipeError, ConnectionResetError):
                # A body over the limit is refused before it is read: the answer is here, though the sending failed.
                if self.sock is None:
                    raise
                return _answer_despite_reset(self.sock, question.method)
            return self.getresponse()
        except TimeoutError as exc:
            raise DaemonSilent(f"the daemon at {self.socket_path} did not answer within {self.timeout:g} s") from exc
        except (HTTPException, ConnectionError) as exc:
            raise AnswerBroken(f"the connection to the daemon broke before the answer: {exc}") from exc


def read_all(response: HTTPResponse, socket_path: str) -> bytes:
    """Return the whole body of *response*.

    Raises:
        DaemonSilent: The rest did not come in time.
        AnswerBroken: The connection broke in the middle.
    """
    try:
        return response.read()
    except TimeoutError as exc:
        raise DaemonSilent(f"the daemon at {socket_path} stopped in the middle of its answer") from exc
    except (HTTPException, ConnectionError) as exc:
        raise AnswerBroken("the connection to the daemon broke in the middle of the answer") from exc


def headers_of(response: HTTPResponse) -> dict[str, str]:
    """Return the headers of *response*, their names in lower case."""
    return {name.lower(): value for name, value in response.getheaders()}


def _answer_despite_reset(sock: socket.socket, method: str) -> HTTPResponse:
    response = HTTPResponse(sock, method=method)
    with ExitStack() as stack:
        stack.callback(response.close)
        response.begin()
        stack.pop_all()
    return response
