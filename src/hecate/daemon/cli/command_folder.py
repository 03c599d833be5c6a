"""Commands, found by folder: a file that has a ``CLI`` is a command of the group that the folder is."""

from __future__ import annotations

import importlib
import keyword
import pkgutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import click
import msgspec

from hecate.client import HecateClientError
from hecate.daemon.cli.exit_codes import INTERRUPTED, PIPE_CLOSED, exit_code
from hecate.daemon.cli.session import Session, session_options


class Command(click.Command):
    """A command that takes the session's options and shows examples in its help.

    Args:
        examples: Command lines, each of which works as it is.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.examples = tuple(examples)
        self.params.extend(session_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the examples last, where they are still in sight."""
        _show_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class CommandFolder(click.Group):
    """A group whose commands are the modules of a package.

    Only the module of the command that is called is imported, so that a start does not become slower with each command.

    Args:
        package: The package's name.
        examples: Command lines, each of which works as it is.
    """

    def __init__(self, *args: Any, package: str, examples: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.package = package
        self.examples = tuple(examples)
        self.params.extend(session_options())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in order."""
        names = (module.rstrip("_").replace("_", "-") for module in self._modules())
        return sorted(name for name in names if self.get_command(ctx, name) is not None)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None if no file of the folder has it."""
        del ctx
        module = cmd_name.replace("-", "_")
        if keyword.iskeyword(module):
            module += "_"  # no module can be called ``import``
        if "_" in cmd_name or module not in self._modules():
            return None
        found: click.Command | None = getattr(importlib.import_module(f"{self.package}.{module}"), "CLI", None)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with; of one that does not exist, say which are spelt alike."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := get_close_matches(args[0], self.list_commands(ctx), n=2, cutoff=0.7):
                raise click.UsageError(f"{error.message} Did you mean {' or '.join(near)}?", error.ctx) from None
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the examples last, where they are still in sight."""
        _show_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)

    def _modules(self) -> set[str]:
        return {module.name for module in pkgutil.iter_modules(sys.modules[self.package].__path__)}


class Root(CommandFolder):
    """The whole command line: it turns what goes wrong into a sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except HecateClientError as error:
            raise _Failure(error, ctx.ensure_object(Session)) from error
        except (KeyboardInterrupt, click.Abort):
            # click makes an Abort of Ctrl-C, and of Ctrl-D, at a question.
            click.echo(err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            ctx.exit(PIPE_CLOSED)


class _Failure(click.ClickException):
    """A `HecateClientError`, printed as a sentence for people and as the daemon's envelope for scripts."""

    def __init__(self, error: HecateClientError, session: Session) -> None:
        super().__init__(error.message)
        self.error = error
        self.session = session
        self.exit_code = exit_code(error)  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: Any = None) -> None:
        """Print the error."""
        del file
        output = self.session.output
        if self.session.as_json:
            # Nobody reads it any more, and the exit code still says it.
            with suppress(BrokenPipeError):
                output.raw(msgspec.json.encode(self.error.envelope()))
            return
        output.note(self.error.message, word="Error:", colour="red")
        possible = ", ".join(self.error.available_actions)
        if possible and possible not in self.error.message:
            output.note(f"possible now: {possible}")


def command(name: str, *, examples: Sequence[str], **attributes: Any) -> Callable[[Callable[..., None]], Command]:
    """Make a function the command *name*; its docstring is the help, *examples* are shown below it."""
    return click.command(name, cls=Command, examples=examples, **attributes)


def _show_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")
