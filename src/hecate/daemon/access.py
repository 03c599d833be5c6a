"""Who may read and who may write over the Unix socket, by ``[access]``: nobody is kept out unless lists say so.

The file's mode decides who can connect; this decides, by what the kernel says of the caller, what they may do then.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Awaitable, Iterable
from typing import Final, NamedTuple

from msgspec import Struct

from hecate.daemon.errors import ConfigurationWrong
from hecate.daemon.refusing import Forbidden, Say, refuse
from hecate.daemon.request_log import Application, Message, Receive, Send
from hecate.endpoints import Peer

READING: Final = frozenset({"GET", "HEAD"})
"""The methods that read; every other one writes, a chat among them: it costs money."""
GROUP: Final = "@"

Who = tuple[str | int, ...]


class AccessSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[access]``: users by name or number, groups as ``@name``; root and the daemon's own user are always meant."""

    read: Who = ()
    """Who may read; empty: everybody who can connect.  Whoever may write may read."""
    write: Who = ()
    """Who may write; empty: everybody who may read."""


class People(NamedTuple):
    """Users, and groups all of whose members are meant."""

    users: frozenset[int]
    groups: frozenset[int]

    def has(self, peer: Peer) -> bool:
        """Tell whether the caller is one of them."""
        return peer.uid in self.users or peer.gid in self.groups


class Rights(NamedTuple):
    """Who may do what; None: everybody."""

    readers: People | None
    writers: People | None

    @classmethod
    def of(cls, settings: AccessSettings) -> Rights:
        """Return what *settings* say, with every name looked up: no request waits for that.

        Raises:
            ConfigurationWrong: There is no such user or group.
        """
        writers = _people(settings.write, "access.write") if settings.write else None
        readers = _people((*settings.read, *settings.write), "access.read") if settings.read else None
        return cls(readers, readers if writers is None and settings.read else writers)

    def check(self, peer: Peer, method: str) -> None:
        """Let the caller pass.

        Raises:
            Forbidden: They may not do this.
        """
        reads = method in READING
        people = self.readers if reads else self.writers
        if people is not None and not people.has(peer):
            raise Forbidden(
                f"user {peer.uid} may not {'read' if reads else 'write'} here: [access] in the daemon's configuration "
                "names who may"
            )


class Access:
    """*application*, for those whom *settings* let.

    Args:
        application: Answers whoever is let in.
        say: Gives a refusal the shape that the path's callers expect.
        rights: May be replaced at any time, and holds from the next request on.
    """

    def __init__(self, application: Application, say: Say, rights: Rights) -> None:
        self._application = application
        self._say = say
        self.rights = rights

    def __call__(self, scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request (ASGI)."""
        # No coroutine of its own: every piece of a stream would have to pass it.
        try:
            self.rights.check(scope["state"]["peer"], scope["method"])
        except Forbidden as error:
            return refuse(self._say(scope["path"], error), send)
        return self._application(scope, receive, send)


def _people(named: Iterable[str | int], key: str) -> People:
    # Whoever could change the daemon's files is not kept out by the daemon, and must not be locked out by mistake.
    users, groups = {0, os.geteuid()}, set()
    for name in named:
        if isinstance(name, str) and name.startswith(GROUP):
            group, members = _group(name.removeprefix(GROUP), key)
            groups.add(group)
            users |= members
        else:
            users.add(name if isinstance(name, int) else _user(name, key))
    return People(frozenset(users), frozenset(groups))


def _user(name: str, key: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as exc:
        raise ConfigurationWrong(f"{key}: there is no user {name!r}") from exc


def _group(name: str, key: str) -> tuple[int, set[int]]:
    """Return a group, and those of its members who have another one as their own."""
    try:
        found = grp.getgrnam(name)
    except KeyError as exc:
        raise ConfigurationWrong(f"{key}: there is no group {name!r}") from exc
    return found.gr_gid, {_user(member, key) for member in found.gr_mem if _exists(member)}


def _exists(user: str) -> bool:
    """Tell whether there is such a user: a group may still name one who was removed."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
