"""The addresses of this machine's interfaces, and when they change: as the Linux kernel tells (rtnetlink).

Asking costs a system call or two and sends nothing to anybody.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from hecate.restrict_geography.addresses import Address, is_of_this_link, undisguised

# From <linux/netlink.h> and <linux/rtnetlink.h>, whose numbers never change.
_HEADER = struct.Struct("=IHHII")
"""Length, type, flags, sequence, sender."""
_ADDRESS = struct.Struct("=BBBBI")
"""Family, length of prefix, flags, scope, interface."""
_ATTRIBUTE = struct.Struct("=HH")
"""Length, type."""
_ERROR, _DONE, _NEW_ADDRESS, _GET_ADDRESS = 2, 3, 20, 22
_REQUEST, _INTERRUPTED, _DUMP = 0x1, 0x10, 0x300
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_NOT_IN_USE = 0x08 | 0x40
"""Flags: found to be another's, or not yet found to be nobody's."""
_CHANGES = 0x10 | 0x100
"""The groups that are told of IPv4 and IPv6 addresses."""

RECEIVE_BYTES = 128 * 1024
"""The kernel sends at most 32 KiB at a time."""
ANSWER_SECONDS = 2.0
TRIES = 3


def read_own_addresses() -> tuple[Address, ...]:
    """Return the addresses of all interfaces, but for loopback and link-local ones, in the kernel's order.

    Blocks for less than a millisecond.

    Raises:
        OSError: The kernel does not tell; a sandbox may forbid the question.
    """
    for _ in range(TRIES):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
            kernel.settimeout(ANSWER_SECONDS)
            # All families, all interfaces.
            question = _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
            kernel.send(_HEADER.pack(_HEADER.size + len(question), _GET_ADDRESS, _REQUEST | _DUMP, 1, 0) + question)
            addresses: dict[Address, None] = {}
            if _read_dump(kernel, addresses):
                return tuple(addresses)
    raise OSError(None, "the addresses change too fast to be read")


@contextmanager
def noticing_changes(tell: Callable[[], None]) -> Iterator[None]:
    """Call *tell* in the running loop whenever an address comes or goes, while the context lasts.

    Raises:
        OSError: The kernel does not tell; a sandbox may forbid the question.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
        kernel.bind((0, _CHANGES))
        kernel.setblocking(False)

        def hear() -> None:
            try:
                while kernel.recv(RECEIVE_BYTES):
                    pass
            except BlockingIOError:
                pass
            except OSError:
                # ENOBUFS: more has changed than the buffer holds.  What, is asked for anyway.
                pass
            tell()

        loop = asyncio.get_running_loop()
        loop.add_reader(kernel.fileno(), hear)
        try:
            yield
        finally:
            loop.remove_reader(kernel.fileno())


def _read_dump(kernel: socket.socket, addresses: dict[Address, None]) -> bool:
    """Read an answer into *addresses*; tell whether it is whole, which it is not if something changed meanwhile."""
    is_whole = True
    while True:
        data = kernel.recv(RECEIVE_BYTES)
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, flags, _, _ = _HEADER.unpack_from(data, at)
            if length < _HEADER.size:
                raise OSError(None, "the kernel's answer cannot be read")
            is_whole = is_whole and not flags & _INTERRUPTED
            if kind == _DONE:
                return is_whole
            if kind == _ERROR:
                (number,) = struct.unpack_from("=i", data, at + _HEADER.size)
                raise OSError(-number, "the kernel does not tell the addresses of the interfaces")
            if kind == _NEW_ADDRESS:
                address = _address_in(data[at + _HEADER.size : at + length])
                if address is not None and not is_of_this_link(address):
                    addresses[address] = None
            at += _padded(length)


def _address_in(message: bytes) -> Address | None:
    """Return the address that *message* tells of, None if it is not in use."""
    _, _, flags, _, _ = _ADDRESS.unpack_from(message)
    attributes = {}
    at = _ADDRESS.size
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        attributes[kind] = message[at + _ATTRIBUTE.size : at + length]
        at += max(_padded(length), _ATTRIBUTE.size)
    if _IFA_FLAGS in attributes:
        (flags,) = struct.unpack("=I", attributes[_IFA_FLAGS])
    # On a line from point to point, the other of the two is the far end's.
    packed = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
    return None if packed is None or flags & _NOT_IN_USE else undisguised(ip_address(packed))


def _padded(length: int) -> int:
    return length + 3 & ~3
