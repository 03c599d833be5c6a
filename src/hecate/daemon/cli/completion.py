"""``hecate completion``: the Tab key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from hecate.daemon.cli.command_folder import command

SHELLS = ("bash", "zsh", "fish")


@command(
    "completion",
    examples=(
        "hecate completion bash > ~/.local/share/bash-completion/completions/hecate",
        "hecate completion zsh > ~/.zfunc/_hecate",
        "hecate completion fish > ~/.config/fish/completions/hecate.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that completes commands and names."""
    click.echo(script(shell))


def script(shell: str) -> str:
    """Return what *shell* is to read: it asks ``hecate`` itself, and so need not be renewed with it."""
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    return kind(click.Command("hecate"), {}, "hecate", "_HECATE_COMPLETE").source()


CLI = completion
