"""What the environment says about providers: variables, an environment file, credentials, proxies."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from yarl import URL

from hecate.dossiers.errors import Invalid


def read_environment_file(path: Path) -> dict[str, str]:
    """Return the variables in a file of ``NAME=value`` lines, as systemd and shells write them.

    Empty lines and those that begin with ``#`` are skipped; ``export`` and quotes around the value
    are taken off.

    Raises:
        Invalid: The file cannot be read, or a line has no ``=``.
    """
    variables: dict[str, str] = {}
    for number, line in enumerate(_read(path).splitlines(), start=1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise Invalid(f"environment file {path}, line {number}: a line must be NAME=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        variables[name.strip()] = value
    return variables


def key_in_environment(names: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """Return the key that the first of *names* gives, or an empty text.

    Each name may be a variable, a variable ending in ``_FILE`` that names a file with the key, or,
    in lower case, a credential that systemd has placed in ``$CREDENTIALS_DIRECTORY``.

    Raises:
        Invalid: A file that is named cannot be read.
    """
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    for name in names:
        if key := environ.get(name, "").strip():
            return key
        if file := environ.get(f"{name}_FILE", ""):
            return read_key_file(Path(file))
        if credentials and (credential := Path(credentials, name.lower())).is_file():
            return read_key_file(credential)
    return ""


def read_key_file(path: Path) -> str:
    """Return the key in a file that holds nothing else.

    Raises:
        Invalid: The file cannot be read.
    """
    return _read(path).strip()


def proxy_for(url: str, environ: Mapping[str, str]) -> str:
    """Return the HTTP proxy that the environment names for *url*; empty for none, and for this machine."""
    address = URL(url)
    host = address.host or ""
    if is_this_machine(host) or _is_exempt(host, environ):
        return ""
    scheme = address.scheme
    return environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY") or ""


def is_this_machine(host: str) -> bool:
    """Tell whether *host* is a name or an address of the loopback interface."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_exempt(host: str, environ: Mapping[str, str]) -> bool:
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    suffixes = [entry.strip().lstrip(".").lower() for entry in exempt.split(",") if entry.strip()]
    return any(suffix in {"*", host} or host.endswith(f".{suffix}") for suffix in suffixes)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Invalid(f"cannot read {path}: {exc}") from exc
