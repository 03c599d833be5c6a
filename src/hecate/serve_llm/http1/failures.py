"""What can go wrong on the way to a provider and back, before anything is said about it."""

from __future__ import annotations


class HttpFailure(Exception):
    """An exchange that has not come to its end."""


class CannotConnect(HttpFailure):
    """Nobody takes the connection, or the proxy does not pass it on; the system's reason is the cause."""


class CertificateNotTrusted(HttpFailure):
    """Whoever takes the connection cannot show who it is."""


class BrokenOff(HttpFailure):
    """The other side has closed the connection before its answer was complete."""


class NotHttp(HttpFailure):
    """What came is not an answer in HTTP/1.1."""


class ConnectingTooLong(HttpFailure):
    """The connection did not stand in time."""


class SilentTooLong(HttpFailure):
    """Nothing has come for longer than was allowed."""


class ExchangeTooLong(HttpFailure):
    """The whole exchange has taken longer than was allowed."""
