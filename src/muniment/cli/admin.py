"""`muniment admin`."""

import sys
from pathlib import Path

import click

from muniment.cli.terminal import NO, Terminal, json_option
from muniment.client.settings import Settings
from muniment.server.embedded import compare_directory, rebuild_directory


@click.group()
def admin() -> None:
    """Mend and maintain a registry."""


@admin.command()
@click.option("--check", is_flag=True, help="Compare only, change nothing: exit 0 or 1.")
@json_option
@click.pass_obj
def rebuild(terminal: Terminal, *, check: bool) -> None:
    """Replay the log into fresh tables and swap them in; with --check, name each row that differs."""
    root = Path(terminal.location or Settings.read().location)
    if not check:
        count = rebuild_directory(root)
        terminal.answer({"entries": count}, [f"rebuilt from {count} entries of the log"])
        return
    differences = compare_directory(root)
    terminal.answer(
        [
            {"table": d.table, "key": list(d.key), "columns": list(d.columns), "message": str(d)}
            for d in differences
        ],
        [str(d) for d in differences] or ["every row is what the log says"],
    )
    if differences:
        sys.exit(NO)
