"""`muniment tag`."""

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.session import connect, refuse_at
from muniment.cli.terminal import Terminal, at_option, json_option
from muniment.core.errors import InvalidOption


@click.command()
@click.argument("reference", type=REFERENCE)
@click.argument("tags", nargs=-1, metavar="[NAME=TEXT | NAME-]...")
@at_option
@json_option
@click.pass_obj
def tag(terminal: Terminal, reference: str, tags: tuple[str, ...], at: str | None) -> None:
    """Set, remove and list the tags of a version.

    NAME=TEXT sets a tag, NAME- removes it. Without either, list the tags.
    """
    with connect(terminal) as registry:
        version = registry.version(reference, at=at)
        for one in tags:
            refuse_at(at)
            name, separator, text = one.partition("=")
            if not separator and not one.endswith("-"):
                raise InvalidOption(option=one, reason="expected NAME=TEXT or NAME-")
            version.tag(name if separator else one[:-1], text if separator else None)
        current = version.tags()
    terminal.note_none(current, f"no tags on {version}: set one with muniment tag {version} NAME=TEXT")
    terminal.answer(current, [f"{name}={text}" for name, text in current.items()])
