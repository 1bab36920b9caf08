"""`muniment serve`."""

import gc
from pathlib import Path

import click

from muniment.core.extras import load_extra


@click.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", help="The address to listen on [MUNIMENT_HOST, or 127.0.0.1].")
@click.option("--port", type=int, help="The port to listen on [MUNIMENT_PORT, or 8000].")
def serve(directory: Path | None, *, host: str | None, port: int | None) -> None:
    """Serve a registry to a team.

    DIRECTORY (./muniment-data) holds database, blobs and keys, unless MUNIMENT_DATABASE and
    MUNIMENT_BLOBS name other stores. The first start prints how its admin signs in. All settings are
    in docs/reference/settings.md.
    """
    # What is loaded stays: to look for garbage in it, again and again, takes a tenth of the start.
    gc.disable()
    load_extra("granian", "granian", extra="server")
    settings = load_extra("muniment.server.settings", "pydantic-settings", extra="server")
    serving = load_extra("muniment.server.serving", "granian", extra="server")
    gc.freeze()
    gc.enable()
    serving.serve(settings.ServerSettings.load(data=directory, host=host, port=port))
