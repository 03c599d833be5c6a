"""What bounds the jobs of this daemon: its configuration, and what of its own files a sandbox must not show."""

from __future__ import annotations

from pathlib import Path

from hecate import paths
from hecate.child_processes.confinement import Confinement
from hecate.daemon.config import Configuration


def confinement_of(configuration: Configuration) -> Confinement:
    """Return what bounds child processes under *configuration*."""
    http, llm = configuration.http, configuration.llm
    files = [file for file in (http.token_file, llm.environment_file) if file]
    files += [provider.api_key_file for provider in configuration.providers.values() if provider.api_key_file]
    own = (
        configuration.data_dir,
        configuration.socket_path.parent,
        paths.SYSTEM_CONFIGURATION_DIRECTORY,
        *(Path(file).expanduser() for file in files),
    )
    return configuration.jobs.confinement(own)
