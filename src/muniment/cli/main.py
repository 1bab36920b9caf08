"""The command `muniment`, which loads a subcommand only to run it."""

import gc
import importlib
import os
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import click

from muniment import __version__
from muniment.cli.commands import ALIASES, COMMANDS, GROUPS
from muniment.cli.pipes import ending_quietly
from muniment.cli.terminal import FilePath, Terminal

# Loading a command allocates much and frees little: early garbage collection would cost a tenth of its time.
_GC_THRESHOLD: Final = 100_000
# The variable by which a shell asks for completions.
_COMPLETING: Final = "_MUNIMENT_COMPLETE"


class _Commands(click.Group):
    """A group that imports a command's module only to run the command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        entry = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        command = getattr(importlib.import_module(f"muniment.cli.{module}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        width = max(map(len, COMMANDS))
        for group, commands in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(name.ljust(width), entry.line) for name, entry in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Suggest commands and options; click's own way would load every command."""
        commands = importlib.import_module("muniment.cli.completion").suggest_commands(incomplete)
        return [*commands, *super(click.Group, self).shell_complete(ctx, incomplete)]

    def main(self, *args: Any, **extra: Any) -> Any:  # noqa: ANN401 - click's signature
        if _COMPLETING in os.environ:
            # It tells click how bash asks.
            importlib.import_module("muniment.cli.completion")
        with ending_quietly():
            return super().main(*args, **extra)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> click.Context:
        # It prints the help.
        with ending_quietly():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with ending_quietly():
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.NoSuchCommand as error:
            raise importlib.import_module("muniment.cli.refusals").leave_out_far_misses(error) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params["traceback"]:
                raise
            refusals = importlib.import_module("muniment.cli.refusals")
            sys.exit(refusals.refuse(error, as_json=ctx.ensure_object(Terminal).as_json))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="muniment")
@click.option(
    "--registry", metavar="LOCATION", help="The registry to use [MUNIMENT_URL, or ./muniment-data]."
)
@click.option(
    "--identity", type=FilePath(), metavar="FILE", help="The private key to sign with [MUNIMENT_IDENTITY]."
)
@click.option(
    "--read-only",
    is_flag=True,
    help="Change nothing, and allow an older copy of a registry [MUNIMENT_READ_ONLY].",
)
@click.option("--traceback", is_flag=True, help="Show the traceback of an internal error.")
@click.pass_context
def main(
    ctx: click.Context,
    registry: str | None,
    identity: Path | None,
    *,
    read_only: bool,
    traceback: bool,  # noqa: ARG001 - read on refusal
) -> None:
    """Muniment: a model registry that can prove every answer it gives.

    Exit codes: 0 done, 1 the answer is no, 2 bad usage or input, 3 refused, 4 not found,
    5 unavailable, 70 a bug.
    """
    gc.set_threshold(_GC_THRESHOLD)
    # Commands say it in their own way.
    warnings.filterwarnings("ignore", message="no policy guards ")
    ctx.obj = Terminal(location=registry, identity=identity, read_only=read_only)
