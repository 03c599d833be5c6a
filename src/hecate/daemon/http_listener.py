"""The listener on a loopback port, for programs that cannot use a Unix socket.  Off unless configured."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from hecate.daemon.admission import Admission
from hecate.daemon.config import HttpSettings
from hecate.daemon.errors import CannotStart
from hecate.daemon.http_protocol import Patience
from hecate.daemon.http_token import read_token, token_file
from hecate.daemon.loopback import LoopbackAddress
from hecate.daemon.refusing import Say
from hecate.daemon.request_log import Application
from hecate.daemon.server import PATIENCE, Server


class HttpListener:
    """A bound port and the token of its callers; nobody can connect before `listen`.

    Args:
        listener: Bound, not listening.
        address: What it is bound to.
        settings: Where the token is.
        data: The data directory.
        hide: Keeps keys out of the log.
    """

    def __init__(
        self,
        listener: socket.socket,
        address: LoopbackAddress,
        settings: HttpSettings,
        data: Path,
        hide: Callable[[Iterable[str]], None],
    ) -> None:
        self._listener = listener
        self._address = address
        self._data = data
        self._hide = hide
        self._token = self.read_token(settings)
        self._admission: Admission | None = None
        self._server: Server | None = None
        self.token_file = token_file(settings, data)
        """The file with the token; None if it is in the configuration."""

    @classmethod
    def claim(cls, settings: HttpSettings, data: Path, hide: Callable[[Iterable[str]], None]) -> HttpListener | None:
        """Bind the port, and read or make the token; None if the listener is off.

        Raises:
            CannotStart: The port is taken, or the token cannot be written.
            ConfigurationWrong: The token cannot be read, or is unfit.
        """
        if not settings.listen:
            return None
        wanted = LoopbackAddress.parse(settings.listen)
        try:
            listener = wanted.bind()
        except OSError as exc:
            raise CannotStart(f"cannot listen on {wanted.authority}: {exc.strerror}") from exc
        try:
            return cls(listener, wanted.at(listener.getsockname()[1]), settings, data, hide)
        except CannotStart:
            listener.close()
            raise

    @property
    def url(self) -> str:
        """Where it is: what a client takes for a base URL, without ``/v1``."""
        return f"http://{self._address.authority}"

    async def listen(self, application: Application, say: Say, *, limit: int, patience: Patience = PATIENCE) -> None:
        """Answer, from now on, callers who show the token by *application*, and the others by *say*.

        At most *limit* connections are open at a time.
        """
        self._admission = Admission(application, self._address, say, self._token)
        self._server = Server(self._admission, patience=patience, limit=limit)
        await self._server.listen(self._listener)

    def read_token(self, settings: HttpSettings) -> str:
        """Return the token that *settings* lead to, for `use_token`; from now on it is hidden in the log.

        Raises:
            CannotStart: It cannot be read, or written; or it is unfit.
        """
        token = read_token(settings, self._data)
        self._hide([token])
        return token

    def use_token(self, token: str) -> None:
        """Expect *token* from the next request on; what is under way goes on."""
        self._token = token
        if self._admission is not None:
            self._admission.token = token

    async def drain(self) -> None:
        """Accept nothing more, and let what is under way finish."""
        if self._server is not None:
            await self._server.drain()

    def close(self) -> None:
        """Give the port back."""
        self._listener.close()
