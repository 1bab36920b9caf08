"""`muniment serve`."""

import gc
import os
from pathlib import Path

import click

from muniment.cli.terminal import FilePath, Terminal
from muniment.cli.writing import check_writable
from muniment.core.extras import load_extra


@click.command()
@click.argument("directory", required=False, type=FilePath(file_okay=False))
@click.option("--host", help="The address [MUNIMENT_HOST, or 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port [MUNIMENT_PORT, or 8000].")
@click.pass_obj
def serve(terminal: Terminal, directory: Path | None, *, host: str | None, port: int | None) -> None:
    """Serve a registry over HTTP.

    DIRECTORY (./muniment-data by default) holds the database, the blobs and the keys, unless
    MUNIMENT_DATABASE and MUNIMENT_BLOBS name other stores. The first start prints a link for its admin to
    sign in. docs/reference/settings.md lists all settings.
    """
    check_writable(terminal, directory or os.environ.get("MUNIMENT_DATA") or "muniment-data")
    # Loaded modules stay alive: searching them for garbage would take a tenth of the start.
    gc.disable()
    load_extra("granian", "granian", extra="server")
    settings = load_extra("muniment.server.settings", "pydantic-settings", extra="server")
    serving = load_extra("muniment.server.serving", "granian", extra="server")
    gc.freeze()
    gc.enable()
    serving.serve(settings.ServerSettings.load(data=directory, host=host, port=port))
