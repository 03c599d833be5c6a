"""The daemon's identity: one Ed25519 key, made when the mesh is first wanted, in a file of mode 0600."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from hecate.dossiers.errors import Unavailable
from hecate.join_mesh.network.did_key import did_of

FILE_NAME: Final = "identity.key"


class Identity:
    """A private key, and the name that follows from it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.key = key
        self.did = did_of(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def kept_in(cls, folder: Path) -> Self:
        """Return the identity in *folder*, made now if there is none.

        Raises:
            Unavailable: The file cannot be read or written, or holds no such key.
        """
        return cls(kept_key(folder / FILE_NAME))

    def sign(self, text: bytes) -> bytes:
        """Return the signature under *text*, 64 bytes."""
        return self.key.sign(text)


def kept_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in the file *path*, made now if there is no such file.

    Raises:
        Unavailable: The file cannot be read or written, or holds no such key.
    """
    try:
        if not path.exists():
            write_private(path, private_pem(Ed25519PrivateKey.generate()))
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as exc:
        raise Unavailable(f"cannot keep the key of the mesh {path}: {exc.strerror}") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise Unavailable(f"{path} holds no private key: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(f"{path} holds no Ed25519 key")
    return key


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """Return *key* as it is kept in files."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(file)
    new.rename(path)
