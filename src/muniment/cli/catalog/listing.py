"""`muniment list`, `identify`, `history` and `diff`."""

import sys

import click

from muniment.cli.completing import NAME, REFERENCE
from muniment.cli.session import connect
from muniment.cli.terminal import NO, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.versions.identifying import show_identified

_limit = click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="The most rows."
)


@click.command("list")
@click.argument("query", type=NAME, default="")
@_limit
@output_option
@at_option
@json_option
@click.pass_obj
def list_(terminal: Terminal, query: str, *, limit: int, output: str | None, at: str | None) -> None:
    """List models, the versions of a model, or search results.

    Without QUERY, list all models. With the beginning of a name, list the models that match; with a whole
    name, list its versions. With a condition, list the versions that meet it: 'metric.auc > 0.9 and
    param.depth = 6 order by created' (docs/reference/search.md). Models of a namespace and versions are
    listed whole, which is proven; namespaces and search results are found, and there may be more.
    """
    with connect(terminal) as registry:
        answer_view(terminal, registry.overview(query, limit=limit, at=at), output=output)


@click.command()
@click.argument("name", type=NAME)
@_limit
@output_option
@at_option
@json_option
@click.pass_obj
def log(terminal: Terminal, name: str, *, limit: int, output: str | None, at: str | None) -> None:
    """Show the versions of a model, newest first.

    For each version: its message, author, commit and headline metric, and the aliases that point at it.
    """
    with connect(terminal) as registry:
        answer_view(terminal, registry.log(name, limit=limit, at=at), output=output)


@click.command()
@click.argument("what", metavar="PATH|DIGEST")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="The most versions to print."
)
@full_option
@output_option
@json_option
@click.pass_obj
def identify(terminal: Terminal, what: str, *, limit: int, full: bool, output: str | None) -> None:
    """Find the versions that a file belongs to.

    Takes a file, a directory or a digest (sha256:...). Each match is proven by the log, but there may be
    more. Exit 0 if every file is known, 1 if one is not.
    """
    with connect(terminal) as registry:
        identified = registry.identify(what, limit=limit)
        view = show_identified(registry.session.backend, what, identified)
    answer_view(terminal, view, full=full, output=output)
    if identified.unknown:
        sys.exit(NO)


@click.command()
@click.argument("reference", type=REFERENCE, metavar="NAME[@ALIAS]")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def history(terminal: Terminal, reference: str, *, full: bool, output: str | None, at: str | None) -> None:
    """Show the moves of an alias.

    With a model's name alone, show the moves of all its aliases: who moved what, when and why.
    """
    name, _, alias = reference.partition("@")
    with connect(terminal) as registry:
        view = registry.view_history(name, alias or None, at=at)
    answer_view(terminal, view, full=full, output=output)


@click.command()
@click.argument("before", type=REFERENCE)
@click.argument("after", type=REFERENCE)
@click.option(
    "--norms", is_flag=True, help="Measure how much each changed tensor changed; reads the tensors."
)
@full_option
@json_option
@click.pass_obj
def diff(terminal: Terminal, before: str, after: str, *, norms: bool, full: bool) -> None:
    """Show what changed between two versions.

    Compares files, tensors, training, metrics, cards and signers.
    """
    with connect(terminal) as registry:
        view = registry.view_diff(before, after, norms=norms)
    answer_view(terminal, view, full=full)
