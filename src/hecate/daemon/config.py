"""The daemon's configuration: one TOML file, then the environment, then the command line.

Every table is a struct; its fields and defaults are what ``docs/configuration.md`` lists.  A
key that no struct knows is an error, since a misspelt setting would otherwise do nothing
without a word.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from hecate import paths
from hecate.daemon import wrong_key
from hecate.daemon.access import AccessSettings
from hecate.daemon.audit_log import AuditSettings
from hecate.daemon.errors import ConfigurationWrong
from hecate.daemon.loopback import LoopbackAddress
from hecate.deploy_division.deploy_settings import DeploySettings
from hecate.generate_division.settings import GenerateSettings
from hecate.jobs.settings import JobSettings
from hecate.join_mesh.settings import MeshSettings
from hecate.monitor_division.monitor_settings import MonitorSettings
from hecate.restrict_geography.settings import GeoSettings
from hecate.serve_llm.budgets import BudgetSettings
from hecate.serve_llm.settings import LlmSettings, LocalSettings, ProviderSettings
from hecate.serve_llm.usage_settings import TelemetrySettings, UsageSettings
from hecate.workspaces.settings import WorkspaceSettings

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "human", "json"]

MODELS_FOLDER = "models"
"""In the data directory, where nothing else is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line of ``hecate serve`` says; None where it says nothing."""

    socket: Path | None = None
    data_dir: Path | None = None
    config: Path | None = None
    """The configuration file; it must exist if it is named here."""
    log_level: str | None = None
    """``debug``, ``info``, ``warning`` or ``error``."""
    log_format: str | None = None
    """``auto``, ``human`` or ``json``."""
    quiet: bool = False
    """Whether the greeting (socket, providers, a curl line) is left out of standard output."""


class SocketSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[socket]``: where the daemon listens, and who may connect."""

    path: str = ""
    """Empty in the file: `hecate.paths.default_socket`."""
    mode: Literal["0600", "0660"] = "0600"
    group: str = ""
    """The group that may connect; needs mode 0660."""


class DataSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[data]``: where everything that is recorded lies."""

    dir: str = ""
    """Empty in the file: `hecate.paths.default_data_dir`."""


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[log]``: what goes to standard error."""

    level: LogLevel = "info"
    format: LogFormat = "auto"
    """``auto``: for people on a terminal, else one JSON object a line."""


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[http]``: the listener on a loopback port, for programs that cannot use a Unix socket."""

    listen: str = ""
    """Such as ``127.0.0.1:11500``; empty: there is none."""
    token: str = ""
    """What a caller must show."""
    token_file: str = ""
    """A file with the token; without either, a token is made and kept in the data directory."""


class LifecycleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[lifecycle]``: whether the order of the processes is advice or law."""

    gates: Literal["advice", "strict"] = "advice"


class Configuration(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set.  As `load` gives it, no path is empty or relative."""

    socket: SocketSettings = SocketSettings()
    access: AccessSettings = AccessSettings()
    audit: AuditSettings = AuditSettings()
    data: DataSettings = DataSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    lifecycle: LifecycleSettings = LifecycleSettings()
    jobs: JobSettings = JobSettings()
    workspaces: WorkspaceSettings = WorkspaceSettings()
    generate: GenerateSettings = GenerateSettings()
    deploy: DeploySettings = DeploySettings()
    monitoring: MonitorSettings = MonitorSettings()
    llm: LlmSettings = LlmSettings()
    local: LocalSettings = LocalSettings()
    usage: UsageSettings = UsageSettings()
    budgets: BudgetSettings = BudgetSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    geo: GeoSettings = GeoSettings()
    mesh: MeshSettings = MeshSettings()
    providers: dict[str, ProviderSettings] = field(default_factory=dict)

    @property
    def socket_path(self) -> Path:
        """Where the daemon listens."""
        return Path(self.socket.path)

    @property
    def data_dir(self) -> Path:
        """Where the database lies."""
        return Path(self.data.dir)


def load(options: ServeOptions) -> Configuration:
    """Read the configuration file, if there is one, and lay the environment and *options* over it.

    Raises:
        ConfigurationWrong: A file that was named is missing or cannot be read, is no TOML, has
            an unknown key or a value of the wrong kind; the message names the file and the key.
    """
    file = config_file(options)
    found = {} if file is None else _read(file)
    log = found.setdefault("log", {})
    if isinstance(log, dict):
        log |= {key: value for key, value in _log_options(options).items() if value is not None}
    try:
        configuration = msgspec.convert(found, Configuration)
    except msgspec.ValidationError as exc:
        where = "command line" if file is None else str(file)
        raise ConfigurationWrong(f"{where}: {wrong_key.explain(str(exc), found, Configuration)}") from exc
    _check_together(configuration, file)
    return _with_paths(configuration, options, file)


def config_file(options: ServeOptions) -> Path | None:
    """Return the file to read: ``--config``, ``HECATE_CONFIG``, or the default place if there is one.

    Raises:
        ConfigurationWrong: There is no default place, because the user has no home directory.
    """
    named = options.config or os.environ.get("HECATE_CONFIG")
    if named:
        return Path(named).expanduser().absolute()
    default = _default("configuration file", paths.default_config)
    return default if default.exists() else None


def exposed_file(options: ServeOptions, configuration: Configuration) -> Path | None:
    """Return the configuration file if it holds keys and others may read it."""
    file = config_file(options)
    keys = (configuration.http.token, *(provider.api_key for provider in configuration.providers.values()))
    others_read = file is not None and file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    return file if any(keys) and others_read else None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigurationWrong(f"cannot read the configuration {file}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationWrong(f"{file} is not TOML: {exc}") from exc


def _log_options(options: ServeOptions) -> dict[str, str | None]:
    return {"level": options.log_level, "format": options.log_format}


def _check_together(configuration: Configuration, file: Path | None) -> None:
    """Refuse settings that are sound alone and contradict each other."""
    socket = configuration.socket
    if (socket.mode == "0660") != bool(socket.group):
        raise ConfigurationWrong(f'{file}: socket.mode "0660" and socket.group go together; only one of them is set')
    http = configuration.http
    if http.token and http.token_file:
        raise ConfigurationWrong(f"{file}: only one of http.token and http.token_file may be set")
    if http.listen:
        try:
            LoopbackAddress.parse(http.listen)
        except ValueError as exc:
            raise ConfigurationWrong(f"{file}: http.listen {exc}") from exc


def _with_paths(configuration: Configuration, options: ServeOptions, file: Path | None) -> Configuration:
    socket, data = configuration.socket, configuration.data
    socket_path = (
        options.socket
        or _from_environment("HECATE_SOCKET")
        or _from_file("socket.path", socket.path, file)
        or _default("socket", paths.default_socket)
    )
    data_dir = (
        options.data_dir
        or _from_environment("HECATE_DATA_DIR")
        or _from_file("data.dir", data.dir, file)
        or _default("data directory", paths.default_data_dir)
    )
    templates = _from_file("generate.templates", configuration.generate.templates, file) or _templates_beside(file)
    token_file = _from_file("http.token_file", configuration.http.token_file, file)
    releases = _from_file("deploy.dir", configuration.deploy.dir, file)
    models = _from_file("local.folder", configuration.local.folder, file)
    geo_database = _from_file("geo.database", configuration.geo.database, file)
    return replace(
        configuration,
        socket=replace(socket, path=str(socket_path.absolute())),
        data=replace(data, dir=str(data_dir.absolute())),
        generate=replace(configuration.generate, templates=str(templates or "")),
        http=replace(configuration.http, token_file=str(token_file or "")),
        deploy=replace(configuration.deploy, dir=str(releases or "")),
        local=replace(configuration.local, folder=str(models or data_dir.absolute() / MODELS_FOLDER)),
        geo=replace(configuration.geo, database=str(geo_database or "")),
    )


def _templates_beside(file: Path | None) -> Path | None:
    """Return ``templates`` beside the configuration file, or beside where one would be; None: there is no place."""
    try:
        return (file or paths.default_config()).with_name("templates")
    except RuntimeError:
        return None


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser() if value else None


def _from_file(key: str, value: str, file: Path | None) -> Path | None:
    if not value:
        return None
    path = Path(value).expanduser()
    if not path.is_absolute():
        # Relative to what: the file, or wherever the daemon was started from?
        raise ConfigurationWrong(f"{file}: {key} must be an absolute path or begin with ~, and is {value!r}")
    return path


def _default(what: str, place: Any) -> Path:
    try:
        found: Path = place()
    except RuntimeError as exc:
        raise ConfigurationWrong(f"this user has no home directory, so the {what} must be named") from exc
    return found
