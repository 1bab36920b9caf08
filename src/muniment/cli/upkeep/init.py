"""`muniment init`."""

import click

from muniment.cli.terminal import Terminal, json_option
from muniment.cli.writing import check_writable
from muniment.client.connection.locations import is_remote
from muniment.client.connection.settings import Settings
from muniment.client.sdk.opening import open as open_registry
from muniment.core.errors import InvalidOption, RegistryExists, RegistryNotFound


@click.command()
@click.argument("directory", required=False)
@json_option
@click.pass_obj
def init(terminal: Terminal, directory: str | None) -> None:
    """Create a registry in a directory.

    DIRECTORY is --registry, MUNIMENT_URL or ./muniment-data by default. You become its admin, with your key
    or a new one that is kept in it. A push to ./muniment-data creates a registry there, if there is none.
    """
    location = terminal.location or Settings.read().location if directory is None else directory
    check_writable(terminal, location)
    if is_remote(location):
        reason = "is a server: a registry is created where it is stored, with muniment serve"
        raise InvalidOption(option=location, reason=reason)
    try:
        open_registry(location, identity=terminal.identity).close()
    except RegistryNotFound:
        with open_registry(location, identity=terminal.identity, create=True) as registry:
            me = registry.people.me()
    else:
        raise RegistryExists(location=location)
    (key,) = me.keys
    terminal.answer(
        {"location": location, "principal": me.record.id, "name": me.name, "key": key.id},
        [f"created a registry in {location}", f"its admin is {me.name}, with the key {key.id:.16}"],
    )
